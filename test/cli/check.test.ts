import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

interface Checked {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly ok: boolean;
    readonly what: string;
    readonly name: string;
    readonly message: string;
    readonly next?: string;
    readonly unsupported?: readonly string[];
  }[];
}
async function check(): Promise<{ status: number | null; checked: Checked }> {
  const { status, stdout } = await bench.run('check', '--json');
  return { status, checked: JSON.parse(stdout) as Checked };
}

describe('concordat check', () => {
  it('is exit 0 when all is well, and changes nothing anywhere', async () => {
    const { status, checked } = await check();
    expect(checked.checks.map(({ ok, what, name }) => [ok, what, path.basename(name)])).toEqual([
      [true, 'configuration', 'concordat.yaml'],
      [true, 'database', 'concordat.db'],
      [true, 'connection', 'room'],
      [true, 'connection', 'site'],
      [true, 'connection', 'site2'],
      [true, 'sync', 'room'],
      [true, 'sync', 'site'],
    ]);
    expect({ status, ok: checked.ok }).toEqual({ status: 0, ok: true });
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
    expect([...bench.site.requests, ...bench.room.requests].filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it.each([
    [401, /the token is refused: set connections\.site\.token/],
    [403, /lack a permission: give them the scope or role for GET \/api\/v2\/admin\/contacts \(.*\)/],
    [404, /is http.* the address of this CRM’s API\?/],
  ])('tells %i from other trouble, and what to do', async (code, next) => {
    bench.site.faults.status = { code, times: 100 };
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.ok).toBe(false);
    expect(checked.checks.find(({ name }) => name === 'site')?.next).toMatch(next);
    expect(checked.checks.find(({ name }) => name === 'room')?.ok).toBe(true);
  });

  it('does not take a web page for an API', async () => {
    bench.site.faults.garble = { how: 'html', times: 100 };
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.checks.find(({ name }) => name === 'site')).toMatchObject({ ok: false });
    expect(checked.checks.find(({ name }) => name === 'site')?.next).toMatch(/the address of this CRM’s API/);
  });

  it('names a CRM that is not there', async () => {
    await bench.room.close();
    const { status, checked } = await check();
    expect(status).toBe(1);
    expect(checked.checks.find(({ name }) => name === 'room')?.next).toMatch(/right, and reachable from here\?/);
  });

  it('prints a line for each, with what to do below', async () => {
    bench.site.faults.refuseToken = true;
    const { stdout } = await bench.run('check');
    expect(stdout).toMatch(/^ok {3}connection room: ConeCRM answers at/m);
    expect(stdout).toMatch(/^FAIL connection site: /m);
    expect(stdout).toMatch(/^ {5}→ the token is refused/m);
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });
});

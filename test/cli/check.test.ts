import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench, person } from './harness.ts';

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

  it('looks through the whole of the database, and says what to do where it is damaged or foreign', async () => {
    for (let n = 1; n <= 60; n += 1) bench.site.people.add('contact', person(n).site);
    await bench.run('sync');
    const file = path.join(bench.folder, 'concordat.db');
    const database = async () => (await check()).checked.checks.find(({ what }) => what === 'database');
    expect(await database()).toMatchObject({ ok: true, message: 'sound, and writable' });
    const sound = await readFile(file);
    await writeFile(file, Buffer.from(sound).fill(0xff, 8192 * 5, 8192 * 6));
    expect(await database()).toMatchObject({ ok: false, next: expect.stringContaining('docs/restore.md') });
    await writeFile(file, 'no database');
    expect(await database()).toMatchObject({
      ok: false,
      message: expect.stringContaining('is not an SQLite database'),
    });
    expect((await readFile(file)).toString()).toBe('no database');
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

  describe('of a sync that makes leads at a ConeCRM', () => {
    const ids = {
      department: '0190a000-0000-7000-8000-0000000000d1',
      source: '0190a000-0000-7000-8000-0000000000c1',
      franchise: '0190a000-0000-7000-8000-0000000000f1',
    };
    async function leadsBetween(direction: string, options: Readonly<Record<string, string>>): Promise<void> {
      const room = `connector: conecrm, baseUrl: "${bench.room.url}", token: \${ROOM_TOKEN}`;
      await writeFile(
        path.join(bench.folder, 'concordat.yaml'),
        `store: { sqlite: ./concordat.db }
connections:
  room: { ${room}, options: ${JSON.stringify(options)} }
  floor: { ${room}, options: ${JSON.stringify(ids)} }
syncs:
  chances: { entity: lead, members: { floor: both, room: ${direction} } }
`,
      );
      const contact = bench.room.people.add('contact', { firstName: 'Zoé' });
      bench.room.people.add('lead', { subject: 'Essai', contact: { id: contact }, source: { id: ids.source } });
    }

    it('fails where ids are missing that it needs, and says where they are found', async () => {
      await leadsBetween('both', { department: ids.department });
      const { status, checked } = await check();
      const missing = checked.checks.filter(({ name, ok }) => name === 'room' && !ok);
      expect(missing.map(({ message }) => message)).toEqual([
        'no lead can be made there without options source, franchise',
      ]);
      expect(missing[0]?.next).toContain('set connections.room.options');
      expect(missing[0]?.next).toContain('concordat call CONNECTION _get_contact_open_leads');
      expect(missing[0]?.next).toContain(`leads there have source ${ids.source}`);
      expect(checked.checks.find(({ name }) => name === 'chances/room')?.unsupported).toEqual(
        expect.arrayContaining([expect.stringMatching(/^create: options\.source, options\.franchise must be given/)]),
      );
      expect(status).toBe(1);
    });

    it('is well where they are given, and does not ask for them where leads are only read', async () => {
      await leadsBetween('both', ids);
      const well = await check();
      expect(well.status).toBe(0);
      expect(well.checked.checks.map(({ message }) => message)).toContain(
        'options.source is that of leads which are there',
      );
      await leadsBetween('read', {});
      expect((await check()).status).toBe(0);
    });

    it('is a fault of the configuration where leads could only be written, and are not', async () => {
      await leadsBetween('write', {});
      const { status, stderr } = await bench.run('check');
      expect(status).toBe(2);
      expect(stderr).toMatch(
        /ConeCRM cannot be written leads \(options\.department, options\.source, options\.franchise/,
      );
    });
  });
});

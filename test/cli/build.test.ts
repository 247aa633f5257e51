import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type Bench, concordat, openBench, person } from './harness.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = `${root}${manifest.bin.concordat}`;

let bench: Bench;
beforeAll(async () => {
  execFileSync('npm', ['run', '-s', 'build'], { cwd: root });
  bench = await openBench();
}, 120_000);
afterAll(() => bench.close());

describe('what `npm run build` makes', () => {
  it('knows its version', async () => {
    expect(await concordat(['--version'], { main })).toMatchObject({ status: 0, stdout: `${manifest.version}\n` });
  });

  it('makes its database and syncs', async () => {
    bench.room.people.add('contact', person(1).room);
    const { status, stderr } = await concordat(['sync'], { main, directory: bench.folder });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(bench.site.people.all('contact')).toHaveLength(1);
  });
});

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { findRedisServer } from '../../src/queue/bull/redis-server.ts';
import { type Bench, openBench, person, start } from './harness.ts';
import { crmNames, openBed } from './worker-bed.ts';

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
    expect(await start(['--version'], { main }).ended).toMatchObject({ status: 0, stdout: `${manifest.version}\n` });
  });

  it('makes its database and syncs', async () => {
    bench.room.people.add('contact', person(1).room);
    const { status, stderr } = await start(['sync'], { main, directory: bench.folder }).ended;
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(bench.site.people.all('contact')).toHaveLength(1);
  });

  it.skipIf(!findRedisServer(process.env.PATH))(
    'starts as a worker, dashboard and all',
    { timeout: 120_000 },
    async () => {
      const bed = await openBed({ main });
      try {
        bed.enter(1);
        const worker = bed.start();
        await bed.until('one person in every CRM', () => crmNames.every((crm) => bed.count(crm) === 1));
        const page = await (await fetch(bed.dashboard)).text();
        const [style] = /[^"]+\.css[^"]*/.exec(page) ?? [];
        expect(style).toBeDefined();
        expect((await fetch(new URL(style!, bed.dashboard))).status).toBe(200);
        worker.kill('SIGTERM');
        expect(await worker.ended).toMatchObject({ status: 0 });
      } finally {
        await bed.close();
      }
    },
  );
});

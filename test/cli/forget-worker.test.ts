import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { findRedisServer } from '../../src/queue/bull/redis-server.ts';
import { type Bed, crmNames, openBed } from './worker-bed.ts';

// Several processes start, each in a second or two on a machine that is not busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let bed: Bed;
afterEach(() => bed.close());

/** Files of the database, and of the Redis beside it, in which an address stands. */
function filesWith(text: string): readonly string[] {
  const files = readdirSync(bed.folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.includes('.db'));
  return files.filter((file) => {
    try {
      return readFileSync(path.join(bed.folder, file)).includes(text);
    } catch {
      // A folder, or a socket.
      return false;
    }
  });
}

it.skipIf(!findRedisServer(process.env.PATH))(
  'forget works beside the worker, which does not learn it again',
  async () => {
    bed = await openBed();
    for (const n of [1, 2]) bed.enter(n);
    const worker = bed.start();
    await bed.until('two people in every CRM', () => crmNames.every((crm) => bed.count(crm) === 2));
    expect(filesWith('p1@example.com').length).toBeGreaterThan(0);
    const id = bed.move('site', 1, 'Delft');
    const { status, stderr } = await bed.start(['forget', `site:${id}`, '--yes']).ended;
    expect({ status, stderr: stderr.replaceAll(/.*waiting for it\n/g, '') }).toEqual({ status: 0, stderr: '' });
    expect(filesWith('p1@example.com')).toEqual([]);
    // A webhook about the forgotten one, then one about somebody else: what follows from the first came before.
    expect(await bed.tell('site', id)).toBe(202);
    expect(await bed.tell('site', bed.move('site', 2, 'Hoorn'))).toBe(202);
    await bed.until('what the second webhook told, everywhere', () => bed.cityOf('room', 2) === 'Hoorn');
    expect(crmNames.map((crm) => bed.count(crm))).toEqual([2, 2, 2, 2]);
    expect(bed.cityOf('room', 1)).not.toBe('Delft');
    expect(filesWith('p1@example.com')).toEqual([]);
    worker.kill('SIGTERM');
    expect((await worker.ended).status).toBe(0);
    expect(filesWith('p1@example.com')).toEqual([]);
  },
);

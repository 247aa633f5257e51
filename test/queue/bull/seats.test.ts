import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isOwnerAlive, nameOwner } from '../../../src/owner.ts';
import { openSeats, type SeatKeeper } from '../../../src/queue/bull/seats.ts';
import { crm } from '../../worlds/small.ts';
import { openBed } from './bed.ts';
import { openRedisChild, whyNoRedis } from './redis-child.ts';

const names = ['alpha', 'bravo', 'charlie', 'delta'];
const patience = { timeout: 25_000, interval: 10 };
const away = { address: 'unix:///nowhere/r.sock' };

const idle: SeatKeeper = { begin: () => {}, mayLeave: () => true, leave: async () => {}, stop: () => {} };

describe('seats', () => {
  test('go evenly to as many processes as there are, each to one at a time', async () => {
    const bed = await openBed(
      away,
      names.map((name) => crm(name)),
    );
    onTestFinished(() => bed.close());
    const seated = new Map<string, string>();
    const doubles: string[] = [];
    const keeperOf = (owner: string): SeatKeeper => ({
      ...idle,
      begin(connection) {
        if (seated.has(connection)) doubles.push(`${connection}: ${seated.get(connection)} and ${owner}`);
        seated.set(connection, owner);
      },
      async leave(connection) {
        seated.delete(connection);
      },
    });
    const all = ['one', 'two', 'three'].map((owner) => openSeats(bed.context(owner), names, keeperOf(owner)));
    const counts = () => all.map((seats) => names.filter((name) => seats.has(name)).length).toSorted();
    await vi.waitFor(() => expect(counts()).toEqual([1, 1, 2]), patience);
    await all[0]!.close();
    await vi.waitFor(() => expect(counts()).toEqual([0, 2, 2]), patience);
    await Promise.all(all.map((seats) => seats.close()));
    expect(seated.size).toBe(0);
    expect(doubles).toEqual([]);
    expect(await bed.world.store.leases('')).toEqual([]);
  });

  test('that must not be left stay where they are; one whose lease another process has is given up at once', async () => {
    const bed = await openBed(
      away,
      names.map((name) => crm(name)),
    );
    onTestFinished(() => bed.close());
    const lost: string[] = [];
    const stop = (connection: string) => lost.push(connection);
    const one = openSeats(bed.context('one'), names, { ...idle, mayLeave: () => false, stop });
    await vi.waitFor(() => expect(one.all()).toHaveLength(4), patience);
    const two = openSeats(bed.context('two'), names, idle);
    await vi.waitFor(() => expect(two.all()).toHaveLength(4), patience);
    expect(two.all().map(({ owner }) => owner)).toEqual(['one', 'one', 'one', 'one']);
    // Asleep for too long: its leases have run out, and another process has taken one of them.
    await bed.world.store.release('seat/bravo', 'one#worker');
    await bed.world.store.lease('seat/bravo', 'three#worker', Date.now(), Date.now() + 60_000);
    await vi.waitFor(() => expect(lost).toEqual(['bravo']), patience);
    expect(one.has('bravo')).toBe(false);
    await Promise.all([one.close(), two.close()]);
  });

  test.skipIf(whyNoRedis)('of a killed process are taken over within seconds, and its work is done', async () => {
    const redis = await openRedisChild();
    onTestFinished(() => redis.close());
    const folder = mkdtempSync(join(tmpdir(), 'concordat-seats-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'shared.db');
    const bed = await openBed(
      redis,
      names.map((name) => crm(name)),
      undefined,
      file,
    );
    onTestFinished(() => bed.close());
    const queue = await bed.start(nameOwner(), { isAlive: isOwnerAlive });
    const child = startChild(file, redis.address);
    onTestFinished(() => void child.kill('SIGKILL'));
    await vi.waitFor(
      () =>
        expect(
          queue
            .seats()
            .map(({ here }) => here)
            .toSorted(),
        ).toEqual([false, false, true, true]),
      {
        ...patience,
      },
    );
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    const killedAt = performance.now();
    await vi.waitFor(() => expect(queue.seats().every(({ here }) => here)).toBe(true), patience);
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    const before = (await bed.ended()).length;
    await queue.syncNow('people');
    await vi.waitFor(async () => expect((await bed.ended()).length).toBeGreaterThan(before), patience);
  });
});

function startChild(file: string, address: string): ChildProcess {
  const script = new URL('./seats-child.ts', import.meta.url).pathname;
  return spawn(process.execPath, [script, file, address, names.join(',')], { stdio: 'inherit' });
}

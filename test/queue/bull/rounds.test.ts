import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { disagreements } from '../../worlds/laws.ts';
import { ann, crm } from '../../worlds/small.ts';
import { type Bed, openBed } from './bed.ts';
import { openRedisChild, type RedisChild, whyNoRedis } from './redis-child.ts';

let redis: RedisChild;
const names = ['alpha', 'bravo', 'charlie'];
const patience = { timeout: 25_000, interval: 10 };

/** A world in which Ann is everywhere, and a worker that has nothing to do. */
async function settled() {
  const bed = await openBed(
    redis,
    names.map((name) => crm(name)),
  );
  onTestFinished(() => bed.close());
  bed.world.enter('alpha', 'contact', ann);
  const queue = await bed.start('one');
  await vi.waitFor(async () => expect(await bed.ended()).toHaveLength(1), patience);
  bed.world.forgetCalls();
  return { bed, queue };
}

async function hear(bed: Bed, connection: string, externalId: string): Promise<void> {
  const hints = [{ entity: 'contact', externalId, what: 'changed' }] as const;
  await bed.world.store.receive([{ connection, id: undefined, hints, at: Date.now() }]);
}

const given = (bed: Bed) => names.map((name) => bed.world.crms.get(name)!.holds('contact', `${name}-1`)['name.given']);

describe.skipIf(whyNoRedis)('what a webhook tells', () => {
  beforeAll(async () => {
    redis = await openRedisChild();
  });
  afterAll(() => redis.close());

  test('is read by its id and written to the others, without a listing', async () => {
    const { bed, queue } = await settled();
    bed.world.edit('bravo', 'contact', 'bravo-1', { 'name.given': 'Anna' });
    await hear(bed, 'bravo', 'bravo-1');
    queue.wake();
    await vi.waitFor(() => expect(given(bed)).toEqual(['Anna', 'Anna', 'Anna']), patience);
    expect(names.map((name) => bed.world.crms.get(name)!.calls.list)).toEqual([0, 0, 0]);
    await vi.waitFor(async () => expect(await bed.world.store.openHints()).toEqual([]), patience);
  });

  test('is not forgotten when it comes while the same record is being written', async () => {
    const { bed, queue } = await settled();
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    bed.before = async (connection, verb) => {
      if (connection !== 'charlie' || verb !== 'update') return;
      reached.resolve();
      await go.promise;
    };
    bed.world.edit('alpha', 'contact', 'alpha-1', { 'name.given': 'Anna' });
    await hear(bed, 'alpha', 'alpha-1');
    queue.wake();
    await reached.promise;
    // Now and again, many times over: one push writes the newest.
    for (let n = 1; n <= 5; n += 1) {
      bed.world.edit('alpha', 'contact', 'alpha-1', { 'name.given': `Annabel ${n}` });
      await hear(bed, 'alpha', 'alpha-1');
      queue.wake();
      await wait(20);
    }
    go.resolve();
    await vi.waitFor(() => expect(given(bed)).toEqual(['Annabel 5', 'Annabel 5', 'Annabel 5']), patience);
    await vi.waitFor(async () => expect(await bed.world.store.openHints()).toEqual([]), patience);
    expect(bed.world.crms.get('charlie')!.writes.length).toBeLessThanOrEqual(3);
    expect(bed.collisions).toEqual([]);
    expect(await disagreements(bed.world, 'contact')).toEqual([]);
  });

  test('waits in the store while Redis is away, and is done when it is back, empty', async () => {
    const { bed, queue } = await settled();
    await redis.stop();
    await vi.waitFor(() => expect(queue.awaySince).toBeDefined(), patience);
    bed.world.edit('bravo', 'contact', 'bravo-1', { 'name.given': 'Anna' });
    await hear(bed, 'bravo', 'bravo-1');
    queue.wake();
    await wait(300);
    expect(given(bed)).toEqual(['Ann', 'Anna', 'Ann']);
    await redis.start();
    await vi.waitFor(() => expect(given(bed)).toEqual(['Anna', 'Anna', 'Anna']), patience);
  });
});

import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { pushQueue } from '../../../src/queue/bull/names.ts';
import { ann, both, crm, written } from '../../worlds/small.ts';
import { farAway, openBed } from './bed.ts';
import { openRedisChild, type RedisChild, whyNoRedis } from './redis-child.ts';

let redis: RedisChild;

describe.skipIf(whyNoRedis)('a job that somebody else has put into Redis', () => {
  beforeAll(async () => {
    redis = await openRedisChild();
  });
  afterAll(() => redis.close());

  it('writes nothing that a guard holds back', async () => {
    const limits = { deletes: { count: 0 }, overwrites: { count: 0 }, blankings: { count: 0 } };
    const syncs = [both(['alpha', 'bravo'], { schedule: farAway, limits })];
    const bed = await openBed(redis, [crm('alpha'), crm('bravo')], syncs);
    onTestFinished(() => bed.close());
    const { store } = bed.world;
    const id = bed.world.enter('alpha', 'contact', ann);
    const worker = await bed.start('one');
    const cycles = async (count: number) =>
      await vi.waitFor(async () => expect(await bed.ended()).toHaveLength(count), { timeout: 25_000, interval: 10 });
    await cycles(1);
    bed.world.edit('alpha', 'contact', id, { 'name.given': 'Somebody else' });
    await worker.syncNow('people');
    await cycles(2);
    const [held] = await store.held();
    expect(held).toMatchObject({ connection: 'bravo', what: 'overwrite' });
    const updates = () => written(bed.world).filter((line) => line.startsWith('bravo update'));
    expect(updates()).toEqual([]);

    const connection = new Redis(redis.socket, { maxRetriesPerRequest: null });
    const [key = ''] = await connection.keys(`concordat-*:${pushQueue('bravo')}:*`);
    const queue = new Queue(pushQueue('bravo'), { connection, prefix: key.split(':')[0]! });
    onTestFinished(async () => {
      await queue.close();
      connection.disconnect();
    });
    const records = [{ id: held!.recordId, attempts: 0 }];
    const order = { sync: 'people', connection: 'bravo', run: 'forged', records, pastGuards: true };
    const job = await queue.add('push', { asker: 'one', order });
    await vi.waitFor(async () => expect(await job.getState()).toBe('completed'), { timeout: 10_000, interval: 20 });
    expect((await queue.getJob(job.id!))?.returnvalue).toMatchObject({ result: { guarded: 1 } });
    expect(updates()).toEqual([]);
  });
});

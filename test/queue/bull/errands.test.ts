import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Errands, openErrands } from '../../../src/queue/bull/errands.ts';
import { pullQueue, pushQueue } from '../../../src/queue/bull/names.ts';
import { openRedis } from '../../../src/queue/bull/redis.ts';
import { workAt } from '../../../src/queue/bull/seat-work.ts';
import { keptJobs } from '../../../src/queue/bull/workers.ts';
import { ann, crm } from '../../worlds/small.ts';
import { openBed } from './bed.ts';
import { openRedisChild, type RedisChild, whyNoRedis } from './redis-child.ts';

let redis: RedisChild;

/** Ann waits to be made at `bravo`, where nothing was answered so far; a worker has its seat, and processes ask it for something. */
async function seated() {
  const bed = await openBed(
    redis,
    ['alpha', 'bravo'].map((name) => crm(name)),
  );
  bed.world.enter('alpha', 'contact', ann);
  const bravo = bed.world.crms.get('bravo')!;
  bravo.loses = () => 'request';
  await bed.world.cycle();
  bravo.loses = () => 'nothing';
  const [record] = await bed.world.records('contact');
  bed.world.forgetCalls();

  const context = bed.context('seated', { settleMs: 0 });
  const prefix = randomUUID();
  const link = openRedis(redis.address, prefix, context, { onThere() {} });
  const [reads, writes] = [pullQueue('bravo'), pushQueue('bravo')];
  const queues = [reads, writes].map(
    (name) => new Queue(name, { connection: link.producer, prefix, defaultJobOptions: keptJobs }),
  );
  await Promise.all(queues.map((queue) => queue.waitUntilReady()));
  const work = workAt({ context, connection: 'bravo', redis: link, prefix, onCounts() {} });
  const open: Errands[] = [];
  onTestFinished(async () => {
    await work.drain();
    await work.closed();
    await Promise.all(open.map((errands) => errands.close()));
    link.close();
    await bed.close();
  });
  const order = { sync: 'people', connection: 'bravo', run: 'asked' };
  return {
    bed,
    bravo,
    /** Puts a job of each sort on the queues as this process, one after the other. @returns what each brought */
    async ask(asker: string) {
      const errands = openErrands(queues, link, prefix, asker);
      open.push(errands);
      return [
        await errands.run(reads, 'pull', order, 0),
        await errands.run(writes, 'push', { ...order, records: [{ id: record!.record.id, attempts: 0 }] }, 0),
        await errands.run(reads, 'look', { ...order, records: [{ externalId: 'bravo-1', hintedAt: 0 }] }, 0),
      ];
    },
  };
}

describe.skipIf(whyNoRedis)('a job on the queue of a connection', () => {
  beforeAll(async () => {
    redis = await openRedisChild();
  });
  afterAll(() => redis.close());

  test('is dropped when whoever asked for it has died: nothing is read or written for a cycle that is over', async () => {
    const { bed, bravo, ask } = await seated();
    bed.dead.add('ghost');
    expect(await ask('ghost')).toEqual([null, null, null]);
    expect(bravo.calls).toEqual({ list: 0, read: 0, create: 0, update: 0, delete: 0 });
    // The row is still there for whoever comes next.
    expect(await ask('alive')).toMatchObject([
      { counts: { read: 0 } },
      { counts: { created: 1 } },
      { counts: { read: 1 } },
    ]);
    expect(bravo.ids('contact')).toHaveLength(1);
  });
});

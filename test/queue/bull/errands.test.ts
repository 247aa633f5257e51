import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pullJob } from '../../../jobs/pull.ts';
import { type Counts, noCounts, sum } from '../../../src/engine/engine.ts';
import { type Errands, openErrands } from '../../../src/queue/bull/errands.ts';
import { pullQueue, pushQueue } from '../../../src/queue/bull/names.ts';
import { openRedis } from '../../../src/queue/bull/redis.ts';
import { workAt } from '../../../src/queue/bull/seat-work.ts';
import { keptJobs } from '../../../src/queue/bull/workers.ts';
import { ann, both, crm } from '../../worlds/small.ts';
import { type Bed, farAway, openBed } from './bed.ts';
import { openRedisChild, type RedisChild, whyNoRedis } from './redis-child.ts';

let redis: RedisChild;

const fields = { account: ['name', 'website'], contact: ['name.given', 'name.family', 'email.primary', 'account'] };
const names = ['alpha', 'bravo'];
const syncs = (['account', 'contact'] as const).map((entity) =>
  both(names, { name: entity, entity, match: ['email', 'domain'], schedule: farAway }),
);

/** Ann and her company are known at `alpha`; a worker has the seat of `bravo`, and processes ask it for something. */
async function seated() {
  const bed = await openBed(
    redis,
    names.map((name) => crm(name, [], { fields })),
    syncs,
  );
  const { world } = bed;
  const account = world.enter('alpha', 'account', { name: 'Acme', website: 'https://acme.example' });
  world.enter('alpha', 'contact', { ...ann, account });
  for (const { name } of syncs)
    for (const connection of names)
      await pullJob(bed.context('before'), { sync: name, connection, run: 'before' }, { counts: noCounts() });
  world.forgetCalls();

  const context = bed.context('seated');
  const prefix = randomUUID();
  const link = openRedis(redis.address, prefix, context, { onThere() {} });
  const queues = [pullQueue('bravo'), pushQueue('bravo')].map(
    (name) => new Queue(name, { connection: link.producer, prefix, defaultJobOptions: keptJobs }),
  );
  await Promise.all(queues.map((queue) => queue.waitUntilReady()));
  const told: Counts[] = [];
  const onCounts = (_: string, counts: Counts) => void told.push({ ...counts });
  const work = workAt({ context, connection: 'bravo', redis: link, prefix, onCounts });
  const open: Errands[] = [];
  onTestFinished(async () => {
    await work.drain();
    await work.closed();
    await Promise.all(open.map((errands) => errands.close()));
    link.close();
    await bed.close();
  });
  return {
    bed,
    bravo: world.crms.get('bravo')!,
    told,
    errandsOf(asker: string): Errands {
      const errands = openErrands(queues, link, prefix, asker);
      open.push(errands);
      return errands;
    },
  };
}

const order = { sync: 'contact', connection: 'bravo', run: 'asked' };

async function push(bed: Bed, errands: Errands): Promise<unknown> {
  const records = (await bed.world.records('contact')).map(({ record }) => ({ id: record.id, attempts: 0 }));
  return await errands.run(pushQueue('bravo'), 'push', { ...order, records }, 0);
}

async function pull(errands: Errands): Promise<unknown> {
  return await errands.run(pullQueue('bravo'), 'pull', order, 0);
}

async function look(errands: Errands): Promise<unknown> {
  const records = [{ externalId: 'bravo-2', hintedAt: 0 }];
  return await errands.run(pullQueue('bravo'), 'look', { ...order, records }, 0);
}

describe.skipIf(whyNoRedis)('a job on the queue of a connection', () => {
  beforeAll(async () => {
    redis = await openRedisChild();
  });
  afterAll(() => redis.close());

  test('is dropped when whoever asked for it has died: nothing is read or written for a cycle that is over', async () => {
    const { bed, bravo, errandsOf } = await seated();
    bed.dead.add('ghost');
    const ghost = errandsOf('ghost');
    expect([await push(bed, ghost), await pull(ghost), await look(ghost)]).toEqual([null, null, null]);
    expect(bravo.calls).toEqual({ list: 0, read: 0, create: 0, update: 0, delete: 0 });
    // What waits is still there for whoever comes next.
    const living = errandsOf('alive');
    expect(await push(bed, living)).toMatchObject({ counts: { created: 1 } });
    expect(await pull(living)).toMatchObject({ counts: { read: 1 } });
    expect(await look(living)).toMatchObject({ counts: { read: 1 } });
  });

  test('has all counted that it wrote, also for other syncs, because records point there', async () => {
    const { bed, bravo, told, errandsOf } = await seated();
    expect(await push(bed, errandsOf('alive'))).toMatchObject({
      counts: { created: 1 },
      result: { besides: { account: { created: 1 } } },
    });
    expect(told.reduce((one, other) => sum(one, other)).created).toBe(2);
    expect(bravo.writes.map(({ entity }) => entity)).toEqual(['account', 'contact']);
  });
});

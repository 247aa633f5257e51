import { Queue } from 'bullmq';
import { connectors } from '../../connectors/index.ts';
import { openApp } from '../../src/app.ts';
import { parseConfig } from '../../src/config/load.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { pull } from '../../src/engine/pull.ts';
import { openErrands } from '../../src/queue/bull/errands.ts';
import { priorities, queuedHands } from '../../src/queue/bull/hands.ts';
import { pullQueue, pushQueue } from '../../src/queue/bull/names.ts';
import { openRedis } from '../../src/queue/bull/redis.ts';
import { workAt } from '../../src/queue/bull/seat-work.ts';
import { keptJobs } from '../../src/queue/bull/workers.ts';
import { pushAll } from '../../src/queue/push-all.ts';
import type { PushTask } from './push.ts';

const prefix = 'bench';
const connection = 'showroom';

/**
 * The real push: what is pending in the store after a first pull goes through the queue to the worker of its connection,
 * with connector, HTTP client, engine and store as in production.
 * @returns what is measured, ready to run
 */
export async function prepareOurs(task: PushTask): Promise<() => Promise<void>> {
  const { total, socket, file } = task;
  const { config } = parseConfig('bench.yaml', configuration(task), {}, connectors);
  const app = await openApp(config, { log: { info() {}, warn() {}, error() {} } });
  const { context } = app;
  const sync = config.syncs[0]!;
  const run = context.newId();
  await context.store.beginRun({ id: run, sync: sync.name, startedAt: Date.now() });
  await pull(context, { sync, connection: 'site', run, counts: noCounts() });

  const redis = openRedis(`unix://${socket}`, prefix, context, { onThere() {} });
  const queues = [pullQueue(connection), pushQueue(connection)].map(
    (name) => new Queue(name, { connection: redis.producer, prefix, defaultJobOptions: keptJobs }),
  );
  const errands = openErrands(queues, redis, prefix, context.owner);
  const work = workAt({ context, connection, redis, prefix, onCounts() {} });
  await Promise.all(queues.map((queue) => queue.waitUntilReady()));
  return async () => {
    const counts = noCounts();
    const hands = queuedHands(errands, priorities.schedule);
    const end = await pushAll(context, hands, { sync, connection, run, counts, unread: new Set() });
    if (counts.created !== total) throw new Error(`${file}: ${counts.created} created, ${JSON.stringify(end)}`);
    await work.drain();
    await work.closed();
    await errands.close();
    redis.close();
    await app.close();
  };
}

function configuration({ file, baseUrl, pagesUrl, concurrent }: PushTask): string {
  const member = (url: string) =>
    JSON.stringify({
      connector: 'treepl',
      baseUrl: url,
      token: 'bench',
      rateLimit: { concurrent },
    });
  return [
    `store: { sqlite: ${JSON.stringify(file)} }`,
    'connections:',
    `  site: ${member(pagesUrl)}`,
    `  ${connection}: ${member(baseUrl)}`,
    'syncs:',
    `  people: { entity: contact, members: { site: both, ${connection}: both } }`,
  ].join('\n');
}

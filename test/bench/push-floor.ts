import { Queue, Worker } from 'bullmq';
import { Agent, request } from 'undici';
import { keptJobs } from '../../src/queue/bull/workers.ts';
import { writtenContact } from './contacts.ts';
import type { PushTask } from './push.ts';

/**
 * The floor of the push: one job and one POST for each contact, by a worker that keeps no store and promises nothing.
 * @returns what is measured, ready to run
 */
export async function prepareFloor({ total, socket, baseUrl, concurrent }: PushTask): Promise<() => Promise<void>> {
  const connection = { path: socket, maxRetriesPerRequest: null };
  const agent = new Agent({ connections: concurrent });
  const queue = new Queue('push', { connection, defaultJobOptions: keptJobs });
  await queue.waitUntilReady();
  const url = `${baseUrl}/api/v2/admin/contacts`;
  const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
  // What the jobs carry; a queue of contacts would not carry ids only.
  const bodies = Array.from({ length: total }, (_, index) => JSON.stringify(writtenContact(index)));
  return async () => {
    let done = 0;
    const all = Promise.withResolvers<void>();
    const post = async ({ data }: { data: { body: string } }): Promise<number> => {
      const { statusCode, body } = await request(url, { dispatcher: agent, method: 'POST', headers, body: data.body });
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      const { Id: id } = (await body.json()) as { Id: number };
      done += 1;
      if (done === total) all.resolve();
      return id;
    };
    const worker = new Worker('push', post, { connection, concurrency: concurrent });
    for (let from = 0; from < total; from += 500)
      await queue.addBulk(bodies.slice(from, from + 500).map((body) => ({ name: 'push', data: { body } })));
    await all.promise;
    await worker.close();
    await queue.close();
    await agent.close();
  };
}

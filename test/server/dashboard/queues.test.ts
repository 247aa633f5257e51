import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRedisChild, type RedisChild, whyNoRedis } from '../../queue/bull/redis-child.ts';
import { type DashboardBed, openDashboardBed, password, readPassword, Visitor } from './bed.ts';

describe.skipIf(whyNoRedis !== undefined)('the queues (skipped where there is no Redis on PATH)', () => {
  let redis: RedisChild;
  let queue: Queue;
  let bed: DashboardBed;
  let operator: Visitor;
  let reader: Visitor;
  beforeAll(async () => {
    redis = await openRedisChild();
    queue = new Queue('sweep', { connection: { path: redis.socket } });
    await queue.add('cycle', { sync: 'people' }, { jobId: 'one-job' });
    bed = await openDashboardBed({ control: { queues: [queue] } });
    operator = new Visitor(bed.url);
    reader = new Visitor(bed.url);
    await operator.logIn(password);
    await reader.logIn(readPassword);
  }, 120_000);
  afterAll(async () => {
    await queue?.close();
    await bed?.close();
    await redis?.close();
  });

  const own = { 'sec-fetch-site': 'same-origin' };
  const put = async (visitor: Visitor, address: string, headers: Record<string, string>) =>
    (await fetch(bed.url + address, { method: 'PUT', headers: { cookie: visitor.cookie, ...headers } })).status;

  it('are shown to both roles, with what the page is made of', async () => {
    for (const [visitor, address] of [
      [operator, '/queues'],
      [reader, '/queues-read'],
    ] as const) {
      const board = await visitor.get(address);
      const text = await board.text();
      expect([board.status, text.includes('concordat queues')]).toEqual([200, true]);
      expect(board.headers.get('content-security-policy')).toContain("font-src 'self'");
      const script = /src="(static\/js\/[^"]+)"/.exec(text)?.[1];
      const file = await visitor.get(`${address}/${script}`);
      expect([file.status, file.headers.get('content-type')]).toEqual([200, expect.stringContaining('javascript')]);
      const queues = (await (await visitor.get(`${address}/api/queues`)).json()) as Record<string, unknown>;
      expect(queues).toMatchObject({ queues: [{ name: 'sweep', readOnlyMode: address === '/queues-read' }] });
    }
  });

  it('obey an operator on a page of ours, and nobody else', async () => {
    const pause = (board: string) => `${board}/api/queues/sweep/pause`;
    expect(await put(reader, pause('/queues-read'), own)).toBe(403);
    expect(await put(reader, pause('/queues'), own)).toBe(403);
    expect(await put(operator, pause('/queues'), {})).toBe(403);
    expect(await put(operator, pause('/queues'), { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await put(operator, pause('/queues'), { origin: 'http://evil.example' })).toBe(403);
    expect(await queue.isPaused()).toBe(false);
    expect(await put(operator, pause('/queues'), { origin: bed.url })).toBe(200);
    expect(await queue.isPaused()).toBe(true);
    await queue.resume();
  });

  it('answer at once while Redis is away', async () => {
    bed.control.awaySince = bed.world.clock.now();
    const reply = await operator.get('/queues/api/queues');
    expect([reply.status, await reply.json()]).toEqual([503, { error: 'Redis does not answer' }]);
    bed.control.awaySince = undefined;
  });
});

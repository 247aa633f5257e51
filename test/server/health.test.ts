import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addHealth } from '../../src/server/health.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

describe('health', () => {
  let server: FastifyInstance;
  let store: Store;
  let awaySince: number | undefined;
  let notReceiving: string | undefined;
  let url: string;

  beforeEach(async () => {
    [awaySince, notReceiving] = [undefined, undefined];
    store = await openSqliteStore(':memory:');
    server = fastify();
    addHealth(server, { store, redisAwaySince: () => awaySince, notReceiving: () => notReceiving });
    url = await server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => {
    await server.close();
    await store.close().catch(() => {});
  });

  const ask = async (path: string) => {
    const reply = await fetch(`${url}${path}`);
    return { status: reply.status, body: await reply.json(), cache: reply.headers.get('cache-control') };
  };

  it('is well when everything is there', async () => {
    const well = { status: 200, body: { status: 'ok' }, cache: 'no-store' };
    expect(await ask('/healthz')).toEqual(well);
    expect(await ask('/readyz')).toEqual(well);
  });

  it('is alive but not ready while Redis is away or nobody hears webhooks', async () => {
    awaySince = Date.UTC(2026, 0, 5, 8);
    notReceiving = 'another worker of this database receives them';
    expect((await ask('/healthz')).status).toBe(200);
    expect(await ask('/readyz')).toMatchObject({
      status: 503,
      body: {
        status: 'failing',
        reasons: [
          'redis: not reachable since 2026-01-05T08:00:00.000Z',
          'webhooks: another worker of this database receives them',
        ],
      },
    });
  });

  it('is neither when the store does not answer, and tells no name of a file', async () => {
    await store.close();
    for (const path of ['/healthz', '/readyz']) {
      const { status, body } = await ask(path);
      expect(status).toBe(503);
      expect(body).toEqual({
        status: 'failing',
        reasons: [expect.stringMatching(/^store: does not answer \([a-z_ ]+\)$/)],
      });
    }
  });
});

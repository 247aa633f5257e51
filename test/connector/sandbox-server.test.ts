import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Operation } from '../../src/connector/operation.ts';
import type { Sandbox, SandboxOptions } from '../../src/connector/sandbox.ts';
import { Refusal, startSandboxServer } from '../../src/connector/sandbox-server.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';

const row = (id: string, method: Operation['method'], path: string): Operation => ({
  id,
  summary: id,
  method,
  path,
  parameters: [],
  reply: z.unknown(),
  source: 'this test',
});
const operations = [
  row('item', 'GET', '/things/{id}'),
  row('search', 'GET', '/things/search'),
  row('create', 'POST', '/things'),
  row('delete', 'DELETE', '/things/{id}'),
  row('forgotten', 'GET', '/forgotten'),
];
const nobody = { all: () => [], add: () => '', edit: () => undefined, remove: () => undefined };

let created: unknown[];
let sandbox: Sandbox;

async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  created = [];
  return startSandboxServer(
    {
      connector: 'things',
      operations,
      basePath: '/api',
      tokenPath: '/oauth/token',
      people: nobody,
      handlers: {
        item: ({ params, query }) => ({ status: 200, body: { id: params.id, query } }),
        search: () => ({ status: 200, body: [] }),
        create: ({ body }) => {
          if (body === null) throw new Refusal(422, 'null is no thing');
          created.push(body);
          return { status: 201, body };
        },
        delete: () => ({ status: 204 }),
      },
    },
    options,
  );
}

const call = (path: string, init: RequestInit = {}, token = sandbox.token): Promise<Response> =>
  fetch(`${sandbox.url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
const post = (body: string): Promise<Response> => call('/things', { method: 'POST', body });
const askToken = (clientSecret = sandbox.oauth?.clientSecret ?? ''): Promise<Response> =>
  fetch(sandbox.oauth?.tokenUrl ?? '', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: sandbox.oauth?.clientId ?? '',
      client_secret: clientSecret,
    }),
  });

beforeEach(async () => {
  sandbox = await start();
});
afterEach(() => sandbox.close());

describe('routing', () => {
  test('a fixed path wins over a parameter, and parameters arrive decoded with the query', async () => {
    expect(await (await call('/things/search')).json()).toEqual([]);
    const reply = await (await call('/things/a%2Fb?x=1&y=%7B%7D')).json();
    expect(reply).toEqual({ id: 'a/b', query: { x: '1', y: '{}' } });
  });

  test.each([
    ['/nothing', 'GET', 404],
    ['/things/1', 'POST', 405],
    ['/forgotten', 'GET', 501],
    ['/things/1', 'DELETE', 204],
  ])('%s %s is answered with %d', async (path, method, status) => {
    expect((await call(path, { method })).status).toBe(status);
  });

  test('what a handler refuses is answered with its status, invalid JSON with 400', async () => {
    expect((await post('null')).status).toBe(422);
    expect((await post('{"a":')).status).toBe(400);
    expect(created).toEqual([]);
  });

  test('every request is remembered with its operation until forgotten', async () => {
    await post('{"a":1}');
    await call('/nothing?q=1');
    expect(sandbox.requests).toEqual([
      { method: 'POST', path: '/api/things', query: {}, body: { a: 1 }, operation: 'create' },
      { method: 'GET', path: '/api/nothing', query: { q: '1' }, body: undefined, operation: undefined },
    ]);
    sandbox.forgetRequests();
    expect(sandbox.requests).toEqual([]);
  });
});

describe('credentials', () => {
  test('a missing, wrong or refused token is 401', async () => {
    expect((await fetch(`${sandbox.url}/things/1`)).status).toBe(401);
    expect((await call('/things/1', {}, 'other')).status).toBe(401);
    expect((await call('/things/1')).status).toBe(200);
    sandbox.faults.refuseToken = true;
    expect((await call('/things/1')).status).toBe(401);
  });

  test('client credentials give a token that works until it is revoked', async () => {
    const grant = (await (await askToken()).json()) as { access_token: string; expires_in: number };
    expect(grant.expires_in).toBe(3600);
    expect((await call('/things/1', {}, grant.access_token)).status).toBe(200);
    sandbox.oauth?.revokeTokens();
    expect((await call('/things/1', {}, grant.access_token)).status).toBe(401);
    expect(sandbox.oauth?.issued()).toBe(1);
  });

  test('a token ends with its life', async () => {
    const short = await start({ tokenLifeSecs: 0 });
    await sandbox.close();
    sandbox = short;
    const { access_token } = (await (await askToken()).json()) as { access_token: string };
    expect((await call('/things/1', {}, access_token)).status).toBe(401);
  });

  test('a wrong or refused client gets no token', async () => {
    expect((await askToken('wrong')).status).toBe(401);
    sandbox.faults.refuseClient = true;
    expect((await askToken()).status).toBe(401);
    expect(sandbox.oauth?.issued()).toBe(0);
  });
});

describe('faults', () => {
  test('a status fault answers n times without acting, and says when to come back', async () => {
    sandbox.faults.status = { code: 429, times: 1, retryAfterSecs: 7 };
    const refused = await post('{}');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7']);
    expect(created).toEqual([]);
    expect((await post('{}')).status).toBe(201);
  });

  test('a fault with a filter waits for its request; one without spares the token endpoint', async () => {
    sandbox.faults.status = { code: 500, times: 1, only: ({ method }) => method === 'DELETE' };
    expect((await post('{}')).status).toBe(201);
    expect((await call('/things/1', { method: 'DELETE' })).status).toBe(500);
    sandbox.faults.status = { code: 500, times: 1 };
    expect((await askToken()).status).toBe(200);
    expect((await post('{}')).status).toBe(500);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('a connection cut %s the CRM acts leaves %d records', async (when, count) => {
    sandbox.faults.cut = { when, times: 1 };
    await expect(post('{}')).rejects.toThrow();
    expect(created).toHaveLength(count);
    expect((await post('{}')).status).toBe(201);
  });

  test.each([
    ['html', 'text/html', '<!doctype'],
    ['truncated', 'application/json', '{"id":"1'],
    ['contentType', 'text/plain', '{"id":"1"'],
    ['empty', 'application/json', ''],
  ] as const)('a reply garbled as %s is a 200 without data', async (how, contentType, begin) => {
    sandbox.faults.garble = { how, times: 1 };
    const reply = await call('/things/1');
    const text = await reply.text();
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, contentType]);
    expect(text.startsWith(begin)).toBe(true);
    if (how === 'truncated') expect(() => JSON.parse(text)).toThrow();
    if (how === 'empty') expect(text).toBe('');
    expect((await call('/things/1')).headers.get('content-type')).toMatch(/json/);
  });

  test('latency delays the answer', async () => {
    sandbox.faults.latencyMs = 40;
    const start = performance.now();
    await call('/things/1');
    expect(performance.now() - start).toBeGreaterThanOrEqual(39);
  });
});

test('close ends although a client keeps its connection open, answers what is under way, and may be repeated', async () => {
  await call('/things/1');
  sandbox.faults.latencyMs = 50;
  const underWay = call('/things/2');
  await expect.poll(() => sandbox.requests.length).toBe(2);
  await sandbox.close();
  expect((await underWay).status).toBe(200);
  await sandbox.close();
  await expect(call('/things/1')).rejects.toThrow();
});

test('the same seed gives the same ids, another seed others', () => {
  const uuids = (seed: number): string[] => {
    const ids = seededIds(seed);
    return Array.from({ length: 50 }, () => ids.uuid());
  };
  expect(uuids(7)).toEqual(uuids(7));
  expect(new Set([...uuids(7), ...uuids(8)]).size).toBe(100);
  for (const uuid of uuids(9)) expect(z.uuidv4().safeParse(uuid).success).toBe(true);
});

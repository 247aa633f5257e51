import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bearer } from '../../src/connector/auth.ts';
import {
  AuthError,
  CrmError,
  GoneError,
  LookAgainError,
  MalformedReplyError,
  RejectedError,
  RetryableError,
  UnknownOutcomeError,
} from '../../src/connector/errors.ts';
import { WithheldError } from '../../src/connector/http.ts';
import { createHttp, type HttpEvent, type HttpOptions } from '../../src/connector/http-client.ts';
import { type Answer, cut, json, operation, parameter, SleepClock, serve, silence, status } from './crm-server.ts';

const get = operation('GET');
const post = operation('POST');
const secret = 'tok-SECRET-1';

function client(baseUrl: string, more: Partial<HttpOptions> = {}) {
  const clock = new SleepClock();
  const events: HttpEvent[] = [];
  const http = createHttp({
    connection: 'showroom',
    baseUrl,
    auth: bearer(secret),
    clock,
    random: () => 0.5,
    errorMessage: (code, body) => `${code}: ${JSON.stringify(body)}`,
    log: (event) => events.push(event),
    ...more,
  });
  onTestFinished(() => http.close());
  return { http, clock, events };
}

async function failure(promise: Promise<unknown>): Promise<CrmError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CrmError);
  return error as CrmError;
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a client that only reads', () => {
  test('sends what reads, whatever its method, and withholds everything else', async () => {
    await using server = await serve(json({ ok: true }));
    const { http } = client(server.url, { readOnly: true });
    await http.call(get);
    await http.call({ ...post, readsOnly: true });
    expect(server.seen.length).toBe(2);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const)
      await expect(http.call(operation(method))).rejects.toBeInstanceOf(WithheldError);
    expect(server.seen.length).toBe(2);
  });
});

describe('a request', () => {
  test.each(['', '/', '/api/v1', '/api/v1/'])('goes to the path below the base URL "…%s"', async (prefix) => {
    await using server = await serve(json({ ok: true }));
    const { http } = client(server.url + prefix);
    const one = operation('PATCH', '/contacts/{id}', {
      parameters: [parameter('id', 'path'), parameter('filter', 'query'), parameter('limit', 'query')],
    });
    const reply = await http.call(one, {
      params: { id: 'a/b ?#é', filter: '{"a":"&="}', limit: 5 },
      body: { name: 'Zoé' },
    });
    expect(reply).toEqual({ status: 200, body: { ok: true }, bytes: 11, date: expect.any(Number) });
    expect(server.seen).toMatchObject([
      {
        method: 'PATCH',
        url: `${prefix.replace(/\/$/, '')}/contacts/a%2Fb%20%3F%23%C3%A9?filter=%7B%22a%22%3A%22%26%3D%22%7D&limit=5`,
        headers: {
          authorization: `Bearer ${secret}`,
          accept: 'application/json',
          'content-type': 'application/json',
        },
        body: '{"name":"Zoé"}',
      },
    ]);
    expect(server.seen[0]?.headers['accept-encoding']).toBeUndefined();
  });

  test('with a path parameter that is missing or no id is a bug, and nothing is sent', async () => {
    await using server = await serve(json({}));
    const { http } = client(server.url);
    const one = operation('DELETE', '/contacts/{id}', { parameters: [parameter('id', 'path')] });
    for (const params of [{}, { id: '' }, { id: '.' }, { id: '..' }, { id: 'x', typo: '1' }]) {
      await expect(http.call(one, { params })).rejects.toThrow(RangeError);
    }
    for (const path of ['contacts', '@example.org/x']) {
      await expect(http.call(operation('GET', path))).rejects.toThrow(RangeError);
    }
    expect(server.seen).toEqual([]);
  });

  test('reuses its sockets', async () => {
    const ports = new Set<number | undefined>();
    await using server = await serve((response, seen, number) => {
      ports.add(response.socket?.remotePort);
      return json({})(response, seen, number);
    });
    const { http } = client(server.url);
    for (let i = 0; i < 20; i++) await http.call(get);
    expect(ports.size).toBeLessThanOrEqual(4);
  });

  test('is refused after close', async () => {
    await using server = await serve(json({}));
    const { http } = client(server.url);
    await http.close();
    await http.close();
    expect((await failure(http.call(get))).message).toContain('closed');
    expect(server.seen).toEqual([]);
  });
});

describe('a base URL', () => {
  test.each([
    ['http://crm.example.org', 'plain http to another machine'],
    ['http://127.0.0.1.example.org', 'plain http to another machine'],
    ['ftp://127.0.0.1', 'no http(s) address'],
    ['crm.example.org', 'no http(s) address'],
    ['https://user:hunter2@crm.example.org', 'user name or password'],
    ['https://crm.example.org/?key=hunter2', 'query'],
  ])('%s is refused, without being repeated', (baseUrl, reason) => {
    expect(() => client(baseUrl)).toThrow(reason);
    expect(() => client(baseUrl)).toThrow(RangeError);
    expect(() => client(baseUrl)).not.toThrow('hunter2');
  });

  test.each(['http://localhost:1', 'http://127.9.9.9', 'http://[::1]:1', 'https://crm.example.org/api'])(
    '%s is fine',
    (baseUrl) => {
      expect(() => client(baseUrl)).not.toThrow();
    },
  );

  test('may be plain http elsewhere where the configuration allows it', () => {
    expect(() => client('http://crm.example.org', { allowPlainHttp: true })).not.toThrow();
  });

  test('that redirects is an error that says what to correct; the credentials do not follow', async () => {
    await using elsewhere = await serve(json({}));
    await using server = await serve(status(301, { location: elsewhere.url }));
    const { http } = client(server.url);
    const error = await failure(http.call(get));
    expect(error).toBeInstanceOf(MalformedReplyError);
    expect(error.message).toBe(
      "showroom: getContact was redirected (301), which is not followed; correct the connection's baseUrl",
    );
    expect(await failure(http.call(post))).toBeInstanceOf(UnknownOutcomeError);
    expect(elsewhere.seen).toEqual([]);
    expect(server.seen).toHaveLength(2);
  });

  test('that answers 304 to what was no question about it is not told to be elsewhere', async () => {
    await using server = await serve(status(304));
    const error = await failure(client(server.url).http.call(get));
    expect(error).toBeInstanceOf(MalformedReplyError);
    expect(error.message).toBe('showroom: getContact: the reply (304) has no data and is no refusal; it is not used');
  });
});

describe('a 2xx body', () => {
  const typed =
    (type: string | undefined, body: string): Answer =>
    (response) =>
      response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(body);

  test.each([
    ['application/json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['application/problem+json', '{"a":1}', { a: 1 }],
    ['application/vnd.crm.v2+json', '[]', []],
    ['text/json', 'null', null],
    ['APPLICATION/JSON', '"text"', 'text'],
    [undefined, '{"a":1}', { a: 1 }],
    ['application/json', '\uFEFF{"a":1}', { a: 1 }],
    ['application/json', '', undefined],
    ['text/html', '', undefined],
    ['text/plain', ' \n', undefined],
  ])('of type %s reading %j is data', async (type, text, body) => {
    await using server = await serve(typed(type, text));
    expect((await client(server.url).http.call(get)).body).toEqual(body);
  });

  const malformed: [string, Answer, RegExp][] = [
    ['an HTML page', typed('text/html', '<html>Zoé</html>'), /an HTML page/],
    ['HTML that calls itself JSON', typed('application/json', '<!DOCTYPE html><p>Zoé'), /an HTML page/],
    ['truncated JSON', typed('application/json', '{"items":[{"name":"Zoé'), /no valid JSON \(23 bytes; cut off\?\)/],
    ['JSON of another type', typed('text/plain', '{"a":1}'), /content type text\/plain/],
    ['no JSON, of no type', typed(undefined, 'Zoé'), /no valid JSON/],
    [
      'no UTF-8',
      (response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from('"Zo\xe9"', 'latin1')),
      /no utf-8 text/,
    ],
    [
      'packed, unasked',
      (response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('x'),
      /gzip/,
    ],
    [
      'shorter than announced',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '50' }).write('{"a":1}');
        setTimeout(() => response.destroy(), 20);
      },
      /cut off/,
    ],
    [
      'cut between chunks',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"a":1}');
        setTimeout(() => response.destroy(), 20);
      },
      /cut off/,
    ],
  ];

  test.each(malformed)('that is %s is no data: asked again, then an error', async (_, answer, message) => {
    await using server = await serve(answer);
    const { http } = client(server.url, { retries: 2 });
    const error = await failure(http.call(get));
    expect(error).toBeInstanceOf(MalformedReplyError);
    expect(error.message).toMatch(message);
    expect(`${error.message} ${error.cause} ${error.detail}`).not.toContain('Zo');
    expect(server.seen).toHaveLength(3);
  });

  test.each(malformed)(
    'that is %s leaves the outcome of a create unknown, and it is not repeated',
    async (_, answer) => {
      await using server = await serve(answer);
      expect(await failure(client(server.url).http.call(post))).toBeInstanceOf(UnknownOutcomeError);
      expect(server.seen).toHaveLength(1);
    },
  );

  test.each(malformed)('that is %s is got over when the next one is sound', async (_, answer) => {
    await using server = await serve(answer, json({ a: 1 }));
    expect((await client(server.url).http.call(get)).body).toEqual({ a: 1 });
  });

  test('in another charset is read as what it says it is', async () => {
    await using server = await serve((response) =>
      response
        .writeHead(200, { 'content-type': 'application/json; charset="iso-8859-1"' })
        .end(Buffer.from('"Zo\xe9"', 'latin1')),
    );
    expect((await client(server.url).http.call(get)).body).toBe('Zoé');
  });

  test('that the API does not document is ignored, unless it is a web page', async () => {
    const silent = operation('DELETE', '/contacts', {});
    const { reply: _, ...undocumented } = silent;
    for (const answer of [typed('text/plain', 'OK'), typed('application/json', '{"a":'), malformed.at(-1)![1]]) {
      await using server = await serve(answer);
      expect(await client(server.url).http.call(undocumented)).toMatchObject({ status: 200, body: undefined });
    }
    await using server = await serve(typed('application/json', '{"a":1}'));
    expect((await client(server.url).http.call(undocumented)).body).toEqual({ a: 1 });
    await using portal = await serve(typed('text/html', 'Please log in.'));
    expect(await failure(client(portal.url).http.call(undocumented))).toBeInstanceOf(MalformedReplyError);
  });

  test('longer than the limit is not read to its end, nor asked for again', async () => {
    let sent = 0;
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(64 * 1024, 0x20);
      while (!response.destroyed && sent < 100e6) {
        sent += chunk.length;
        if (!response.write(chunk)) await new Promise((go) => response.once('drain', go));
      }
    });
    const error = await failure(client(server.url, { maxReplyBytes: 1_000_000 }).http.call(get));
    expect(error).toBeInstanceOf(MalformedReplyError);
    expect(error.message).toContain('longer than 1000000 bytes');
    expect(server.seen).toHaveLength(1);
    expect(sent).toBeLessThan(20e6);
  });
});

describe('an error status', () => {
  test.each([
    [400, RejectedError, 'was rejected (400)'],
    [401, AuthError, 'the credentials are refused (401)'],
    [403, AuthError, 'accepted but lack a permission or scope'],
    [404, GoneError, 'found nothing (404)'],
    [409, RejectedError, 'was rejected (409)'],
    [410, GoneError, 'found nothing (410)'],
    [422, RejectedError, 'was rejected (422)'],
  ])(
    '%i is final, for reads and creates alike; what the CRM said is in `detail` alone',
    async (code, kind, message) => {
      await using server = await serve(json({ error: 'Zoé is wrong' }, code));
      const { http } = client(server.url);
      for (const one of [get, post]) {
        const error = await failure(http.call(one));
        expect(error).toBeInstanceOf(kind);
        expect(error).toMatchObject({ connection: 'showroom', operation: one.id, status: code });
        expect(error.message).toContain(`showroom: ${one.id}`);
        expect(error.message).toContain(message);
        expect(error.message).not.toContain('Zoé');
        expect(error.detail).toBe(`${code}: {"error":"Zoé is wrong"}`);
      }
      expect(server.seen).toHaveLength(2);
    },
  );

  test('with a body that is no JSON passes on its text', async () => {
    await using server = await serve((response) =>
      response.writeHead(400, { 'content-type': 'text/plain' }).end('no such province'),
    );
    expect((await failure(client(server.url).http.call(get))).detail).toBe('400: "no such province"');
  });

  test('counts even when its body is cut off', async () => {
    await using server = await serve((response) => {
      response.writeHead(422, { 'content-length': '50' }).write('{');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await failure(client(server.url).http.call(post))).toBeInstanceOf(RejectedError);
  });

  test.each([408, 425, 429, 500, 502, 503, 504])(
    '%i on what may be repeated is tried again, with growing pauses',
    async (code) => {
      await using server = await serve(status(code), status(code), status(code), status(code), json({ a: 1 }));
      const { http, clock, events } = client(server.url);
      expect((await http.call(get)).body).toEqual({ a: 1 });
      expect(clock.sleeps).toEqual([225, 450, 900, 1800]);
      expect(events.map(({ attempt, outcome, status: seen }) => [attempt, outcome, seen])).toEqual([
        ...[1, 2, 3, 4].map((attempt) => [attempt, 'retryable', code]),
        [5, 'ok', 200],
      ]);
    },
  );

  test('the wait for a pause to end, and for the rate limit, is told with the attempt', async () => {
    const pause = status(429, { 'retry-after': '7' });
    await using server = await serve(pause, json({}), json({}));
    const { http, events } = client(server.url, { rateLimit: { perSecond: 1 } });
    await http.call(get);
    await http.call(get);
    expect(events.map(({ waitedMs }) => waitedMs)).toEqual([0, 7_000, 1_000]);
  });

  test('that does not go away surfaces after the retries', async () => {
    await using server = await serve(status(503));
    const error = await failure(client(server.url, { retries: 2 }).http.call(operation('PUT'), { body: {} }));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ status: 503, retryAfterMs: undefined });
    expect(server.seen).toHaveLength(3);
  });

  test.each([408, 425, 500, 502, 503, 504])('%i on a create leaves the outcome unknown', async (code) => {
    await using server = await serve(status(code));
    const error = await failure(client(server.url).http.call(post));
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(error.message).toContain('outcome unknown, look before repeating');
    expect(server.seen).toHaveLength(1);
  });

  test('429 on a create is tried again: the CRM has not acted', async () => {
    await using server = await serve(status(429), json({ id: 1 }, 201));
    expect((await client(server.url).http.call(post)).status).toBe(201);
  });

  test('a POST that is declared repeatable is repeated, a PUT that is not is not', async () => {
    await using server = await serve(status(503), json([]), status(503));
    const { http } = client(server.url);
    expect((await http.call(post, { repeatable: true })).body).toEqual([]);
    expect(await failure(http.call(operation('PUT'), { repeatable: false }))).toBeInstanceOf(UnknownOutcomeError);
    expect(server.seen).toHaveLength(3);
  });
});

describe('a call that rests on a look', () => {
  const put = operation('PUT');
  const call = { body: {}, restsOnLook: true };

  test.each<[string, Answer]>([
    ['a server error', status(503)],
    ['a 429', status(429)],
    ['a lost connection', cut],
    ['a web page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')],
  ])('is not sent again after %s: the caller looks first', async (_, answer) => {
    await using server = await serve(answer, json({}));
    const { http } = client(server.url);
    const error = await failure(http.call(put, call));
    expect(error).toBeInstanceOf(LookAgainError);
    expect(server.seen).toHaveLength(1);
    expect((await http.call(put, call)).status).toBe(200);
  });

  test('does not wait for the end of a pause, while a look does', async () => {
    await using server = await serve(status(429, { 'retry-after': '7' }), json({}));
    const { http, clock } = client(server.url);
    await failure(http.call(put, call));
    expect(await failure(http.call(put, call))).toBeInstanceOf(LookAgainError);
    expect([server.seen.length, clock.sleeps]).toEqual([1, []]);
    await http.call(get);
    expect(clock.sleeps).toEqual([7000]);
    await http.call(put, call);
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT', 'GET', 'PUT']);
  });

  test('that is rejected, or asked to wait for too long, gets the same error as any other', async () => {
    await using server = await serve(status(400), status(429, { 'retry-after': '90' }));
    const { http } = client(server.url);
    expect(await failure(http.call(put, call))).toBeInstanceOf(RejectedError);
    const error = await failure(http.call(put, call));
    expect(error).toBeInstanceOf(RetryableError);
    expect(await failure(http.call(put, call))).toBeInstanceOf(RetryableError);
  });
});

describe('a connection that fails', () => {
  test('is tried again for what may be repeated', async () => {
    await using server = await serve(cut, cut, json({ a: 1 }));
    expect((await client(server.url).http.call(get)).body).toEqual({ a: 1 });
    expect(server.seen).toHaveLength(3);
  });

  test('after a create was sent leaves its outcome unknown', async () => {
    await using server = await serve(cut);
    const error = await failure(client(server.url).http.call(post, { body: { name: 'Zoé' } }));
    expect(error).toBeInstanceOf(UnknownOutcomeError);
    expect(error.message).toMatch(/^showroom: postContact lost its connection \(connection .*outcome unknown/);
    expect(server.seen).toHaveLength(1);
  });

  test.each([
    ['refused', async () => `http://127.0.0.1:${await freePort()}`, 'connection refused'],
    ['to a name that does not exist', async () => 'https://crm.invalid', 'could not connect'],
  ])('because it is %s is tried again even for a create: nothing was sent', async (_, url, message) => {
    const { http, events, clock } = client(await url());
    const error = await failure(http.call(post));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toContain(message);
    expect(error.message).toContain('nothing was sent');
    expect(events).toHaveLength(5);
    expect(clock.sleeps).toHaveLength(4);
  });

  test('by silence ends at the deadline, exactly', async () => {
    await using server = await serve(silence);
    const { http } = client(server.url, { timeoutMs: 120, retries: 1 });
    const startedAt = performance.now();
    const error = await failure(http.call(get));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toContain('not answered within 120 ms');
    expect(server.seen).toHaveLength(2);
    expect(await failure(http.call(post))).toBeInstanceOf(UnknownOutcomeError);
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  test('by a body that drips ends at the deadline too', async () => {
    await using server = await serve(async (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      while (!response.destroyed) {
        response.write(' ');
        await new Promise((go) => setTimeout(go, 20));
      }
    });
    const { http } = client(server.url, { timeoutMs: 150, retries: 0 });
    expect((await failure(http.call(get))).message).toContain('not answered within 150 ms');
    expect(await failure(http.call(post))).toBeInstanceOf(UnknownOutcomeError);
  });
});

describe('a caller that aborts', () => {
  test.each([
    ['before', 0, 0],
    ['while it waits for the reply', 60, 1],
  ])('%s gets its own reason, and nothing is tried again', async (_, ms, requests) => {
    await using server = await serve(silence);
    const { http, events } = client(server.url);
    const stop = new AbortController();
    const reason = new Error('shutting down');
    if (ms === 0) stop.abort(reason);
    else setTimeout(() => stop.abort(reason), ms);
    await expect(http.call(get, { signal: stop.signal })).rejects.toBe(reason);
    expect(server.seen).toHaveLength(requests);
    expect(events.map(({ outcome }) => outcome)).toEqual(requests ? ['aborted'] : []);
  });

  test('while it waits for its turn frees its place in the line', async () => {
    let release: () => void = () => {};
    await using server = await serve(async (response, seen, number) => {
      if (number === 1)
        await new Promise<void>((go) => {
          release = go;
        });
      json({ number })(response, seen, number);
    });
    const { http } = client(server.url, { rateLimit: { concurrent: 1 } });
    const first = http.call(get);
    const stop = new AbortController();
    const second = http.call(get, { signal: stop.signal });
    const third = http.call(get);
    stop.abort(new Error('no longer needed'));
    await expect(second).rejects.toThrow('no longer needed');
    await expect.poll(() => server.seen.length).toBe(1);
    release();
    expect((await first).body).toEqual({ number: 1 });
    expect((await third).body).toEqual({ number: 2 });
  });

  test('while it backs off gets its reason at once', async () => {
    await using server = await serve(status(503));
    const stop = new AbortController();
    const reason = new Error('shutting down');
    const clock = {
      now: () => 0,
      // Like node's own timers, which wrap the reason.
      sleep: async () => {
        stop.abort(reason);
        throw new DOMException('aborted', 'AbortError');
      },
    };
    await expect(client(server.url, { clock }).http.call(get, { signal: stop.signal })).rejects.toBe(reason);
    expect(server.seen).toHaveLength(1);
  });
});

describe('Retry-After', () => {
  test('holds every call of the connection', async () => {
    const clock = new SleepClock();
    const arrivals: number[] = [];
    await using server = await serve((response, seen, number) => {
      arrivals.push(clock.now());
      return number === 1
        ? status(429, { 'retry-after': '7' })(response, seen, number)
        : json({})(response, seen, number);
    });
    const { http } = client(server.url, { clock, rateLimit: { concurrent: 1 } });
    const startedAt = clock.now();
    await Promise.all([http.call(get), http.call(operation('GET', '/other')), http.call(post)]);
    expect(arrivals.map((at) => at - startedAt)).toEqual([0, 7000, 7000, 7000]);
    expect(server.seen.map(({ url }) => url)).toEqual(['/contacts', '/other', '/contacts', '/contacts']);
    // The pause takes the place of the back-off.
    expect(clock.sleeps).toEqual([7000]);
  });

  test('of a failed create holds the others too', async () => {
    await using server = await serve(status(503, { 'retry-after': '7' }), json({}));
    const { http, clock } = client(server.url);
    expect(await failure(http.call(post))).toBeInstanceOf(UnknownOutcomeError);
    await http.call(get);
    expect(clock.sleeps).toEqual([7000]);
  });

  test('may be a date, measured against the date of the reply', async () => {
    const date = new Date('2030-01-01T00:00:00Z').toUTCString();
    const later = new Date('2030-01-01T00:00:09Z').toUTCString();
    await using server = await serve(status(503, { date, 'retry-after': later }), json({}));
    const { http, clock } = client(server.url);
    await http.call(get);
    expect(clock.sleeps).toEqual([9000]);
  });

  test('longer than the limit surfaces at once, and refuses other calls until it is over', async () => {
    await using server = await serve(status(429, { 'retry-after': '90' }), json({}));
    const { http, clock } = client(server.url);
    expect(await failure(http.call(post))).toMatchObject({ code: 'retryable', status: 429, retryAfterMs: 90_000 });
    clock.at += 20_000;
    const refused = await failure(http.call(post));
    expect(refused).toMatchObject({ code: 'retryable', retryAfterMs: 70_000 });
    expect(refused.message).toBe('showroom: the CRM asked for a pause; postContact was not sent, next try in 70000 ms');
    expect(server.seen).toHaveLength(1);
    clock.at += 70_000;
    await http.call(post);
    expect(clock.sleeps).toEqual([]);
  });
});

describe('the limits', () => {
  test('no more requests are under way than `concurrent`', async () => {
    let now = 0;
    let most = 0;
    await using server = await serve(async (response, seen, number) => {
      most = Math.max(most, ++now);
      await new Promise((go) => setTimeout(go, 10));
      now -= 1;
      json({})(response, seen, number);
    });
    const { http } = client(server.url, { rateLimit: { concurrent: 3 } });
    await Promise.all(Array.from({ length: 12 }, () => http.call(get)));
    expect(most).toBe(3);
  });

  test('requests start at least 1/perSecond apart', async () => {
    const clock = new SleepClock();
    const arrivals: number[] = [];
    await using server = await serve((response, seen, number) => {
      arrivals.push(clock.now());
      return json({})(response, seen, number);
    });
    const { http } = client(server.url, { clock, rateLimit: { perSecond: 5, concurrent: 1 } });
    for (let i = 0; i < 4; i++) await http.call(get);
    expect(arrivals.map((at) => at - arrivals[0]!)).toEqual([0, 200, 400, 600]);
    // Time without requests is not saved up for a burst.
    clock.at += 10_000;
    for (let i = 0; i < 2; i++) await http.call(get);
    expect(arrivals[5]! - arrivals[4]!).toBe(200);
  });
});

describe('what it is held by', () => {
  test('a pause that the CRM asked for, until it is over', async () => {
    await using server = await serve(status(429, { 'retry-after': '90' }), json({}));
    const { http, clock } = client(server.url);
    expect(http.held()).toBeUndefined();
    await failure(http.call(post));
    expect(http.held()).toEqual({ why: 'asked', until: clock.at + 90_000 });
    clock.at += 90_000;
    expect(http.held()).toBeUndefined();
  });

  test('not being reachable, until the next call may try', async () => {
    const { http, clock } = client(`http://127.0.0.1:${await freePort()}`, { retries: 0 });
    for (let call = 1; call <= 8; call += 1) await failure(http.call(get));
    expect(http.held()).toEqual({ why: 'unreachable', until: clock.at + 10_000 });
    clock.at += 10_000;
    expect(http.held()).toBeUndefined();
  });
});

describe('the circuit breaker', () => {
  test('stops calling a CRM that is down, says since when, and tries again', async () => {
    let isDown = true;
    await using server = await serve((response, seen, number) => (isDown ? cut : json({}))(response, seen, number));
    const { http, clock } = client(server.url, { retries: 0 });
    for (let i = 0; i < 8; i++) await failure(http.call(i % 2 ? get : post));
    expect(server.seen).toHaveLength(8);

    clock.at += 4000;
    const error = await failure(http.call(post));
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toBe(
      'showroom: not reachable since 2026-11-21T00:00:00.000Z; postContact was not sent, next try in 6000 ms',
    );
    expect(error).toMatchObject({ retryAfterMs: 6000 });
    expect(server.seen).toHaveLength(8);

    // One call looks whether it is back; that it is not is known for the next ten seconds.
    clock.at += 6000;
    await Promise.all([1, 2, 3].map(() => failure(http.call(get))));
    expect(server.seen).toHaveLength(9);
    clock.at += 9999;
    await failure(http.call(get));
    expect(server.seen).toHaveLength(9);

    isDown = false;
    clock.at += 1;
    await http.call(get);
    await Promise.all([1, 2, 3].map(() => http.call(get)));
    expect(server.seen).toHaveLength(13);
  });

  test.each([400, 401, 403, 404, 429, 500])('does not count %i, which is an answer', async (code) => {
    await using server = await serve(status(code));
    const { http } = client(server.url, { retries: 0 });
    for (let i = 0; i < 12; i++) await failure(http.call(get));
    expect(server.seen).toHaveLength(12);
  });

  test('counts in a row only', async () => {
    await using server = await serve((response, seen, number) => (number % 8 ? cut : json({}))(response, seen, number));
    const { http } = client(server.url, { retries: 0 });
    for (let i = 0; i < 30; i++) await http.call(get).catch(() => {});
    expect(server.seen).toHaveLength(30);
  });

  test('is not kept waiting by a trial call that was aborted', async () => {
    let answer: Answer = cut;
    await using server = await serve((response, seen, number) => answer(response, seen, number));
    const { http, clock } = client(server.url, { retries: 0 });
    for (let i = 0; i < 8; i++) await failure(http.call(get));
    clock.at += 10_000;
    answer = silence;
    await expect(http.call(get, { signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout');
    answer = json({});
    await http.call(get);
  });
});

test('errors and events name connection, operation and status, and hold no address, query, body or token', async () => {
  await using server = await serve(
    json({ error: 'Zoé' }, 422),
    cut,
    status(500),
    (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"Zoé'),
    (response) => response.socket?.end('Zoé is no HTTP\r\n\r\n'),
  );
  const { http, events } = client(server.url, { retries: 0 });
  const one = operation('PUT', '/contacts/{id}', { parameters: [parameter('id', 'path'), parameter('q', 'query')] });
  const texts: string[] = [];
  for (let i = 0; i < 5; i++) {
    const { detail: _, ...error } = await failure(
      http.call(one, { params: { id: 'ID', q: 'Zoé' }, body: { name: 'Zoé' } }),
    );
    texts.push(JSON.stringify(error), String(error.cause));
  }
  const all = texts.join() + JSON.stringify(events);
  expect(events.map(({ outcome }) => outcome)).toEqual([
    'rejected',
    'retryable',
    'retryable',
    'malformed_reply',
    'retryable',
  ]);
  for (const leak of ['Zo', secret, '127.0.0.1', '/contacts']) expect(all).not.toContain(leak);
});

import { describe, expect, onTestFinished, test } from 'vitest';
import { bearer, type ClientCredentials, clientCredentials } from '../../src/connector/auth.ts';
import { AuthError, CrmError, RetryableError } from '../../src/connector/errors.ts';
import { createHttp } from '../../src/connector/http-client.ts';
import { type Answer, cut, json, operation, SleepClock, serve, status } from './crm-server.ts';

const get = operation('GET');
const clientSecret = 'very&SECRET=';

const token = (value: string, more: object = { expires_in: 3600 }): Answer =>
  json({ access_token: value, token_type: 'Bearer', ...more });
/** `tok1`, `tok2` … */
const tokens =
  (more?: object): Answer =>
  (response, seen, number) =>
    token(`tok${number}`, more)(response, seen, number);

function client(crmUrl: string, tokenUrl: string, more: Partial<ClientCredentials> = {}) {
  const clock = new SleepClock();
  const auth = clientCredentials(
    { connection: 'site', clientId: 'id 1', clientSecret, tokenUrl: `${tokenUrl}/api/v1/oauth/token`, ...more },
    clock,
  );
  const http = createHttp({
    connection: 'site',
    baseUrl: crmUrl,
    auth,
    clock,
    random: () => 0.5,
    errorMessage: () => 'refused',
  });
  onTestFinished(() => http.close());
  return { http, clock, auth };
}

async function failure(promise: Promise<unknown>): Promise<CrmError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CrmError);
  expect(JSON.stringify(error) + (error as Error).message + (error as Error).stack).not.toContain('SECRET');
  return error as CrmError;
}

describe('a static token', () => {
  test('travels as it is, without the line break that its file may end with', async () => {
    expect(await bearer('abc\n').headers()).toEqual({ authorization: 'Bearer abc' });
    expect(await bearer('abc', { header: 'x-api-key', scheme: '' }).headers()).toEqual({ 'x-api-key': 'abc' });
  });

  test.each(['', ' ', 'a\nb', 'é'])('%j cannot travel in a header and is refused', (text) => {
    expect(() => bearer(text)).toThrow(RangeError);
  });

  test('that is refused is not tried twice', async () => {
    await using crm = await serve(status(401));
    const http = createHttp({
      connection: 'site',
      baseUrl: crm.url,
      auth: bearer('abc'),
      clock: new SleepClock(),
      random: () => 0.5,
      errorMessage: () => '',
    });
    onTestFinished(() => http.close());
    expect(await failure(http.call(get))).toBeInstanceOf(AuthError);
    expect(crm.seen).toHaveLength(1);
  });
});

describe('client credentials', () => {
  test('are exchanged once for all requests, as a form', async () => {
    await using endpoint = await serve(async (...given) => {
      await new Promise((go) => setTimeout(go, 30));
      tokens()(...given);
    });
    await using crm = await serve(json({}));
    const { http } = client(crm.url, endpoint.url, { scope: 'crm' });
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => http.call(get)));
    await http.call(get);
    expect(endpoint.seen).toMatchObject([
      {
        method: 'POST',
        url: '/api/v1/oauth/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: 'grant_type=client_credentials&client_id=id+1&client_secret=very%26SECRET%3D&scope=crm',
      },
    ]);
    expect(endpoint.seen[0]?.headers.authorization).toBeUndefined();
    expect(new Set(crm.seen.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer tok1']));
  });

  test('may be sent as JSON, and the token in another header', async () => {
    await using endpoint = await serve(tokens());
    await using crm = await serve(json({}));
    const { http } = client(crm.url, endpoint.url, {
      bodyForm: 'json',
      grantType: 'password',
      header: 'x-token',
      scheme: '',
    });
    await http.call(get);
    expect(JSON.parse(endpoint.seen[0]!.body)).toEqual({
      grant_type: 'password',
      client_id: 'id 1',
      client_secret: clientSecret,
    });
    expect(crm.seen[0]?.headers).toMatchObject({ 'x-token': 'tok1' });
  });

  test.each([
    [{ expires_in: 3600 }, 3_539_000, 3_541_000],
    [{ expires_in: '100' }, 89_000, 91_000],
    [{}, 269_000, 271_000],
    [{ expires_in: 0 }, 269_000, 271_000],
  ])('of which the reply says %j are renewed shortly before they end', async (life, stillGood, tooLate) => {
    await using endpoint = await serve(tokens(life));
    await using crm = await serve(json({}));
    const { http, clock } = client(crm.url, endpoint.url);
    await http.call(get);
    clock.at += stillGood;
    await http.call(get);
    expect(endpoint.seen).toHaveLength(1);
    clock.at += tooLate - stillGood;
    await http.call(get);
    expect(endpoint.seen).toHaveLength(2);
    expect(crm.seen.at(-1)?.headers.authorization).toBe('Bearer tok2');
  });

  test('are renewed once after a 401, for everybody, and the calls repeated, creates too', async () => {
    await using endpoint = await serve(tokens());
    let good = 'Bearer tok1';
    await using crm = await serve((response, seen, number) =>
      (seen.headers.authorization === good ? json({ n: number }) : status(401))(response, seen, number),
    );
    const { http } = client(crm.url, endpoint.url);
    await http.call(get);
    good = 'Bearer tok2';
    const replies = await Promise.all([operation('POST'), get, operation('PATCH')].map((one) => http.call(one)));
    expect(replies.map((reply) => reply.status)).toEqual([200, 200, 200]);
    expect(endpoint.seen).toHaveLength(2);
    expect(crm.seen.filter(({ method, headers }) => method === 'POST' && headers.authorization === good)).toHaveLength(
      1,
    );
  });

  test('that are refused again after the renewal are an error', async () => {
    await using endpoint = await serve(tokens());
    await using crm = await serve(status(401));
    const { http } = client(crm.url, endpoint.url);
    const error = await failure(http.call(operation('POST')));
    expect(error).toBeInstanceOf(AuthError);
    expect(error.message).toContain('the credentials are refused (401)');
    expect(crm.seen).toHaveLength(2);
    expect(endpoint.seen).toHaveLength(2);
  });

  test('a late 401 for the token before does not throw the new one away', async () => {
    await using endpoint = await serve(tokens());
    await using crm = await serve(json({}));
    const { auth } = client(crm.url, endpoint.url);
    const old = await auth.headers();
    auth.refused(old);
    const renewed = await auth.headers();
    auth.refused(old);
    expect(await auth.headers()).toBe(renewed);
    expect(endpoint.seen).toHaveLength(2);
  });

  test.each([
    [json({ error: 'invalid_client' }, 401), 'refuses the client (401, invalid_client); was the secret rotated'],
    [json({ error: clientSecret }, 400), 'refuses the client (400); was the secret rotated'],
    [status(403), 'refuses the client (403)'],
    [status(404), 'is not there (404); correct oauth.tokenUrl'],
    [status(302, { location: 'https://example.org' }), 'redirects (302)'],
  ])('that the endpoint refuses (%#) are an AuthError that says what to do', async (answer, message) => {
    await using endpoint = await serve(answer);
    await using crm = await serve(json({}));
    const error = await failure(client(crm.url, endpoint.url).http.call(get));
    expect(error).toBeInstanceOf(AuthError);
    expect(error.message).toContain(`site: the token endpoint ${message}`);
    expect(endpoint.seen).toHaveLength(1);
    expect(crm.seen).toEqual([]);
  });

  test.each([
    ['is cut off', cut],
    ['fails', status(503)],
    ['gives a web page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['gives no token', json({ token: 'x' })],
    ['gives a token that no header can carry', token('a\nb')],
  ] satisfies [string, Answer][])(
    'are asked for again where the endpoint %s, even for a create: nothing was sent',
    async (_, answer) => {
      await using endpoint = await serve(answer, token('good'));
      await using crm = await serve(json({}, 201));
      expect((await client(crm.url, endpoint.url).http.call(operation('POST'))).status).toBe(201);
      await using down = await serve(answer);
      const error = await failure(client(crm.url, down.url).http.call(operation('POST')));
      expect(error).toBeInstanceOf(RetryableError);
      expect(down.seen).toHaveLength(5);
      expect(crm.seen).toHaveLength(1);
    },
  );

  test('that come in no JSON are missed with the reason', async () => {
    await using crm = await serve(json({}));
    for (const [type, why] of [
      ['text/plain', 'answered 200, and its reply has content type text/plain where JSON was expected'],
      ['application/json', 'answered 200 without an access_token'],
    ] as const) {
      await using endpoint = await serve((response) =>
        response.writeHead(200, { 'content-type': type }).end(JSON.stringify({ accessToken: 'secret' })),
      );
      const { message } = await failure(client(crm.url, endpoint.url).http.call(operation('GET')));
      expect(message).toContain(why);
      expect(message).not.toContain('secret');
    }
  });

  test('that the endpoint asks to wait for hold the connection', async () => {
    await using endpoint = await serve(status(429, { 'retry-after': '20' }), tokens());
    await using crm = await serve(json({}));
    const { http, clock } = client(crm.url, endpoint.url);
    await http.call(get);
    expect(clock.sleeps).toEqual([20_000]);
  });

  test('one caller that gives up does not spoil the fetch for the others', async () => {
    let release: () => void = () => {};
    await using endpoint = await serve(async (...given) => {
      await new Promise<void>((go) => {
        release = go;
      });
      tokens()(...given);
    });
    await using crm = await serve(json({}));
    const { http } = client(crm.url, endpoint.url);
    const stop = new AbortController();
    const first = http.call(get, { signal: stop.signal });
    const second = http.call(get);
    await expect.poll(() => endpoint.seen.length).toBe(1);
    stop.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    release();
    expect((await second).status).toBe(200);
    expect(endpoint.seen).toHaveLength(1);
  });

  test('a caller that has given up already is not kept waiting', async () => {
    await using endpoint = await serve(() => {});
    const { auth } = client('http://127.0.0.1', endpoint.url, { timeoutMs: 500 });
    const startedAt = performance.now();
    await expect(auth.headers(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(performance.now() - startedAt).toBeLessThan(400);
  });

  test('are never sent in the clear to another machine', () => {
    const given = { connection: 'site', clientId: 'a', clientSecret, tokenUrl: 'http://crm.example.org/token' };
    expect(() => clientCredentials(given, new SleepClock())).toThrow(
      'site: oauth.tokenUrl is plain http to another machine; expected https (plain http only to loopback)',
    );
  });

  test('a token goes to the CRM alone, the secret to the endpoint alone', async () => {
    await using endpoint = await serve(tokens());
    await using crm = await serve(json({}));
    await client(crm.url, endpoint.url).http.call(operation('POST'), { body: {} });
    expect(JSON.stringify(crm.seen)).not.toContain('SECRET');
    expect(JSON.stringify(endpoint.seen)).not.toContain('tok1');
  });
});

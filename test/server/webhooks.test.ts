import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { StoreError } from '../../src/store/errors.ts';
import type { Delivery } from '../../src/store/store.ts';
import { openWebhookBed, secret, signed, type WebhookBed } from './webhook-bed.ts';

const beds: WebhookBed[] = [];
const open = async (...of: Parameters<typeof openWebhookBed>): Promise<WebhookBed> => {
  const bed = await openWebhookBed(...of);
  beds.push(bed);
  return bed;
};
afterEach(async () => {
  for (const bed of beds.splice(0)) await bed.close();
});

const errorOf = async (reply: Response) => ((await reply.json()) as { error: string }).error;

const event = { type: 'contact.updated', timestamp: 1_700_000_000, data: { entity: 'contact', id: '42' } };

describe('a Standard Webhook', () => {
  it('is in the inbox when it is answered, and what waits for it is told', async () => {
    const bed = await open();
    const reply = await bed.send(event);
    expect([reply.status, await reply.json()]).toEqual([202, { outcome: 'stored' }]);
    expect(await bed.hints()).toEqual(['contact changed 42']);
    expect(bed.woken).toBe(1);
    expect((await bed.store.openHints())[0]?.oldestAt).toBe(bed.now);
  });

  it('that comes on an open connection while the receiver closes is stored like any other', async () => {
    const bed = await open();
    const body = JSON.stringify(event);
    const head = (extra = '') =>
      [
        'POST /webhooks/showroom HTTP/1.1',
        'host: here',
        `content-length: ${Buffer.byteLength(body)}${extra}`,
        ...Object.entries(signed(body, { at: bed.now })).map(([name, value]) => `${name}: ${value}`),
        '\r\n',
      ].join('\r\n');
    const socket = connect(Number(new URL(bed.url).port), '127.0.0.1').setEncoding('utf8');
    let told = '';
    socket.on('data', (text: string) => {
      told += text;
    });
    const ended = once(socket, 'close');
    socket.write(head('\r\nexpect: 100-continue'));
    await once(socket, 'data');
    const closed = beds.pop()!.close();
    await setImmediate();
    socket.write(`${body}${head()}${body}`);
    await Promise.all([ended, closed]);
    expect(told.match(/HTTP[^\r]*|\{.*?\}/g)).toEqual([
      'HTTP/1.1 100 Continue',
      'HTTP/1.1 202 Accepted',
      '{"outcome":"stored"}',
      'HTTP/1.1 202 Accepted',
      '{"outcome":"stored"}',
    ]);
  });

  it('that is sent again has no effect', async () => {
    const bed = await open();
    for (const [outcome, at] of [
      ['stored', bed.now],
      ['repeated', bed.now],
      ['repeated', bed.now + 60_000],
    ]) {
      const reply = await bed.send(event, { id: 'msg_same', at: at as number });
      expect([reply.status, await reply.json()]).toEqual([202, { outcome }]);
    }
    expect(await bed.hints()).toEqual(['contact changed 42']);
    expect(bed.woken).toBe(1);
  });

  it('about the same record again is another hint', async () => {
    const bed = await open();
    await bed.send(event);
    await bed.send(event);
    expect(await bed.hints()).toHaveLength(2);
  });

  it.each([
    [-301, 401],
    [-299, 202],
    [299, 202],
    [302, 401],
  ])('signed %i seconds from now is answered %i', async (secs, status) => {
    const bed = await open();
    bed.now = 1_800_000_000_500;
    expect((await bed.send(event, { at: bed.now + secs * 1000 })).status).toBe(status);
    expect(await bed.hints()).toHaveLength(status === 202 ? 1 : 0);
  });

  it('is known by any of several signatures, while a secret is being replaced', async () => {
    const bed = await open();
    const body = JSON.stringify(event);
    const { 'webhook-signature': right, ...rest } = signed(body);
    const other = signed(body, { secret: `whsec_${Buffer.from('old').toString('base64')}` })['webhook-signature'];
    const status = async (signatures: string) =>
      (await bed.send(body, { headers: { ...rest, 'webhook-signature': signatures } })).status;
    expect(await status(`${other} v1a,ed25519 ${right}`)).toBe(202);
    expect(await status(`${other} ${right.replace('v1,', 'v2,')}`)).toBe(401);
  });

  it('is checked byte for byte, not as text', async () => {
    const bed = await open();
    const [one, other] = [0x80, 0x81].map((byte) =>
      Buffer.concat([Buffer.from('{"id":"'), Buffer.from([byte]), Buffer.from('","entity":"contact"}')]),
    );
    // Both read the same once they are decoded; the library's own check takes the one for the other.
    const headers = signed(one!.toString());
    for (const body of [one!, other!])
      expect((await fetch(`${bed.url}/showroom`, { method: 'POST', headers, body })).status).toBe(401);
  });

  const body = JSON.stringify(event);
  const right = signed(body);
  it.each<[string, Record<string, string | undefined>]>([
    ['no headers', { 'webhook-id': undefined, 'webhook-timestamp': undefined, 'webhook-signature': undefined }],
    ['no id', { 'webhook-id': undefined }],
    ['an empty id', { 'webhook-id': '' }],
    ['another id', { 'webhook-id': 'msg_x' }],
    ['no time', { 'webhook-timestamp': undefined }],
    ['another time', { 'webhook-timestamp': String(Number(right['webhook-timestamp']) - 1) }],
    ['a time with a tail', { 'webhook-timestamp': `${right['webhook-timestamp']}.0` }],
    ['a time that is none', { 'webhook-timestamp': 'NaN' }],
    ['no signature', { 'webhook-signature': undefined }],
    ['an empty signature', { 'webhook-signature': '' }],
    ['a signature without a version', { 'webhook-signature': right['webhook-signature'].slice(3) }],
    ['half a signature', { 'webhook-signature': right['webhook-signature'].slice(0, 20) }],
    ['a signature of nothing', { 'webhook-signature': 'v1,' }],
  ])('with %s is not taken', async (_, over) => {
    const bed = await open();
    const headers = Object.entries({ ...right, ...over }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    );
    const reply = await fetch(`${bed.url}/showroom`, { method: 'POST', headers, body });
    expect([reply.status, await errorOf(reply)]).toEqual([401, 'unauthorized']);
    expect(await bed.hints()).toEqual([]);
    expect(bed.woken).toBe(0);
  });

  it('changed on its way is not taken', async () => {
    const bed = await open();
    const reply = await fetch(`${bed.url}/showroom`, {
      method: 'POST',
      headers: right,
      body: body.replace('42', '43'),
    });
    expect(reply.status).toBe(401);
  });
});

describe('a signature or token in a header of the sender’s own', () => {
  it('is an HMAC of the body', async () => {
    const bed = await open(`
site: { scheme: hmac, secret: shh, header: X-Hub-Signature-256, prefix: "sha256=", deliveryHeader: X-Delivery }
support: { scheme: hmac, secret: shh, header: X-Sig, algorithm: sha512, encoding: base64 }`);
    const text = JSON.stringify(event);
    const sign = (algorithm: string, key = 'shh') => createHmac(algorithm, key).update(text);
    const send = async (connection: string, headers: Record<string, string>) =>
      (
        await fetch(`${bed.url}/${connection}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: text,
        })
      ).status;
    const hex = sign('sha256').digest('hex');
    expect(await send('site', { 'x-hub-signature-256': `sha256=${hex}`, 'x-delivery': '1' })).toBe(202);
    expect(await send('site', { 'x-hub-signature-256': `sha256=${hex.toUpperCase()}`, 'x-delivery': '1' })).toBe(202);
    expect(await bed.hints('site')).toEqual(['contact changed 42']);
    expect(await send('support', { 'x-sig': sign('sha512').digest('base64') })).toBe(202);
    for (const wrong of [
      '',
      hex,
      `sha256=${hex}0`,
      `sha256=${hex.slice(1)}`,
      `sha256=${sign('sha256', 'no').digest('hex')}`,
    ])
      expect(await send('site', { 'x-hub-signature-256': wrong })).toBe(401);
    expect(await send('site', {})).toBe(401);
    expect(await send('support', { 'x-sig': sign('sha512').digest('hex') })).toBe(401);
    expect(await send('support', { 'x-sig': sign('sha256').digest('base64') })).toBe(401);
  });

  it('is the token itself', async () => {
    const bed = await open('{ site: { scheme: token, secret: a-token, header: Authorization, prefix: "Bearer " } }');
    const send = async (headers: Record<string, string>) =>
      (
        await fetch(`${bed.url}/site`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(event),
        })
      ).status;
    expect(await send({ authorization: 'Bearer a-token' })).toBe(202);
    for (const wrong of ['a-token', 'Bearer a-toke', 'Bearer a-token1', 'bearer a-token', 'Bearer '])
      expect(await send({ authorization: wrong })).toBe(401);
    expect(await send({})).toBe(401);
  });
});

describe('a body', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['in the generic form', event, ['contact changed 42']],
    [
      'with the same keys at the top level',
      { type: 'contact.created', entity: 'contact', id: '42' },
      ['contact changed 42'],
    ],
    ['with a number as id', { entity: 'contact', id: 42 }, ['contact changed 42']],
    ['with the id 0', { entity: 'contact', id: 0 }, ['contact changed 0']],
    ['whose entity is in the type alone', { type: 'account.updated', data: { id: 'a-1' } }, ['account changed a-1']],
    ['whose entity is a plural', { entity: 'Contacts', id: '1' }, ['contact changed 1']],
    [
      'with an id of the event beside',
      { id: 'evt_1', type: 'contact.updated', data: { id: '7' } },
      ['contact changed 7'],
    ],
    ['of a delete', { type: 'contact.deleted', data: { id: '7' } }, ['contact deleted 7']],
    ['of a delete in camel case', { type: 'ContactRemoved', id: '7' }, ['contact deleted 7']],
    ['of a delete, verb first', { type: 'delete_account', id: '7' }, ['account deleted 7']],
    ['of a delete of something within', { type: 'contact.tag.deleted', id: '7' }, ['contact changed 7']],
    [
      'that is a list',
      [event, { ...event, data: { entity: 'account', id: '9' } }],
      ['contact changed 42', 'account changed 9'],
    ],
    ['with a list of events', { events: [event, event] }, ['contact changed 42', 'contact changed 42']],
    [
      'with a list of data',
      { type: 'contact.deleted', id: 'evt', data: [{ id: 1 }, { id: 2 }] },
      ['contact deleted 1', 'contact deleted 2'],
    ],
    [
      'with keys of prototypes',
      '{"__proto__":{"entity":"lead"},"constructor":1,"entity":"contact","id":"5"}',
      ['contact changed 5'],
    ],
    ['behind a byte order mark', '\uFEFF{"entity":"contact","id":"5"}', ['contact changed 5']],
  ])('%s is understood', async (_, body, expected) => {
    const bed = await open();
    expect((await bed.send(body)).status).toBe(202);
    expect(await bed.hints()).toEqual(expected);
  });

  it.each<[string, unknown, string]>([
    ['that is empty', '', 'the body is no JSON'],
    ['that is cut', '{"entity":"contact","id":', 'the body is no JSON'],
    ['that is a text', '"contact"', 'the body: expected a mapping or a list of them'],
    ['with an event that is none', [event, 7], 'event 1: expected a mapping'],
    [
      'with another entity',
      { entity: 'order', id: '1' },
      'the event: the entity: expected contact, account, lead, named or in the type',
    ],
    [
      'with another type',
      { type: 'order.paid', id: '1' },
      'the event: the entity: expected contact, account, lead, named or in the type',
    ],
    [
      'with an entity that is no text',
      { entity: ['contact'], id: '1' },
      'the event: the entity: expected contact, account, lead, named or in the type',
    ],
    [
      'with an entity of a prototype',
      { entity: 'constructor', id: '1' },
      'the event: the entity: expected contact, account, lead, named or in the type',
    ],
    [
      'with a type that is no text',
      { type: 5, entity: 'contact', id: '1' },
      'the event: the type: expected a text such as contact.updated',
    ],
    ...[undefined, null, '', {}, [1], true, 1.5, 2 ** 53, 'a\u0000b', 'x'.repeat(257), '\ud800'].map(
      (id): [string, unknown, string] => [
        `with the id ${JSON.stringify(id)?.slice(0, 30)}`,
        { entity: 'contact', id },
        'the event: the id: expected a text of 1 to 256 characters, or a whole number below 2^53 (larger ones as text)',
      ],
    ),
    [
      'whose data has no id',
      { id: 'evt_1', entity: 'contact', data: {} },
      'the event: the id: expected a text of 1 to 256 characters, or a whole number below 2^53 (larger ones as text)',
    ],
  ])('%s is refused in words, all of it', async (_, body, message) => {
    const bed = await open();
    const reply = await bed.send(body);
    expect([reply.status, await reply.json()]).toEqual([400, { error: 'bad_body', message }]);
    expect(await bed.hints()).toEqual([]);
  });

  it('of thousands of events is taken in one piece, and once', async () => {
    const bed = await open();
    const events = Array.from({ length: 10_000 }, (_, id) => ({
      type: 'contact.updated',
      data: { entity: 'contact', id },
    }));
    expect((await bed.send(events, { id: 'msg_many' })).status).toBe(202);
    expect((await bed.send(events, { id: 'msg_many' })).status).toBe(202);
    const hints = await bed.hints();
    expect(hints).toHaveLength(10_000);
    expect(hints.at(-1)).toBe('contact changed 9999');
  });

  it('about what no sync of the connection keeps is taken and not stored', async () => {
    const bed = await open();
    const reply = await bed.send([{ entity: 'lead', id: '1' }]);
    expect([reply.status, await reply.json()]).toEqual([202, { outcome: 'ignored' }]);
    await bed.send([{ entity: 'lead', id: '1' }, event]);
    expect(await bed.hints()).toEqual(['contact changed 42']);
  });

  it('is read where the configuration says', async () => {
    const bed = await open(`
showroom:
  secret: ${secret}
site:
  scheme: token
  secret: t
  header: X-Token
  entity: contact
  words: { Customer: contact, Order: ignore }
  body: { events: payload.items, entity: meta.kind, id: ref.customer id, type: what, delivery: notification }`);
    const send = async (body: unknown) => {
      const headers = { 'content-type': 'application/json', 'x-token': 't' };
      const reply = await fetch(`${bed.url}/site`, { method: 'POST', headers, body: JSON.stringify(body) });
      return [reply.status, ...Object.values((await reply.json()) as object)];
    };
    const item = (id: unknown, over: object = {}) => ({ id: 'no', ref: { 'customer id': id }, ...over });
    const items = [
      item(1, { meta: { kind: 'CUSTOMER' } }),
      item('b', { what: 'customer.deleted' }),
      item('c', { what: 'anything.removed.at.all' }),
      item('d', { meta: { kind: 'order' } }),
      item('e', { what: 'order.paid' }),
    ];
    expect(await send({ notification: 77, payload: { items } })).toEqual([202, 'stored']);
    expect(await send({ notification: '77', payload: { items } })).toEqual([202, 'repeated']);
    expect(await bed.hints('site')).toEqual(['contact changed 1', 'contact deleted b', 'contact changed c']);
    expect(await send({ payload: { items: [item('x', { meta: { kind: 'invoice' } })] } })).toEqual([
      400,
      'bad_body',
      'the event: the entity: expected contact, account, lead, named or in the type',
    ]);
    expect(await send({ payload: {} })).toEqual([400, 'bad_body', 'payload.items: expected a list of events']);
    expect(await send({ notification: {}, payload: { items } })).toEqual([
      400,
      'bad_body',
      expect.stringMatching(/^the id of the delivery: expected/),
    ]);
  });
});

describe('a stranger', () => {
  it('is told the same of a connection that is unknown, that sends no webhooks, or whose secret is another', async () => {
    const bed = await open();
    const replies = [];
    for (const connection of ['showroom', 'site', 'nobody', '__proto__', 'constructor', 'x%2Fy', 'a'.repeat(99)]) {
      const reply = await bed.send(event, { connection, secret: `whsec_${Buffer.from('guess').toString('base64')}` });
      const { date: _, ...headers } = Object.fromEntries(reply.headers);
      replies.push(JSON.stringify([reply.status, headers, await reply.text()]));
    }
    expect(new Set(replies).size).toBe(1);
    expect(JSON.parse(replies[0]!)[0]).toBe(401);
    for (const connection of ['showroom', 'nobody']) {
      expect((await bed.send('{', { connection, secret: 'whsec_AAAA' })).status).toBe(401);
      expect((await bed.send(event, { connection, headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    }
  });

  it('finds nothing but the one address', async () => {
    const bed = await open();
    const origin = bed.url.replace('/webhooks', '');
    for (const [method, path] of [
      ['GET', '/webhooks/showroom'],
      ['HEAD', '/webhooks/showroom'],
      ['PUT', '/webhooks/showroom'],
      ['POST', '/'],
      ['POST', '/webhooks'],
      ['POST', '/webhooks/showroom/x'],
    ] as const)
      expect((await fetch(origin + path, { method })).status, `${method} ${path}`).toBe(404);
    expect((await fetch(`${bed.url}/%E0%A4%A`, { method: 'POST' })).status).toBe(400);
  });

  it('cannot send what is too large, compressed or no JSON', async () => {
    const bed = await open(undefined, { bodyLimit: 1_000 });
    const large = JSON.stringify({ ...event, more: 'x'.repeat(1_000) });
    const reply = await bed.send(large);
    expect([reply.status, await reply.json()]).toEqual([
      413,
      { error: 'too_large', message: 'expected a body of at most 1000 bytes' },
    ]);
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(Buffer.alloc(600));
      },
    });
    const streamed = fetch(`${bed.url}/showroom`, {
      method: 'POST',
      body: stream,
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
    } as RequestInit);
    expect((await streamed).status).toBe(413);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'json',
      'application/json2',
    ])
      expect((await bed.send(event, { headers: { 'content-type': type } })).status, type).toBe(415);
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/cloudevents+json'])
      expect((await bed.send(event, { headers: { 'content-type': type } })).status, type).toBe(202);
    expect((await bed.send(event, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
  });

  it('fills no log, and is not quoted in it', async () => {
    const bed = await open();
    const guess = { secret: 'whsec_AAAA' };
    for (let time = 0; time < 50; time++) {
      await bed.send(event, { ...guess, connection: `nobody-${time}` });
      await bed.send(event, guess);
    }
    const refused = { message: 'webhook refused', status: 401, code: 'unauthorized' };
    const told = () => bed.said.splice(0).map(({ fields, message }) => ({ message, ...fields }));
    expect(told()).toEqual([
      { ...refused, connection: undefined, before: 0 },
      { ...refused, connection: 'showroom', before: 0 },
    ]);
    bed.now += 60_000;
    await bed.send({ entity: 'secret', id: 'hunter2' });
    await bed.send(event, guess);
    expect(told()).toEqual([
      { ...refused, connection: 'showroom', status: 400, code: 'bad_body', before: 0 },
      { ...refused, connection: 'showroom', before: 49 },
    ]);
  });

  it('that sends no body at all is refused', async () => {
    const bed = await open();
    const headers = signed('');
    const status = await new Promise((resolve, reject) => {
      const { hostname, port } = new URL(bed.url);
      request({ hostname, port, path: '/webhooks/showroom', method: 'POST', headers })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
  });
});

describe('the inbox', () => {
  it('that cannot be written to is said, with a time to come again', async () => {
    let isFull = true;
    const taken: Delivery[] = [];
    const bed = await open(undefined, {
      store: {
        receive: async (deliveries) => {
          if (isFull) throw new StoreError('full', '/srv/concordat.db: there is no room');
          taken.push(...deliveries);
          return deliveries.map(() => 'stored');
        },
      },
    });
    const reply = await bed.send(event, { id: 'msg_1' });
    expect([reply.status, reply.headers.get('retry-after'), await reply.json()]).toEqual([
      503,
      '30',
      { error: 'database_full', message: 'the inbox cannot be written to; send it again in 30 s' },
    ]);
    isFull = false;
    expect((await bed.send(event, { id: 'msg_1' })).status).toBe(202);
    expect(taken).toHaveLength(1);
    expect(bed.woken).toBe(1);
  });

  it('fails in a way nobody foresaw, and what is said shows nothing of it', async () => {
    const bed = await open(undefined, {
      store: { receive: () => Promise.reject(new TypeError('anna@example.org is not iterable')) },
    });
    const reply = await bed.send(event);
    expect([reply.status, await errorOf(reply)]).toEqual([503, 'unexpected']);
    expect(bed.said).toEqual([
      { message: 'webhook refused', fields: expect.objectContaining({ code: 'unexpected', connection: 'showroom' }) },
    ]);
    expect(bed.said[0]?.fields.at).toContain('webhooks.test.ts');
    expect(JSON.stringify(bed.said)).not.toContain('anna');
  });

  it('takes what comes at once in few transactions, each request with its own outcome', async () => {
    const groups: number[] = [];
    const bed = await open(undefined, {
      store: {
        receive: async (deliveries) => {
          groups.push(deliveries.length);
          await new Promise((resolve) => setTimeout(resolve, 20));
          return bed.store.receive(deliveries);
        },
      },
    });
    const ids = Array.from({ length: 100 }, (_, index) => `msg_g${index % 50}`);
    const replies = await Promise.all(
      ids.map(async (id) => (await (await bed.send(event, { id })).json()) as { outcome: string }),
    );
    expect(replies.filter(({ outcome }) => outcome === 'stored')).toHaveLength(50);
    expect(await bed.hints()).toHaveLength(50);
    expect(groups.reduce((sum, size) => sum + size)).toBe(100);
    expect(groups.length).toBeLessThan(50);
  });
});

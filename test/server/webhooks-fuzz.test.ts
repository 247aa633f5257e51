import { createHmac } from 'node:crypto';
import { createConnection } from 'node:net';
import { fc, test as property } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { WebhookBody } from '../../src/config/config.ts';
import { BodyError, readBody } from '../../src/server/webhooks/delivery.ts';
import { openWebhookBed, secret, type WebhookBed } from './webhook-bed.ts';

const runs = Number(process.env.RUNS ?? 300);

let bed: WebhookBed;
beforeAll(async () => {
  bed = await openWebhookBed(
    `{ showroom: ${secret}, site: { scheme: token, secret: t, header: X-Token, deliveryHeader: X-Id } }`,
    { bodyLimit: 50_000 },
  );
});
afterAll(() => bed.close());

const word = fc.constantFrom(
  'contact',
  'accounts',
  'contact.updated',
  'contact.deleted',
  'lead',
  'order',
  '',
  '__proto__',
);
const id = fc.oneof(
  fc.constantFrom<unknown>(0, -1, 1.5, 2 ** 53, 1e308, '', '0', 'a', '\u0000', '\ud800', null, true, [], {}, ['x']),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.integer(),
);
const key = fc.constantFrom(
  'type',
  'data',
  'entity',
  'id',
  'events',
  'timestamp',
  '__proto__',
  'constructor',
  'toString',
);
/** Something that looks like an event, more or less. */
const event: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, id, word, fc.array(tie('any'), { maxLength: 4 }), tie('mapping')),
  mapping: fc.array(fc.tuple(key, tie('any')), { maxLength: 5 }).map((pairs) => {
    const mapping = Object.create(null) as Record<string, unknown>;
    for (const [name, value] of pairs)
      Object.defineProperty(mapping, name, { value, enumerable: true, configurable: true });
    return mapping;
  }),
})).mapping;
const deep = fc
  .tuple(fc.constantFrom<[string, string]>(['[', ']'], ['{"data":', '}'], ['{"events":[', ']}']), fc.nat(8_000))
  .map(([[open, close], depth]) => `${open.repeat(depth)}1${close.repeat(depth)}`);
const number = fc
  .tuple(fc.constantFrom('', '-'), fc.nat(2_000))
  .map(([sign, digits]) => `{"entity":"contact","id":${sign}1${'0'.repeat(digits)}}`);
const plain = fc
  .record({ type: word, entity: word, id }, { requiredKeys: ['id'] })
  .map((each): object => (each.entity ? each : { ...each, entity: 'contact' }));
const text = fc.oneof(
  { weight: 3, arbitrary: plain.map((each) => JSON.stringify(each)) },
  { weight: 4, arbitrary: event.map((each) => JSON.stringify(each)) },
  { weight: 2, arbitrary: fc.array(event, { maxLength: 5 }).map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: deep },
  { weight: 1, arbitrary: number },
);
const bytes = fc.oneof(
  { weight: 4, arbitrary: text.map((each) => Buffer.from(each)) },
  {
    weight: 1,
    arbitrary: fc.tuple(text, fc.nat()).map(([each, at]) => Buffer.from(each).subarray(0, at % (each.length + 1))),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map((each) => Buffer.from(each)) },
);

/** The receiver still does what it is there for. */
const expectAlive = async () =>
  expect((await bed.send({ entity: 'contact', id: 1 }, { headers: { connection: 'close' } })).status).toBe(202);

describe('whatever comes', () => {
  property.prop([bytes], { numRuns: runs })('rightly signed is taken or refused in words', async (body) => {
    const at = String(Math.floor(bed.now / 1000));
    const name = `msg_${Math.random()}`;
    const signature = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(`${name}.${at}.`)
      .update(body);
    const headers = {
      ...{ 'content-type': 'application/json', 'webhook-id': name, 'webhook-timestamp': at },
      'webhook-signature': `v1,${signature.digest('base64')}`,
    };
    const reply = await fetch(`${bed.url}/showroom`, { method: 'POST', headers, body });
    expect([202, 400, 413]).toContain(reply.status);
    const told = (await reply.json()) as Record<string, string>;
    expect(Object.keys(told)).toEqual(reply.status === 202 ? ['outcome'] : ['error', 'message']);
    expect(told.error).not.toBe('unexpected');
  });

  const token = fc.stringMatching(/^[!-~]{0,20}$/);
  const line = fc.oneof(
    fc.tuple(
      fc.constantFrom(
        ...[
          'webhook-id',
          'webhook-timestamp',
          'webhook-signature',
          'x-token',
          'x-id',
          'content-type',
          'content-length',
        ],
        ...['transfer-encoding', 'content-encoding', 'expect', 'host', 'connection', 'upgrade', '__proto__'],
      ),
      fc.oneof(
        token,
        fc.constantFrom(
          'application/json',
          'chunked',
          't',
          '100-continue',
          'gzip',
          '-1',
          '5',
          '99999999999',
          'v1,',
          'v1,,v1',
          'h2c',
        ),
        fc.string({ unit: 'binary', maxLength: 40 }),
      ),
    ),
    fc.tuple(token, token),
  );
  const request = fc.record({
    method: fc.oneof(
      { weight: 6, arbitrary: fc.constant('POST') },
      fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'CONNECT', 'x'),
    ),
    path: fc.oneof(
      fc.constantFrom(
        '/webhooks/showroom',
        '/webhooks/site',
        '/webhooks/__proto__',
        '/webhooks/%',
        '*',
        '//',
        '/webhooks/%00',
      ),
      token.map((each) => `/webhooks/${each}`),
    ),
    lines: fc.array(line, { maxLength: 8 }),
    proof: fc.option(fc.record({ timestamp: fc.oneof(token, fc.nat().map(String)), signature: token }), {
      nil: undefined,
    }),
    body: bytes,
    rightLength: fc.boolean(),
  });

  property.prop([request], { numRuns: runs })('from a stranger is never a fault of the server', async (asked) => {
    const { method, path, lines, proof, body, rightLength } = asked;
    const given = [
      ...(rightLength
        ? [
            ['host', 'x'],
            ['content-type', 'application/json'],
            ['content-length', String(body.length)],
          ]
        : []),
      ...(proof
        ? [
            ['webhook-id', 'x'],
            ['webhook-timestamp', proof.timestamp],
            ['webhook-signature', proof.signature],
          ]
        : []),
      ...lines,
    ];
    const head = `${method} ${path} HTTP/1.1\r\n${given.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    for (const status of await exchange(Buffer.concat([Buffer.from(head, 'latin1'), body]))) {
      expect(status).toBeGreaterThanOrEqual(100);
      expect(status).toBeLessThan(500);
    }
    expect(bed.said.splice(0).filter(({ fields }) => Number(fields.status) >= 500)).toEqual([]);
    await expectAlive();
  });

  const path = fc.option(fc.array(fc.oneof(key, fc.constantFrom('0', 'length')), { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  });
  const form: fc.Arbitrary<WebhookBody> = fc.record({
    events: path,
    entity: path,
    id: path,
    type: path,
    delivery: path,
    words: fc.constantFrom(new Map(), new Map([['order', undefined]]), new Map([['__proto__', 'lead' as const]])),
    defaultEntity: fc.constantFrom(undefined, 'account' as const),
  });
  property.prop([bytes, form], { numRuns: runs * 5 })(
    'is read as any form of body, or refused in words',
    (body, as) => {
      try {
        for (const { entity, externalId } of readBody(body, as).hints) {
          expect(['contact', 'account', 'lead']).toContain(entity);
          expect(externalId.length).toBeGreaterThan(0);
          expect(externalId.isWellFormed()).toBe(true);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(BodyError);
        expect((error as BodyError).message.length).toBeLessThan(300);
      }
    },
  );
});

/** Sends bytes and closes. @returns the status of every answer that came */
function exchange(sent: Buffer): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(bed.url);
    let read = '';
    const socket = createConnection({ host: hostname, port: Number(port) }, () => socket.end(sent));
    socket.on('data', (chunk) => {
      read += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () =>
      resolve([...read.matchAll(/^HTTP\/1\.1 ([0-9]{3})/gm)].map(([, status]) => Number(status))),
    );
  });
}

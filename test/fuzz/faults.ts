import { fc } from '@fast-check/vitest';
import type { Mangled, Passing } from './mangler.ts';

/** What is done to one reply, as plain data: the same again from the same seed. */
export type ReplyFault =
  | { readonly does: 'status'; readonly status: number; readonly keepsBody: boolean }
  | { readonly does: 'body'; readonly body: string }
  | { readonly does: 'header'; readonly name: string; readonly value: string }
  | { readonly does: 'truncate'; readonly share: number }
  | { readonly does: 'reset' }
  | { readonly does: 'replace'; readonly place: number; readonly json: string }
  | { readonly does: 'omit'; readonly place: number }
  | { readonly does: 'add'; readonly place: number; readonly key: string; readonly json: string };

/** Stands for a piece of JSON that is written out only when it is sent: huge ones would drown every message. */
const written: Readonly<Record<string, () => string>> = {
  '(long text)': () => JSON.stringify('x'.repeat(100_000)),
  '(10 MB text)': () => JSON.stringify('x'.repeat(10_000_000)),
  '(40 MB text)': () => JSON.stringify('x'.repeat(40_000_000)),
  '(deep list)': () => '['.repeat(20_000) + ']'.repeat(20_000),
};

/**
 * JSON that is no value of any mapped field, so that no person can have meant it. Texts, null, and true or false are
 * left out: they could be edits.
 */
const wrongJson = fc.constantFrom(
  ...[
    '5.5',
    '-0.5',
    '1e308',
    '1e999',
    '0.1',
    '12345678901234567890',
    '[]',
    '{}',
    '[[]]',
    '[null]',
    '[5]',
    '["a"]',
    '[{}]',
  ],
  ...[
    '{"__proto__":{"polluted":true}}',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '{"toString":1,"length":-1}',
  ],
  ...['(long text)', '(deep list)'],
);
const anyJson = fc.oneof(wrongJson, fc.constantFrom('null', 'true', '"text"', 'NaN', 'undefined', '(10 MB text)', ''));

export const replyFault: fc.Arbitrary<ReplyFault> = fc.oneof(
  fc.record({
    does: fc.constant('status' as const),
    status: fc.constantFrom(
      ...[200, 201, 202, 204, 206, 226, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 418, 422],
      ...[423, 425, 429, 451, 499, 500, 501, 502, 503, 504, 508, 520, 599],
    ),
    keepsBody: fc.boolean(),
  }),
  fc.record({
    does: fc.constant('body' as const),
    body: fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '<html></html>',
        '<?xml version="1.0"?>',
        '\uFEFF[]',
        'null',
        '5',
        '"a"',
        '[',
        '{}',
        '[]',
        '[[]]',
        'NaN',
      ),
      fc.constantFrom(
        '(40 MB text)',
        '(deep list)',
        '{"Items":null}',
        '{"Items":{}}',
        '{"data":[]}',
        '{"total":-1,"accounts":[]}',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
    ),
  }),
  fc.record({
    does: fc.constant('header' as const),
    name: fc.constant('content-type'),
    value: fc.constantFrom(
      'text/html',
      'application/xml',
      '',
      ';',
      'application/json; charset=utf-16',
      'a/b; charset=x-none',
    ),
  }),
  fc.record({
    does: fc.constant('header' as const),
    name: fc.constantFrom('content-encoding', 'retry-after', 'location', 'date'),
    value: fc.constantFrom('gzip', 'identity', '-1', '0', '1', '1e9', 'never', 'Fri, 31 Dec 9999 23:59:59 GMT', '//'),
  }),
  fc.record({ does: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  fc.record({ does: fc.constant('reset' as const) }),
  fc.record({ does: fc.constant('replace' as const), place: fc.nat({ max: 400 }), json: wrongJson }),
  fc.record({ does: fc.constant('omit' as const), place: fc.nat({ max: 400 }) }),
  fc.record({
    does: fc.constant('add' as const),
    place: fc.nat({ max: 400 }),
    key: fc.constantFrom('__proto__', 'constructor', 'toString', 'then', 'length', 'Undocumented', '', '\u0000'),
    json: anyJson,
  }),
);

/** The reply after the fault. A fault that finds no place in it leaves it as it is. */
export function mangled(reply: Passing, fault: ReplyFault): Mangled {
  const withBody = (body: string): Mangled => ({ ...reply, body: Buffer.from(body) });
  switch (fault.does) {
    case 'status':
      return { ...reply, status: fault.status, body: fault.keepsBody ? reply.body : Buffer.alloc(0) };
    case 'body':
      return withBody(written[fault.body]?.() ?? fault.body);
    case 'header':
      return { ...reply, headers: { ...reply.headers, [fault.name]: fault.value } };
    case 'truncate':
      return { ...reply, body: reply.body.subarray(0, Math.floor(reply.body.length * fault.share)) };
    case 'reset':
      return { ...reply, pace: 'reset' };
    default:
      return withBody(rewritten(reply.body.toString(), fault));
  }
}

/** Rewrites the JSON text itself: what JSON.stringify cannot say, a server can. */
function rewritten(text: string, fault: Extract<ReplyFault, { readonly place: number }>): string {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return text;
  }
  const marker = '\u0001here\u0001';
  const places = placesIn(data).filter((place) => fault.does !== 'add' || isObject(place.value));
  const place = places[fault.place % places.length];
  if (!place) return text;
  if (fault.does === 'add') {
    const object = place.value as Record<string, unknown>;
    Object.defineProperty(object, fault.key, { value: marker, enumerable: true, configurable: true, writable: true });
  } else if (place.parent === undefined) return fault.does === 'omit' ? '' : (written[fault.json]?.() ?? fault.json);
  else if (fault.does === 'replace') Reflect.set(place.parent, place.key, marker);
  else if (Array.isArray(place.parent)) place.parent.splice(Number(place.key), 1);
  else Reflect.deleteProperty(place.parent, place.key);
  const json = 'json' in fault ? (written[fault.json]?.() ?? fault.json) : '';
  return JSON.stringify(data).replace(JSON.stringify(marker), () => json);
}

interface Place {
  readonly parent: object | undefined;
  readonly key: string;
  readonly value: unknown;
}

/** Every value of a document, in order. */
function placesIn(value: unknown, parent?: object, key = ''): readonly Place[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [{ parent, key, value }, ...inner.flatMap(([name, one]) => placesIn(one, value as object, name))];
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { concordat } from '../cli/harness.ts';

const example = readFileSync('examples/concordat.yaml', 'utf8');
const names = ['CONECRM_TOKEN', 'SUPPORT_TOKEN', 'ARCHIVE_TOKEN', 'TREEPL_CLIENT_ID', 'TREEPL_CLIENT_SECRET'];
const secret = 'hunter2-is-a-secret';
const env = {
  ...Object.fromEntries(names.map((name) => [name, secret])),
  SHOWROOM_WEBHOOK_SECRET: 'whsec_c2VjcmV0',
  DASHBOARD_PASSWORD: secret,
};

/** What a file may cost, on a machine that is busy with other things: those that hung took minutes, or for ever. */
const mostMs = 10_000;
const runs = Number(process.env.RUNS ?? 200);

/** @returns the report of a refused file; undefined: it was accepted. Anything but a `ConfigError` passes through. */
function report(text: string): string | undefined {
  const startedAt = performance.now();
  try {
    parseConfig('c.yaml', text, env, connectors, '/srv');
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    return error.message;
  } finally {
    expect(performance.now() - startedAt).toBeLessThan(mostMs);
  }
}

/** A piece of text that means something to YAML, to us, or to a runtime that is not careful. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\t',
      '\n',
      ': ',
      '- ',
      '? ',
      '#',
      '{',
      '}',
      '[',
      ']',
      ',',
      '|',
      '>',
      '"',
      "'",
      '&a ',
      '*a',
      '!!js/function ',
      '!x',
    ],
    ...[
      '<<: *a',
      '---\n',
      '...\n',
      '%YAML 1.9\n',
      '\uFEFF',
      '\u0000',
      '\u2028',
      '\u202E',
      '😀',
      '\uD800',
      '\uE024\uE07B',
      '\uE07D',
    ],
    ...[
      '$' + '{',
      '$' + '{A',
      '$' + '{A:-',
      '$' + '{CONECRM_TOKEN}',
      '$$' + '{',
      '}',
      '__proto__: ',
      'constructor: ',
      'toString: ',
    ],
    ...[
      'null',
      '~',
      'true',
      '.nan',
      '.inf',
      '-0',
      '0x7fffffffffffffff',
      '1e999',
      '9'.repeat(400),
      '2026-13-45',
      'yes',
      '0o17',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

/** The example with pieces put in, ranges cut out, and ranges repeated. */
const mangled = fc
  .array(
    fc.record({
      at: fc.nat({ max: example.length }),
      length: fc.oneof(fc.constant(0), fc.nat({ max: 40 })),
      piece,
      does: fc.constantFrom('replace', 'repeat'),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((changes) =>
    changes.reduce((text, { at, length, piece: put, does }) => {
      const range = text.slice(at, at + length);
      return text.slice(0, at) + (does === 'replace' ? put : range + put + range) + text.slice(at + length);
    }, example),
  );

/** The example's data with values of any type in any place. */
const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    '',
    ' ',
    [],
    {},
    [[]],
    { a: {} },
    'x'.repeat(100_000),
    '\u0000',
  ),
  fc.constantFrom<unknown>(
    'both',
    'newest',
    'contact',
    '5%',
    '101%',
    '30s',
    'treepl',
    '[::1]:0',
    'http://[',
    '$' + '{A}',
  ),
  fc.jsonValue({ maxDepth: 4 }),
);
const places = [
  ['store'],
  ['store', 'sqlite'],
  ['queue', 'redis'],
  ['connections'],
  ...['connector', 'baseUrl', 'token', 'oauth', 'options', 'rateLimit', 'timeout', 'allowPlainHttp', '__proto__'].map(
    (key) => ['connections', 'showroom', key],
  ),
  ['connections', 'site', 'oauth', 'tokenUrl'],
  ['syncs'],
  ['syncs', 'people'],
  ...['entity', 'members', 'match', 'conflicts', 'owners', 'where', 'deletes', 'limits', 'schedule', 'constructor'].map(
    (key) => ['syncs', 'people', key],
  ),
  ['webhooks'],
  ['webhooks', 'secrets'],
  ['webhooks', 'secrets', 'showroom'],
  ...['scheme', 'secret', 'header', 'prefix', 'body', 'words', 'entity', '__proto__'].map((key) => [
    'webhooks',
    'secrets',
    'site',
    key,
  ]),
  ['dashboard', 'listen'],
];
const restructured = fc
  .array(fc.record({ at: fc.constantFrom(...places), value }), { minLength: 1, maxLength: 4 })
  .map((changes) => {
    const data = {
      store: { sqlite: './x.db' },
      queue: {},
      connections: {
        showroom: { connector: 'conecrm', baseUrl: 'https://api.example.com', token: secret },
        site: {
          connector: 'treepl',
          baseUrl: 'https://www.example.com',
          oauth: { clientId: secret, clientSecret: secret, tokenUrl: 'https://www.example.com/t' },
        },
      },
      syncs: { people: { entity: 'contact', members: { showroom: 'both', site: 'both' } } },
      webhooks: { secrets: { site: { scheme: 'token', secret, header: 'X-Token' } } },
      dashboard: {},
    };
    for (const { at, value: put } of changes) {
      let inner: Record<string, unknown> = data;
      for (const key of at.slice(0, -1)) {
        const next = inner[key];
        if (typeof next !== 'object' || next === null) break;
        inner = next as Record<string, unknown>;
      }
      Object.defineProperty(inner, at.at(-1)!, { value: put, enumerable: true, configurable: true, writable: true });
    }
    // JSON is YAML.
    return JSON.stringify(data);
  });

describe('a configuration file that is', () => {
  property.prop([mangled], { numRuns: runs })(
    'mangled is accepted, or refused in clear words that show no secret',
    (text) => {
      const told = report(text);
      expect(told ?? '').not.toContain(secret);
      expect((told ?? '').length).toBeLessThan(100_000);
    },
  );

  property.prop([restructured], { numRuns: runs })(
    'built of values of the wrong types is accepted, or refused in clear words that show no secret',
    (text) => {
      const told = report(text);
      expect(told ?? '').not.toContain(secret);
      expect((told ?? '').length).toBeLessThan(100_000);
    },
  );

  const lines = (count: number, line: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => line(n)).join('\n');
  it.each([
    ['thousands of keys', () => lines(15_000, (n) => `k${n}: 1`)],
    ['one key thousands of times', () => lines(30_000, () => 'a: 1')],
    ['thousands of aliases', () => `- &a [1]\n${lines(18_000, () => '- *a')}`],
    ['thousands of merge keys', () => `a: &a {b: 1}\n${lines(2_000, (n) => `c${n}: {<<: *a}`)}`],
    [
      'aliases of aliases of aliases',
      () => `a0: &a0 [x,x,x]\n${lines(20, (n) => `a${n + 1}: &a${n + 1} [*a${n},*a${n},*a${n}]`)}`,
    ],
    ['beginnings of references', () => `store: ${('$' + '{A:-').repeat(30_000)}`],
    ['hidden beginnings of references', () => `store: "${'\uE024\uE07B'.repeat(60_000)}"`],
    ['opening brackets', () => '['.repeat(190_000)],
    ['quotes', () => '"'.repeat(190_000)],
    ['unknown tags', () => lines(15_000, () => '- !x y')],
    ['one long text', () => `store: "${'x'.repeat(190_000)}"`],
    ['more than anybody writes', () => ' '.repeat(50_000_000)],
  ])('full of %s is refused soon, in a report of bearable length', (_, text) => {
    expect(report(text())?.length).toBeLessThan(100_000);
  });

  it('unusable ends the command with status 2 and no trace of a stack', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'concordat-fuzz-'));
    try {
      for (const text of [
        '\u0000',
        '[',
        `a: ${'*a '.repeat(1_000)}`,
        '{"__proto__": {"syncs": {}}}',
        example.slice(0, 900),
      ]) {
        await writeFile(path.join(folder, 'concordat.yaml'), text);
        const { status, stdout, stderr } = await concordat(['sync', '--json'], { directory: folder, env });
        expect(status).toBe(2);
        expect(stderr).toMatch(/^error: \.\/concordat\.yaml/);
        expect(stderr).not.toMatch(/^\s+at /m);
        expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'configuration' } });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

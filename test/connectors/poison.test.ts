import { fc, test as law } from '@fast-check/vitest';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import type { Connection, EngineContext } from '../../src/engine/engine.ts';
import { runCycle } from '../../src/queue/cycle.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { FakeClock } from '../worlds/clock.ts';
import { policy } from '../worlds/world.ts';
import { startSite as startRoom } from './conecrm-site.ts';
import { startSite } from './treepl-site.ts';

/** Runs per CRM; `RUNS=2000` soaks. */
const numRuns = Number(process.env.RUNS ?? 40);

type Wire = Record<string, unknown>;

const keys = {
  site: [
    'Email',
    'FirstName',
    'LastName',
    'Phone',
    'Address',
    'City',
    'State',
    'ZipCode',
    'Country',
    'Site',
    'Status',
    'Notes',
    'IsDataUsingAllowed',
    'CustomCrmGroups',
    'CreatedDate',
    'Type',
    'Role',
  ],
  room: [
    'primaryEmail',
    'secondaryEmail',
    'firstName',
    'lastName',
    'homePhone',
    'workPhone',
    'workPhoneExtension',
    'mobilePhone',
    'address',
    'city',
    'province',
    'postalCode',
    'country',
    'language',
    'isActive',
    'companyName',
    'civility',
    'preferredMethodOfContact',
    'thirdPartyIds',
    'dateModified',
    'isDeleted',
  ],
} as const;

/** Keys that are traps in JavaScript. */
const traps = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'toJSON', ''];

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'x';
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

const texts = fc.constantFrom(
  '\ud800',
  'a\udfffb',
  '\ud83d',
  '\u0000',
  'a\u0000b',
  '\u202e\u200b\ufeff',
  'e\u0301'.repeat(500),
  '\u0e33'.repeat(3_000),
  'NaN',
  'Infinity',
  '-0',
  '1e999',
  '0x10',
  'null',
  'undefined',
  '[object Object]',
  '{}',
  '[]',
  "'; DROP TABLE link; --",
  '@',
  'a@',
  '@b',
  'a@b@c',
  'a@@b.example',
  `${'a'.repeat(400)}@b.example`,
  'a@xn--.example',
  'a@[1.2.3.4]',
  'ann@\ud800.example',
  '+',
  '++49',
  '+49'.repeat(60),
  '0'.repeat(1_000),
  '+1 (555) 01٠٠',
  'tel:+15550100;ext=9',
  '٠١٢٣',
  '１２３',
  'http://',
  'http://[',
  'https://a.example:99999',
  'http://user:pass@a.example',
  'javascript:0',
  '//',
  'http://\ud800/',
  'xn--',
  '..',
  '0000-00-00',
  '9999-99-99',
  '2026-02-30',
  '+275760-09-13T00:00:00.001Z',
  '-000001-01-01',
  '2026-01-01T25:61:61Z',
  '12/31/2026',
  'x'.repeat(63 * 1024),
  'x'.repeat(300_000),
  'ß'.repeat(40_000),
  ' '.repeat(60_000),
  '<!-- '.repeat(2_000),
);

const nasty: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: texts },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -0,
      -1,
      0.1,
      1e308,
      -1e-308,
      2 ** 53,
      2 ** 64,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      [],
      {},
      [[]],
      [null],
      [{}],
      ['a', 1, null],
      { id: null },
      { length: -1 },
      { valueOf: 1, toString: 2 },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      nested(1_500, (inner) => [inner]),
      nested(1_500, (a) => ({ a })),
    ),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...traps).map((key) => JSON.parse(`{${JSON.stringify(key)}:{"a":[1]}}`) as unknown),
  },
);

const poison = (known: readonly string[]): fc.Arbitrary<readonly (readonly [string, unknown])[]> =>
  fc.array(fc.tuple(fc.constantFrom(...known, ...traps), nasty), { minLength: 1, maxLength: 5 });

/** Keys such as `__proto__` become keys like any other. */
function poisoned(wire: Wire, faults: readonly (readonly [string, unknown])[]): Wire {
  const result = { ...wire };
  for (const [key, value] of faults)
    Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
  return result;
}

const person = {
  site: (n: number) => ({ Email: `s${n}@example.com`, FirstName: `Given${n}`, LastName: `Family${n}` }),
  room: (n: number) => ({
    primaryEmail: `r${n}@example.com`,
    firstName: `Given${n}`,
    lastName: `Family${n}`,
    isActive: true,
  }),
};

interface Bench {
  readonly site: Awaited<ReturnType<typeof startSite>>;
  readonly room: Awaited<ReturnType<typeof startRoom>>;
}

let bench: Bench;
beforeEach(async () => {
  bench = { site: await startSite(), room: await startRoom() };
});
afterEach(async () => {
  await Promise.all([bench.site.close(), bench.room.close()]);
});

/** An empty store and the engine over both sandboxes, emptied. */
async function engineOver({ site, room }: Bench): Promise<EngineContext> {
  for (const { sandbox } of [site, room])
    for (const wire of sandbox.people.all('contact')) sandbox.people.remove('contact', String(wire.Id ?? wire.id));
  let lastId = 0;
  const connection = (name: string, connector: Connection['connector']): [string, Connection] => [
    name,
    { name, connector, concurrent: 2 },
  ];
  return {
    store: await openSqliteStore(':memory:'),
    connections: new Map([connection('site', site.connector), connection('showroom', room.connector)]),
    syncs: [
      policy([
        { connection: 'site', direction: 'both' },
        { connection: 'showroom', direction: 'both' },
      ]),
    ],
    clock: new FakeClock(),
    newId: () => {
      lastId += 1;
      return `01980000-0000-7000-8000-${String(lastId).padStart(12, '0')}`;
    },
    random: () => 0.5,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    owner: 'test',
    isAlive: () => true,
    settleMs: 5_000,
  };
}

describe('a record that nobody could foresee', () => {
  for (const name of ['site', 'room'] as const)
    law.prop([fc.array(poison(keys[name]), { minLength: 1, maxLength: 3 })], { numRuns })(
      `does not keep the others of its page from being synced: ${name}`,
      async (all) => {
        const context = await engineOver(bench);
        try {
          const { sandbox } = bench[name];
          sandbox.people.add('contact', person[name](1));
          all.forEach((faults, index) => {
            sandbox.people.add('contact', poisoned(person[name](10 + index), faults));
          });
          sandbox.people.add('contact', person[name](2));
          const connection = name === 'site' ? 'site' : 'showroom';
          for (const run of ['one', 'two']) {
            const outcome = await runCycle(context, context.syncs[0]!, { run });
            expect(outcome.problems).toEqual([]);
            expect(outcome.counts[connection]!.read).toBe(all.length + 2);
          }
          const emails = (await context.store.records('contact', undefined, 100)).map(
            ({ record }) => record.values['email.primary'],
          );
          const letter = name === 'site' ? 's' : 'r';
          expect(emails).toEqual(expect.arrayContaining([`${letter}1@example.com`, `${letter}2@example.com`]));
          const other = name === 'site' ? bench.room : bench.site;
          expect(other.sandbox.people.all('contact').map((wire) => wire.Email ?? wire.primaryEmail)).toEqual(
            expect.arrayContaining([`${letter}1@example.com`, `${letter}2@example.com`]),
          );
        } finally {
          await context.store.close();
        }
      },
    );
});

import { fc } from '@fast-check/vitest';
import type { KindName } from '../../src/model/kinds.ts';
import type { Value } from '../../src/model/values.ts';

export const kindNames: readonly KindName[] = [
  'text',
  'email',
  'phone',
  'country',
  'region',
  'language',
  'currency',
  'date',
  'dateTime',
  'money',
  'boolean',
  'url',
  'tags',
  'reference',
  'option',
];

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('0', '1', '7', '+', '-', ' ', '.', ',', '(', ')', 'x', '#', '/', ':', 'e', '@') }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);

/** Anything JSON can bring, whatever the types say: the borders check shapes, yet no kind may throw. */
export const anyValue: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(fc.string({ unit: 'binary' })) },
  { weight: 1, arbitrary: fc.jsonValue() as fc.Arbitrary<Value> },
);

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((list) => list.join(''));

/** Telephone numbers as people type them, many of them real in shape. */
export const phoneText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      '+49',
      '+1',
      '+44',
      '+39',
      '+33',
      '+7',
      '+54',
      '+55',
      '+52',
      '+999',
      '0049',
      '0',
      '',
      '00',
      '+49 (0)',
    ),
    digits(2, 5),
    fc.constantFrom(' ', '-', '/', '.', '', ' ('),
    digits(3, 9),
    fc.constantFrom('', '', '', ' ext 12', 'x5', '#9', ' Durchwahl 3', ' abc'),
  )
  .map((parts) => parts.join(''));

const samples: Readonly<Record<KindName, fc.Arbitrary<Value>>> = {
  text: scalar,
  email: fc.oneof(
    fc.emailAddress(),
    fc
      .tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }))
      .map(([local, domain]) => `${local}@${domain}`),
  ),
  phone: phoneText,
  country: fc.constantFrom(
    'DE',
    'de',
    'DEU',
    '276',
    276,
    'Germany',
    'Allemagne',
    'United Kingdom',
    'UK',
    'Nowhere',
    'Congo',
  ),
  region: fc.constantFrom(
    'QC',
    'Québec',
    'CA-QC',
    'WA',
    'Washington',
    'Western Australia',
    'US-WA',
    'xx',
    'Île',
    '75',
    'ab-c',
  ),
  language: fc.constantFrom('fr', 'fr-CA', 'FR', 'fra', 'French', 'Deutsch', 'zh-Hant-TW', 'x', 'i-klingon', 'en_GB'),
  currency: fc.constantFrom('EUR', 'eur', '€', 'Dollar'),
  date: fc.oneof(
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom('1980-02-30', '19800229', '1.2.1980', '01/02/1980', '1980/02/01'),
  ),
  dateTime: fc.oneof(
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom(
      '2026-03-01 10:00',
      '2026-03-01T10:00:00+0530',
      '0000-01-01T00:00:00+14:00',
      '9999-12-31T23:59:59-01:00',
    ),
  ),
  money: fc.oneof(
    fc.double({ noNaN: true }),
    fc
      .tuple(fc.constantFrom('', '-', '+'), digits(0, 9), fc.constantFrom('.', ',', ''), digits(0, 4))
      .map((parts) => parts.join('')),
  ),
  boolean: fc.constantFrom<Value[]>(true, false, 'true', 'False', 'YES', 'no', 0, 1, 2, 'perhaps'),
  url: fc.oneof(
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.constantFrom(
      'www.example.org',
      'example.org:8080/a/',
      'HTTP://EXAMPLE.org',
      'mailto:a@b.c',
      'a b.c',
      'ftp://x.y/',
    ),
  ),
  tags: fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('VIP', 'vip', ' vip '))),
  reference: fc.oneof(fc.uuid(), fc.integer()),
  option: fc.constantFrom('Active', 'active', 'ACTIVE ', 'İ', 'ß'),
};

/** A kind with a value that looks like it, or like another one's. */
export const kindsAndValues: fc.Arbitrary<readonly [KindName, Value]> = fc.oneof(
  ...kindNames.map((kind) => fc.tuple(fc.constant(kind), samples[kind])),
  fc.tuple(
    fc.constantFrom(...kindNames),
    fc.constantFrom(...kindNames).chain((kind) => samples[kind]),
  ),
);

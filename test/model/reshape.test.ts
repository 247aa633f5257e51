import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { equal, type KindName } from '../../src/model/kinds.ts';
import { isReshaped } from '../../src/model/reshape.ts';
import { isEmpty, type Value } from '../../src/model/values.ts';
import { anyValue, kindNames, kindsAndValues } from './values.ts';

const runs = { numRuns: 1_000 };
const words = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'abcXYZ ÄöüßéŁ-.,0123ДжЖ'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
});

const habits: Readonly<Record<string, (text: string) => string>> = {
  trims: (text) => text.trim(),
  'makes upper-case': (text) => text.toUpperCase(),
  'makes lower-case': (text) => text.toLowerCase(),
  'drops accents': (text) => text.normalize('NFKD').replace(/\p{M}/gu, ''),
  'joins white space': (text) => text.replace(/\s+/g, ' '),
  'drops line breaks': (text) => text.replace(/[\r\n]+/g, ''),
  'drops punctuation': (text) => text.replace(/\p{P}/gu, ''),
  'shortens to 5': (text) => text.slice(0, 5),
  'shortens to 1': (text) => text.slice(0, 1),
  'drops it': () => '',
};

describe('a CRM that', () => {
  for (const [name, habit] of Object.entries(habits)) {
    law.prop([words, fc.constantFrom<KindName[]>('text', 'option')], runs)(`${name} only reshapes`, (text, kind) => {
      expect(isReshaped(kind, text, habit(text))).toBe(true);
    });
  }

  law.prop([fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 })], runs)(
    'rounds or cuts decimals only reshapes',
    (units, decimals, kept) => {
      const sent = (units / 10 ** decimals).toFixed(decimals);
      expect(isReshaped('money', sent, Number(sent).toFixed(kept))).toBe(true);
      expect(isReshaped('money', sent, Math.trunc(Number(sent)))).toBe(true);
    },
  );

  law.prop([fc.date({ noInvalidDate: true, min: new Date('1900-01-01'), max: new Date('2100-01-01') })], runs)(
    'cuts moments only reshapes',
    (date) => {
      const sent = date.toISOString();
      for (const length of [10, 16, 19]) expect(isReshaped('dateTime', sent, sent.slice(0, length))).toBe(true);
    },
  );

  law.prop([fc.array(words), fc.func(fc.boolean())], runs)(
    'drops, recases and reorders tags only reshapes',
    (tags, keeps) => {
      const seen = tags
        .filter((tag) => keeps(tag))
        .map((tag) => tag.toUpperCase())
        .reverse();
      expect(isReshaped('tags', tags, seen)).toBe(true);
    },
  );
});

describe('an edit', () => {
  law.prop([words, fc.constantFrom('x', 'ж', '1')], runs)('that adds a letter is no habit', (text, letter) => {
    fc.pre(!isEmpty(text));
    expect(isReshaped('text', text, text + letter)).toBe(false);
  });

  law.prop([fc.array(words), fc.integer()], runs)('that adds a tag is no habit', (tags, number) => {
    expect(isReshaped('tags', tags, [...tags, `new${number}`])).toBe(
      tags.some((tag) => tag.startsWith(`new${number}`)),
    );
  });

  law.prop([fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 1e6 })], runs)(
    'that changes a whole amount is no habit',
    (amount, change) => {
      expect(isReshaped('money', amount, amount + change)).toBe(false);
    },
  );

  law.prop([kindsAndValues], runs)('that fills an empty field is no habit', ([kind, value]) => {
    if (!equal(kind, value, null)) expect(isReshaped(kind, null, value)).toBe(false);
  });
});

law.prop([fc.constantFrom(...kindNames), anyValue, anyValue], runs)(
  'never throws, and equal values are no edit',
  (kind, a, b) => {
    const reshaped = isReshaped(kind, a, b);
    if (equal(kind, a, b)) expect(reshaped).toBe(true);
  },
);

type Row = readonly [KindName, Value, Value];

describe('named cases', () => {
  const habitual: readonly Row[] = [
    ['text', 'Straße 5', 'STRASSE 5'],
    ['text', 'STRAẞE', 'straße'],
    ['text', 'Łódź, ul. Długa 3', 'Łódź, ul. D'],
    ['region', 'Québec', 'Quebe'],
    ['phone', '+49 170 1234567', '491701234567'],
    ['phone', '+49 170 1234567 ext 5', '+491701234567'],
    ['email', 'Anna@Example.org', 'anna@example'],
    ['money', '10.555', '10.56'],
    ['money', 0.30000000000000004, 0.3],
    ['dateTime', '2026-03-01T23:30:00-02:00', '2026-03-01'],
    ['dateTime', '2026-03-01T23:30:00-02:00', '2026-03-02'],
    ['dateTime', '2026-03-01T10:00:00.700Z', '2026-03-01T10:00:01Z'],
    ['country', 'Germany', 'DE'],
    ['boolean', true, null],
    ['reference', 'a', ''],
  ];
  it.each(habitual)('%s: %j may have become %j by habit', (kind, sent, seen) => {
    expect(isReshaped(kind, sent, seen)).toBe(true);
  });

  const edits: readonly Row[] = [
    ['text', 'Anna', 'Hanna'],
    ['text', 'Anna', '!'],
    ['text', '', '!'],
    ['email', 'annsmith@example.org', 'ann.smith@example.org'],
    ['phone', '+491701234567', '+491701234568'],
    ['money', '1.5', '15'],
    ['money', '-5', '5'],
    ['money', '10.90', '10.00'],
    ['money', '10.55', '10.4'],
    ['money', 10, 10.5],
    ['money', '10.5', '10.50001'],
    ['dateTime', '2026-03-01T10:00:00Z', '2026-03-02'],
    ['dateTime', '2026-03-01T10:00:00Z', '2026-03-01T10:00:02Z'],
    ['date', '1980-02-01', '1980-02-02'],
    ['boolean', true, false],
    ['reference', 'abc', 'ab'],
    ['language', 'fr', 'en'],
    ['currency', 'EUR', 'EU'],
    ['tags', ['a'], ['b']],
  ];
  it.each(edits)('%s: %j becoming %j is an edit', (kind, sent, seen) => {
    expect(isReshaped(kind, sent, seen)).toBe(false);
  });
});

import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/model/values.ts';
import { mergeTags } from '../../src/sync/tags.ts';

type Row = readonly [
  ours: Value | undefined,
  base: Value | undefined,
  theirs: Value | undefined,
  merged: readonly string[],
];

const rows: readonly Row[] = [
  [
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ],
  [['a', 'b'], ['a', 'b'], ['a'], ['a']],
  [
    ['a', 'b', 'd'],
    ['a', 'b'],
    ['b', 'c'],
    ['b', 'd', 'c'],
  ],
  [['a'], undefined, ['b'], ['a', 'b']],
  [['Red'], undefined, [' red '], ['Red']],
  [['Red'], ['red'], ['RED'], ['Red']],
  [
    ['a', 'x'],
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'x'],
  ],
  [[], ['a'], ['a'], []],
  [['b'], ['a', 'b'], [], []],
  [undefined, undefined, ['a', 'A'], ['a']],
  [null, ['a'], null, []],
  ['one', undefined, 'two', ['one', 'two']],
  [['a'], ['a'], undefined, []],
];

const tag = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const set = fc.uniqueArray(tag);
const runs = { numRuns: 500 };

describe('sets of tags', () => {
  for (const [ours, base, theirs, merged] of rows)
    it(`ours ${JSON.stringify(ours)}, base ${JSON.stringify(base)}, theirs ${JSON.stringify(theirs)} merge to ${JSON.stringify(merged)}`, () => {
      expect(mergeTags(ours, base, theirs)).toEqual(merged);
    });

  law.prop([set, set, set], runs)(
    'keep what either side added, and lose what either took away',
    (ours, base, theirs) => {
      const merged = new Set(mergeTags(ours, base, theirs));
      for (const one of ['a', 'b', 'c', 'd', 'e'] as const) {
        const [atOurs, atBase, atTheirs] = [ours, base, theirs].map((list) => list.includes(one));
        expect(merged.has(one)).toBe(atBase ? atOurs && atTheirs : atOurs || atTheirs);
      }
    },
  );

  law.prop([set, set, set], runs)('merge to the same whichever side is ours', (ours, base, theirs) => {
    expect([...mergeTags(ours, base, theirs)].sort()).toEqual([...mergeTags(theirs, base, ours)].sort());
  });

  law.prop([set, set, set], runs)('do not change when the same arrives again', (ours, base, theirs) => {
    const merged = mergeTags(ours, base, theirs);
    expect(mergeTags(merged, theirs, theirs)).toEqual(merged);
  });
});

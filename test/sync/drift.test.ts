import { describe, expect, it } from 'vitest';
import type { Values } from '../../src/model/values.ts';
import { shownDrift } from '../../src/sync/drift.ts';
import type { Base } from '../../src/sync/merge.ts';

const paths = (base: Partial<Base>, shown: Values) =>
  shownDrift({
    entity: 'contact',
    base: { shadow: {}, sent: {}, ...base },
    shown,
    context: { region: 'DE' },
  }).map(({ path }) => path);

describe('what a CRM shows drifts', () => {
  it('where a value is another one, or new, or gone', () => {
    const shadow = { jobTitle: 'Cook', notes: 'tall', department: null };
    const shown = { jobTitle: 'Baker', notes: null, department: 'Sales', company: 'Acme' };
    expect(shownDrift({ entity: 'contact', base: { shadow, sent: {} }, shown, context: {} })).toEqual([
      { path: 'jobTitle', expected: 'Cook', found: 'Baker' },
      { path: 'notes', expected: 'tall', found: null },
      { path: 'department', expected: null, found: 'Sales' },
      { path: 'company', expected: undefined, found: 'Acme' },
    ]);
  });

  it('not where it is silent, or spells the same fact in another way', () => {
    expect(paths({ shadow: { jobTitle: 'Cook' } }, {})).toEqual([]);
    expect(paths({}, { jobTitle: null, notes: '' })).toEqual([]);
    expect(
      paths(
        { shadow: { 'phone.mobile': '+493012345', tags: ['a', 'b'] } },
        { 'phone.mobile': '030 12345', tags: ['b', 'a'] },
      ),
    ).toEqual([]);
  });

  it('not at the first sight of what it made of a write of ours, but at the second', () => {
    const sent = { notes: 'likes tea' };
    expect(paths({ shadow: { notes: 'likes tea' }, sent }, { notes: 'likes' })).toEqual([]);
    expect(paths({ shadow: { notes: 'likes' }, sent }, { notes: 'likes' })).toEqual([]);
    expect(paths({ shadow: { notes: 'likes' }, sent }, { notes: 'lik' })).toEqual(['notes']);
    expect(paths({ shadow: { notes: 'likes tea' }, sent }, { notes: 'hates tea' })).toEqual(['notes']);
  });

  it('not where an update has landed that was never answered', () => {
    const base = { shadow: { notes: 'tall' }, underway: { notes: 'likes tea' } };
    expect(paths(base, { notes: 'likes' })).toEqual([]);
    expect(paths(base, { notes: 'small' })).toEqual(['notes']);
    expect(paths(base, { notes: null })).toEqual(['notes']);
  });
});

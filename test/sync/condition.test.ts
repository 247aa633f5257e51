import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/model/values.ts';
import { type Condition, countsDays, isInSet } from '../../src/sync/condition.ts';
import { compilePattern } from '../../src/sync/pattern.ts';

const now = Date.UTC(2026, 10, 21, 19, 30);
const holds = (path: string, condition: Condition, value: Value | undefined) =>
  isInSet('contact', { [path]: condition }, value === undefined ? {} : { [path]: value }, now);

const daysAgo = (days: number) => ({ daysAgo: days });
const at = (text: string) => ({ at: Date.parse(text) });

/** A condition on a field, values that fit and values that do not. */
const rows: readonly (readonly [string, Condition, readonly (Value | undefined)[], readonly (Value | undefined)[]])[] =
  [
    ['jobTitle', 'present', ['Cook', '0'], [undefined, null, '', '  ']],
    ['consent', 'present', [false, true], [undefined, null]],
    ['tags', 'present', [['a']], [[], null, undefined]],
    ['jobTitle', 'absent', [undefined, null, ''], ['Cook']],
    ['jobTitle', { oneOf: ['Cook', 'Baker'] }, ['Cook', ' Baker '], ['cook', 'Tailor', null, undefined]],
    ['status', { oneOf: ['Won'] }, ['won', 'WON'], ['lost']],
    ['consent', { oneOf: [true] }, [true, 'yes'], [false, 'no', null, undefined]],
    ['address.billing.country', { oneOf: ['DE'] }, ['DE', 'Germany'], ['FR']],
    ['custom.size', { oneOf: [42] }, [42, '42'], ['420', null]],
    ['tags', { oneOf: ['vip'] }, [['VIP', 'x'], ['vip']], [['x'], [], undefined]],
    ['jobTitle', { matches: compilePattern('oo') }, ['Cook', 'oo'], ['Baker', null, undefined, '']],
    ['jobTitle', { matches: compilePattern('^C.*k$') }, ['Cook'], ['a Cook', 'Cooks']],
    ['tags', { matches: compilePattern('^v') }, [['x', 'vip']], [['x v']]],
    ['consent', { matches: compilePattern('^t') }, [true], [false]],
    [
      'birthday',
      { olderThan: daysAgo(30) },
      ['2026-10-21', '1970-01-01', '21.10.2026'],
      ['2026-10-22', '2027-01-01', 'soon', null],
    ],
    [
      'nextAction.due',
      { newerThan: daysAgo(1) },
      ['2026-11-20T00:00:00.001Z', '2027-01-01'],
      ['2026-11-20T00:00:00Z', null],
    ],
    [
      'nextAction.due',
      { newerThan: at('2026-01-01') },
      ['2026-01-01T00:00:01Z'],
      ['2026-01-01', '2025-12-31T23:59:59Z'],
    ],
    ['birthday', { olderThan: at('2000-01-01') }, ['1999-12-31'], ['2000-01-01', undefined]],
    ['jobTitle', { not: { oneOf: ['Cook'] } }, ['Baker', null, undefined], ['Cook']],
    ['birthday', { not: { olderThan: daysAgo(30) } }, ['2026-11-01', 'soon', null, undefined], ['2020-01-01']],
    ['tags', { not: { oneOf: ['vip'] } }, [['x'], [], undefined], [['x', 'vip']]],
  ];

describe('a condition', () => {
  it.each(rows)('on %s: %j', (path, condition, fitting, others) => {
    expect(fitting.filter((value) => !holds(path, condition, value))).toEqual([]);
    expect(others.filter((value) => holds(path, condition, value))).toEqual([]);
  });

  it('looks through a view', () => {
    const where = { 'phone.primary': { matches: compilePattern('^\\+49') } };
    expect(isInSet('contact', where, { 'phone.work': '+49 30 123' }, now)).toBe(true);
    expect(isInSet('contact', where, { 'phone.work': '+1 604 123' }, now)).toBe(false);
  });

  it('may change with the day only where it counts days', () => {
    expect(countsDays({ birthday: { not: { olderThan: daysAgo(3) } } })).toBe(true);
    expect(countsDays({ birthday: { newerThan: at('2026-01-01') }, jobTitle: 'present' })).toBe(false);
  });

  it('must hold together with the others', () => {
    const where: Readonly<Record<string, Condition>> = { jobTitle: 'present', consent: { oneOf: [true] } };
    expect(isInSet('contact', where, { jobTitle: 'Cook', consent: true }, now)).toBe(true);
    expect(isInSet('contact', where, { jobTitle: 'Cook', consent: false }, now)).toBe(false);
    expect(isInSet('contact', {}, {}, now)).toBe(true);
  });
});

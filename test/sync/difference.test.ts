import { test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Values } from '../../src/model/values.ts';
import { type DifferenceInput, difference } from '../../src/sync/difference.ts';
import { records } from './records.ts';

const paths = ['name.given', 'jobTitle', 'phone.mobile', 'phone.primary', 'tags', 'birthday'];

function changes(values: Values, shadow: Values, overrides: Partial<DifferenceInput> = {}, sent: Values = {}): Values {
  return difference({
    entity: 'contact',
    values,
    base: { shadow, sent },
    paths,
    contested: new Set(),
    context: { region: 'DE' },
    ...overrides,
  });
}

describe('what has to be written', () => {
  it('is what differs, and nothing else', () => {
    expect(changes({ 'name.given': 'Ann', jobTitle: 'Baker' }, { 'name.given': 'Ann', jobTitle: 'Cook' })).toEqual({
      jobTitle: 'Baker',
    });
  });

  it('is nothing where two spellings are one fact', () => {
    expect(
      changes(
        { 'phone.mobile': '+49 171 1234567', tags: ['b', 'A'], birthday: '1980-02-29' },
        { 'phone.mobile': '0171/1234567', tags: ['a', 'B'], birthday: '1980-02-29T00:00:00Z' },
        { paths: ['phone.mobile', 'tags', 'birthday'] },
      ),
    ).toEqual({});
  });

  it('never names a field of which nothing canonical is known', () => {
    expect(changes({}, { jobTitle: 'Cook', 'name.given': 'Ann' })).toEqual({});
  });

  it('names a field that is known to be empty only where the CRM holds something', () => {
    expect(changes({ jobTitle: null }, { jobTitle: 'Cook' })).toEqual({ jobTitle: null });
    for (const shadow of [{}, { jobTitle: null }, { jobTitle: '' }])
      expect(changes({ jobTitle: null }, shadow)).toEqual({});
  });

  it('names no field that this CRM does not take', () => {
    expect(changes({ jobTitle: 'Baker', notes: 'likes tea' }, {}, { paths: ['notes'] })).toEqual({
      notes: 'likes tea',
    });
  });

  it('leaves out what waits for a person, also where a view stands for it', () => {
    const values = { jobTitle: 'Baker', 'phone.mobile': '+49301', 'name.given': 'Ann' };
    expect(changes(values, {}, { contested: new Set(['jobTitle', 'phone.mobile']) })).toEqual({ 'name.given': 'Ann' });
  });

  it('is nothing where the CRM answered the same value with a form of its own', () => {
    expect(changes({ jobTitle: 'Baker of bread' }, { jobTitle: 'BAKER' }, {}, { jobTitle: 'Baker of bread' })).toEqual(
      {},
    );
    expect(changes({ jobTitle: 'Cook' }, { jobTitle: 'BAKER' }, {}, { jobTitle: 'Baker of bread' })).toEqual({
      jobTitle: 'Cook',
    });
  });

  it('fills a view with the first slot that is filled', () => {
    expect(changes({ 'phone.mobile': null, 'phone.work': '+49302' }, { 'phone.primary': '+49301' })).toEqual({
      'phone.primary': '+49302',
    });
    expect(changes({ 'phone.mobile': null, 'phone.work': null }, { 'phone.primary': '+49301' })).toEqual({
      'phone.primary': null,
    });
  });

  it('clears a view whose last filled slot was cleared, whichever it was', () => {
    expect(changes({ 'phone.home': null }, { 'phone.primary': '+49301' })).toEqual({ 'phone.primary': null });
    expect(changes({}, { 'phone.primary': '+49301' })).toEqual({});
  });

  law.prop([records, records], { numRuns: 500 })('is nothing any more once it is held', (values, shadow) => {
    const all = Object.keys({ ...values, ...shadow });
    const first = changes(values, shadow, { paths: all });
    expect(changes(values, { ...shadow, ...first }, { paths: all })).toEqual({});
    expect(changes(values, shadow, { paths: all }, first)).toEqual({});
    for (const [path, value] of Object.entries(first)) expect(value).toBe(values[path]);
  });
});

import { describe, expect, test } from 'vitest';
import { type Converter, field, firstId, mapping, readValues, writeValues } from '../../src/connector/mapping.ts';

const shout: Converter = {
  name: 'shout',
  toCanonical: (wire) => {
    if (wire === undefined) return undefined;
    if (typeof wire !== 'string') throw new RangeError(`expected a text, got a ${typeof wire}`);
    return wire.toUpperCase();
  },
  toWire: (value) => String(value).toLowerCase(),
};

const table = mapping('contact', [
  field('name.given', 'first'),
  field('name.family', 'name.last', 'readWrite', shout),
  field('notes', 'notes', 'readOnly'),
  field('jobTitle', 'job', 'writeOnly'),
  field('birthday', 'born', 'createOnly'),
  field('custom.size', 'name.more.size'),
]);

describe('a mapping', () => {
  test('reads plain and nested keys; a key that is not there is silence, null is not', () => {
    const wire = { first: null, name: { last: 'Pop', more: { size: 0 } }, notes: '', job: 'x', born: '2000-01-01' };
    expect(readValues(table, wire)).toEqual({
      'name.given': null,
      'name.family': 'POP',
      notes: '',
      birthday: '2000-01-01',
      'custom.size': 0,
    });
    expect(readValues(table, {})).toEqual({});
    for (const name of [null, 'x', 7, [], { more: null }, { more: 'x' }])
      expect(readValues(table, { name })).toEqual({});
  });

  test('writes what is named, next to each other inside one object, and nothing read-only or unmapped', () => {
    const values = {
      'name.family': 'POP',
      'custom.size': null,
      notes: 'n',
      jobTitle: 'x',
      birthday: 'b',
      website: 'w',
    };
    expect(writeValues(table, values)).toEqual({
      name: { last: 'pop', more: { size: null } },
      job: 'x',
      born: 'b',
    });
    expect(writeValues(table, {})).toEqual({});
  });

  test('a converter that refuses a value is told by its wire key', () => {
    expect(() => readValues(table, { name: { last: 5 } })).toThrow(
      RangeError('name.last: expected a text, got a number'),
    );
  });

  test.each([
    [[field('name.first', 'first')], 'no such field "name.first"'],
    [[field('notes', 'a'), field('notes', 'b')], '"notes" is mapped twice'],
    [[field('notes', 'a'), field('website', 'a')], 'wire key "a" is mapped twice'],
  ])('is refused when it names what is not there, or something twice (%#)', (fields, message) => {
    expect(() => mapping('contact', fields)).toThrow(message);
  });

  test('firstId reads the first element and takes an empty list for silence', () => {
    expect([[{ id: 7 }, { id: 8 }], [], [{}], ['x'], null, 'x'].map(firstId.toCanonical)).toEqual([
      '7',
      ...Array(5).fill(undefined),
    ]);
    expect([firstId.toWire('7'), firstId.toWire(null)]).toEqual([[{ id: '7' }], []]);
  });
});

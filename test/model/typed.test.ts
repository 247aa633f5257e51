import { describe, expect, it } from 'vitest';
import type { KindName } from '../../src/model/kinds.ts';
import { readTyped } from '../../src/model/typed.ts';
import type { Value } from '../../src/model/values.ts';

describe('what a person types for a field', () => {
  it.each<[KindName, string, Value]>([
    ['text', '  Ann  Lee ', 'Ann  Lee'],
    ['text', ' ', null],
    ['email', ' Ann@Example.com ', 'Ann@Example.com'],
    ['phone', '+49 (30) 123-456', '+49 (30) 123-456'],
    ['country', 'Germany', 'Germany'],
    ['language', 'de', 'de'],
    ['currency', 'eur', 'eur'],
    ['date', '21.11.2026', '2026-11-21'],
    ['dateTime', '2026-11-21T16:05Z', '2026-11-21T16:05:00.000Z'],
    ['money', '1200.50', '1200.50'],
    ['boolean', 'No', false],
    ['url', 'example.com/a', 'example.com/a'],
    ['tags', 'one, two,, ', ['one', 'two']],
    ['tags', ' ', null],
    ['option', 'New', 'New'],
    ['region', 'Bavaria', 'Bavaria'],
  ])('of the kind %s: %j is %j', (kind, typed, value) => {
    expect(readTyped(kind, typed)).toEqual(value);
  });

  it.each<[KindName, string]>([
    ['email', 'ann at example.com'],
    ['email', 'ann@example'],
    ['phone', 'call me'],
    ['phone', '112'],
    ['country', 'Atlantis'],
    ['language', 'elvish tongue'],
    ['currency', 'euros'],
    ['date', 'tomorrow'],
    ['dateTime', '2026-13-01'],
    ['money', 'a lot'],
    ['boolean', 'perhaps'],
    ['url', 'no address'],
  ])('of the kind %s: %j is no value', (kind, typed) => {
    expect(readTyped(kind, typed)).toBeUndefined();
  });
});

import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../src/sync/pattern.ts';

const atom = fc.constantFrom('a', 'b', 'é', '.', '[ab]', '[^a]', '\\d', '\\p{L}', '\\.', '^', '$', '\\b', '\\u0061');
const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    atom,
    fc
      .tuple(
        fc.constantFrom('(', '(?:', '(?<n>', '(?i:'),
        tie('pattern'),
        fc.constantFrom('', '*', '+', '?', '{2}', '{1,}', '{0,2}', '+?'),
      )
      .map(([open, inner, times]) => `${open}${inner})${times}`),
    fc
      .tuple(fc.constantFrom('a', '[ab]', '.'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}'))
      .map((both) => both.join('')),
  ),
  pattern: fc
    .array(
      fc.array(tie('part'), { maxLength: 3 }).map((parts) => parts.join('')),
      { minLength: 1, maxLength: 2 },
    )
    .map((ways) => ways.join('|')),
}));
const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'é', '1', '.', ' ', '\n', '😀'), maxLength: 8 });

function isRead(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    // Two groups of one name.
    return false;
  }
}

describe('a pattern', () => {
  law.prop([pattern.filter(isRead), texts], { numRuns: 3_000 })(
    'finds what a regular expression finds',
    (source, text) => {
      expect(compilePattern(source).test(text)).toBe(new RegExp(source, 'u').test(text));
    },
  );

  it.each(['(a+)+b', '(a|a)*b', '(a|aa)+b', '(.*)*b', 'a*a*a*a*a*b', '(?:a?){30}a{30}b'])(
    'takes no longer for a text that %s does not fit',
    (source) => {
      const { test } = compilePattern(source);
      const startedAt = performance.now();
      expect(test('a'.repeat(5_000))).toBe(false);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    },
  );

  it.each([
    ['(a', 'a regular expression as JavaScript reads it with the flag u'],
    ['(?=a)', 'a regular expression that does not look around'],
    ['(?<!a)b', 'a regular expression that does not look around'],
    ['(a)\\1', 'a regular expression that does not refer back'],
    ['(?<n>a)\\k<n>', 'a regular expression that does not refer back'],
    ['(a{99}){99}', 'a shorter regular expression, or one that repeats less'],
  ])('cannot be %s', (source, message) => {
    expect(() => compilePattern(source)).toThrow(new RangeError(message));
  });
});

import anyAscii from 'any-ascii';
import { memo } from './memo.ts';

/** What folding would leave as it is, once in lower case. */
const plain = /^[a-z0-9]+(?: [a-z0-9]+)*$/;
const foreign = /[^\0-~]+/g;

/**
 * Text reduced to what a person hears in it: accents dropped, other scripts transliterated, lower-case, punctuation as
 * a space. `Łukasz O’Neill` and `lukasz o neill` fold to the same. Empty when there is no letter and no digit.
 */
export function fold(text: string): string {
  const lower = text.replace(foreign, toLatin).toLowerCase();
  if (plain.test(lower)) return lower;
  return lower
    .replace(/['`]+/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}

/** A run of letters beyond ASCII, mostly a single one that comes again and again. */
const toLatin = memo((run) => anyAscii(run.normalize('NFKD').replace(/\p{M}+/gu, '')));

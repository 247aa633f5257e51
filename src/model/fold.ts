import anyAscii from 'any-ascii';

const plainAscii = /^[\0-~]*$/;

/**
 * Text reduced to what a person hears in it: accents dropped, other scripts transliterated, lower-case, punctuation as
 * a space. `Łukasz O’Neill` and `lukasz o neill` fold to the same. Empty when there is no letter and no digit.
 */
export function fold(text: string): string {
  const latin = plainAscii.test(text) ? text : anyAscii(text.normalize('NFKD').replace(/\p{M}+/gu, ''));
  return latin
    .toLowerCase()
    .replace(/['`]+/g, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}

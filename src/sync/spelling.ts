import { distance } from 'fastest-levenshtein';

/** One word has to be this long before one slip of the pen leaves it recognisable; this long for two. */
const oneSlipLength = 4;
const twoSlipsLength = 8;
/** Longer is no word, and finding slips costs the square of the length. */
const longestWord = 60;

/** A folded word in the one spelling that stands for Müller, Mueller and Muller, for Strauss and Strauß, Kjær and Kjaer. */
export function skeleton(word: string): string {
  if (!/[aou]e|aa|ss/.test(word)) return word;
  // At the end of a word no umlaut is written so: Joe is not Jo, Sue not Su.
  return word
    .replace(/([aou])e(?=[a-z])/g, '$1')
    .replace(/aa/g, 'a')
    .replace(/ss/g, 's');
}

/** A skeleton as it sounds, roughly: John is Jon, Stephan is Stefan, Erik is Eric, Yuri is Juri. */
export function sound(word: string): string {
  return word
    .replace(/ph/g, 'f')
    .replace(/x/g, 'ks')
    .replace(/[cq]/g, 'k')
    .replace(/[yj]/g, 'i')
    .replace(/w/g, 'v')
    .replace(/z/g, 's')
    .replace(/(?<=.)h/g, '')
    .replace(/(.)\1+/g, '$1');
}

const likeInitials: Readonly<Record<string, string>> = { c: 'k', q: 'k', x: 'k', y: 'i', j: 'i', w: 'v', z: 's' };

/** The first letter of {@link sound}, without the rest of the work. */
export function soundInitial(word: string): string {
  if (word.startsWith('ph')) return 'f';
  const letter = word[0] ?? '';
  return likeInitials[letter] ?? letter;
}

/** Whether two words are one but for slips of the pen: one in short words, two in long ones, none in the shortest. */
export function isSlip(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  if (length > longestWord) return false;
  const allowed = length >= twoSlipsLength ? 2 : length >= oneSlipLength ? 1 : 0;
  if (allowed === 0 || Math.abs(a.length - b.length) > allowed) return false;
  return distance(a, b) <= allowed || isTransposed(a, b);
}

/** Two neighbouring letters in the wrong order: one slip, though it costs two changes. */
function isTransposed(a: string, b: string): boolean {
  const { start, end } = sharedEnds(a, b);
  return (
    a.length === b.length && start + end === a.length - 2 && a[start] === b[start + 1] && a[start + 1] === b[start]
  );
}

/** How many letters two words share at their beginning and, behind that, at their end. */
export function sharedEnds(a: string, b: string): { readonly start: number; readonly end: number } {
  const length = Math.min(a.length, b.length);
  let start = 0;
  while (start < length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return { start, end };
}

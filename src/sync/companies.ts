import { fold } from '../model/fold.ts';
import type { NameVerdict } from './names.ts';
import { isSlip, skeleton } from './spelling.ts';

/** Legal forms and fillers, folded: they come and go from one CRM to the next. */
const legalForms = new Set(
  `inc incorporated corp corporation co company ltd limited llc llp lp plc gmbh mbh ggmbh ug haftungsbeschraenkt ag kg
   ohg gbr ek kgaa se eg ev sa sas sarl sasu eurl snc spa srl sl slu scl nv bv bvba vof ab as asa aps oy oyj kft zrt bt doo
   dd sro spol sp zoo spzoo ooo oao zao pjsc ooo ltda eireli mei sac pty pte sdn bhd kk pvt holding group gruppe
   groupe the and und et y e`.split(/\s+/),
);
/** A word this long tells companies apart; "bau" and "it" do not. */
const distinctiveLength = 4;
const minAcronym = 3;
/** More are no name; comparing them costs the square of their number. */
const mostWords = 20;

/** The words of a company's name in sorted-out form: no legal form, no filler; all words when nothing else is left. */
function companyWords(name: string): readonly string[] {
  // "G.m.b.H." and "S.A." are one word each, not letters.
  const text = fold(
    name.replace(/\b\p{L}\.(?:\s?\p{L}\.)*(?:\s?\p{L}\b\.?)?/gu, (run) => `${run.replace(/[.\s]/g, '')} `),
  );
  if (text === '') return [];
  const words = text.split(' ', mostWords).map(skeleton);
  const kept = words.filter((word) => !legalForms.has(word));
  return kept.length > 0 ? kept : words;
}

/** The name under which a company is filed: its words without spaces. Empty: no name. */
export function companyKey(name: string): string {
  return companyWords(name).join('');
}

/**
 * Compares two companies' names: `same` but for legal form, punctuation, order of words; `compatible`: one is the
 * other and more (`Acme`, `Acme Tools`), its initials, or a slip; `unclear`: they share a telling word. Symmetric.
 */
export function compareCompanies(a: string, b: string): NameVerdict {
  const first = companyWords(a);
  const second = companyWords(b);
  if (first.length === 0 || second.length === 0) return 'unknown';
  const joined = [first.join(''), second.join('')] as const;
  if (joined[0] === joined[1] || [...first].sort().join(' ') === [...second].sort().join(' ')) return 'same';
  const [shorter, longer] = first.length <= second.length ? [first, second] : [second, first];
  const isPart = shorter.every((word) => longer.includes(word)) && shorter.some(isDistinctive);
  if (isPart || isSlip(...joined) || isAcronym(shorter, longer)) return 'compatible';
  return first.some((word) => isDistinctive(word) && second.includes(word)) ? 'unclear' : 'different';
}

function isDistinctive(word: string): boolean {
  return word.length >= distinctiveLength;
}

function isAcronym(shorter: readonly string[], longer: readonly string[]): boolean {
  const initials = longer.map((word) => word[0]).join('');
  return shorter.length === 1 && initials.length >= minAcronym && shorter[0] === initials;
}

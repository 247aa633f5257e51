import { fold } from './fold.ts';
import { memo } from './memo.ts';

/**
 * The language (ISO 639, two letters where there are two), with its region where one is said (`fr-CA`), of a BCP 47 tag, a
 * three-letter code or a language's name in English or in itself.
 */
export function readLanguage(text: string): string | undefined {
  return recall(text) || undefined;
}

const recall = memo((text) => {
  const tag = text.replaceAll('_', '-');
  if (/^[a-z]{2,3}(?:-[a-z0-9]{1,8})*$/i.test(tag)) return shortTag(tag) ?? '';
  return nameTable().get(fold(text)) ?? '';
});

/**
 * Whether two normal forms are one language: one CRM says `fr-CA` where another says `FR` (conecrm.md §8 22). Two different
 * regions are two facts.
 */
export function sameLanguage(a: string, b: string): boolean {
  const [language, region] = a.split('-');
  const [otherLanguage, otherRegion] = b.split('-');
  return language === otherLanguage && (region === undefined || otherRegion === undefined || region === otherRegion);
}

function shortTag(tag: string): string | undefined {
  try {
    const { language, region } = new Intl.Locale(tag);
    return region === undefined ? language : `${language}-${region}`;
  } catch {
    // A RangeError is its way of saying: no such tag by the grammar.
    return undefined;
  }
}

let table: Map<string, string> | undefined;

function nameTable(): Map<string, string> {
  if (table) return table;
  table = new Map();
  const english = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
  for (const code of twoLetterCodes()) {
    const name = english.of(code);
    if (!name || name === code) continue;
    table.set(fold(name), code);
    const own = new Intl.DisplayNames(code, { type: 'language', fallback: 'none' }).of(code);
    if (own) table.set(fold(own), code);
  }
  return table;
}

function twoLetterCodes(): string[] {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  return letters.flatMap((first) => letters.map((second) => first + second)).filter((code) => shortTag(code) === code);
}

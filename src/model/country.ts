import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
// The package's main entry would load all its 79 languages at start.
import countries from 'i18n-iso-countries/index.js';
import { fold } from './fold.ts';
import { memo } from './memo.ts';
import { caseless } from './text.ts';

/** What people write that is neither ISO 3166-1 nor a country's name in the tables. Folded. */
const everyday: Readonly<Record<string, string>> = {
  uk: 'GB',
  'u k': 'GB',
  'great britain': 'GB',
  britain: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'northern ireland': 'GB',
  'u s': 'US',
  'u s a': 'US',
  america: 'US',
  holland: 'NL',
  el: 'GR',
  brd: 'DE',
};

/**
 * The ISO 3166-1 alpha-2 code of a country given as alpha-2, alpha-3 or numeric code or by its name in one of 79
 * languages. Undefined for anything else, also for a name that means two countries in two languages.
 */
export function readCountry(text: string): string | undefined {
  return recall(text) || undefined;
}

const recall = memo((text) => {
  const folded = fold(text);
  const known = everyday[folded];
  if (known) return known;
  if (/^[a-z]{2}$/.test(folded) && countries.alpha2ToAlpha3(folded.toUpperCase())) return folded.toUpperCase();
  if (/^[a-z]{3}$/.test(folded)) {
    const code = countries.alpha3ToAlpha2(folded.toUpperCase());
    if (code) return code;
  }
  if (/^\d{1,3}$/.test(folded)) return countries.numericToAlpha2(folded) ?? '';
  return nameTable().get(nameKey(text)) ?? '';
});

let table: Map<string, string> | undefined;

/** Names in all languages → alpha-2. Read when the first name turns up: 40 ms that most runs do not need. */
function nameTable(): Map<string, string> {
  if (table) return table;
  table = new Map();
  const { resolve } = createRequire(import.meta.url);
  for (const language of countries.getSupportedLanguages()) {
    const file = readFileSync(resolve(`i18n-iso-countries/langs/${language}.json`), 'utf8');
    const { countries: names } = JSON.parse(file) as { countries: Record<string, string | string[]> };
    for (const [code, spellings] of Object.entries(names))
      for (const spelling of [spellings].flat()) addName(table, nameKey(spelling), code);
  }
  return table;
}

/** A name that stands for two countries, as `Congo` does, stands for none. */
function addName(table: Map<string, string>, name: string, code: string): void {
  const other = table.get(name);
  if (name !== '') table.set(name, other === undefined || other === code ? code : '');
}

/** Latin names without accents and article. Others as they are: transliterated, half of the Thaana ones fall together. */
function nameKey(text: string): string {
  return /^[\p{Script=Latin}\P{L}]*$/u.test(text) ? fold(text).replace(/^the /, '') : caseless(text);
}

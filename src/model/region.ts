import { createRequire } from 'node:module';
import type { ISO31662Entry } from 'iso-3166';
import { fold } from './fold.ts';
import { memo } from './memo.ts';

/**
 * A subdivision of a country in normal form: its ISO 3166-2 code (`CA-QC`) where the text means one subdivision of
 * the world and no other (`Québec`, `QC`, `CA-QC`), else the text without case and accents.
 */
export function normaliseRegion(text: string): string {
  const codes = codesOf(text);
  return codes.length === 1
    ? codes[0]!
    : /^[a-z]{2}-[a-z0-9]{1,3}$/i.test(text)
      ? text.toUpperCase()
      : fold(text) || text;
}

/**
 * Whether two texts may mean one subdivision. `WA` is both `Washington` and `Western Australia`, for the country
 * stands in another field; the two names are not each other.
 */
export function sameRegion(a: string, b: string): boolean {
  if (normaliseRegion(a) === normaliseRegion(b)) return true;
  const second = codesOf(b);
  return codesOf(a).some((code) => second.includes(code));
}

/** ISO 3166-2 codes that a code, the part of one behind the country, or a name may stand for. */
const codesOf = memo((text): readonly string[] => {
  const { codes, meanings } = tables();
  const code = text.toUpperCase();
  if (codes.has(code)) return [code];
  return meanings.get(fold(text)) ?? [];
});

interface Tables {
  readonly codes: ReadonlySet<string>;
  /** Folded name or bare code → codes. */
  readonly meanings: ReadonlyMap<string, readonly string[]>;
}

let loaded: Tables | undefined;

/** 5070 subdivisions, read when the first region turns up. */
function tables(): Tables {
  if (loaded) return loaded;
  const { iso31662 } = createRequire(import.meta.url)('iso-3166') as { readonly iso31662: readonly ISO31662Entry[] };
  const codes = new Set<string>();
  const meanings = new Map<string, string[]>();
  for (const { code, name } of iso31662) {
    codes.add(code);
    for (const word of new Set([fold(code.slice(code.indexOf('-') + 1)), fold(name)])) {
      const meant = meanings.get(word);
      if (!meant) meanings.set(word, [code]);
      else meant.push(code);
    }
  }
  loaded = { codes, meanings };
  return loaded;
}

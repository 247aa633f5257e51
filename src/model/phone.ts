import { type CountryCode, isSupportedCountry, Metadata, parsePhoneNumberFromString } from 'libphonenumber-js';
import { caseless } from './text.ts';

/** The library reads no more, and patterns on a megabyte are slow. */
const longestText = 250;
/** Fewer digits than these are no subscriber's number: an extension, a short code. */
const minSubscriberDigits = 7;
/** Stripping a doubled trunk prefix can bare another one; real numbers settle at once. */
const maxPasses = 5;

const extensionPattern =
  /(?:;\s*ext\s*=|(?<=[\d\s),;.])(?:extension|extn?|ext|xtn|anexo|int|poste|durchwahl|dw|доб)\.?\s*[:#]?|[x#])\s*(\d{1,7})#?$/iu;
const separators = /[\s()[\]./\u00ad\u200b\u2010-\u2015\u2060\u2212-]+/gu;

/**
 * A phone number in normal form: E.164 where it can be read as one (`+` or `00` in front, or a national number of
 * `region`), else its digits; an extension follows as `;ext=12`. Text with letters or without digits stays text.
 *
 * @param region ISO 3166-1 alpha-2 code of the country in which a number without a country code is read.
 */
export function normalisePhone(text: string, region?: string): string {
  if (/^\+[1-9]\d{5,14}$/.test(text) && isSettled(text)) return text;
  if (text.length > longestText) return caseless(text);
  const bare = text.normalize('NFKC').replace(/^\s*(?:tel|phone|fax):\s*/iu, '');
  const extension = extensionPattern.exec(bare);
  const main = extension ? bare.slice(0, extension.index).replace(/[\s,;.]+$/, '') : bare;
  const number = readNumber(main, region);
  if (number === undefined) return caseless(text);
  return extension ? `${number};ext=${extension[1]}` : number;
}

/** The normal form without its extension: what a record is found under. */
export function withoutExtension(normal: string): string {
  const at = normal.indexOf(';ext=');
  return at < 0 ? normal : normal.slice(0, at);
}

/**
 * Whether two normal forms are one number, one of them perhaps written without its country code or leading zeros:
 * `01701234567` is `+491701234567`. At least seven digits must agree, and the extensions.
 */
export function samePhone(a: string, b: string): boolean {
  if (a === b) return true;
  const first = /^(\+?)(\d+)((?:;ext=\d+)?)$/.exec(a);
  const second = /^(\+?)(\d+)((?:;ext=\d+)?)$/.exec(b);
  if (!first || !second || first[3] !== second[3]) return false;
  const [, firstPlus, firstDigits] = first;
  const [, secondPlus, secondDigits] = second;
  if (firstPlus && secondPlus) return false;
  if (firstPlus) return endsWithNational(firstDigits!, secondDigits!);
  if (secondPlus) return endsWithNational(secondDigits!, firstDigits!);
  const national = withoutZeros(firstDigits!);
  return national.length >= minSubscriberDigits && national === withoutZeros(secondDigits!);
}

/** The last digits, which all spellings of a number share. Undefined when there are too few to tell people apart, or all are the same. */
export function subscriberDigits(normal: string): string | undefined {
  const main = withoutExtension(normal);
  if (!/^\+?\d+$/.test(main)) return undefined;
  const digits = main.startsWith('+') ? main.slice(1) : withoutZeros(main);
  const last = digits.slice(-minSubscriberDigits);
  return last.length < minSubscriberDigits || /^(\d)\1*$/.test(last) ? undefined : last;
}

function endsWithNational(international: string, digits: string): boolean {
  const national = withoutZeros(digits);
  return national.length >= minSubscriberDigits && international.endsWith(national);
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+/, '');
}

function readNumber(text: string, region: string | undefined): string | undefined {
  const compact = text.replace(separators, '');
  if (/^00[1-9]\d{6,14}$/.test(compact)) return readCompact(`+${compact.slice(2)}`, region);
  if (/^\+?\d+$/.test(compact)) return readCompact(compact, region);
  // Digits of other scripts, tildes and the like: the library knows more of them than we do.
  const parsed = parse(text, region);
  if (parsed !== undefined) return readCompact(parsed, region);
  const digits = compact.replace(/\D/g, '');
  return digits === '' || /\p{L}/u.test(compact) ? undefined : readCompact(digits, region);
}

/** @param compact Digits, perhaps behind a plus. */
function readCompact(compact: string, region: string | undefined): string {
  let number = compact;
  for (let pass = 0; pass < maxPasses; pass += 1) {
    if (isSettled(number)) return number;
    // Digits without a plus and without a country to read them in say no more than they say.
    if (!number.startsWith('+') && !isRegion(region)) return number;
    const parsed = number.startsWith('+')
      ? (readTrunk(number) ?? parse(number, undefined))
      : (readNational(number, region) ?? parse(number, region));
    if (parsed === undefined || parsed === number) return number;
    number = parsed;
  }
  return number;
}

function parse(text: string, region: string | undefined): string | undefined {
  const options = isRegion(region) ? { defaultCountry: region, extract: false } : { extract: false };
  return parsePhoneNumberFromString(text, options)?.number;
}

function isRegion(region: string | undefined): region is CountryCode {
  return region !== undefined && isSupportedCountry(region);
}

/** What we need of a numbering plan; the library has the methods, its types name only some. */
interface Plan {
  callingCode(): string;
  IDDPrefix(): string;
  nationalNumberPattern(): string;
  possibleLengths(): number[];
  nationalPrefixForParsing(): string | undefined;
}

interface PlanRules {
  readonly callingCode: string;
  /** Digits that lead abroad, in front of a calling code. */
  readonly abroad: RegExp;
  /** Trunk prefix and carrier codes; undefined where the country has none. */
  readonly prefix: RegExp | undefined;
  /** Whether the prefix is simply cut off, without carrier codes or rewriting. */
  readonly prefixIsPlain: boolean;
  readonly national: RegExp;
  /** Digits a whole national number may have; the pattern alone also takes local ones. */
  readonly lengths: readonly number[];
}

const plans = new Map<string, PlanRules | undefined>();

/** @param key A calling code or a region. */
function planOf(key: string): PlanRules | undefined {
  if (plans.has(key)) return plans.get(key);
  const rules = loadPlan(key);
  plans.set(key, rules);
  return rules;
}

function loadPlan(key: string): PlanRules | undefined {
  const metadata = new Metadata();
  try {
    metadata.selectNumberingPlan(key as CountryCode);
  } catch {
    // The only thing it throws: no such calling code or country.
    return undefined;
  }
  const plan = metadata.numberingPlan as unknown as Plan;
  const prefix = plan.nationalPrefixForParsing();
  return {
    callingCode: plan.callingCode(),
    abroad: new RegExp(`^(?:${plan.IDDPrefix()})`),
    prefix: prefix ? new RegExp(`^(?:${prefix})`) : undefined,
    prefixIsPlain: prefix !== undefined && /^\d+$/.test(prefix),
    national: new RegExp(`^(?:${plan.nationalNumberPattern()})$`),
    lengths: plan.possibleLengths(),
  };
}

/**
 * Whether the library would give back this international number as it is: its calling code exists and no trunk prefix
 * hides behind it. Answered from the library's own tables, about thirty times as fast.
 */
function isSettled(number: string): boolean {
  const plan = planBehind(number);
  return plan !== undefined && !plan.prefix?.test(number.slice(1 + plan.callingCode.length));
}

/** An international number with a trunk prefix in it, `+49 (0)30 …`, in the plain cases; undefined: ask the library. */
function readTrunk(number: string): string | undefined {
  const plan = planBehind(number);
  return plan && withoutTrunk(plan, number.slice(1 + plan.callingCode.length));
}

function planBehind(number: string): PlanRules | undefined {
  if (!/^\+[1-9]\d{5,14}$/.test(number)) return undefined;
  // No calling code begins another one.
  return planOf(number.slice(1, 2)) ?? planOf(number.slice(1, 3)) ?? planOf(number.slice(1, 4));
}

/** A national number of `region` in the plain cases; undefined: ask the library. */
function readNational(digits: string, region: string | undefined): string | undefined {
  const plan = isRegion(region) ? planOf(region) : undefined;
  if (!plan || plan.abroad.test(digits)) return undefined;
  return withoutTrunk(plan, digits);
}

function withoutTrunk(plan: PlanRules, digits: string): string | undefined {
  const trunk = plan.prefix?.exec(digits);
  if (trunk && !plan.prefixIsPlain) return undefined;
  const national = trunk ? digits.slice(trunk[0].length) : digits;
  return plan.lengths.includes(national.length) && plan.national.test(national)
    ? `+${plan.callingCode}${national}`
    : undefined;
}

import { fc, test as law } from '@fast-check/vitest';
import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  getExampleNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js';
import examples from 'libphonenumber-js/mobile/examples';
import { describe, expect, it } from 'vitest';
import { normalisePhone, samePhone, subscriberDigits } from '../../src/model/phone.ts';
import { phoneText } from './values.ts';

const runs = { numRuns: 5_000 };
const countries = fc.constantFrom(...getCountries());
const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: min, maxLength: max });

/** What the library makes of it, until it changes nothing more: a doubled trunk prefix takes two passes. */
function byLibrary(text: string, region?: CountryCode): string | undefined {
  let number = parsePhoneNumberFromString(text, { ...(region && { defaultCountry: region }), extract: false })?.number;
  for (let pass = 0; number !== undefined && pass < 5; pass += 1)
    number = parsePhoneNumberFromString(number, { extract: false })?.number;
  return number;
}

describe('the fast paths agree with libphonenumber-js', () => {
  law.prop([countries, digits(4, 12)], runs)('on international numbers of every country', (country, rest) => {
    const text = `+${getCountryCallingCode(country)}${rest}`;
    const expected = byLibrary(text);
    if (expected !== undefined) expect(normalisePhone(text)).toBe(expected);
  });

  law.prop([digits(6, 15)], runs)('on any digits behind a plus', (rest) => {
    const expected = byLibrary(`+${rest}`);
    if (expected !== undefined) expect(normalisePhone(`+${rest}`)).toBe(expected);
  });

  law.prop(
    [countries, fc.constantFrom('', '0', '1', '8', '06', '011', '810', '119', '010', '0011', 'code'), digits(5, 11)],
    runs,
  )('on national numbers of every country', (country, trunk, rest) => {
    const text = `${trunk === 'code' ? getCountryCallingCode(country) : trunk}${rest}`;
    fc.pre(!text.startsWith('00'));
    const expected = byLibrary(text, country);
    if (expected !== undefined) expect(normalisePhone(text, country)).toBe(expected);
  });

  it.each([
    ['TJ', '810241900'],
    ['DE', '49301234567'],
    ['US', '13000000'],
    ['AR', '0111523456789'],
    ['BR', '0 41 11 3456 7890'],
  ] as const)('in %s on %s, which has two readings', (country, text) => {
    expect(normalisePhone(text, country)).toBe(byLibrary(text, country));
  });

  it.each(getCountries())('on the real numbers of %s, written both ways', (country) => {
    const example = getExampleNumber(country, examples);
    if (!example) return;
    for (const text of [example.number, example.formatInternational(), example.formatNational()])
      expect(normalisePhone(text, country)).toBe(byLibrary(text, country));
  });
});

law.prop([phoneText, fc.constantFrom('DE', undefined)], runs)(
  'spaces, hyphens, dots and brackets change nothing',
  (text, region) => {
    fc.pre(!text.endsWith('abc'));
    const spaced = text.replace(/(?<=\d)(?=\d{2})/g, ' ');
    expect(normalisePhone(spaced, region)).toBe(normalisePhone(text, region));
  },
);

law.prop([phoneText, phoneText], runs)('numbers that are the same share their last digits', (a, b) => {
  const [first, second] = [normalisePhone(a), normalisePhone(b)];
  if (samePhone(first, second)) expect(subscriberDigits(first)).toBe(subscriberDigits(second));
});

law.prop([fc.integer({ min: 1_000_000, max: 999_999_999 }), fc.constantFrom('+49', '+33', '+44')], runs)(
  'a number with its country code is the one with leading zeros, and shares its last digits',
  (national, code) => {
    const [there, here] = [normalisePhone(`${code}${national}`), normalisePhone(`0${national}`)];
    fc.pre(there === `${code}${national}`);
    expect(samePhone(there, here)).toBe(true);
    expect(subscriberDigits(there)).toBe(subscriberDigits(here));
  },
);

describe('extensions', () => {
  it.each([
    ['+1 438 555 0199 ext. 12', '+14385550199;ext=12'],
    ['+1 438 555 0199x12', '+14385550199;ext=12'],
    ['+1 438 555 0199 #12', '+14385550199;ext=12'],
    ['+1 438 555 0199;ext=12', '+14385550199;ext=12'],
    ['+1 438 555 0199, poste 12', '+14385550199;ext=12'],
    ['+49 30 123456 Durchwahl: 7', '+4930123456;ext=7'],
    ['555 0199 ext 1', '5550199;ext=1'],
  ])('%s', (text, form) => {
    expect(normalisePhone(text)).toBe(form);
  });
});

import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js';
import { normalisePhone, withoutExtension } from './phone.ts';

/** `national`: as people of that country write it. */
export type PhoneStyle = 'national' | 'international' | 'e164';

/**
 * A phone number in one style. A number of another country than `region` has no national form there and gets the
 * international one; what cannot be read as a whole number stays as it is.
 * @param region ISO 3166-1 alpha-2 code of the country in which a number without a country code is read
 */
export function formatPhone(text: string, style: PhoneStyle, region?: string): string {
  const normal = normalisePhone(text, region);
  const number = withoutExtension(normal);
  const parsed = number.startsWith('+') ? parsePhoneNumberFromString(number) : undefined;
  if (!parsed?.isPossible()) return text;
  const isHome = style === 'national' && parsed.countryCallingCode === callingCodeOf(region);
  const main = style === 'e164' ? parsed.number : isHome ? parsed.formatNational() : parsed.formatInternational();
  return number === normal ? main : `${main} ext. ${normal.slice(number.length + ';ext='.length)}`;
}

function callingCodeOf(region: string | undefined): string | undefined {
  return region !== undefined && isSupportedCountry(region) ? getCountryCallingCode(region as CountryCode) : undefined;
}

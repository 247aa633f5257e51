import { getDomain } from 'tldts';
import { fold } from '../model/fold.ts';
import { type KindContext, normalise } from '../model/kinds.ts';
import { subscriberDigits, withoutExtension } from '../model/phone.ts';
import type { Values } from '../model/values.ts';
import { isSharedDomain } from './mailboxes.ts';
import { skeleton } from './spelling.ts';

/**
 * What a record may be recognised by, read from its values. Index keys and verdicts both start from these, so that
 * whatever is judged a match is found in the index.
 */

const emailPaths = ['email.primary', 'email.secondary'] as const;
/** `phone.primary` is a view and never stored, yet a wire record may show it. */
const phonePaths = ['phone.mobile', 'phone.work', 'phone.home', 'phone.primary'] as const;

/** The record's e-mail addresses in normal form. */
export function emailsOf(values: Values): readonly string[] {
  const found: string[] = [];
  for (const path of emailPaths) {
    const value = values[path];
    if (value === undefined || typeof value === 'object') continue;
    const address = normalise('email', value);
    if (typeof address === 'string' && /^[^@\s]+@[^@\s]+$/.test(address) && !found.includes(address))
      found.push(address);
  }
  return found;
}

/** A phone number in normal form, without its extension, and the last digits that all its spellings share. */
export interface PhoneMark {
  readonly number: string;
  readonly digits: string;
}

/** The record's phone numbers that can tell people apart; short codes and `0000000` are left out. */
export function phonesOf(values: Values, context: KindContext): readonly PhoneMark[] {
  const found: PhoneMark[] = [];
  for (const path of phonePaths) {
    const value = values[path];
    if (value === undefined || typeof value === 'object' || isFiller(String(value))) continue;
    const normal = normalise('phone', value, context);
    const digits = typeof normal === 'string' ? subscriberDigits(normal) : undefined;
    if (digits === undefined) continue;
    const number = withoutExtension(normal as string);
    if (!found.some((other) => other.number === number)) found.push({ number, digits });
  }
  return found;
}

/** `000 00 00`: typed because the form wanted something. */
function isFiller(text: string): boolean {
  return /^\D*(\d)(?:\D*\1)*\D*$/.test(text);
}

/** The registrable domains that are the company's own: of its web site, and of its addresses outside the mail providers. */
export function domainsOf(values: Values): readonly string[] {
  const site = values.website;
  const hosts = [
    ...(typeof site === 'string' ? [site.trim()] : []),
    ...emailsOf(values).map((address) => address.slice(address.lastIndexOf('@') + 1)),
  ];
  const domains = hosts.map((host) => getDomain(host, { allowPrivateDomains: true })?.toLowerCase() ?? '');
  return [...new Set(domains)].filter((domain) => domain !== '' && !isSharedDomain(domain));
}

/** The city, folded. Empty: not known. */
export function cityOf(values: Values): string {
  const city = values['address.billing.city'];
  return typeof city === 'string' ? skeleton(fold(city)) : '';
}

/** A text field, or an empty text. */
export function textOf(values: Values, path: string): string {
  const value = values[path];
  return typeof value === 'string' ? value : '';
}

import { readBoolean } from './boolean.ts';
import { readCountry } from './country.ts';
import { type KindName, normalise } from './kinds.ts';
import { readLanguage } from './language.ts';
import { readDay, readMoment } from './moment.ts';
import { readDecimal } from './money.ts';
import { readUrl } from './url.ts';
import { isEmpty, type Value } from './values.ts';

/** What a person has to type for a field of a kind, in words. */
export const typedForms: Readonly<Record<KindName, string>> = {
  text: 'a text',
  email: 'an e-mail address',
  phone: 'a phone number, best with its country code (+49 30 …)',
  country: 'a country, by its ISO code or its name',
  region: 'a region',
  language: 'a language, by its code (de, pt-BR) or its name',
  currency: 'a currency, by its ISO code (EUR)',
  date: 'a day: 2026-11-21',
  dateTime: 'a moment: 2026-11-21T16:05:00Z',
  money: 'a number: 1200.50',
  boolean: 'yes or no',
  url: 'a web address',
  tags: 'words with commas between them',
  reference: 'the canonical id of a record',
  option: 'one of the options',
};

/**
 * What a person has typed for a field of a kind, as it is to be kept: as typed, without spaces around it; days and moments
 * in ISO 8601. Nothing typed is known to be empty. Undefined: it is no value of that kind, see `typedForms`. A reference is taken as it is.
 */
export function readTyped(kind: KindName, typed: string): Value | undefined {
  const text = typed.trim().normalize('NFC');
  if (isEmpty(text)) return null;
  switch (kind) {
    case 'tags':
      return text
        .split(',')
        .map((tag) => tag.trim())
        .filter((tag) => tag !== '');
    case 'boolean':
      return readBoolean(text);
    case 'date':
      return readDay(text);
    case 'dateTime':
      return readMoment(text);
    default:
      return isOfKind(kind, text) ? text : undefined;
  }
}

function isOfKind(kind: KindName, text: string): boolean {
  switch (kind) {
    case 'email':
      return /^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(String(normalise('email', text)));
    case 'phone':
      return /^[+\d][\d\s()./-]*(?:x\d+)?$/i.test(text) && text.replace(/\D/g, '').length >= 5;
    case 'country':
      return readCountry(text) !== undefined;
    case 'language':
      return readLanguage(text) !== undefined;
    case 'currency':
      return /^[a-z]{3}$/i.test(text);
    case 'money':
      return readDecimal(text) !== undefined;
    case 'url':
      return readUrl(text) !== undefined;
    default:
      return true;
  }
}

import { domainToASCII } from 'node:url';
import { caseless } from './text.ts';

const plain = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+$/;
const ascii = /^[\0-~]*$/;

/**
 * An e-mail address in normal form: trimmed, lower-case, the domain in ASCII (`müller.de` → `xn--mller-kva.de`). For
 * comparison only: the local part of what is written is never recased. Text that is no address is only lower-cased.
 */
export function normaliseEmail(text: string): string {
  if (plain.test(text)) return text;
  const address = caseless(text).replace(/^mailto:/, '');
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  if (at < 1 || ascii.test(domain)) return address;
  const converted = domainToASCII(domain);
  return converted ? `${address.slice(0, at)}@${converted}` : address;
}

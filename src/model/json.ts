import type { Values } from './values.ts';

const texts = new WeakMap<Values, string>();

/**
 * Values as JSON text. The same object is encoded once, however often it is asked for: what a CRM shows is hashed, and
 * then kept as it is. For values that nobody changes any more.
 */
export function jsonOf(values: Values): string {
  let text = texts.get(values);
  if (text === undefined) {
    text = JSON.stringify(values);
    texts.set(values, text);
  }
  return text;
}

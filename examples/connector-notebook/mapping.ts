import { field, mapping } from '../../src/connector/mapping.ts';

/** Canonical contact ⇄ person: one line per field, both directions. */
export const contactMapping = mapping('contact', [
  field('name.given', 'first'),
  field('name.family', 'last'),
  field('email.primary', 'mail'),
  field('phone.mobile', 'mobile'),
  field('address.billing.city', 'town'),
]);

import type { KindContext } from '../model/kinds.ts';
import { type Entity, isEmpty, type Values } from '../model/values.ts';
import { companyKey } from './companies.ts';
import { isRoleMailbox, mailboxOf } from './mailboxes.ts';
import { cityOf, domainsOf, emailsOf, phonesOf, textOf } from './marks.ts';
import { initialsOf, type Person, personOf } from './person.ts';
import type { MatchRule } from './policy.ts';

/** The fields that keys are made of: while none of them changes, the keys stay. */
export const identityPaths: ReadonlySet<string> = new Set([
  'name',
  'name.given',
  'name.middle',
  'name.family',
  'name.suffix',
  'name.nickname',
  'email.primary',
  'email.secondary',
  'phone.mobile',
  'phone.work',
  'phone.home',
  'phone.primary',
  'website',
  'address.billing.city',
  'contact',
  'account',
]);

/**
 * The hashes (integers below 2^52) under which matching finds a record again; design.md §8. Two records that
 * `judge` calls a match share at least one, as long as both were made with the same rules and context. Distinct, in no
 * order. A key is a hint: what it finds is judged by its values.
 *
 * - contact: each mailbox; each desk mailbox (`info@`) also with the initials; each phone number with the initials.
 * - account: each mailbox, each phone number, each domain of its own, its name in its city.
 * - lead: whose it is. It finds nobody: that a CRM has one lead of everybody is not told by values. But those who take in
 *   two leads of one person at the same time hear of each other.
 */
export function identityKeys(
  entity: Entity,
  values: Values,
  rules: readonly MatchRule[],
  context: KindContext = {},
): number[] {
  const marks = marksOf(entity, values, rules, context);
  const keys: number[] = [];
  for (const mark of marks) {
    const key = hash52(mark);
    if (!keys.includes(key)) keys.push(key);
  }
  return keys;
}

function marksOf(entity: Entity, values: Values, rules: readonly MatchRule[], context: KindContext): string[] {
  if (entity === 'contact') return contactMarks(values, rules, context);
  if (entity === 'account') return accountMarks(values, rules, context);
  if (!rules.includes('xref')) return [];
  return ['contact', 'account'].flatMap((path) => (isEmpty(values[path]) ? [] : `r|${path}|${values[path]}`));
}

function contactMarks(values: Values, rules: readonly MatchRule[], context: KindContext): string[] {
  const marks: string[] = [];
  const person = personOf(values);
  if (rules.includes('email'))
    for (const address of emailsOf(values)) {
      const mailbox = mailboxOf(address)!;
      marks.push(`e|${mailbox}`);
      if (isRoleMailbox(mailbox)) for (const initials of initialsOf(person)) marks.push(`e|${mailbox}|${initials}`);
    }
  if (rules.includes('phone'))
    for (const { digits } of phonesOf(values, context)) marks.push(...phoneMarks(digits, person));
  return marks;
}

function accountMarks(values: Values, rules: readonly MatchRule[], context: KindContext): string[] {
  const marks: string[] = [];
  if (rules.includes('email')) for (const address of emailsOf(values)) marks.push(`e|${mailboxOf(address)}`);
  if (rules.includes('phone')) for (const { digits } of phonesOf(values, context)) marks.push(`p|${digits}`);
  if (rules.includes('domain')) for (const domain of domainsOf(values)) marks.push(`d|${domain}`);
  const name = companyKey(textOf(values, 'name'));
  const city = cityOf(values);
  if (rules.includes('name') && name !== '' && city !== '') marks.push(`n|${name}|${city}`);
  return marks;
}

/** What a phone number and a person are filed under together: numbers are shared, by families and switchboards. */
export function phoneMarks(digits: string, person: Person): readonly string[] {
  return initialsOf(person).map((initials) => `p|${digits}|${initials}`);
}

/** A well-mixed hash of a text (cyrb53, cut to 52 bits): two 32-bit lanes, no BigInt. */
function hash52(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return (low & 0xfffff) * 0x1_0000_0000 + (high >>> 0);
}

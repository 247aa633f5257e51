import type { KindContext } from '../model/kinds.ts';
import type { Entity, Values } from '../model/values.ts';
import { companyKey } from './companies.ts';
import { isRoleMailbox, mailboxOf } from './mailboxes.ts';
import { cityOf, emailsOf, phonesOf, textOf } from './marks.ts';
import { initialsOf, isNameless, personOf } from './person.ts';

/*
 * What is kept of somebody who was forgotten, and what a record shows that is held against it. Only hashes of these texts
 * are kept, so that nothing can be judged by values any more, as matching does: a mailbox or a number tells a person
 * together with the initials, as families and desks share both.
 */

/** Values under which somebody was known, and what their normal forms depend on. */
export interface Face {
  readonly values: Values;
  readonly kinds: KindContext;
}

/** The marks that stay of a contact or an account with these faces; leads are known by their ids alone. */
export function lastingMarks(entity: Entity, faces: readonly Face[]): readonly string[] {
  if (entity === 'lead') return [];
  const mailboxes = new Set(faces.flatMap(mailboxesOf));
  const names = [...mailboxes].map(nameMark);
  if (entity === 'account') return [...names, ...new Set(faces.flatMap(companyMarks))];
  const numbers = new Set(faces.flatMap(numbersOf));
  const initials = new Set(faces.flatMap(namesOf));
  const marks = names;
  for (const mailbox of mailboxes) {
    if (!isRoleMailbox(mailbox)) marks.push(anyone(mailbox));
    for (const name of initials) marks.push(mailMark(mailbox, name));
    if (initials.size === 0 && !isRoleMailbox(mailbox)) marks.push(mailMark(mailbox, ''));
  }
  for (const number of numbers) for (const name of initials) marks.push(phoneMark(number, name));
  return marks;
}

/** The marks of which each by itself says that a record is of somebody who was forgotten. */
export function tellingMarks(entity: Entity, face: Face): readonly string[] {
  if (entity === 'account') return companyMarks(face);
  if (entity === 'lead') return [];
  const initials = namesOf(face);
  return [
    ...mailboxesOf(face).flatMap((mailbox) =>
      initials.length === 0
        ? [anyone(mailbox)]
        : [...initials.map((name) => mailMark(mailbox, name)), mailMark(mailbox, '')],
    ),
    ...numbersOf(face).flatMap((number) => initials.map((name) => phoneMark(number, name))),
  ];
}

/** The mark of a record of a CRM. */
export function idMark(connection: string, entity: Entity, externalId: string): string {
  return `x|${connection}|${entity}|${externalId}`;
}

/** The mark of a canonical record. */
export function canonicalMark(id: string): string {
  return `i|${id}`;
}

/** The mark by which people name whoever was known under an e-mail address; undefined for what is none. */
export function addressMark(address: string): string | undefined {
  const [mailbox] = mailboxesOf({ values: { 'email.primary': address }, kinds: {} });
  return mailbox === undefined ? undefined : nameMark(mailbox);
}

function companyMarks({ values, kinds }: Face): string[] {
  const name = companyKey(textOf(values, 'name'));
  const city = cityOf(values);
  return [
    ...mailboxesOf({ values, kinds }).map(anyone),
    ...numbersOf({ values, kinds }).map((number) => phoneMark(number, '')),
    ...(name !== '' && city !== '' ? [`n|${name}|${city}`] : []),
  ];
}

const nameMark = (mailbox: string) => `a|${mailbox}`;
const anyone = (mailbox: string) => `e|${mailbox}`;
const mailMark = (mailbox: string, initials: string) => `e|${mailbox}|${initials}`;
const phoneMark = (digits: string, initials: string) => `p|${digits}|${initials}`;

function mailboxesOf({ values }: Face): string[] {
  return emailsOf(values).flatMap((address) => mailboxOf(address) ?? []);
}

function numbersOf({ values, kinds }: Face): string[] {
  return phonesOf(values, kinds).map(({ digits }) => digits);
}

function namesOf({ values }: Face): readonly string[] {
  const person = personOf(values);
  return isNameless(person) ? [] : initialsOf(person);
}

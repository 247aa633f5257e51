import { describe, expect, it } from 'vitest';
import type { Entity, Values } from '../../src/model/values.ts';
import { addressMark, lastingMarks, tellingMarks } from '../../src/sync/forgotten.ts';

const kinds = { region: 'DE' };
const face = (values: Values) => ({ values, kinds });
const who = (given: string, family: string, email?: string, phone?: string): Values => ({
  'name.given': given,
  'name.family': family,
  ...(email !== undefined && { 'email.primary': email }),
  ...(phone !== undefined && { 'phone.mobile': phone }),
});
/** Whether a record is taken for somebody who was forgotten with these faces. */
function isTold(entity: Entity, shown: Values, ...faces: readonly Values[]): boolean {
  const kept = new Set(lastingMarks(entity, faces.map(face)));
  return tellingMarks(entity, face(shown)).some((mark) => kept.has(mark));
}

const anna = who('Anna', 'Berg', 'anna.berg@example.com', '+49 151 234 56 789');

describe('somebody who was forgotten is known again', () => {
  it.each([
    ['as they were', anna],
    ['by the mailbox, however it is written', who('Anna', 'Berg', 'Anna.Berg+news@EXAMPLE.com')],
    ['by the mailbox and initials', who('A.', 'Berg', 'anna.berg@example.com')],
    ['by the mailbox where nobody is named', { 'email.primary': 'anna.berg@example.com' }],
    ['by the number with the name', who('Anna', 'Berg', 'other@example.org', '0151 23456789')],
  ])('%s', (_, shown) => {
    expect(isTold('contact', shown, anna)).toBe(true);
  });

  it.each([
    ['another person with the same mailbox', who('Tom', 'Keller', 'anna.berg@example.com')],
    ['another person with the same number', who('Tom', 'Keller', undefined, '+49 151 234 56 789')],
    ['a number without a name', { 'phone.mobile': '+49 151 234 56 789' }],
    ['one of the same name alone', who('Anna', 'Berg')],
    ['one of the same name with another address', who('Anna', 'Berg', 'anna@berg.example')],
  ])('but not %s', (_, shown) => {
    expect(isTold('contact', shown, anna)).toBe(false);
  });

  it('by what they were known under before, with the names that they had', () => {
    const before = { 'email.primary': 'anna@mueller.example' };
    expect(isTold('contact', who('Anna', 'Berg', 'anna@mueller.example'), anna, before)).toBe(true);
    expect(isTold('contact', who('Tom', 'Keller', 'anna@mueller.example'), anna, before)).toBe(false);
  });

  it('where they had no name, by the mailbox', () => {
    const nameless = { 'email.primary': 'a.b@example.com' };
    expect(isTold('contact', who('Anna', 'Berg', 'a.b@example.com'), nameless)).toBe(true);
    expect(isTold('contact', nameless, nameless)).toBe(true);
  });

  it('at a desk only together with the name', () => {
    const desk = 'info@example.com';
    expect(isTold('contact', who('Anna', 'Berg', desk), who('Anna', 'Berg', desk))).toBe(true);
    expect(isTold('contact', who('Tom', 'Keller', desk), who('Anna', 'Berg', desk))).toBe(false);
    expect(isTold('contact', { 'email.primary': desk }, who('Anna', 'Berg', desk))).toBe(false);
    expect(isTold('contact', who('Anna', 'Berg', desk), { 'email.primary': desk })).toBe(false);
  });

  it('as a company by mailbox, number, or name in its city; as a lead by ids alone', () => {
    const firm = { name: 'Berg GmbH', 'address.billing.city': 'Ulm', 'email.primary': 'info@berg.example' };
    expect(isTold('account', { 'email.primary': 'INFO@berg.example' }, firm)).toBe(true);
    expect(isTold('account', { name: 'BERG', 'address.billing.city': 'Ulm' }, firm)).toBe(true);
    expect(isTold('account', { name: 'Berg GmbH', 'address.billing.city': 'Bonn' }, firm)).toBe(false);
    expect(lastingMarks('lead', [face(anna)])).toEqual([]);
    expect(tellingMarks('lead', face(anna))).toEqual([]);
  });

  it('when named by an address, by that of a desk too', () => {
    expect(lastingMarks('contact', [face(anna)])).toContain(addressMark('Anna.Berg@example.com'));
    const desk = who('Anna', 'Berg', 'info@example.com');
    expect(lastingMarks('contact', [face(desk)])).toContain(addressMark('info@example.com'));
    expect(lastingMarks('account', [face(desk)])).toContain(addressMark('info@example.com'));
    expect(isTold('contact', { 'email.primary': 'info@example.com' }, desk)).toBe(false);
    expect(addressMark('anna')).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import type { Values } from '../../src/model/values.ts';
import { judgeOwnCreate } from '../../src/sync/own-create.ts';

const ann: Values = {
  'name.given': 'Ann',
  'name.family': 'Ashworth',
  'email.primary': 'ann@ashworth.example',
  jobTitle: 'Baker',
  'address.billing.city': 'Bern',
  'address.billing.country': 'CH',
};
const { 'email.primary': _, ...lone } = ann;

const cases: Readonly<Record<string, readonly [sent: Values, seen: Values, verdict: string]>> = {
  'what was sent': [ann, ann, 'echo'],
  'what was sent, in a form of the CRM': [ann, { ...ann, 'name.family': 'ASHW', jobTitle: '' }, 'echo'],
  'what was sent, as far as it is shown': [ann, { 'name.given': 'Ann' }, 'echo'],
  'the same address, all else edited': [ann, { ...ann, jobTitle: 'Miller', 'address.billing.city': 'Basel' }, 'edited'],
  'another address': [ann, { ...ann, 'email.primary': 'ann@elsewhere.example' }, 'unclear'],
  'the same address, a shortened name': [ann, { ...ann, 'name.family': 'Ash', jobTitle: 'Miller' }, 'edited'],
  'the name, but another address, and all else': [
    ann,
    { ...ann, 'email.primary': 'ann@elsewhere.example', jobTitle: 'Miller', 'address.billing.city': 'Basel' },
    'none',
  ],
  'somebody whose name begins like it, in the same city': [
    lone,
    { ...lone, 'name.family': 'Ash', jobTitle: 'Miller' },
    'unclear',
  ],
  'somebody whose name begins like it, elsewhere': [
    lone,
    { ...lone, 'name.family': 'Ash', jobTitle: 'Miller', 'address.billing.city': 'Ber' },
    'none',
  ],
  'a similar name, and nothing else': [
    lone,
    { ...lone, 'name.family': 'Ashwoth', jobTitle: 'Miller', 'address.billing.city': 'Basel' },
    'none',
  ],
  'a similar name with an address of its own': [
    ann,
    { ...ann, 'name.family': 'Ashwoth', 'email.primary': 'ann@elsewhere.example' },
    'none',
  ],
  'one of two fields edited': [lone, { ...lone, jobTitle: 'Miller' }, 'edited'],
  'the name and the country alone': [lone, { ...lone, jobTitle: 'Miller', 'address.billing.city': 'Basel' }, 'unclear'],
  'a slip of the name': [lone, { ...lone, 'name.family': 'Ashwoth' }, 'unclear'],
  'all but the family name': [lone, { ...lone, 'name.family': 'Brennecke' }, 'unclear'],
  'half of it without a name': [lone, { ...lone, 'name.given': '', 'name.family': '', jobTitle: 'Miller' }, 'none'],
  'a colleague, of another name': [lone, { ...lone, 'name.given': 'Quentin', 'name.family': 'Zander' }, 'none'],
  nothing: [ann, {}, 'none'],
};

describe('a record that nobody knows, and a create without an answer', () => {
  for (const [what, [sent, seen, verdict]] of Object.entries(cases))
    it(`${verdict}: ${what}`, () => expect(judgeOwnCreate('contact', sent, seen)).toBe(verdict));

  it('is the same company under its name, with another one it is not', () => {
    const sent = { name: 'Harbour Works GmbH', 'address.billing.city': 'Kiel', 'address.billing.street': '1 Quay' };
    const judged = (seen: Values) => judgeOwnCreate('account', sent, { ...sent, ...seen });
    expect(judged({ 'address.billing.street': '2 Quay' })).toBe('edited');
    expect(judged({ name: 'Meadow Dairy', 'address.billing.street': '2 Quay' })).toBe('none');
  });

  it('is no lead of somebody else, whatever they have in common; a contact may have been moved', () => {
    const lead = { title: 'Inquiry', contact: 'ann', description: 'A boat' };
    expect(judgeOwnCreate('lead', lead, lead)).toBe('echo');
    expect(judgeOwnCreate('lead', lead, { ...lead, description: 'Two boats' })).toBe('edited');
    expect(judgeOwnCreate('lead', lead, { ...lead, contact: 'ben' })).toBe('none');
    expect(judgeOwnCreate('lead', lead, { ...lead, title: 'Offer', description: 'Two boats' })).toBe('none');
    expect(judgeOwnCreate('contact', { ...lone, account: 'a' }, { ...lone, account: 'b' })).toBe('edited');
  });
});

import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { equal } from '../../src/model/kinds.ts';
import type { Value, Values } from '../../src/model/values.ts';
import { type Form, isHeld, outward, type Step } from '../../src/sync/forms.ts';

const context = { region: 'DE' };
const written = (path: string, form: Form, values: Values) =>
  outward('contact', { [path]: form }, path, values, context);
const one = (step: Step, value: Value, path = 'jobTitle') => written(path, { steps: [step] }, { [path]: value });

describe('a form', () => {
  it.each<[Step, string, string]>([
    ['trim', '  a b  ', 'a b'],
    ['upper', 'Straße é', 'STRASSE É'],
    ['lower', 'ANN', 'ann'],
    ['title', 'ann-marie o’NEIL MCDONALD McDonald von der lippe', 'Ann-Marie o’NEIL Mcdonald McDonald Von Der Lippe'],
  ])('%s makes of %j', (step, from, to) => {
    expect(one(step, from)).toBe(to);
  });

  it.each<[Step, string, string]>([
    [{ phone: 'e164' }, '030 7000001', '+49307000001'],
    [{ phone: 'international' }, '030 7000001', '+49 30 7000001'],
    [{ phone: 'national' }, '+49 30 7000001', '030 7000001'],
    [{ phone: 'national' }, '+1 604 555 0100', '+1 604 555 0100'],
    [{ phone: 'e164' }, '+1 (604) 555-0100 x12', '+16045550100 ext. 12'],
    [{ phone: 'e164' }, 'ask Ann', 'ask Ann'],
    [{ phone: 'international' }, '12', '12'],
  ])('%j makes of %j', (step, from, to) => {
    expect(one(step, from, 'phone.mobile')).toBe(to);
    // Through a view as well.
    expect(written('phone.primary', { steps: [step] }, { 'phone.work': from })).toBe(to);
  });

  const dialled = fc.oneof(
    fc.string(),
    fc
      .tuple(
        fc.constantFrom('', '+', '00', '0', '+49', '+1', '+7', '+39 0', '+44'),
        fc.string({ unit: fc.constantFrom(...'0123456789 -()/x'), minLength: 4, maxLength: 16 }),
      )
      .map((parts) => parts.join('')),
  );
  const styles = fc.constantFrom<Step>({ phone: 'national' }, { phone: 'international' }, { phone: 'e164' });
  law.prop([styles, dialled], { numRuns: 2_000 })('%j of a phone number leaves it the same number', (step, text) => {
    for (const region of ['DE', 'US', 'IT', 'KZ']) {
      const form: Form = { steps: [step] };
      const to = outward('contact', { 'phone.mobile': form }, 'phone.mobile', { 'phone.mobile': text }, { region });
      expect(equal('phone', to, text, { region })).toBe(true);
    }
  });

  it('of several steps takes them in turn, and leaves what is no text and what is empty', () => {
    expect(written('jobTitle', { steps: ['trim', 'upper'] }, { jobTitle: ' a ' })).toBe('A');
    expect([one('upper', null), one('upper', ''), one('upper', true), one('upper', 3)]).toEqual([null, '', true, 3]);
    expect(written('jobTitle', { steps: ['upper'] }, {})).toBeUndefined();
  });

  it('made of other fields has gaps closed, is empty where all are, and says nothing where nothing is known', () => {
    const form = { template: [{ path: 'name.given' }, ' ', { path: 'name.middle' }, ' ', { path: 'name.family' }] };
    const of = (values: Values) => written('name.full', form, values);
    expect(of({ 'name.given': 'Ann', 'name.family': 'Ashworth' })).toBe('Ann Ashworth');
    expect(of({ 'name.family': 'Ashworth', 'name.full': 'Somebody Else' })).toBe('Ashworth');
    expect(of({ 'name.given': null, 'name.family': '' })).toBe(null);
    expect(of({ 'name.full': 'Somebody Else' })).toBeUndefined();
  });
});

describe('what a CRM holds', () => {
  const held = (value: Value, form: Form, values: Values) =>
    isHeld('contact', { jobTitle: form }, 'jobTitle', value, values, context);

  it('is the canonical value as it is and in its form, and nothing else', () => {
    const form: Form = { steps: ['upper'] };
    expect(held('COOK', form, { jobTitle: 'Cook' })).toBe(true);
    expect(held('Cook', form, { jobTitle: 'Cook' })).toBe(true);
    expect(held('cook', form, { jobTitle: 'Cook' })).toBe(false);
  });

  it('in a field that is made of others is what they make, whatever the canonical value is', () => {
    const form: Form = { template: [{ path: 'company' }] };
    expect(held('Acme', form, { company: 'Acme', jobTitle: 'Cook' })).toBe(true);
    expect(held('Cook', form, { company: 'Acme', jobTitle: 'Cook' })).toBe(false);
  });
});

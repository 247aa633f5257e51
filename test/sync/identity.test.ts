import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../src/model/entities.ts';
import type { Values } from '../../src/model/values.ts';
import { identityKeys, identityPaths } from '../../src/sync/identity.ts';
import { judge } from '../../src/sync/matching.ts';
import { compareNames } from '../../src/sync/names.ts';
import { type MatchRule, matchRules } from '../../src/sync/policy.ts';
import { anyValue } from '../model/values.ts';

const runs = { numRuns: 2_000 };

/** Few words, so that records collide in every way that matters. */
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const given = fc.constantFrom(
  'Anna',
  'ANNA',
  'Hanna',
  'Anna Maria',
  'A.',
  'Bob',
  'Robert',
  'Müller',
  'Jürgen',
  'Juergen',
  '明',
  'n/a',
  'Dr.',
  'Anna & Bob',
  '',
);
const family = fc.constantFrom(
  'Müller',
  'Mueller',
  'muller',
  'Möller',
  'van der Berg',
  'Berg',
  'Anna',
  'Müller-Berg',
  'Smith Jr.',
  'Müller, Anna',
  '李',
  ' ',
);
const email = fc.constantFrom(
  'anna@x.org',
  'ANNA@x.org',
  'anna+1@x.org',
  'a.n.na@gmail.com',
  'Anna@googlemail.com',
  'info@x.org',
  'info+2@X.org',
  'sales-de@x.org',
  'none',
  '@',
  'a@b@c',
  'x@müller.example',
);
const phone = fc.constantFrom(
  '+49 170 1234567',
  '0170/1234567',
  '01701234567',
  '1701234567',
  '+491701234567 ext 3',
  '0049 170 1234567',
  '+441701234567',
  '1234567',
  '0',
  '000 0000',
  'call me',
  '+1 438 555 0199',
  '(438) 555-0199',
);
const company = fc.constantFrom(
  'Acme',
  'ACME Inc.',
  'Acme Tools',
  'Tools Acme',
  'Acme-Tools',
  'Siemens AG',
  'AG',
  '&',
  '',
);

const contact: fc.Arbitrary<Values> = fc
  .record({
    'name.given': optional(given),
    'name.middle': optional(given),
    'name.family': optional(family),
    'name.suffix': optional(fc.constantFrom('Jr.', 'Sr', '')),
    'email.primary': optional(email),
    'email.secondary': optional(email),
    'phone.mobile': optional(phone),
    'phone.work': optional(phone),
    'phone.primary': optional(phone),
    company: optional(company),
  })
  .map(withoutUndefined);

const account: fc.Arbitrary<Values> = fc
  .record({
    name: optional(company),
    'email.primary': optional(email),
    'phone.work': optional(phone),
    'phone.mobile': optional(phone),
    website: optional(
      fc.constantFrom('https://www.x.org/a', 'x.org', 'facebook.com/acme', 'acme.github.io', 'not a site', '1.2.3.4'),
    ),
    'address.billing.city': optional(fc.constantFrom('Köln', 'KOELN', 'Bonn', '', '東京')),
  })
  .map(withoutUndefined);

const anything: fc.Arbitrary<Values> = fc.dictionary(
  fc.constantFrom(
    'name',
    'name.given',
    'name.family',
    'email.primary',
    'phone.mobile',
    'website',
    'company',
    'address.billing.city',
  ),
  anyValue,
);

function withoutUndefined(record: Readonly<Record<string, string | undefined>>): Values {
  return Object.fromEntries(
    Object.entries(record).flatMap(([path, value]) => (value === undefined ? [] : [[path, value]])),
  );
}

const rules = fc.subarray<MatchRule>([...matchRules]);
const context = fc.constantFrom({}, { region: 'DE' });

function share(a: readonly number[], b: readonly number[]): boolean {
  return a.some((key) => b.includes(key));
}

describe('the index is complete:', () => {
  law.prop([contact, contact, rules, context], runs)('contacts judged a match share a key', (a, b, names, region) => {
    if (judge('contact', a, b, names, region).verdict !== 'none')
      expect(share(identityKeys('contact', a, names, region), identityKeys('contact', b, names, region))).toBe(true);
  });

  law.prop([account, account, rules, context], runs)('accounts judged a match share a key', (a, b, names, region) => {
    if (judge('account', a, b, names, region).verdict === 'match')
      expect(share(identityKeys('account', a, names, region), identityKeys('account', b, names, region))).toBe(true);
  });

  law.prop([contact, contact], runs)(
    'people of one name at one desk share a key that their colleagues do not',
    (a, b) => {
      const [first, second] = [a, b].map((values) => ({
        ...values,
        'email.primary': 'info@x.org',
        'email.secondary': null,
      }));
      const plain = identityKeys('contact', { 'email.primary': 'info@x.org' }, ['email']);
      const own = identityKeys('contact', first!, ['email']).filter((key) => !plain.includes(key));
      if (compareNames(first!, second!) === 'same')
        expect(share(own, identityKeys('contact', second!, ['email']))).toBe(true);
    },
  );
});

describe('judge', () => {
  law.prop([contact, contact, rules, context], runs)('is symmetric for contacts', (a, b, names, region) => {
    expect(judge('contact', a, b, names, region)).toEqual(judge('contact', b, a, names, region));
  });

  law.prop([account, account, rules, context], runs)('is symmetric for accounts', (a, b, names, region) => {
    expect(judge('account', a, b, names, region)).toEqual(judge('account', b, a, names, region));
  });

  law.prop([fc.constantFrom('contact' as const, 'account' as const), anything, anything], runs)(
    'never throws, nor do the keys, for any values',
    (entity, a, b) => {
      const { verdict, strength } = judge(entity, a, b, matchRules);
      expect(strength > 0).toBe(verdict !== 'none');
      for (const key of identityKeys(entity, a, matchRules)) {
        expect(Number.isSafeInteger(key)).toBe(true);
        expect(key).toBeGreaterThanOrEqual(0);
        expect(key).toBeLessThan(2 ** 52);
      }
    },
  );

  law.prop([contact, contact], runs)('gives every match more strength than any maybe', (a, b) => {
    const { verdict, strength } = judge('contact', a, b, matchRules);
    if (verdict !== 'none') expect(strength > 300).toBe(verdict === 'match');
  });

  law.prop([contact, contact], runs)('never matches people whose names are different', (a, b) => {
    if (compareNames(a, b) === 'different') expect(judge('contact', a, b, matchRules).verdict).toBe('none');
  });
});

describe('identityKeys', () => {
  law.prop([contact], runs)('are distinct', (values) => {
    const keys = identityKeys('contact', values, matchRules);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('stay few: one for an address, one for a number', () => {
    const anna = {
      'name.given': 'Anna',
      'name.family': 'Müller',
      'email.primary': 'anna@x.org',
      'phone.mobile': '+491701234567',
      'phone.work': '+49309876543',
      'phone.primary': '+491701234567',
    };
    expect(identityKeys('contact', anna, matchRules)).toHaveLength(3);
  });

  it('come only from what the rules name', () => {
    const values = { 'email.primary': 'a@x.org', 'phone.mobile': '+491701234567' };
    expect(identityKeys('contact', values, ['xref'])).toEqual([]);
    expect(identityKeys('contact', values, ['email'])).toHaveLength(1);
    expect(identityKeys('lead', values, matchRules)).toEqual([]);
  });

  it('of leads are whose they are, where cross-references count', () => {
    const lead = { title: 'Roof', contact: 'c-1', account: null };
    expect(identityKeys('lead', lead, ['xref'])).toHaveLength(1);
    expect(identityKeys('lead', { ...lead, contact: 'c-2' }, ['xref'])).not.toEqual(
      identityKeys('lead', lead, ['xref']),
    );
    expect(identityKeys('lead', lead, ['email'])).toEqual([]);
  });

  it('hardly ever collide, in any of their bits', () => {
    const keys = new Set<number>();
    const ones = new Array<number>(52).fill(0);
    const count = 20_000;
    for (let index = 0; index < count; index += 1) {
      const [key] = identityKeys('contact', { 'email.primary': `person${index}@x.org` }, ['email']);
      keys.add(key!);
      for (let bit = 0; bit < 52; bit += 1) ones[bit]! += Math.floor(key! / 2 ** bit) % 2;
    }
    expect(keys.size).toBe(count);
    for (const share of ones) expect(Math.abs(share / count - 0.5)).toBeLessThan(0.03);
  });
});

describe('identity paths', () => {
  for (const entity of ['contact', 'account'] as const)
    for (const path of Object.keys(fieldsOf[entity]).filter((one) => !identityPaths.has(one)))
      law.prop([anyValue], { numRuns: 20 })(`miss no key that ${path} of ${entity} would change`, (value) => {
        const values = {
          name: 'Acme',
          'name.given': 'Ann',
          'email.primary': 'ann@acme.example',
          'phone.work': '+4930123',
        };
        expect(identityKeys(entity, { ...values, [path]: value }, matchRules)).toEqual(
          identityKeys(entity, values, matchRules),
        );
      });
});

it.each(['a', 'a ', 'ä ', '1', 'x@', 'a.', 'und '])('a megabyte of %j in every field is judged in no time', (unit) => {
  const text = unit.repeat(1_000_000 / unit.length);
  const values = Object.fromEntries(
    ['name', 'name.given', 'name.family', 'company', 'email.primary', 'phone.mobile', 'website'].map((path) => [
      path,
      text,
    ]),
  );
  const start = process.cpuUsage();
  for (const entity of ['contact', 'account'] as const) {
    identityKeys(entity, values, matchRules);
    judge(entity, values, { ...values, 'name.given': `b${text}`, name: `b${text}` }, matchRules);
  }
  // CPU time, for the machine may be busy; the square of a megabyte would be minutes.
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(10_000);
});

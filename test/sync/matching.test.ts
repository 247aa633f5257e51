import { describe, expect, it } from 'vitest';
import type { Entity, Values } from '../../src/model/values.ts';
import { compareCompanies } from '../../src/sync/companies.ts';
import { type Evidence, judge, ruleBehind } from '../../src/sync/matching.ts';
import { compareNames, type NameVerdict } from '../../src/sync/names.ts';
import { matchRules } from '../../src/sync/policy.ts';

/** "Given|Family" as name fields. */
function named(name: string): Values {
  const [given = '', family = ''] = name.split('|');
  return { ...(given && { 'name.given': given }), ...(family && { 'name.family': family }) };
}

type NameRow = readonly [string, string, NameVerdict];

const people: readonly NameRow[] = [
  ['Anna|Müller', 'Anna|Müller', 'same'],
  ['ANNA|MÜLLER', 'anna|muller', 'same'],
  ['Anna|Müller', 'Anna|Mueller', 'same'],
  ['Müller|Anna', 'Anna|Müller', 'same'],
  ['Łukasz|Wójcik', 'Lukasz|Wojcik', 'same'],
  ['Jürgen|Strauß', 'Juergen|Strauss', 'same'],
  ['Søren|Kjær', 'Soeren|Kjaer', 'same'],
  ['Иван|Петров', 'Ivan|Petrov', 'same'],
  ['明|李', 'Ming|Li', 'same'],
  ['李明|', '明|李', 'same'],
  ['Anna Müller|', 'Anna|Müller', 'same'],
  ['|Müller, Anna', 'Anna|Müller', 'same'],
  ["Sean|O'Neill", 'Sean|ONeill', 'same'],
  ['Jan|van der Berg', 'Jan|Berg', 'same'],
  ['Dr. Anna|Müller', 'Anna|Müller', 'same'],
  ['Anna-Maria|Müller', 'Annamaria|Müller', 'same'],
  ['Anna Maria|Müller', 'Anna|Maria Müller', 'same'],
  ['A.|Müller', 'Anna|Müller', 'compatible'],
  ['Meyer|Anna', 'Anna|Meier', 'compatible'],
  ['Joe|Smith', 'Joseph|Smith', 'compatible'],
  ['J. R.|Smith', 'John Robert|Smith', 'compatible'],
  ['Alex|Smith', 'Alexander|Smith', 'compatible'],
  ['Bob|Smith', 'Robert|Smith', 'compatible'],
  ['Stephan|Meyer', 'Stefan|Meier', 'compatible'],
  ['Jon|Smith', 'John|Smith', 'compatible'],
  ['Jonathan|Smith', 'Jonathon|Smith', 'compatible'],
  ['Katherine|Jones', 'Catherine|Jones', 'compatible'],
  ['John|Smtih', 'John|Smith', 'compatible'],
  ['John|Smit', 'John|Smith', 'compatible'],
  ['Anna Maria|Müller', 'Anna|Müller', 'compatible'],
  ['Maria|Müller', 'Anna Maria|Müller', 'compatible'],
  ['Anna|Müller-Schmidt', 'Anna|Müller', 'compatible'],
  ['Gabriel|García Márquez', 'Gabriel|García', 'compatible'],
  ['Катерина|Шевченко', 'Kateryna|Shevchenko', 'compatible'],
  ['Alexander|Chaikovskiy', 'Aleksandr|Tchaikovsky', 'compatible'],
  ['|', 'Anna|Müller', 'unknown'],
  ['n/a|unknown', 'Anna|Müller', 'unknown'],
  ['x99@example.org|', 'Anna|Müller', 'unknown'],
  ['|Müller', 'Anna|Müller', 'unknown'],
  ['Anna|', 'Anna|Müller', 'unknown'],
  ['Anna|Müller', 'Anna|Schmidt', 'unclear'],
  ['Martin|Müller', 'Martina|Müller', 'unclear'],
  ['Christian|Müller', 'Christina|Müller', 'unclear'],
  ['Paul|Müller', 'Pauline|Müller', 'unclear'],
  ['Jo|Smith', 'Joe|Smith', 'unclear'],
  ['Julia|Müller', 'Julian|Müller', 'unclear'],
  ['Anna|Müller', 'Hanna|Müller', 'unclear'],
  ['Lena|Müller', 'Lina|Müller', 'unclear'],
  ['Eric|Smith', 'Erin|Smith', 'unclear'],
  ['Anna Maria|Müller', 'Anna Luise|Müller', 'unclear'],
  ['Anna & Peter|Müller', 'Anna|Müller', 'unclear'],
  ['Anna|', '|Müller', 'unclear'],
  ['Anna|Müller', 'Peter|Müller', 'different'],
  ['Tim|Müller', 'Tom|Müller', 'different'],
  ['Anna|Müller', 'Peter|Schmidt', 'different'],
  ['Anna|', 'Peter|Müller', 'different'],
  ['John|Smith Jr.', 'John|Smith Sr', 'different'],
  ['|Smith, Jr.', '|Smith, Sr.', 'different'],
  ['|Smith, Jr.', '|Smith', 'same'],
];

describe('compareNames', () => {
  it.each(people)('%s and %s: %s', (a, b, verdict) => {
    expect(compareNames(named(a), named(b))).toBe(verdict);
    expect(compareNames(named(b), named(a))).toBe(verdict);
  });

  it('sees that somebody goes by the nickname', () => {
    const maria = { ...named('Maria Luisa|Rossi'), 'name.nickname': 'Lulu' };
    expect(compareNames(maria, named('Lulu|Rossi'))).toBe('compatible');
  });
});

const companies: readonly NameRow[] = [
  ['Müller GmbH', 'MUELLER G.m.b.H.', 'same'],
  ['Acme, Inc.', 'ACME Incorporated', 'same'],
  ['Dupont & Fils S.A.', 'Dupont et Fils', 'same'],
  ['Autohaus Weber', 'Auto-Haus Weber GmbH & Co. KG', 'same'],
  ['The Body Shop Ltd', 'Body Shop', 'same'],
  ['Volvo AB', 'volvo', 'same'],
  ['Weber Autohaus', 'Autohaus Weber', 'same'],
  ['Acme', 'Acme Tools', 'compatible'],
  ['IBM', 'International Business Machines', 'compatible'],
  ['Siemens', 'Simens', 'compatible'],
  ['', 'Acme', 'unknown'],
  ['Autohaus Weber', 'Autohaus Schulz', 'unclear'],
  ['Acme', 'Siemens', 'different'],
  ['IT', 'IT Bau', 'different'],
  ['AG', 'Siemens AG', 'different'],
];

describe('compareCompanies', () => {
  it.each(companies)('%s and %s: %s', (a, b, verdict) => {
    expect(compareCompanies(a, b)).toBe(verdict);
    expect(compareCompanies(b, a)).toBe(verdict);
  });
});

const verdictOf = (entity: 'contact' | 'account', a: Values, b: Values): Evidence['verdict'] => {
  const there = judge(entity, a, b, matchRules, { region: 'DE' });
  expect(judge(entity, b, a, matchRules, { region: 'DE' })).toEqual(there);
  return there.verdict;
};

const mail = (email: string, name = '|'): Values => ({ 'email.primary': email, ...named(name) });
const call = (phone: string, name: string): Values => ({ 'phone.mobile': phone, ...named(name) });

/** The words of evidence tell by which rule it counts. */
function expectRules(entity: Entity, a: Values, b: Values): void {
  for (const rule of matchRules) {
    const { verdict, by } = judge(entity, a, b, [rule]);
    expect(ruleBehind(by), by).toBe(verdict === 'none' ? undefined : rule);
  }
}

describe('judge contacts', () => {
  const rows: readonly (readonly [string, Values, Values, Evidence['verdict']])[] = [
    ['case in e-mail and name', mail('Anna.M@X.org', 'ANNA|MÜLLER'), mail('anna.m@x.org', 'Anna|Müller'), 'match'],
    [
      'e-mail in another slot',
      mail('a@x.org', 'Anna|Müller'),
      { ...named('Anna|Müller'), 'email.secondary': 'a@x.org' },
      'match',
    ],
    ['same e-mail, one without a name', mail('a@x.org'), mail('a@x.org', 'Anna|Müller'), 'match'],
    ['same e-mail, both without a name', mail('a@x.org'), mail('a@x.org'), 'match'],
    ['a family mailbox', mail('mueller@x.org', 'Anna|Müller'), mail('mueller@x.org', 'Peter|Müller'), 'none'],
    ['a marriage', mail('a@x.org', 'Anna|Müller'), mail('a@x.org', 'Anna|Schmidt'), 'maybe'],
    ['Martin and Martina', mail('m@x.org', 'Martin|Müller'), mail('m@x.org', 'Martina|Müller'), 'maybe'],
    ['a plus tag', mail('anna+crm@x.org', 'Anna|Müller'), mail('anna@x.org', 'A.|Müller'), 'match'],
    ['a plus tag, a name unknown', mail('anna+crm@x.org'), mail('anna@x.org', 'Anna|Müller'), 'maybe'],
    ['a plus tag, another name', mail('anna+crm@x.org', 'Peter|Müller'), mail('anna@x.org', 'Anna|Müller'), 'none'],
    ['Gmail dots', mail('a.nna@googlemail.com', 'Anna|Müller'), mail('anna@gmail.com', 'Anna|Müller'), 'match'],
    ['dots elsewhere', mail('a.nna@x.org', 'Anna|Müller'), mail('anna@x.org', 'Anna|Müller'), 'none'],
    ['info@, same name', mail('info@x.org', 'Anna|Müller'), mail('info@x.org', 'Anna|Mueller'), 'match'],
    ['info@, initials', mail('info@x.org', 'A.|Müller'), mail('info@x.org', 'Anna|Müller'), 'match'],
    ['info@, other names', mail('info@x.org', 'Anna|Müller'), mail('info@x.org', 'Peter|Schmidt'), 'none'],
    ['info@, the same given name', mail('info@x.org', 'Anna|Müller'), mail('info@x.org', 'Anna|Schmidt'), 'none'],
    ['info@, one without a name', mail('info@x.org'), mail('info@x.org', 'Anna|Müller'), 'maybe'],
    ['info@, both without a name', mail('info@x.org'), mail('info@x.org'), 'match'],
    [
      'info@, both without a name, other companies',
      { ...mail('info@x.org'), company: 'Acme' },
      { ...mail('info@x.org'), company: 'Siemens' },
      'none',
    ],
    ['office2@ is a desk', mail('office2@x.org', 'Anna|Müller'), mail('office2@x.org'), 'maybe'],
    ['sales-uk@ is a desk', mail('sales-uk@x.org', 'Anna|Müller'), mail('sales-uk@x.org'), 'maybe'],
    [
      'phone in two spellings',
      call('0170 / 123 45 67', 'Anna|Müller'),
      call('+49 170 1234567', 'Anna|Müller'),
      'match',
    ],
    [
      'phone in another slot',
      call('+491701234567', 'Anna|Müller'),
      { ...named('Anna|Müller'), 'phone.work': '+491701234567' },
      'match',
    ],
    [
      'phone shown through the view',
      call('+491701234567', 'Anna|Müller'),
      { ...named('Müller|Anna'), 'phone.primary': '0170-1234567' },
      'match',
    ],
    ['phone, initials', call('+491701234567', 'A.|Müller'), call('+491701234567', 'Anna|Müller'), 'match'],
    ['phone, a double name', call('+491701234567', 'Anna|Müller-Berg'), call('+491701234567', 'Anna|Müller'), 'match'],
    ['phone, a family', call('+491701234567', 'Anna|Müller'), call('+491701234567', 'Peter|Müller'), 'none'],
    ['phone, only the family name', call('+491701234567', '|Müller'), call('+491701234567', 'Anna|Müller'), 'none'],
    ['phone, no names', call('+491701234567', '|'), call('+491701234567', '|'), 'none'],
    ['phone of zeros', call('0000000000', 'Anna|Müller'), call('0000000000', 'Anna|Müller'), 'none'],
    ['a short code', call('112', 'Anna|Müller'), call('112', 'Anna|Müller'), 'none'],
    ['the name alone', named('Anna|Müller'), named('Anna|Müller'), 'none'],
    ['no e-mail at all', mail('n/a', 'Anna|Müller'), mail('n/a', 'Anna|Müller'), 'none'],
    ['nothing', {}, {}, 'none'],
    [
      'two addresses, one phone',
      { ...mail('anna@x.org', 'Anna|Müller'), 'phone.mobile': '+491701234567' },
      { ...mail('anna@work.example', 'Anna|Müller'), 'phone.mobile': '+491701234567' },
      'match',
    ],
  ];
  it.each(rows)('%s', (_case, a, b, verdict) => {
    expect(verdictOf('contact', a, b)).toBe(verdict);
    expectRules('contact', a, b);
  });

  it('ranks the evidence', () => {
    const strength = (a: Values, b: Values) => judge('contact', a, b, matchRules).strength;
    const phone = { 'phone.mobile': '+491701234567' };
    const anna = mail('anna@x.org', 'Anna|Müller');
    const ranked = [
      strength({ ...anna, ...phone }, { ...anna, ...phone }),
      strength(anna, anna),
      strength(anna, mail('anna@x.org', 'A.|Müller')),
      strength(anna, mail('anna@x.org')),
      strength(anna, mail('anna+x@x.org', 'Anna|Müller')),
      strength({ ...phone, ...named('Anna|Müller') }, { ...phone, ...named('Anna|Müller') }),
      strength({ ...anna, ...phone }, { ...mail('other@x.org', 'Anna|Müller'), ...phone }),
      strength(anna, mail('anna@x.org', 'Anna|Schmidt')),
      strength(anna, mail('other@x.org', 'Anna|Müller')),
    ];
    expect(ranked).toEqual([...new Set(ranked)].sort((a, b) => b - a));
  });

  it('counts only the evidence that the rules name', () => {
    const anna = { ...mail('anna@x.org', 'Anna|Müller'), 'phone.mobile': '+491701234567' };
    expect(judge('contact', anna, anna, ['xref']).verdict).toBe('none');
    expect(judge('contact', anna, anna, ['phone']).by).toBe('same phone and name');
  });
});

describe('judge accounts', () => {
  const firm = (name: string, rest: Values = {}): Values => ({ ...(name && { name }), ...rest });
  const rows: readonly (readonly [string, Values, Values, Evidence['verdict']])[] = [
    ['e-mail and name', firm('Acme', mail('info@acme.example')), firm('ACME Inc.', mail('info@acme.example')), 'match'],
    ['e-mail, a name unknown', firm('', mail('info@acme.example')), firm('ACME', mail('info@acme.example')), 'match'],
    ['e-mail, other names', firm('Siemens', mail('a@gmx.de')), firm('Acme', mail('a@gmx.de')), 'none'],
    [
      'domain and name',
      firm('Acme', { website: 'www.acme.example/de' }),
      firm('Acme Ltd', mail('x@acme.example')),
      'match',
    ],
    [
      'domain, another name',
      firm('Acme', { website: 'acme.example' }),
      firm('Siemens', { website: 'acme.example' }),
      'maybe',
    ],
    [
      'domain, a name unknown',
      firm('', { website: 'acme.example' }),
      firm('Acme', { website: 'acme.example' }),
      'maybe',
    ],
    ['free mail is no domain', firm('Acme', mail('a@gmx.de')), firm('Acme', mail('b@gmx.de')), 'none'],
    [
      'a page on a shared site',
      firm('Acme', { website: 'facebook.com/a' }),
      firm('Acme', { website: 'facebook.com/b' }),
      'none',
    ],
    [
      'name and city',
      firm('Acme', { 'address.billing.city': 'Köln' }),
      firm('ACME AG', { 'address.billing.city': 'KOELN' }),
      'match',
    ],
    [
      'a branch',
      firm('Acme', { 'address.billing.city': 'Köln' }),
      firm('Acme', { 'address.billing.city': 'Bonn' }),
      'none',
    ],
    ['name alone', firm('Acme'), firm('Acme'), 'none'],
    ['name alone, in a city', firm('Acme', { 'address.billing.city': 'Köln' }), firm('Acme'), 'none'],
    [
      'a branch on the same site, with the city in its name',
      firm('Acme', { website: 'acme.example', 'address.billing.city': 'Köln' }),
      firm('Acme Bonn', { website: 'acme.example', 'address.billing.city': 'Bonn' }),
      'maybe',
    ],
    [
      'phone and name',
      firm('Acme', { 'phone.work': '030 1234567' }),
      firm('Acme Tools', { 'phone.mobile': '+49301234567' }),
      'match',
    ],
    [
      'phone, another name',
      firm('Acme', { 'phone.work': '030 1234567' }),
      firm('Siemens', { 'phone.work': '030 1234567' }),
      'none',
    ],
  ];
  it.each(rows)('%s', (_case, a, b, verdict) => {
    expect(verdictOf('account', a, b)).toBe(verdict);
    expectRules('account', a, b);
  });

  it('takes the name without a city for a hint only', () => {
    const a = firm('Acme', { 'phone.work': '030 1234567', 'address.billing.city': 'Köln' });
    const b = firm('Acme', { 'phone.work': '030 1234567' });
    expect(judge('account', a, b, ['name']).verdict).toBe('maybe');
  });
});

it('leads are not matched by values', () => {
  const lead = { title: 'Roof', ...mail('a@x.org') };
  expect(judge('lead', lead, lead, matchRules).verdict).toBe('none');
});

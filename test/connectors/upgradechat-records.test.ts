import { readFileSync } from 'node:fs';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { upgradechatOptions } from '../../connectors/upgradechat/options.ts';
import {
  changedKeys,
  contactIn,
  decoder,
  hasCleared,
  idIn,
  idNumber,
  wholeContact,
} from '../../connectors/upgradechat/records.ts';
import { contactInput, MAX_TEXT } from '../../connectors/upgradechat/schemas.ts';
import { slotted, type Wire } from '../../connectors/upgradechat/slots.ts';
import { upgradechatContact, upgradechatLead, upgradechatLists } from '../../mappings/upgradechat.ts';
import { type Mapping, readValues, writeValues } from '../../src/connector/mapping.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Value, Values } from '../../src/model/values.ts';
import '../seed.ts';

const typed = {
  email: { primary: 'P', secondary: 'S' },
  phone: { mobile: 'M', work: 'W', home: 'H' },
  address: 'B',
  website: 'J',
};
const tables = {
  owners: { Ada: 311, Bo: 7 },
  stages: { New: 4, Won: 9 },
  customFields: { size: 'customField1', plan: 'customField5' },
};
const variants = [
  {},
  { clearWith: null, ...tables },
  { usageTypes: typed, country: 'id' },
  { usageTypes: { phone: { mobile: 'M' } }, lists: 'merge', ...tables },
].map((given) => {
  const options = upgradechatOptions.parse(given);
  const rules = upgradechatLists(options);
  return { options, rules, contact: upgradechatContact(options), lead: upgradechatLead(options) };
});
type Variant = (typeof variants)[number];
const [plain] = variants as [Variant];
const decode = decoder(plain.contact, plain.rules);

/** Lays changes over a contact and reads the result, over JSON as on the wire. */
function written(mapping: Mapping, { rules, options }: Variant, fresh: Wire, changes: Values): Wire {
  const body = changedKeys(fresh, writeValues(mapping, changes), rules, options.lists);
  return JSON.parse(JSON.stringify({ ...fresh, ...body })) as Wire;
}
const seen = (mapping: Mapping, { rules }: Variant, wire: Wire): Values => readValues(mapping, slotted(wire, rules));

const text = fc.oneof(fc.string(), fc.constantFrom('Besançon', '12 bis, rue de l’Église', '', ' x ', '90-001'));
const byKind: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  boolean: fc.boolean(),
  date: fc.constantFrom('1984-02-29', '2001-12-31', '19840229', '29.02.1984'),
  dateTime: fc.constantFrom('2026-09-01T10:00:00.000Z', '2026-09-01T10:00:00+02:00', '2026-09-01'),
  money: fc.constantFrom('12500.5', '0', '-3', '1,234.50', 99.9, '9007199254740993', 'a lot'),
  tags: fc.array(fc.constantFrom('VIP', 'vip', 'salon-été', 'x y'), { maxLength: 3 }),
  country: fc.constantFrom('FR', 'France', 'Deutschland', 'de', 'VA', 'St. Martin', 'Atlantis', 'QQ'),
  email: fc.constantFrom('a@example.com', 'B@Example.com', 'c@example.com', 'd@example.com', ''),
  phone: fc.constantFrom('+33 1 70 36 39 50', '+33170363951', '0170363952', ''),
  url: fc.constantFrom('https://www.example.fr/', 'example.com', ''),
};
const byPath: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  gender: fc.constantFrom('Female', 'male', ' OTHER ', 'divers'),
  owner: fc.constantFrom('Ada', 'bo', '311', 'nobody'),
  stage: fc.constantFrom('New', 'WON', '4', 'lost'),
  contact: fc.constantFrom('48213'),
};
const valuesOf = (mapping: Mapping): fc.Arbitrary<Values> =>
  fc.record<Record<string, Value>>(
    Object.fromEntries(
      mapping.fields.map(({ path }) => {
        const kind = fieldAt(mapping.entity, path).kind;
        return [path, fc.option(byPath[path] ?? byKind[kind] ?? text)] as const;
      }),
    ),
    { requiredKeys: [] },
  );

/** A row as a person left it, with things in it that we know nothing of. */
const row = (key: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<Wire> =>
  fc.record(
    {
      [key]: value,
      isActive: fc.constantFrom(true, true, false, null),
      isConfirmed: fc.boolean(),
      comment: fc.constantFrom('bureau', '', null),
      usageTypeId: fc.constantFrom('P', 'S', 'M', 'W', 'B', null),
      linkTypeId: fc.constantFrom('J', 'F'),
      rowId: fc.integer(),
    },
    { requiredKeys: ['rowId'] },
  );
const rowsOf = (key: string, value: fc.Arbitrary<unknown>) => fc.array(row(key, value), { maxLength: 4 });
const heldContact: fc.Arbitrary<Wire> = fc.record(
  {
    emailAddresses: rowsOf('emailAddress', byKind.email!),
    phoneNumbers: rowsOf('phoneNumber', byKind.phone!),
    addresses: rowsOf('city', fc.constantFrom('Paris', 'Besançon', '', null)),
    links: rowsOf('url', byKind.url!),
    tags: fc.array(fc.record({ name: fc.constantFrom('VIP', 'Salon'), tagId: fc.integer() }), { maxLength: 2 }),
    trackingInfo: fc.record({ sourceCode: text, customField2: text }, { requiredKeys: [] }),
    firstName: text,
    stageId: fc.integer(),
  },
  { requiredKeys: [] },
);
const LISTS = ['emailAddresses', 'phoneNumbers', 'addresses', 'links'] as const;

/** Values that a connector may leave out of a write: no number, no day, no known word. The CRM keeps what it has. */
const untranslatable = (path: string, value: Value): boolean =>
  ['divers', 'nobody', 'lost', 'a lot', '9007199254740993', 'Atlantis', 'QQ', 'St. Martin', '311', '4'].includes(
    String(value),
  ) && !['name.given'].includes(path);

describe.each(variants.map((variant, index) => [index, variant] as const))('mapping and lists (%i)', (_, variant) => {
  for (const mapping of [variant.contact, variant.lead]) {
    property.prop([valuesOf(mapping)], { numRuns: 200 })(
      `what a new ${mapping.entity} is written with reads back equal`,
      (values) => {
        const wire = written(mapping, variant, {}, values);
        const back = seen(mapping, variant, wire);
        for (const [path, value] of Object.entries(values))
          if (!untranslatable(path, value))
            expect(equal(fieldAt(mapping.entity, path).kind, value, back[path] ?? null), path).toBe(true);
        // Only what was named.
        for (const [path, value] of Object.entries(back))
          if (value !== null && value !== '') expect(values, path).toHaveProperty([path]);
      },
    );
  }

  property.prop([heldContact, valuesOf(variant.contact)], { numRuns: 400 })(
    'a change laid over what a person left reads back as that change and nothing else',
    (fresh, changes) => {
      const before = seen(variant.contact, variant, fresh);
      const after = seen(variant.contact, variant, written(variant.contact, variant, fresh, changes));
      for (const { path } of variant.contact.fields) {
        const value = changes[path];
        if (value !== undefined && untranslatable(path, value)) continue;
        const expected = value === undefined ? before[path] : value;
        // A first row in a list that was not there to see makes its empty neighbours visible.
        const shown = after[path] ?? null;
        expect(equal(fieldAt('contact', path).kind, expected ?? null, shown), path).toBe(true);
      }
    },
  );

  property.prop([heldContact, valuesOf(variant.contact)], { numRuns: 200 })(
    'no row, and nothing of a row that is not mapped, is ever lost',
    (fresh, changes) => {
      const after = written(variant.contact, variant, fresh, changes);
      for (const list of LISTS)
        for (const row of (fresh[list] ?? []) as Wire[]) {
          const same = (after[list] as Wire[]).filter(({ rowId }) => rowId === row.rowId);
          expect(same.length, list).toBeGreaterThan(0);
          for (const key of ['usageTypeId', 'linkTypeId'])
            if (key in row && same.length === 1 && same[0]?.isActive !== true) expect(same[0]?.[key]).toBe(row[key]);
          if (row.comment === 'bureau') expect(String(same[0]?.comment)).toContain('bureau');
        }
      const { trackingInfo } = fresh as { trackingInfo?: Wire };
      if (trackingInfo) expect(after.trackingInfo).toMatchObject({ ...trackingInfo });
      expect(after.stageId).toBe(fresh.stageId);
    },
  );

  property.prop([heldContact], { numRuns: 100 })('what was read and is written again changes nothing', (fresh) => {
    const values = seen(variant.contact, variant, fresh);
    const again = seen(variant.contact, variant, written(variant.contact, variant, fresh, values));
    for (const [path, value] of Object.entries(values))
      expect(equal(fieldAt('contact', path).kind, value, again[path] ?? null), path).toBe(true);
  });
});

describe('lists become slots by a rule', () => {
  const rows = (...given: Wire[]) => ({ emailAddresses: given });
  const email = (emailAddress: string, more: Wire = {}): Wire => ({ emailAddress, ...more });
  const slots = (wire: Wire) => {
    const { 'email.primary': primary, 'email.secondary': secondary } = seen(plain.contact, plain, wire);
    return [primary, secondary];
  };
  const over = (fresh: Wire, changes: Values) => written(plain.contact, plain, fresh, changes).emailAddresses;

  test('active rows fill them in their order; a list that is not there says nothing', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => email(`${name}@example.com`));
    expect(slots(rows(a!, b!, c!))).toEqual(['a@example.com', 'b@example.com']);
    expect(slots(rows({ ...a, isActive: false }, b!, email(''), c!))).toEqual(['b@example.com', 'c@example.com']);
    expect(slots(rows({ ...a, isActive: false }))).toEqual([null, null]);
    expect(slots({ emailAddresses: null })).toEqual([null, null]);
    expect(slots({})).toEqual([undefined, undefined]);
    expect(slots({ emailAddresses: [null, 'x', a] })).toEqual(['a@example.com', undefined].map((v) => v ?? null));
  });

  test('usage types fill them, whatever the order', () => {
    const variant = variants[2] as Variant;
    const wire = {
      phoneNumbers: [
        { phoneNumber: '1', usageTypeId: 'X' },
        { phoneNumber: '2', usageTypeId: 'W', phoneExtension: '214' },
        { phoneNumber: '3', usageTypeId: 'M' },
      ],
      links: [
        { url: 'https://social.example/x', linkTypeId: 'F' },
        { url: 'https://example.com', linkTypeId: 'J' },
      ],
    };
    expect(seen(variant.contact, variant, wire)).toEqual({
      'phone.mobile': '3',
      'phone.work': '2',
      'phone.workExtension': '214',
      'phone.home': null,
      website: 'https://example.com',
    });
  });

  test('an emptied slot is a row set inactive, and what stands behind it does not move up', () => {
    const fresh = rows(email('a@example.com', { rowId: 1 }), email('b@example.com', { comment: 'bureau' }));
    const after = over(fresh, { 'email.primary': null });
    expect(after).toEqual([
      { emailAddress: 'a@example.com', rowId: 1, isActive: false },
      { emailAddress: 'b@example.com', comment: 'bureau [second]' },
    ]);
    expect(slots({ emailAddresses: after })).toEqual([null, 'b@example.com']);
    const three = over(rows(email('a@example.com'), email('b@example.com'), email('c@example.com')), {
      'email.secondary': '',
    });
    expect(three).toMatchObject([{}, { isActive: false }, { comment: '[further]' }]);
    expect(slots({ emailAddresses: three })).toEqual(['a@example.com', null]);
  });

  test('an address that comes back takes its old row again', () => {
    const fresh = rows(email('a@example.com', { isActive: false, rowId: 7, comment: 'old [further]' }));
    expect(over(fresh, { 'email.primary': 'A@example.com' })).toEqual([
      { emailAddress: 'A@example.com', isActive: true, rowId: 7, comment: 'old' },
    ]);
  });

  test('a confirmation is not carried over to another address', () => {
    const fresh = rows(email('a@example.com', { isConfirmed: true }));
    expect(over(fresh, { 'email.primary': 'b@example.com' })).toEqual([
      { emailAddress: 'b@example.com', isConfirmed: false },
    ]);
    expect(over(fresh, { 'email.primary': 'A@example.com' })).toEqual([
      { emailAddress: 'A@example.com', isConfirmed: true },
    ]);
  });

  test('where lists are merged, a replaced address goes along as inactive', () => {
    const variant = variants[3] as Variant;
    const fresh = rows(email('a@example.com', { isActive: true }));
    expect(written(variant.contact, variant, fresh, { 'email.primary': 'b@example.com' }).emailAddresses).toEqual([
      { emailAddress: 'b@example.com', isActive: true },
      { emailAddress: 'a@example.com', isActive: false },
    ]);
  });

  test('a region or country by name takes the place of its code; a code of letters is read, another id is not', () => {
    const fresh = { addresses: [{ stateId: 'NY', countryId: '840', city: 'Albany', zip: '12207' }] };
    expect(seen(plain.contact, plain, fresh)).toMatchObject({ 'address.billing.region': 'NY' });
    expect(seen(plain.contact, plain, fresh)['address.billing.country']).toBeUndefined();
    const changes = { 'address.billing.region': 'Vermont', 'address.billing.country': 'us' };
    expect(written(plain.contact, plain, fresh, changes).addresses).toEqual([
      { stateName: 'Vermont', countryName: 'United States', city: 'Albany', zip: '12207' },
    ]);
  });

  test('tags that are there go back as they are', () => {
    const fresh = { tags: [{ name: 'VIP', tagId: 3 }, { name: 'Old' }] };
    expect(written(plain.contact, plain, fresh, { tags: ['vip', 'neu'] }).tags).toEqual([
      { name: 'VIP', tagId: 3 },
      { name: 'neu' },
    ]);
  });
});

describe('decoding a contact', () => {
  test('our id is one only when it looks like ours', () => {
    const ours = '0193a2f0-7c11-7a3e-9a51-3c0f2b6d8e10';
    expect(decode({ contactXRef: ` ${ours} ` }, '1')).toMatchObject({ xrefs: [{ system: 'concordat', id: ours }] });
    expect(decode({ contactXRef: 'shop-7' }, '1')).toMatchObject({ xrefs: [{ system: 'contactXRef', id: 'shop-7' }] });
    for (const contactXRef of [null, '', ' ']) expect(decode({ contactXRef }, '1')).not.toHaveProperty('xrefs');
    const { lead, rules } = plain;
    expect(decoder(lead, rules)({ contactXRef: ours }, '1')).toEqual({ externalId: '1', values: { contact: '1' } });
  });

  const secret = 'Béranger';
  test.each<[Wire, string]>([
    [{ firstName: [secret] }, 'firstName: expected a text, got a list'],
    [{ emailAddresses: secret }, 'emailAddresses: expected a list, got a text of 8 characters'],
    [{ emailAddresses: [{ emailAddress: 5 }] }, 'emailAddresses.0.emailAddress: expected a text, got a number'],
    [{ addresses: [secret] }, 'addresses.0: expected an object, got a text of 8 characters'],
    [{ isActive: 'yes' }, 'isActive: expected true or false, got a text of 3 characters'],
    [{ dob: 'May 1984' }, 'dob: expected a date, got a text of 8 characters'],
    [{ dealAmount: '12' }, 'dealAmount: expected a number, got a text of 2 characters'],
    [{ contactId: 2 ** 60 }, 'contactId: expected an integer or a non-empty text, got a number'],
    [
      { note: 'n'.repeat(MAX_TEXT + 1) },
      'note: expected a text of at most 65536 characters, got a text of 65537 characters',
    ],
  ])('a bad record is told by its id and a reason without the value (%#)', (wire, reason) => {
    expect(decode(wire, '9')).toEqual({ externalId: '9', reason });
  });

  property.prop(
    [fc.dictionary(fc.constantFrom('firstName', 'emailAddresses', 'tags', 'dob', 'trackingInfo', 'x'), fc.anything())],
    {
      numRuns: 1000,
    },
  )('never throws, whatever arrives', (wire) => {
    const decoded = decode(wire, '1');
    expect('values' in decoded ? decoded.externalId : decoded.reason).toBeTruthy();
  });

  property.prop([fc.anything()], { numRuns: 1000 })('nor does the search for the contact and its id', (payload) => {
    const wire = contactIn(payload, {});
    if (wire) decode(wire, idIn(payload) ?? '1');
  });

  test('a contact is found bare, or as the one inside; a stranger is none', () => {
    const ana = { firstName: 'Ana' };
    expect(contactIn(ana, {})).toEqual(ana);
    expect(contactIn({ contact: ana, stages: [], user: { id: 3 } }, {})).toEqual(ana);
    expect(contactIn({ contact: ana, manager: { firstName: 'Bo' } }, {})).toBeUndefined();
    for (const other of [null, undefined, 'x', [ana], {}, { message: 'hello' }, { id: 5, title: 'x' }])
      expect(contactIn(other, {})).toBeUndefined();
  });

  test('keys that a read shows elsewhere are found by readPaths', () => {
    const paths = upgradechatOptions.parse({
      readPaths: { firstName: 'person.first', emailAddresses: 'details.emails', lastName: 'person.none' },
    }).readPaths;
    expect(contactIn({ id: 5, person: { first: 'Ana' }, details: { emails: [] } }, paths)).toEqual({
      firstName: 'Ana',
      emailAddresses: [],
    });
    expect(() => upgradechatOptions.parse({ readPaths: { name: 'x' } })).toThrow();
  });

  test('ids are found at the top and one level down, as a number or a text', () => {
    expect([{ contactId: 5 }, { contactId: ' 5 ' }, { id: 5 }, 5, '5', { result: { contactId: 5 } }].map(idIn)).toEqual(
      Array(6).fill('5'),
    );
    expect(idIn({ contactId: 0 })).toBe('0');
    const none = [null, {}, '', { contactId: '' }, { contactId: 1.5 }, { a: { contactId: 1 }, b: { contactId: 2 } }];
    expect(none.map(idIn)).toEqual(Array(6).fill(undefined));
    expect(['48213', '007', 'a-1', '9007199254740993'].map(idNumber)).toEqual([
      48213,
      '007',
      'a-1',
      '9007199254740993',
    ]);
  });
});

describe('the whole contact', () => {
  test('is every documented fact that was read, and no order', () => {
    const fresh = {
      contactId: 1,
      firstName: 'Ana',
      bankCode: 'ABCD',
      newUserPassword: 'x',
      inviteUser: true,
      rowVersion: 3,
    };
    expect(wholeContact({ ...fresh, note: null })).toEqual({ firstName: 'Ana', bankCode: 'ABCD', note: null });
  });

  test('clearing is seen where most texts, or most lists of addresses, that were left out are gone', () => {
    const before = { firstName: 'Ana', note: 'n', tags: [{ name: 'x' }], isActive: true, title: '' };
    const cleared = { firstName: 'Ana', note: null, tags: [], isActive: true };
    expect(hasCleared(before, { firstName: 'Ana' }, cleared)).toBe(true);
    expect(hasCleared(before, { firstName: 'Ana' }, { ...cleared, note: 'n' })).toBe(false);
    expect(hasCleared({ firstName: 'Ana', title: '' }, { firstName: 'Bo' }, { title: null })).toBe(false);
    const reached = { ...before, emailAddresses: [{ emailAddress: 'a@example.com' }], contactXRef: 'x' };
    const kept = { emailAddresses: reached.emailAddresses, contactXRef: 'x' };
    expect(hasCleared(reached, { title: 'Dr' }, { ...reached, emailAddresses: [] })).toBe(true);
    expect(hasCleared(reached, { title: 'Dr' }, { ...kept, firstName: null, note: null })).toBe(true);
    expect(hasCleared(reached, { title: 'Dr' }, { ...kept, note: 'n' })).toBe(false);
    const spoken = { ...reached, preferredLanguageCode: 'de' };
    expect(hasCleared(spoken, { title: 'Dr' }, { ...kept, preferredLanguageCode: 'en' })).toBe(true);
  });
});

describe('what is written', () => {
  test('values without a translation are left out, never guessed', () => {
    const { contact } = variants[1] as Variant;
    const unknown = { gender: 'divers', owner: '311', birthday: 'spring', 'nextAction.due': 'soon' };
    expect(JSON.parse(JSON.stringify(writeValues(contact, unknown)))).toEqual({});
    expect(
      writeValues(contact, { gender: 'female', owner: 'ada', birthday: '29.02.1984', 'custom.size': 'L' }),
    ).toEqual({
      gender: 'Female',
      assignedUserId: 311,
      dob: '1984-02-29T00:00:00.000Z',
      trackingInfo: { customField1: 'L' },
    });
    const known = { assignedUserId: 7, stageId: 1 };
    expect(seen(contact, plain, known)).toMatchObject({ owner: 'Bo' });
    expect(seen(contact, plain, { assignedUserId: 8 })).toMatchObject({ owner: '8' });
  });

  test('amounts that a JSON number cannot keep are left out, and a birthday is read as its day', () => {
    const amounts = ['9007199254740993', '0.1', '1,234.50', 'a lot'].map(
      (amount) => writeValues(plain.lead, { amount }).dealAmount,
    );
    expect(amounts).toEqual([undefined, 0.1, 1234.5, undefined]);
    expect(seen(plain.contact, plain, { dob: '1984-02-29T00:00:00.000Z' })).toEqual({ birthday: '1984-02-29' });
  });

  test('a mobile number is emptied although its row has an extension, which nothing maps', () => {
    const variant = variants[2] as Variant;
    const fresh = { phoneNumbers: [{ phoneNumber: '1', phoneExtension: '2', usageTypeId: 'M' }] };
    const { phoneNumbers } = written(variant.contact, variant, fresh, { 'phone.mobile': null });
    expect(phoneNumbers).toEqual([{ phoneNumber: '1', phoneExtension: '2', usageTypeId: 'M', isActive: false }]);
  });

  test('no key has two masters: contact and lead share none', () => {
    for (const { contact, lead } of variants) {
      const keys = new Set(contact.fields.map(({ wire }) => wire));
      for (const { wire } of lead.fields) expect(keys).not.toContain(wire);
    }
  });

  test('text never makes an account: the company is a text, and nothing points to an account', () => {
    for (const { contact, lead } of variants) {
      expect(contact.fields).toContainEqual(expect.objectContaining({ path: 'company', wire: 'companyName' }));
      for (const { path } of [...contact.fields, ...lead.fields]) expect(path).not.toBe('account');
    }
    expect(decode({ companyName: 'Horlogerie Béranger & Fils' }, '1')).toEqual({
      externalId: '1',
      values: { company: 'Horlogerie Béranger & Fils' },
    });
  });
});

describe('the README', () => {
  const readme = readFileSync(new URL('../../connectors/upgradechat/README.md', import.meta.url), 'utf8');
  const section = /## Not mapped\n([\s\S]*?)(\n## |$)/.exec(readme)?.[1] ?? '';
  const cells = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell).join(' ');
  const listed = new Set([...cells.matchAll(/`([\w.[\]*]+)`/g)].map(([, key]) => key));

  test('names every documented field that is not mapped, and none that is', () => {
    const all = new Set(
      variants.flatMap(({ contact, lead, rules }) =>
        [...contact.fields, ...lead.fields].map(({ wire }) => {
          const [list, , key] = wire.split('.');
          return rules.some((rule) => rule.list === list) ? `${list}[].${key}` : wire;
        }),
      ),
    );
    const codes = variants.flatMap(({ rules }) =>
      rules.flatMap(({ list, codes, typeKey }) =>
        [...Object.values(codes), typeKey, 'isActive', 'comment'].map((key) => `${list}[].${key}`),
      ),
    );
    const mapped = new Set([...all, ...codes, 'tags[].name', ...range('trackingInfo.customField', 5), 'contactXRef']);
    const documented = leaves(contactInput, '');
    expect(documented.length).toBeGreaterThan(120);
    const isListed = (leaf: string): boolean =>
      listed.has(leaf) || [...listed].some((key) => key?.endsWith('.*') && leaf.startsWith(key.slice(0, -1)));
    expect(documented.filter((leaf) => !mapped.has(leaf) && !isListed(leaf))).toEqual([]);
    expect(documented.filter((leaf) => mapped.has(leaf) && listed.has(leaf))).toEqual([]);
    for (const key of listed)
      if (key)
        expect(
          documented.some((leaf) => leaf === key || (key.endsWith('.*') && leaf.startsWith(key.slice(0, -1)))),
          key,
        ).toBe(true);
  });
});

const range = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}${index + 1}`);

/** Paths of all scalars of a schema: `emailAddresses[].comment`. */
function leaves(schema: z.ZodType, path: string): string[] {
  const { def } = schema as unknown as {
    def: { type: string; innerType?: z.ZodType; element?: z.ZodType; shape?: Record<string, z.ZodType> };
  };
  if (def.innerType) return leaves(def.innerType, path);
  if (def.type === 'array') return leaves(def.element!, `${path}[]`);
  if (def.type === 'object')
    return Object.entries(def.shape!).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
  return [path];
}

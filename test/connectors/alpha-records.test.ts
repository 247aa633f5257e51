import { readFileSync } from 'node:fs';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { alpha } from '../../connectors/alpha/index.ts';
import { alphaOptions } from '../../connectors/alpha/options.ts';
import { addressOf, type Decoder, decoder } from '../../connectors/alpha/records.ts';
import { contactPersonFields, customerFields, MAX_TEXT, statuses } from '../../connectors/alpha/schemas.ts';
import { splitName } from '../../connectors/alpha/split-name.ts';
import { alphaMappings } from '../../mappings/alpha.ts';
import { readValues, writeValues } from '../../src/connector/mapping.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { type Entity, entities, type Values } from '../../src/model/values.ts';
import type { Wire } from './alpha-site.ts';

function decoding(given: unknown = {}): Decoder {
  const options = alphaOptions.parse(given);
  return decoder(alphaMappings(options, statuses), options);
}

/** The example of alpha.md §11, with fictional addresses. */
const lois: Wire = {
  id: 'cus_1',
  tenantId: 'ten_9',
  ownerId: 'usr_21',
  type: 'PERSON',
  name: 'Loïs van den Bérg',
  email: 'lois@example.com',
  phone: '+31 20 794 0000',
  website: null,
  industry: 'Meubelmakerij',
  region: 'Noord-Holland',
  preferredLanguage: 'nl',
  leadSource: 'beurs',
  crmStatus: 'PROSPECT',
  nextAction: 'Offerte sturen',
  nextActionDueDate: '2025-06-30T09:00:00Z',
  kvk: '12345678',
  btw: 'NL001234567B01',
  tags: ['VIP', 'café'],
  billingAddress: {
    id: 'adr_1',
    street: 'Prinsengracht',
    houseNumber: '263-A',
    postalCode: '1016 GV',
    city: 'Amsterdam',
    country: 'NL',
  },
  contacts: [
    {
      id: 'con_1',
      firstName: 'Renée',
      lastName: 'Çelik',
      email: 'renee@example.com',
      phone: null,
      department: 'Inkoop',
    },
  ],
  updated: '2025-05-21T10:00:00Z',
};
const common = {
  'email.primary': 'lois@example.com',
  'phone.primary': '+31 20 794 0000',
  'address.billing.street': 'Prinsengracht 263-A',
  'address.billing.city': 'Amsterdam',
  'address.billing.region': 'Noord-Holland',
  'address.billing.postalCode': '1016 GV',
  'address.billing.country': 'NL',
  website: null,
  industry: 'Meubelmakerij',
  language: 'nl',
  status: 'PROSPECT',
  owner: 'usr_21',
  tags: ['VIP', 'café'],
  'nextAction.text': 'Offerte sturen',
  'nextAction.due': '2025-06-30T09:00:00Z',
};
const renee = {
  'name.given': 'Renée',
  'name.family': 'Çelik',
  'email.primary': 'renee@example.com',
  'phone.primary': null,
  department: 'Inkoop',
};

describe('what a customer is', () => {
  test('a person is a contact, and so is each contact person inside', () => {
    expect(decoding().all('contact', lois)).toEqual([
      {
        externalId: 'cus_1',
        values: { 'name.full': 'Loïs van den Bérg', 'name.given': 'Loïs', 'name.family': 'van den Bérg', ...common },
        modifiedAt: Date.UTC(2025, 4, 21, 10),
      },
      { externalId: 'cus_1/con_1', values: renee },
    ]);
    expect(decoding().all('account', lois)).toEqual([]);
  });

  test('any other type is an account, and its contact persons refer to it', () => {
    const company = { ...lois, type: 'ORGANISATION', name: 'Keukens Noord' };
    expect(decoding().all('account', company)).toMatchObject([
      {
        externalId: 'cus_1',
        values: {
          name: 'Keukens Noord',
          type: 'ORGANISATION',
          registryNumber: '12345678',
          vatNumber: 'NL001234567B01',
        },
      },
    ]);
    expect(decoding().all('contact', company)).toEqual([
      { externalId: 'cus_1/con_1', values: { ...renee, company: 'Keukens Noord', account: 'cus_1' } },
    ]);
    expect(decoding({ personTypes: ['ORGANISATION'] }).all('account', company)).toEqual([]);
  });

  test('contactPersons says whose are contacts', () => {
    const company = { ...lois, type: 'ORGANISATION' };
    const count = (contactPersons: string, row: Wire) => decoding({ contactPersons }).all('contact', row).length;
    expect([count('all', lois), count('companies', lois), count('off', lois)]).toEqual([2, 1, 1]);
    expect([count('all', company), count('companies', company), count('off', company)]).toEqual([1, 1, 0]);
  });

  test('a lead refers to the person or company that it is', () => {
    const lead = { ...lois, crmStatus: 'LEAD' };
    const values = {
      title: 'Loïs van den Bérg',
      source: 'beurs',
      status: 'LEAD',
      owner: 'usr_21',
      due: '2025-06-30T09:00:00Z',
    };
    expect(decoding().all('lead', lead)).toMatchObject([
      { externalId: 'cus_1', values: { ...values, contact: 'cus_1' } },
    ]);
    expect(decoding().all('lead', { ...lead, type: 'X' })).toMatchObject([{ values: { ...values, account: 'cus_1' } }]);
    expect(decoding().all('lead', { ...lead, type: null })).toMatchObject([{ values }]);
  });

  test('a server that overlooks the status in the path makes no leads of all customers', () => {
    expect(decoding().all('lead', lois)).toEqual([]);
    expect(decoding({ leadStatuses: ['PROSPECT'] }).all('lead', lois)).toHaveLength(1);
  });

  test('a customer that changed its type is nothing under its old entity; a lead stays one in any status', () => {
    expect(decoding().customer('account', lois)).toBeUndefined();
    expect(decoding().customer('lead', lois)).toMatchObject({ values: { status: 'PROSPECT' } });
  });

  property.prop([fc.string(), fc.string({ minLength: 1 })])(
    'the id of a contact person tells the customer and the person apart, and is no customer’s',
    (customer, person) => {
      const row = { ...lois, id: customer, contacts: [{ id: person }] };
      const [own, nested] = decoding().all('contact', row);
      if (own?.externalId === undefined || nested?.externalId === undefined) return;
      expect(own.externalId).not.toContain('/');
      expect(addressOf(own.externalId)).toEqual({ customer: own.externalId });
      expect(addressOf(nested.externalId)).toEqual({ customer: own.externalId, person });
    },
  );
});

describe('what a row does not say', () => {
  test('is silence: the single shape lacks the language, and clears nothing', () => {
    const { preferredLanguage, billingAddress, tags, contacts, ...single } = lois;
    const decoded = decoding().customer('contact', single);
    const paths = Object.keys(decoded && 'values' in decoded ? decoded.values : {});
    expect(paths).not.toContain('language');
    expect(paths.filter((path) => path.startsWith('address.') || path === 'tags')).toEqual(['address.billing.region']);
    expect(decoding().person(single, 'con_1')).toBe('unknown');
  });

  test('differs from what it says is empty', () => {
    const [record] = decoding().all('account', { ...lois, type: 'X', billingAddress: null, tags: [], nextAction: '' });
    expect(record).toMatchObject({
      values: {
        'address.billing.street': null,
        'address.billing.city': null,
        'address.billing.country': null,
        tags: [],
        'nextAction.text': '',
      },
    });
    expect(decoding().person({ ...lois, contacts: [] }, 'con_1')).toBe('gone');
  });

  test.each([
    [{ street: 'Dam', houseNumber: '1' }, 'Dam 1'],
    [{ street: 'Dam', houseNumber: null }, 'Dam'],
    [{ street: ' ', houseNumber: '1' }, '1'],
    [{ street: null, houseNumber: '' }, null],
    [{ street: 'Dam' }, 'Dam'],
    [{ city: 'Amsterdam' }, undefined],
  ])('an address %j has the street %j', (billingAddress, street) => {
    const decoded = decoding().customer('contact', { ...lois, billingAddress });
    expect(decoded && 'values' in decoded && decoded.values['address.billing.street']).toBe(street);
  });
});

describe('a bad record', () => {
  const secret = 'geheim@example.com';
  const text = (length: number) => `a text of ${length} characters`;
  test.each([
    [
      { ...lois, id: '' },
      undefined,
      `id: expected an id: a text that is not empty, without "/", or an integer, got ${text(0)}`,
    ],
    [
      { ...lois, id: 'my' },
      undefined,
      `id: expected an id: a text that is not empty, without "/", or an integer, got ${text(2)}`,
    ],
    [{ ...lois, email: [secret] }, 'cus_1', 'email: expected a text, got a list'],
    [{ ...lois, tags: [secret, 7] }, 'cus_1', 'tags.1: expected a text, got a number'],
    [
      { ...lois, billingAddress: { city: { name: secret } } },
      'cus_1',
      'billingAddress.city: expected a text, got an object',
    ],
    [
      { ...lois, name: 'n'.repeat(MAX_TEXT + 1) },
      'cus_1',
      `name: expected a text of at most 65536 characters, got ${text(65537)}`,
    ],
    [{ ...lois, type: null }, 'cus_1', 'type: expected a text that tells persons from companies, got none'],
    [{ ...lois, type: 7 }, 'cus_1', 'type: expected a text, got a number'],
    [secret, undefined, `id: expected an id: a text that is not empty, without "/", or an integer, got ${text(18)}`],
  ])('is told by its id and a reason without the value (%#)', (row, externalId, reason) => {
    expect(decoding({ contactPersons: 'off' }).all('contact', row)).toEqual([{ externalId, reason }]);
    expect(reason).not.toContain(secret);
  });

  test('is the contact person alone, not its company, and the other way round', () => {
    const contacts = [{ id: 'con_1', email: 7 }, { id: 'con_1', firstName: 'Renée' }, { firstName: 'Jan' }, { id: 8 }];
    expect(decoding().all('contact', { ...lois, type: 'X', website: 7, contacts })).toMatchObject([
      { externalId: 'cus_1/con_1', reason: 'contacts.0.email: expected a text, got a number' },
      { externalId: undefined, reason: expect.stringMatching(/^contacts.1.id: .* got that of another$/) },
      { externalId: undefined, reason: expect.stringMatching(/^contacts.2.id: .* got nothing$/) },
      { externalId: 'cus_1/8', values: { account: 'cus_1' } },
    ]);
  });

  test('is none for a fault in what is not mapped, or in a stamp', () => {
    const odd = {
      ...lois,
      visits: 'many',
      avatar: 3,
      updated: 'soon',
      nextActionDueDate: 'soon',
      deliveryAddresses: {},
    };
    const [record] = decoding().all('contact', odd);
    expect(record).toMatchObject({ values: { 'nextAction.due': 'soon' } });
    expect(record).not.toHaveProperty('modifiedAt');
  });

  property.prop(
    [
      fc.constantFrom(...entities),
      fc.oneof(
        fc.anything(),
        fc.object().map((extra) => ({ ...lois, ...extra })),
      ),
    ],
    {
      numRuns: 2000,
    },
  )('never throws, whatever arrives, and brings no id twice', (entity, row) => {
    const decoded = decoding().all(entity, row);
    const ids = decoded.flatMap(({ externalId }) => externalId ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const one of decoded) expect('values' in one ? one.externalId : one.reason).toBeTruthy();
  });
});

describe('names', () => {
  test.each([
    ['Loïs van den Bérg', { firstName: 'Loïs', lastName: 'van den Bérg' }],
    ['Anna Maria Jansen', { firstName: 'Anna Maria', lastName: 'Jansen' }],
    ['Bérg, Loïs', { firstName: 'Loïs', lastName: 'Bérg' }],
    ['van Dijk', { firstName: 'van', lastName: 'Dijk' }],
    ['Loïs', {}],
    ['', {}],
    ['a, b, c', {}],
    [null, {}],
  ])('%j is split into %j', (name, split) => {
    expect(splitName(name)).toEqual(split);
  });

  test('are split unless told otherwise', () => {
    expect(decoding({ splitNames: false }).customer('contact', lois)).not.toHaveProperty(['values', 'name.family']);
    expect(decoding().customer('contact', lois)).toMatchObject({
      values: { 'name.full': 'Loïs van den Bérg', 'name.given': 'Loïs', 'name.family': 'van den Bérg' },
    });
  });
});

const names = {
  statusNames: { ACTIVE: 'Klant', CUSTOMER: 'klant ', CHURNED: 'Verloren' },
  ownerNames: { usr_21: 'j.dekker' },
};
const mappings = alphaMappings(alphaOptions.parse(names), statuses);
const moments = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') })
  .chain((date) =>
    fc.constantFrom(date.toISOString(), date.toISOString().slice(0, 10), date.toISOString().slice(0, 19)),
  );
const writable = {
  status: fc.constantFrom('lead', 'PROSPECT', 'Klant', 'KLANT', 'Verloren', 'inactive'),
  owner: fc.constantFrom('usr_1', 'J.Dekker', 'usr_22', null),
  tags: fc.array(fc.string()),
  'nextAction.text': fc.option(fc.string()),
  'nextAction.due': fc.option(moments),
};

describe('the mapping', () => {
  property.prop([fc.constantFrom('contact', 'account', 'lead'), fc.record(writable, { requiredKeys: [] })], {
    numRuns: 1000,
  })(
    'what is written reads back as the same facts, no more and no less',
    (entity: Entity, { 'nextAction.due': due, ...rest }) => {
      const dueDate = due === undefined ? {} : { [entity === 'lead' ? 'due' : 'nextAction.due']: due };
      const values: Values =
        entity === 'lead' ? pick({ ...rest, ...dueDate }, ['status', 'owner', 'due']) : { ...rest, ...dueDate };
      const wire = JSON.parse(JSON.stringify(writeValues(mappings[entity], values))) as Wire;
      const back = readValues(mappings[entity], wire);
      expect(Object.keys(back).toSorted()).toEqual(Object.keys(values).toSorted());
      for (const [path, value] of Object.entries(values))
        expect([path, value, back[path], equal(fieldAt(entity, path).kind, value, back[path])]).toEqual([
          path,
          value,
          back[path],
          true,
        ]);
      // What is read and written again is on the wire what it was.
      expect(writeValues(mappings[entity], back)).toEqual(wire);
    },
  );

  test('two statuses may share a name; the first one is written', () => {
    expect(writeValues(mappings.contact, { status: 'KLANT' })).toEqual({ crmStatus: 'ACTIVE' });
    expect(readValues(mappings.contact, { crmStatus: 'CUSTOMER' })).toEqual({ status: 'klant ' });
  });

  test('what cannot be said is not guessed, and an unknown status is read as it is', () => {
    for (const status of ['Won', 'CUSTOMER'])
      expect(writeValues(mappings.contact, { status })).toEqual({ crmStatus: undefined });
    expect(writeValues(mappings.contact, { owner: 'usr_21' })).toEqual({ ownerId: undefined });
    expect(writeValues(mappings.contact, { 'nextAction.due': 'soon' })).toEqual({ nextActionDueDate: undefined });
    expect(readValues(mappings.contact, { crmStatus: 'DORMANT' })).toEqual({ status: 'DORMANT' });
  });

  test('writes moments in the form of the samples', () => {
    const due = (value: string) => writeValues(mappings.lead, { due: value }).nextActionDueDate;
    expect([due('2026-03-01T10:00:00.000+01:00'), due('2026-03-01'), due('2026-03-01T10:00:00.120Z')]).toEqual([
      '2026-03-01T09:00:00Z',
      '2026-03-01T00:00:00Z',
      '2026-03-01T10:00:00.120Z',
    ]);
  });

  test('an emptied next action is written as the option says', () => {
    const emptied = { 'nextAction.text': '', 'nextAction.due': '' };
    expect(writeValues(mappings.contact, emptied)).toEqual({ nextAction: null, nextActionDueDate: null });
    const withText = alphaMappings(alphaOptions.parse({ clearWith: '' }), statuses);
    expect(writeValues(withText.contact, emptied)).toEqual({ nextAction: '', nextActionDueDate: null });
  });

  test('nothing but status, next action, owner and tags is writable', () => {
    const writes = entities.map((entity) =>
      mappings[entity].fields.flatMap(({ access, wire }) => (access === 'readOnly' ? [] : wire)),
    );
    const four = ['crmStatus', 'ownerId', 'tags', 'nextAction', 'nextActionDueDate'];
    expect(writes).toEqual([four, four, ['crmStatus', 'ownerId', 'nextActionDueDate']]);
  });
});

/** The Alpha columns of api/README.md §3–5: where it keeps each canonical field. */
const comparison: Readonly<Record<Entity, readonly string[]>> = {
  contact: [
    ...[
      'id',
      'contacts[].id',
      'tags',
      'name',
      'contacts[].firstName',
      'contacts[].lastName',
      'email',
      'contacts[].email',
    ],
    ...[
      'phone',
      'contacts[].phone',
      'billingAddress.street',
      'billingAddress.houseNumber',
      'billingAddress.city',
      'region',
    ],
    ...['billingAddress.postalCode', 'billingAddress.country', 'billingAddress.latitude', 'billingAddress.longitude'],
    ...['deliveryAddresses', 'contacts', 'industry', 'contacts[].department', 'preferredLanguage', 'ownerId', 'owner'],
    ...['crmStatus', 'opportunities[].value', 'opportunities[].notes', 'nextAction', 'nextActionDueDate', 'website'],
    ...['avatar', 'leadSource', 'userId', 'kvk', 'btw', 'created', 'createdBy', 'updated', 'updatedBy'],
  ],
  account: [
    ...[
      'id',
      'name',
      'type',
      'email',
      'phone',
      'billingAddress.street',
      'billingAddress.houseNumber',
      'billingAddress.city',
    ],
    ...['billingAddress.postalCode', 'billingAddress.country', 'deliveryAddresses', 'region', 'website', 'industry'],
    ...['preferredLanguage', 'kvk', 'btw', 'subsidiaryId', 'ownerId', 'crmStatus', 'contacts', 'tags', 'nextAction'],
    ...['nextActionDueDate', 'events', 'visits', 'created', 'updated'],
  ],
  lead: [
    ...['id', 'name', 'contacts', 'leadSource', 'crmStatus', 'ownerId', 'subsidiaryId', 'opportunities[].value'],
    ...['nextActionDueDate', 'created', 'updated', 'recentActivities'],
  ],
};

describe('the README', () => {
  const readme = readFileSync(new URL('../../connectors/alpha/README.md', import.meta.url), 'utf8');
  const rows = [
    ...(/\n## Not mapped\n([\s\S]*)/.exec(readme)?.[1] ?? '').matchAll(/^\| (`.*?) \| ([a-z, ]+) \| (.+) \|$/gm),
  ];
  const notMapped = (entity: Entity): string[] =>
    rows
      .filter(([, , of = '']) => of === 'all' || of.split(', ').includes(entity))
      .flatMap(([, fields = '']) => [...fields.matchAll(/`([^`]+)`/g)].map(([, field]) => field as string));
  const mapped = (entity: Entity): string[] =>
    alphaMappings(alphaOptions.parse({}), statuses)[entity].fields.map(({ wire }) => wire);
  const isMapped = (entity: Entity, field: string): boolean => {
    const wire = field.startsWith('contacts[].') ? field.slice('contacts[].'.length) : field;
    const line = /^billingAddress\.(street|houseNumber)$/.test(wire) ? 'billingAddress' : wire;
    return mapped(entity).includes(line);
  };

  test.each(entities)('maps each field of an Alpha %s, or says why not', (entity) => {
    const persons = entity === 'contact' ? contactPersonFields.map((field) => `contacts[].${field}`) : [];
    const fields = new Set([...comparison[entity], ...customerFields, ...persons]);
    const open = [...fields].filter((field) => !isMapped(entity, field) && !notMapped(entity).includes(field));
    expect(open).toEqual([]);
  });

  test.each(entities)('calls no mapped or unknown field of an Alpha %s unmapped', (entity) => {
    const wrong = notMapped(entity).filter((field) => field !== 'contacts[].id' && isMapped(entity, field));
    expect(wrong).toEqual([]);
    const known = [...customerFields, ...comparison.contact, 'billingAddress.id'];
    expect(notMapped(entity).filter((field) => !known.includes(field))).toEqual([]);
  });

  test('names every option with its default', () => {
    const listed = [...readme.matchAll(/^\| `(\w+)` \| (.+?) \| .+ \|$/gm)].map(([, name]) => name);
    for (const option of Object.keys(alphaOptions.shape)) expect(listed).toContain(option);
  });

  test('is of the connector whose operations it counts', () => {
    expect(readme).toContain(`all ${alpha.operations.length} operations`);
  });
});

function pick(values: Values, paths: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([path]) => paths.includes(path)));
}

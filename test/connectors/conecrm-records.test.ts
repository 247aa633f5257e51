import { fc, test as property } from '@fast-check/vitest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shortProvince } from '../../connectors/conecrm/bodies.ts';
import { conecrm } from '../../connectors/conecrm/index.ts';
import { accountMapping, CARRIER_MARK, contactMapping } from '../../mappings/conecrm.ts';
import type { Connector } from '../../src/connector/connector.ts';
import { readValues, writeValues } from '../../src/connector/mapping.ts';
import { fieldsOf } from '../../src/model/entities.ts';
import type { Entity, Value } from '../../src/model/values.ts';
import { answering, listAll, type Site, startSite, type Wire } from './conecrm-site.ts';

let site: Site;
let connector: Connector;
beforeEach(async () => {
  site = await startSite();
  ({ connector } = site);
});
afterEach(() => site.close());

const people = () => site.sandbox.people;
const garage = {
  name: 'Garage Côté & Frères inc.',
  primaryEmail: 'info@cote.example.ca',
  workPhone: '+1 514 555 0142',
  workPhoneExtension: '12',
  address: '1450, boul. René-Lévesque Ouest',
  city: 'Montréal',
  province: 'QC',
  postalCode: 'H3G 1T7',
  country: 'CA',
  language: 'fr-CA',
};

describe('listing', () => {
  test.each<Entity>(['account', 'contact'])('brings every %s once, in the order of creation', async (entity) => {
    const ids = Array.from({ length: 23 }, (_, index) => people().add(entity, { lastName: `n${index}` }));
    const small = site.connect({ pageSize: 5 });
    expect((await listAll(small, entity)).records.map(({ externalId }) => externalId)).toEqual(ids);
  });

  test('sends the start under both names, and the order', async () => {
    people().add('account', garage);
    await listAll(connector, 'account');
    expect(site.sandbox.requests[0]?.query).toEqual({
      offset: '0',
      start: '0',
      limit: '100',
      sortField: 'dateCreated',
      sortDirection: 'ASC',
    });
    site.sandbox.forgetRequests();
    await listAll(site.connect({ sortField: null }), 'contact');
    expect(site.sandbox.requests[0]?.query).toEqual({ offset: '0', start: '0', limit: '100' });
  });

  const inWrappers: [string, (rows: unknown[]) => unknown][] = [
    ['a bare array', (rows) => rows],
    ['{total, accounts}', (accounts) => ({ total: accounts.length, accounts })],
    ['{total, contacts}', (contacts) => ({ total: contacts.length, contacts })],
    ['{data}', (data) => ({ data })],
  ];
  test.each(inWrappers)('takes %s in both lists', async (_, wrap) => {
    const ids = { account: people().add('account', garage), contact: people().add('contact', { firstName: 'Zoé' }) };
    const rows = (body: unknown): unknown[] =>
      Array.isArray(body) ? body : (body as { accounts: unknown[] }).accounts;
    const answers = {
      _getAccounts: (body: unknown) => wrap(rows(body)),
      _getContacts: (body: unknown) => wrap(rows(body)),
    };
    const other = site.connect({}, answering(site.http, answers));
    for (const entity of ['account', 'contact'] as const)
      expect((await listAll(other, entity)).records.map(({ externalId }) => externalId)).toEqual([ids[entity]]);
  });

  test.each([undefined, null, 'x', { total: 3 }, { accounts: null }])(
    'an answer that is no list (%j) stops the scan',
    async (answer) => {
      const other = site.connect({}, answering(site.http, { _getContacts: () => answer }));
      await expect(listAll(other, 'contact')).rejects.toMatchObject({ code: 'malformed_reply' });
    },
  );

  test('shows null as empty, silence as silence, and outside ids that stand', async () => {
    const row = (over: Wire) => ({ id: '1', systemName: 'HUB', thirdPartyId: '7', ...over });
    people().add('contact', {
      firstName: 'Zoé',
      city: null,
      thirdPartyIds: [row({}), row({ systemName: 'OLD', isDeleted: true }), row({ thirdPartyId: null }), null],
      dateModified: '2025-05-02T18:20:31Z',
    });
    const terse = site.connect(
      {},
      answering(site.http, { _getContacts: (body) => (body as Wire[]).map(({ country: _, ...rest }) => rest) }),
    );
    const [record] = (await listAll(terse, 'contact')).records;
    expect(record).toMatchObject({
      values: { 'name.given': 'Zoé', 'address.billing.city': null, active: true },
      modifiedAt: Date.UTC(2025, 4, 2, 18, 20, 31),
      xrefs: [{ system: 'HUB', id: '7' }],
    });
    expect(record?.values).not.toHaveProperty(['address.billing.country']);
    expect(record?.values).not.toHaveProperty('account');
  });

  test('a record that cannot be used is set aside with a reason that holds no value; the page goes on', async () => {
    const long = 'x'.repeat(70_000);
    people().add('contact', { id: null, firstName: 'Secret' });
    people().add('contact', { id: '', firstName: 'Secret' });
    people().add('contact', { id: 'c-1', city: { name: 'Secret' }, isActive: 'Secret' });
    people().add('contact', { id: 'c-2', firstName: long });
    people().add('contact', { id: 'c-3', thirdPartyIds: 'Secret', accounts: [] });
    people().add('contact', { id: 'c-4', firstName: 'Zoé', unknown: { key: 1 }, accounts: [] });
    people().add('account', { id: 'a-1', name: ['Secret'] });
    const odd = answering(site.http, { _getContacts: (body) => [...(body as unknown[]), 'Secret', null] });

    const { records, bad } = await listAll(site.connect({}, odd), 'contact');
    expect(records.map(({ externalId }) => externalId)).toEqual(['c-4']);
    expect(bad).toEqual([
      { externalId: undefined, reason: 'id: expected string, got null' },
      { externalId: undefined, reason: 'id: expected a text that is not empty, got a string of 0 characters' },
      {
        externalId: 'c-1',
        reason: 'city: expected string, got object; isActive: expected boolean, got a string of 6 characters',
      },
      { externalId: 'c-2', reason: 'firstName: expected at most 65536 characters, got a string of 70000 characters' },
      { externalId: 'c-3', reason: 'thirdPartyIds: expected array, got a string of 6 characters' },
      { externalId: undefined, reason: 'record: expected object, got a string of 6 characters' },
      { externalId: undefined, reason: 'record: expected object, got null' },
    ]);
    expect((await listAll(connector, 'account')).bad).toEqual([
      { externalId: 'a-1', reason: 'name: expected string, got array' },
    ]);
  });
});

describe('accounts', () => {
  const values = readValues(accountMapping, garage);

  test('are created with what is filled, and the reply is what the list shows', async () => {
    const { externalId, record } = await connector.create('account', {
      canonicalId: 'a1',
      values: { ...values, 'phone.home': null },
    });
    expect(site.writes().map(({ body }) => body)).toEqual([garage]);
    expect((await listAll(connector, 'account')).records).toEqual([record]);
    expect(record).toMatchObject({ externalId, values });
  });

  test('a change sends the changed fields alone and leaves the contacts be', async () => {
    const contact = people().add('contact', { firstName: 'Zoé' });
    const id = people().add('account', { ...garage, contacts: [{ id: contact }] });
    const before = site.seen('account', id);
    const { record } = await connector.update('account', id, {
      canonicalId: 'a1',
      changes: { 'phone.mobile': '+1 438 555 0199', 'address.billing.city': null, active: false },
      known: values,
    });
    expect(site.writes().map(({ method, body }) => [method, body])).toEqual([
      ['PATCH', { mobilePhone: '+1 438 555 0199', city: null, isActive: false }],
    ]);
    expect(site.seen('account', id)).toEqual({
      ...before,
      mobilePhone: '+1 438 555 0199',
      city: null,
      isActive: false,
    });
    expect((await listAll(connector, 'account')).records).toEqual([record]);
  });

  test('a long region travels as the code that it means, and not at all when there is none', async () => {
    const create = async (region: string, through = connector) => {
      site.sandbox.forgetRequests();
      await through.create('account', { canonicalId: 'a1', values: { name: 'x', 'address.billing.region': region } });
      return (site.writes()[0]?.body as Wire | undefined)?.province;
    };
    expect(await create('Québec')).toBe('QC');
    expect(await create('Ont.')).toBe('Ont.');
    expect(await create('somewhere')).toBeUndefined();
    await expect(create('Québec', site.connect({ provinceLength: null }))).rejects.toMatchObject({ code: 'rejected' });
  });

  test('a change of which nothing can be sent is no write', async () => {
    const id = people().add('account', garage);
    const { record } = await connector.update('account', id, {
      canonicalId: 'a1',
      changes: { 'address.billing.region': 'somewhere' },
      known: values,
      locator: JSON.stringify({ name: garage.name }),
    });
    expect(site.writes()).toEqual([]);
    expect(record?.values['address.billing.region']).toBe('QC');
  });

  test('are read by searching what they were called, and not finding one proves nothing', async () => {
    const id = people().add('account', garage);
    const [record] = (await listAll(connector, 'account')).records;
    expect(record?.locator).toBe(JSON.stringify({ name: garage.name, email: garage.primaryEmail }));
    const fresh = site.connect({});
    expect(await fresh.read('account', id, record?.locator)).toEqual({ state: 'found', record });
    people().edit('account', id, { name: 'Atelier' });
    expect(await fresh.read('account', id, record?.locator)).toMatchObject({ state: 'found' });
    expect(await site.connect({}).read('account', id, undefined)).toEqual({ state: 'unknown' });
    people().remove('account', id);
    expect(await fresh.read('account', id, record?.locator)).toEqual({ state: 'unknown' });
  });

  test('are deleted; one that is not there any more is gone', async () => {
    const id = people().add('account', garage);
    await connector.delete('account', id, undefined);
    expect(people().all('account')).toEqual([]);
    await expect(connector.delete('account', id, undefined)).rejects.toMatchObject({ code: 'gone' });
    await expect(
      connector.update('account', id, { canonicalId: 'a1', changes: { name: 'x' }, known: {} }),
    ).rejects.toMatchObject({ code: 'gone' });
  });

  test('an answer without an account leaves the outcome of a create unknown', async () => {
    const mute = site.connect({}, answering(site.http, { post_api_account_create: () => ({}) }));
    await expect(mute.create('account', { canonicalId: 'a1', values })).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
  });

  test("a reply about another account is not taken for this one's", async () => {
    const id = people().add('account', garage);
    const odd = site.connect(
      {},
      answering(site.http, { patch_api_account_updateAccount: () => ({ id: 'other', name: 'x' }) }),
    );
    expect(await odd.update('account', id, { canonicalId: 'a1', changes: { name: 'y' }, known: {} })).toEqual({
      externalId: id,
    });
  });
});

describe('reading and searching contacts', () => {
  const zoe = { firstName: 'Zoé', lastName: 'Côté', primaryEmail: 'Zoe@example.ca', mobilePhone: '+1 438 555-0199' };

  test('a contact is read by its e-mail, or by its name', async () => {
    const id = people().add('contact', zoe);
    const [record] = (await listAll(connector, 'contact')).records;
    expect(await connector.read('contact', id, record?.locator)).toEqual({ state: 'found', record });
    expect(await connector.read('contact', id, undefined)).toEqual({ state: 'unknown' });
    people().edit('contact', id, { primaryEmail: null });
    expect(await connector.read('contact', id, record?.locator)).toMatchObject({ state: 'found' });
  });

  test.each([
    [{ email: 'zoe@EXAMPLE.ca' }, true],
    [{ phone: '438 555 0199' }, true],
    [{ name: 'zoé  côté' }, false],
    [{ name: 'Zoé' }, false],
    [{ name: 'Zoé Côté' }, true],
    [{ email: 'oe@example.ca' }, false],
    [{ phone: '555 0199' }, false],
    [{}, false],
  ])('searching %j finds the person: %s', async (wanted, isFound) => {
    people().add('contact', zoe);
    people().add('contact', { firstName: 'Léo', primaryEmail: 'leo@example.ca', workPhone: '514 555 0142' });
    const found = await connector.search('contact', wanted);
    expect(found.map(({ values }) => values['name.given'])).toEqual(isFound ? ['Zoé'] : []);
  });

  test.each([
    ['one object', (contact: Wire) => contact],
    ['an array', (contact: Wire) => [contact]],
    ['a wrapper', (contact: Wire) => ({ contacts: [contact] })],
    ['a wrapped object', (contact: Wire) => ({ data: contact })],
  ])('by phone: %s is understood', async (_, form) => {
    const id = people().add('contact', zoe);
    const answers = { get_contact_findByPhone: (body: unknown) => form(body as Wire) };
    const other = site.connect({}, answering(site.http, answers));
    expect((await other.search('contact', { phone: '4385550199' })).map(({ externalId }) => externalId)).toEqual([id]);
  });

  test.each([[], null, undefined, 'x', {}, { id: 'c-1', mobilePhone: '+1 000' }])(
    'by phone: %j finds nobody',
    async (answer) => {
      people().add('contact', zoe);
      const other = site.connect(
        { queryEntities: { contact: null } },
        answering(site.http, { get_contact_findByPhone: () => answer }),
      );
      expect(await other.search('contact', { phone: '4385550199' })).toEqual([]);
    },
  );

  test('the query builder is a further attempt: asked only when nothing was found, and never again after a refusal', async () => {
    const id = people().add('contact', zoe);
    const blind = answering(site.http, { _getContacts: () => [] });
    const found = await site.connect({}, blind).search('contact', { email: 'zoe@example.ca' });
    expect(found.map(({ externalId }) => externalId)).toEqual([id]);

    const refused = site.connect({ queryEntities: { contact: 'person' } }, blind);
    site.sandbox.forgetRequests();
    expect(await refused.search('contact', { email: 'zoe@example.ca' })).toEqual([]);
    expect(await refused.search('contact', { email: 'zoe@example.ca' })).toEqual([]);
    expect(site.sandbox.requests.map(({ operation }) => operation)).toEqual([
      '_getContacts',
      'post_api_query_builder_filter',
      '_getContacts',
    ]);
  });

  test('a search goes on behind pages that are smaller than asked for', async () => {
    const other = await startSite({}, { maxPage: 2 });
    const [, , , , last] = Array.from({ length: 5 }, () => other.sandbox.people.add('contact', { lastName: 'Roy' }));
    const read = await other.connector.read('contact', last as string, JSON.stringify({ name: 'Roy' }));
    await other.close();
    expect(read).toMatchObject({ state: 'found', record: { externalId: last } });
  });

  test('a server that ignores `search` costs a few pages, not a scan', async () => {
    for (let index = 0; index < 40; index++) people().add('contact', { firstName: `n${index}` });
    const deaf = site.connect(
      { pageSize: 2 },
      {
        call: (operation, { params: { search: _, ...params } = {}, ...call } = {}) =>
          site.http.call(operation, { ...call, params }),
      },
    );
    await deaf.search('contact', { name: 'nobody' });
    expect(site.sandbox.requests).toHaveLength(5);
  });
});

describe('options', () => {
  test('all are optional; an unknown one, or one of the wrong form, is refused', () => {
    expect(conecrm.options.parse({})).toMatchObject({ pageSize: 100, sortField: 'dateCreated', phoneRegion: 'CA' });
    for (const wrong of [
      { pagesize: 5 },
      { pageSize: 1 },
      { phoneRegion: 'Canada' },
      { carrierMark: ' x ' },
      { department: '7' },
    ])
      expect(conecrm.options.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  });
});

describe('error bodies become one line', () => {
  test.each([
    [{ error: 'value is required' }, 'status 400: value is required'],
    [
      { errors: { subject: ['blank'], contact: { id: ['unknown'] } }, message: 'Invalid' },
      'status 400: Invalid; subject: blank; contact.id: unknown',
    ],
    [{ errors: ['a', 'b'], message: 'Validation failed' }, 'status 400: Validation failed; a; b'],
    ['title This value should not be blank.', 'status 400: title This value should not be blank.'],
    [undefined, 'status 400, no reason given'],
    ['<html><body>oops', 'status 400, no reason given'],
    [null, 'status 400, no reason given'],
    [{ error: ' ', errors: {} }, 'status 400, no reason given'],
    [{ error: 'two\nlines' }, 'status 400: two lines'],
  ])('%j', (body, line) => {
    expect(conecrm.errorMessage(400, body)).toBe(line);
  });

  property.prop([fc.integer({ min: 400, max: 599 }), fc.jsonValue()])(
    'whatever comes, it is one short line',
    (status, body) => {
      const line = conecrm.errorMessage(status, body);
      expect(line).not.toMatch(/\n/);
      expect(line.length).toBeLessThan(400);
    },
  );
});

describe('the mapping', () => {
  const value = fc.oneof(fc.string(), fc.constant(null));
  const valuesOf = (entity: 'contact' | 'account') =>
    fc.record<Record<string, Value>>(
      Object.fromEntries(
        { contact: contactMapping(), account: accountMapping }[entity].fields
          .filter(({ path }) => path !== 'account')
          .map(({ path }) => [path, fieldsOf[entity][path]?.kind === 'boolean' ? fc.boolean() : value]),
      ),
      { requiredKeys: [] },
    );

  property.prop([valuesOf('contact'), valuesOf('account')])('what is written is what is read', (contact, account) => {
    expect(readValues(contactMapping(), writeValues(contactMapping(), contact))).toEqual(contact);
    expect(readValues(accountMapping, writeValues(accountMapping, account))).toEqual(account);
  });

  const entry = fc.record({
    id: fc.uuid(),
    name: fc.oneof(
      fc.string(),
      fc.string().map((name) => `${name} ${CARRIER_MARK}`),
    ),
  });
  property.prop([fc.array(entry)])(
    'an account reference is the first account that is no carrier, or silence',
    (accounts) => {
      const real = accounts.find(({ name }) => !name.endsWith(CARRIER_MARK));
      expect(readValues(contactMapping(), { accounts }).account).toBe(real?.id);
    },
  );

  property.prop([fc.string(), fc.integer({ min: 2, max: 8 })])(
    'a shortened province fits, and is never a cut name',
    (region, max) => {
      const short = shortProvince(region, max);
      if (short === undefined) return;
      expect(short.trim().length).toBeLessThanOrEqual(max);
      if (short !== region) expect(short).toMatch(/^[A-Z0-9]{1,3}$/);
    },
  );

  test.each([
    ['Québec', 5, 'QC'],
    ['British Columbia', 5, 'BC'],
    ['CA-QC', 3, 'QC'],
    ['QC', 5, 'QC'],
    ['Washington', 5, 'WA'],
    ['Atlantis', 5, undefined],
    ['Québec', null, 'Québec'],
  ])('%s in %s characters is %s', (region, max, short) => {
    expect(shortProvince(region, max)).toBe(short);
  });
});

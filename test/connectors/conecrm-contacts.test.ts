import { fc, test as property } from '@fast-check/vitest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connector, CrmRecord } from '../../src/connector/connector.ts';
import { LookAgainError } from '../../src/connector/errors.ts';
import type { Http } from '../../src/connector/http.ts';
import type { Values } from '../../src/model/values.ts';
import { answering, listAll, type Site, startSite, type Wire } from './conecrm-site.ts';

let site: Site;
let connector: Connector;
beforeEach(async () => {
  site = await startSite();
  ({ connector } = site);
});
afterEach(() => site.close());

const MARK = '[concordat contact]';
const zoe: Values = {
  'name.given': 'Zoé',
  'name.family': 'Côté',
  'email.primary': 'zoe@example.ca',
  'phone.mobile': '',
};
const people = () => site.sandbox.people;
const add = (wire: Wire = {}) => people().add('contact', wire);
const addAccount = (name: string, ...contacts: string[]) =>
  people().add('account', { name, contacts: contacts.map((id) => ({ id })) });
const accountsOf = (id: string) => site.seen('contact', id).accounts as Wire[];
const contactsOf = (id: string) => (site.seen('account', id).contacts as Wire[]).map((contact) => contact.id);
/** The contacts of the first write. */
const sentContacts = () => (site.writes()[0] as { body: { contacts: Wire[] } }).body.contacts;
const bodies = () => site.writes().map(({ method, body }) => [method, body]);

async function listed(id: string, from = connector): Promise<CrmRecord> {
  const found = (await listAll(from, 'contact')).records.find(({ externalId }) => externalId === id);
  if (!found) throw new RangeError(`contact ${id} is not listed`);
  return found;
}
/** As the engine does it: known and locator are those of the last listing. */
async function update(id: string, changes: Values, through = connector, from?: CrmRecord) {
  const { values: known, locator } = from ?? (await listed(id));
  site.sandbox.forgetRequests();
  return through.update('contact', id, { canonicalId: 'c1', changes, known, ...(locator && { locator }) });
}

describe('a new contact without an account', () => {
  test('gets a carrier account of its own, carries our id, and shows no account', async () => {
    const { externalId, record } = await connector.create('contact', { canonicalId: 'c1', values: zoe });

    expect(bodies()).toEqual([
      [
        'POST',
        {
          name: `Zoé Côté ${MARK}`,
          contacts: [
            {
              firstName: 'Zoé',
              lastName: 'Côté',
              primaryEmail: 'zoe@example.ca',
              thirdPartyIds: [{ systemName: 'concordat', thirdPartyId: 'c1' }],
            },
          ],
        },
      ],
    ]);
    expect(record?.values).toMatchObject({ 'name.given': 'Zoé', 'phone.mobile': null });
    expect(record?.values).not.toHaveProperty('account');
    expect(record).toEqual(await listed(externalId));
    expect(record?.xrefs).toEqual([{ system: 'concordat', id: 'c1' }]);
  });

  test('shows our id as ours, also where the option gives us another name', async () => {
    const renamed = site.connect({ systemName: 'HUB' });
    const { externalId } = await renamed.create('contact', { canonicalId: 'c1', values: zoe });
    const [record] = await renamed.search('contact', { email: 'zoe@example.ca' });
    expect(record).toMatchObject({ externalId, xrefs: [{ system: 'concordat', id: 'c1' }] });
  });

  test('never brings its carrier into the account list, nor into a search, even when our memory is lost', async () => {
    addAccount('Garage');
    await connector.create('contact', { canonicalId: 'c1', values: zoe });
    const fresh = site.connect({});
    expect(people().all('account')).toHaveLength(2);
    expect((await listAll(fresh, 'account')).records.map(({ values }) => values.name)).toEqual(['Garage']);
    expect(await fresh.search('account', { name: `Zoé Côté ${MARK}` })).toEqual([]);
  });

  test('is called by its e-mail when it has no name, and by nothing when it has neither', async () => {
    await connector.create('contact', { canonicalId: 'c1', values: { 'email.primary': 'a@example.ca' } });
    await connector.create('contact', { canonicalId: 'c2', values: { 'phone.work': '514 555 0142' } });
    expect(
      people()
        .all('account')
        .map(({ name }) => name),
    ).toEqual([`a@example.ca ${MARK}`, MARK]);
  });

  test('carries no outside id where the option says so', async () => {
    const quiet = site.connect({ systemName: null, carrierMark: '(lone)' });
    const { externalId } = await quiet.create('contact', { canonicalId: 'c1', values: zoe });
    expect(site.seen('contact', externalId).thirdPartyIds).toEqual([]);
    expect(people().all('account')[0]?.name).toBe('Zoé Côté (lone)');
    expect((await listAll(quiet, 'account')).records).toEqual([]);
  });

  test('whose creation was not answered has an unknown outcome and is not sent twice', async () => {
    site.sandbox.faults.cut = { when: 'after', times: 1, only: ({ method }) => method === 'POST' };
    await expect(connector.create('contact', { canonicalId: 'c1', values: zoe })).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
    expect(site.writes()).toHaveLength(1);
    expect((await listAll(connector, 'contact')).records.map(({ xrefs }) => xrefs)).toEqual([
      [{ system: 'concordat', id: 'c1' }],
    ]);
  });
});

describe('a new contact with an account', () => {
  test("joins the account's contacts, which are sent back as they were read", async () => {
    const sibling = add({ firstName: 'Léo', city: 'Lévis', thirdPartyIds: [outside] });
    const account = addAccount('Garage', sibling);
    const before = site.seen('contact', sibling);
    await listAll(connector, 'account');
    site.sandbox.forgetRequests();

    const { externalId, record } = await connector.create('contact', {
      canonicalId: 'c1',
      values: { ...zoe, account },
    });

    expect(site.sandbox.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH']);
    expect(sentContacts()).toEqual([
      {
        id: sibling,
        firstName: 'Léo',
        city: 'Lévis',
        isActive: true,
        thirdPartyIds: [{ id: outside.id, systemName: 'HUB', thirdPartyId: '7', metadata: '{}' }],
      },
      expect.not.objectContaining({ id: expect.anything() }),
    ]);
    expect(contactsOf(account)).toEqual([sibling, externalId]);
    expect(site.seen('contact', sibling)).toEqual(before);
    expect(record?.values.account).toBe(account);
    expect(record).toEqual(await listed(externalId));
  });

  test('finds an account of which only the id is known, among more than a page', async () => {
    for (let index = 0; index < 9; index++) addAccount(`Garage ${index}`);
    const account = addAccount('Garage 9');
    for (const options of [{ pageSize: 4 }, { pageSize: 4, queryEntities: { account: null } }]) {
      const fresh = site.connect(options);
      const { externalId } = await fresh.create('contact', { canonicalId: 'c1', values: { ...zoe, account } });
      expect(contactsOf(account)).toContain(externalId);
    }
  });

  test('is not written when the account is not there, and comes again later', async () => {
    const account = addAccount('Garage');
    people().remove('account', account);
    await expect(connector.create('contact', { canonicalId: 'c1', values: { ...zoe, account } })).rejects.toMatchObject(
      { code: 'retryable', message: expect.stringContaining(account) },
    );
    expect(site.writes()).toEqual([]);
  });

  test('two at once into one account: both are kept', async () => {
    const account = addAccount('Garage');
    const create = (given: string) =>
      connector.create('contact', { canonicalId: given, values: { 'name.given': given, account } });
    const replies = await Promise.all(['Zoé', 'Léo', 'Éva'].map(create));
    expect(contactsOf(account)).toEqual(replies.map(({ externalId }) => externalId));
  });

  test('unlinks nobody where accounts never show their contacts', async () => {
    const [leo, eva] = [add({ firstName: 'Léo', city: 'Lévis' }), add({ firstName: 'Éva' })];
    const [account, other] = [addAccount('Garage', leo), addAccount('Bakery', eva)];
    const answers = {
      _getAccounts: (body: unknown) => ({
        accounts: (body as { accounts: Wire[] }).accounts.map((entry) => ({ ...entry, contacts: [] })),
      }),
    };
    const flat = site.connect({}, answering(site.http, answers));
    const { externalId } = await flat.create('contact', { canonicalId: 'c1', values: { ...zoe, account } });
    expect(contactsOf(account)).toEqual([leo, externalId]);
    const { values: known, locator } = await listed(eva, flat);
    const change = { canonicalId: 'c2', changes: { account }, known, ...(locator && { locator }) };
    await flat.update('contact', eva, change);
    expect(contactsOf(account)).toEqual([leo, externalId, eva]);
    expect(contactsOf(other)).toEqual([eva]);
    expect(site.seen('contact', leo)).toMatchObject({ firstName: 'Léo', city: 'Lévis' });
  });

  test('into an empty account costs no scan once accounts are known to show their contacts', async () => {
    const [first, second, third] = ['Garage', 'Bakery', 'Inn'].map((name) => addAccount(name)) as [
      string,
      string,
      string,
    ];
    const scans = () => site.sandbox.requests.filter(({ operation }) => operation === '_getContacts').length;
    for (const account of [first, second])
      await connector.create('contact', { canonicalId: account, values: { ...zoe, account } });
    const before = scans();
    await connector.create('contact', { canonicalId: 'c3', values: { ...zoe, account: third } });
    expect(scans()).toBe(before);
  });

  test('is told from a namesake who was there before by the new id', async () => {
    const namesake = add({ firstName: 'Zoé', lastName: 'Côté', primaryEmail: 'zoe@example.ca' });
    const account = addAccount('Garage', namesake);
    const quiet = site.connect({ systemName: null });
    const { externalId } = await quiet.create('contact', { canonicalId: 'c1', values: { ...zoe, account } });
    expect(externalId).not.toBe(namesake);
  });

  test.each([
    ['an empty list', (body: unknown) => ({ ...(body as Wire), contacts: [] })],
    ['bare ids', (body: unknown) => ({ ...(body as Wire), contacts: stubs(body) })],
    ['nothing', () => undefined],
  ])('is looked up when the reply shows %s', async (_, answer) => {
    const account = addAccount('Garage');
    const namesake = add({ firstName: 'Zoé', lastName: 'Côté', primaryEmail: 'zoe@example.ca' });
    const terse = site.connect({}, answering(site.http, { patch_api_account_updateAccount: answer }));
    const { externalId, record } = await terse.create('contact', { canonicalId: 'c1', values: { ...zoe, account } });
    expect(externalId).not.toBe(namesake);
    expect(record?.values).toMatchObject({ 'name.given': 'Zoé', account });
  });

  test('of whom only a phone is known is not mistaken for the bare id that the reply shows', async () => {
    const account = addAccount('Garage');
    const answers = {
      patch_api_account_updateAccount: (body: unknown) => ({ ...(body as Wire), contacts: stubs(body) }),
    };
    const terse = site.connect({}, answering(site.http, answers));
    const values = { 'phone.work': '514 555 0142', account };
    const { record } = await terse.create('contact', { canonicalId: 'c1', values });
    expect(record?.values).toMatchObject(values);
  });

  test('whose adding was not answered has an unknown outcome and is not sent twice', async () => {
    const account = addAccount('Garage');
    site.sandbox.faults.cut = { when: 'after', times: 1, only: ({ method }) => method === 'PATCH' };
    await expect(connector.create('contact', { canonicalId: 'c1', values: { ...zoe, account } })).rejects.toMatchObject(
      { code: 'outcome_unknown' },
    );
    expect(site.writes()).toHaveLength(1);
    expect(contactsOf(account)).toHaveLength(1);
  });

  test('has an unknown outcome when neither the reply nor the list shows it', async () => {
    const mute = site.connect(
      {},
      answering(site.http, { post_api_account_create: () => ({ id: 'x' }), _getContacts: () => [] }),
    );
    await expect(mute.create('contact', { canonicalId: 'c1', values: zoe })).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
  });

  test('a namesake elsewhere is never taken for the one that was sent', async () => {
    add({ firstName: 'Zoé', lastName: 'Côté', primaryEmail: 'zoe@example.ca' });
    const isSent = (contact: unknown) => ((contact as Wire).accounts as Wire[]).length > 0;
    const mute = site.connect(
      { systemName: null },
      answering(site.http, {
        post_api_account_create: () => ({ id: 'x' }),
        _getContacts: (body) => (body as unknown[]).filter((contact) => !isSent(contact)),
      }),
    );
    await expect(mute.create('contact', { canonicalId: 'c1', values: zoe })).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
  });

  test('a listing that fails after the create leaves the outcome unknown, not failed', async () => {
    const account = addAccount('Garage', add());
    await listAll(connector, 'account');
    const terse = answering(site.http, { patch_api_account_updateAccount: () => undefined });
    const breaking: Http = {
      call: (operation, call) => {
        if (operation.id === '_getContacts') site.sandbox.faults.status = { code: 500, times: 9 };
        return terse.call(operation, call);
      },
    };
    await expect(
      site.connect({}, breaking).create('contact', { canonicalId: 'c1', values: { ...zoe, account } }),
    ).rejects.toMatchObject({ code: 'outcome_unknown' });
  });
});

const outside = {
  id: '0190a6f2-1000-7a10-9b33-6f00c1d2e3f4',
  dateCreated: 'x',
  isDeleted: false,
  systemName: 'HUB',
  thirdPartyId: '7',
  metadata: '{}',
  tenant: {},
};
const stubs = (body: unknown) => ((body as Wire).contacts as Wire[]).map(({ id }) => ({ id }));

describe('a change of a contact that has an account', () => {
  test('sends the whole contact among its siblings, and changes nothing but the field', async () => {
    const [leo, zoeId] = [add({ firstName: 'Léo' }), add({ firstName: 'Zoé', city: 'Québec', notes: 'unknown key' })];
    const account = addAccount('Garage', leo, zoeId);
    const before = people().all('contact');

    const { record } = await update(zoeId, { 'phone.mobile': '+1 438 555 0199' });

    expect(site.sandbox.requests.map(({ operation }) => operation)).toEqual([
      '_getAccounts',
      'patch_api_account_updateAccount',
    ]);
    expect(site.writes()[0]?.body).toEqual({
      contacts: [
        { id: leo, firstName: 'Léo', isActive: true },
        { id: zoeId, firstName: 'Zoé', city: 'Québec', isActive: true, mobilePhone: '+1 438 555 0199' },
      ],
    });
    expect(people().all('contact')).toEqual([before[0], { ...before[1], mobilePhone: '+1 438 555 0199' }]);
    expect(contactsOf(account)).toEqual([leo, zoeId]);
    expect(record).toEqual(await listed(zoeId));
  });

  test.each(['has an account', 'has none'])(
    'is not sent, but looked at again, where somebody has edited the field since the look that it rests on: it %s',
    async (home) => {
      const id = add({ firstName: 'Zoé', lastName: 'Roy', city: 'Québec' });
      if (home === 'has an account') addAccount('Garage', id);
      const { values: shown, locator } = await listed(id);
      const resting = (changes: Values) => ({
        canonicalId: 'c1',
        changes,
        known: shown,
        shown,
        ...(locator && { locator }),
      });
      people().edit('contact', id, { city: 'Lévis' });
      await expect(connector.update('contact', id, resting({ 'address.billing.city': 'Laval' }))).rejects.toThrow(
        LookAgainError,
      );
      expect(site.writes()).toEqual([]);
      await connector.update('contact', id, resting({ 'phone.mobile': '+1 438 555 0199' }));
      expect(people().all('contact')[0]).toMatchObject({ city: 'Lévis', mobilePhone: '+1 438 555 0199' });
    },
  );

  test('is not sent again as it is when it did not get through, though a carrier is to be made for it', async () => {
    const id = add({ firstName: 'Zoé' });
    site.sandbox.faults.status = { code: 429, times: 1, only: ({ method }) => method === 'POST' };
    await expect(update(id, { 'name.family': 'Roy' })).rejects.toThrow(LookAgainError);
    expect(site.writes()).toHaveLength(1);
  });

  test('is not sent again as it is when it did not get through: a sibling may have been edited meanwhile', async () => {
    const id = add({ firstName: 'Zoé' });
    addAccount('Garage', id, add({ firstName: 'Léo' }));
    site.sandbox.faults.status = { code: 503, times: 1, only: ({ method }) => method === 'PATCH' };
    await expect(update(id, { 'name.family': 'Roy' })).rejects.toThrow(LookAgainError);
    expect(site.writes()).toHaveLength(1);
  });

  test('tells what went back as it was read, with or without an account', async () => {
    const [settled, alone] = [add({ lastName: 'Roy', city: 'Lévis' }), add({ lastName: 'Caron', city: 'Lévis' })];
    addAccount('Garage', settled);
    for (const id of [settled, alone]) {
      const { resent } = await update(id, { 'name.given': 'Luc' });
      expect(resent).toMatchObject({ 'address.billing.city': 'Lévis' });
      for (const path of ['name.given', 'account']) expect(resent).not.toHaveProperty(path);
    }
  });

  test('clears a field, as the option says', async () => {
    const id = add({ firstName: 'Zoé', city: 'Québec', homePhone: '418 555 0100' });
    addAccount('Garage', id);
    await update(id, { 'address.billing.city': null, active: null });
    expect(sentContacts()[0]).toMatchObject({ city: null, isActive: true });
    expect(site.seen('contact', id).city).toBeNull();
    await update(id, { 'phone.home': null }, site.connect({ clearWith: '' }));
    expect(sentContacts()[0]).toMatchObject({ homePhone: '' });
  });

  test('made through its carrier goes into the carrier again', async () => {
    const { externalId } = await connector.create('contact', { canonicalId: 'c1', values: zoe });
    const { record } = await update(externalId, { 'name.family': 'Roy' });
    expect(site.writes().map(({ method }) => method)).toEqual(['PATCH']);
    expect(people().all('account')).toHaveLength(1);
    expect(record).toEqual(await listed(externalId));
    expect(record?.values).toMatchObject({ 'name.family': 'Roy', 'email.primary': 'zoe@example.ca' });
  });

  test('goes into its real account, not into a carrier that it also has', async () => {
    const { externalId } = await connector.create('contact', { canonicalId: 'c1', values: zoe });
    const account = addAccount('Garage', externalId);
    expect((await listed(externalId)).values.account).toBe(account);
    await update(externalId, { 'name.family': 'Roy' });
    expect(site.writes()[0]?.path).toBe(`/api/account/${account}`);
  });

  test('sends bare ids back as bare ids, and its own contact whole from what is known', async () => {
    const [leo, id] = [add({ firstName: 'Léo' }), add({ firstName: 'Zoé', lastName: 'Côté', city: 'Québec' })];
    addAccount('Garage', leo, id);
    const terse = site.connect(
      {},
      answering(site.http, {
        _getAccounts: (body) => ({
          accounts: (body as { accounts: Wire[] }).accounts.map((a) => ({ ...a, contacts: stubs(a) })),
        }),
        _getContacts: () => [],
      }),
    );
    const { record, externalId } = await update(id, { 'name.given': 'Zoë' }, terse);
    expect(sentContacts()).toEqual([
      { id: leo },
      { id, firstName: 'Zoë', lastName: 'Côté', city: 'Québec', isActive: true },
    ]);
    expect({ externalId, given: record?.values['name.given'] }).toEqual({ externalId: id, given: 'Zoë' });
  });

  test('does not unlink the others when the account shows its list cut to nothing', async () => {
    const [leo, id] = [add({ firstName: 'Léo' }), add({ firstName: 'Zoé', primaryEmail: 'zoe@example.ca' })];
    const account = addAccount('Garage', leo, id);
    const cut = site.connect(
      {},
      answering(site.http, {
        _getAccounts: (body) => ({
          accounts: (body as { accounts: Wire[] }).accounts.map((a) => ({ ...a, contacts: [] })),
        }),
      }),
    );
    const { record } = await update(id, { 'name.given': 'Zoë' }, cut);
    expect(contactsOf(account)).toEqual([leo, id]);
    expect(site.seen('contact', id).firstName).toBe('Zoë');
    expect(record?.values.account).toBe(account);
  });

  test('is read from the list when the reply shows bare ids', async () => {
    const id = add({ firstName: 'Zoé', city: 'Québec' });
    addAccount('Garage', id);
    const answers = {
      patch_api_account_updateAccount: (body: unknown) => ({ ...(body as Wire), contacts: stubs(body) }),
    };
    const { record } = await update(id, { 'name.given': 'Zoë' }, site.connect({}, answering(site.http, answers)));
    expect(record).toEqual(await listed(id));
    expect(record?.values['name.given']).toBe('Zoë');
  });

  test('is refused when the list holds a contact without an id, for that one would be lost', async () => {
    const id = add({ firstName: 'Zoé' });
    addAccount('Garage', id, add({ firstName: 'Léo', id: null }));
    await expect(update(id, { 'name.given': 'Zoë' })).rejects.toMatchObject({ code: 'rejected' });
    expect(site.writes()).toEqual([]);
  });

  test('finds the account under its new name', async () => {
    const id = add({ firstName: 'Zoé' });
    const account = addAccount('Garage', id);
    const before = await listed(id);
    people().edit('account', account, { name: 'Atelier' });
    await update(id, { 'name.given': 'Zoë' }, site.connect({ queryEntities: { account: null } }), before);
    expect(site.seen('contact', id).firstName).toBe('Zoë');
    expect(contactsOf(account)).toEqual([id]);
  });

  test('follows a contact that a person moved to another account, and does not move it back', async () => {
    const id = add({ firstName: 'Zoé' });
    const [old, other] = [addAccount('Garage', id), addAccount('Atelier')];
    const before = await listed(id);
    people().edit('contact', id, { accounts: [{ id: other }] });
    const { record } = await update(id, { 'name.given': 'Zoë' }, connector, before);
    expect({ old: contactsOf(old), other: contactsOf(other) }).toEqual({ old: [], other: [id] });
    expect(record?.values).toMatchObject({ 'name.given': 'Zoë', account: other });
  });

  test('outlives its account: it gets a carrier', async () => {
    const id = add({ firstName: 'Zoé', city: 'Québec' });
    const account = addAccount('Garage', id);
    const before = await listed(id);
    people().remove('account', account);
    const { record } = await update(id, { 'name.given': 'Zoë' }, connector, before);
    expect(site.seen('contact', id)).toMatchObject({ firstName: 'Zoë', city: 'Québec' });
    expect(
      people()
        .all('account')
        .map(({ name }) => name),
    ).toEqual([`Zoë ${MARK}`]);
    expect(record).toEqual(await listed(id));
  });

  test('whose account goes between reading and writing is looked up afresh', async () => {
    const id = add({ firstName: 'Zoé' });
    const account = addAccount('Garage', id);
    const racing: Http = {
      call: async (operation, call) => {
        if (
          operation.method === 'PATCH' &&
          people()
            .all('account')
            .some((one) => one.id === account)
        )
          people().remove('account', account);
        return site.http.call(operation, call);
      },
    };
    await update(id, { 'name.given': 'Zoë' }, site.connect({}, racing));
    expect(site.seen('contact', id).firstName).toBe('Zoë');
  });

  test('of a contact that is not there any more is gone, and makes no new one', async () => {
    const [lone, id] = [add({ firstName: 'Léo' }), add({ firstName: 'Zoé' })];
    addAccount('Garage', id);
    for (const gone of [lone, id]) {
      const before = await listed(gone);
      people().remove('contact', gone);
      await expect(update(gone, { 'name.given': 'X' }, connector, before)).rejects.toMatchObject({ code: 'gone' });
      expect(site.writes()).toEqual([]);
    }
  });

  test('two at once in one account keep each other', async () => {
    const [leo, id] = [add({ firstName: 'Léo' }), add({ firstName: 'Zoé' })];
    const account = addAccount('Garage', leo, id);
    const known = await listAll(connector, 'contact');
    const change = (record: CrmRecord, given: string) =>
      update(record.externalId, { 'name.given': given }, connector, record);
    await Promise.all([
      change(known.records[0] as CrmRecord, 'Léon'),
      change(known.records[1] as CrmRecord, 'Zoë'),
      connector.create('contact', { canonicalId: 'c3', values: { 'name.given': 'Éva', account } }),
    ]);
    expect((site.seen('account', account).contacts as Wire[]).map(({ firstName }) => firstName)).toEqual([
      'Léon',
      'Zoë',
      'Éva',
    ]);
  });
});

test('a write into one account does not take back what was just changed through another one that lists the same person', async () => {
  const [shared, id] = [add({ firstName: 'Zoé' }), add({ firstName: 'Léo' })];
  const [garage, atelier] = [addAccount('Garage', shared), addAccount('Atelier', shared, id)];
  const [before, other] = [await listed(shared), await listed(id)];
  await Promise.all([
    update(id, { 'name.given': 'Léon' }, connector, other),
    update(shared, { 'name.given': 'Zoë' }, connector, before),
    connector.create('contact', { canonicalId: 'c3', values: { 'name.given': 'Éva', account: atelier } }),
  ]);
  expect([shared, id].map((one) => site.seen('contact', one).firstName)).toEqual(['Zoë', 'Léon']);
  expect(contactsOf(garage)).toEqual([shared]);
});

describe('a change of a contact that has no account', () => {
  test('makes a carrier for it, with its id and everything it holds', async () => {
    const id = add({ firstName: 'Zoé', city: 'Québec' });
    const { record } = await update(id, { 'name.given': 'Zoë' });
    expect(bodies()).toEqual([
      ['POST', { name: `Zoë ${MARK}`, contacts: [{ id, firstName: 'Zoë', city: 'Québec', isActive: true }] }],
    ]);
    expect(record).toEqual(await listed(id));
    expect(people().all('contact')).toHaveLength(1);
  });
});

test('a contact that nothing can be searched by is found by reading the whole list', async () => {
  const id = add({ workPhone: '514 555 0142' });
  await update(id, { 'phone.work': '514 555 0143' });
  expect(site.seen('contact', id).workPhone).toBe('514 555 0143');
});

describe("a change of a contact's account", () => {
  test('links it to the new account with all it holds, beside the old one', async () => {
    const [leo, id] = [add({ firstName: 'Léo' }), add({ firstName: 'Zoé', city: 'Québec' })];
    const [old, next] = [addAccount('Garage', id), addAccount('Atelier', leo)];
    const { record } = await update(id, { account: next, 'name.given': 'Zoë' });
    expect({ old: contactsOf(old), next: contactsOf(next) }).toEqual({ old: [id], next: [leo, id] });
    expect(site.seen('contact', id)).toMatchObject({ firstName: 'Zoë', city: 'Québec' });
    // The list still names the old account first, and that is what the reply says: the truth, not our wish.
    expect(record).toEqual(await listed(id));
    expect(record?.values.account).toBe(old);
  });

  test('of one that only had a carrier shows the account from then on', async () => {
    const { externalId } = await connector.create('contact', { canonicalId: 'c1', values: zoe });
    const account = addAccount('Garage');
    const { record } = await update(externalId, { account });
    expect(record?.values.account).toBe(account);
    expect(record).toEqual(await listed(externalId));
  });

  test('to none writes nothing, and the reply says what still stands', async () => {
    const id = add({ firstName: 'Zoé' });
    const account = addAccount('Garage', id);
    const { record } = await update(id, { account: null });
    expect(site.writes()).toEqual([]);
    expect(record?.values.account).toBe(account);
    expect(accountsOf(id)).toHaveLength(1);
  });
});

describe('what is declared', () => {
  test('contactWrites off: nothing of a contact is written, and it says why', async () => {
    const off = site.connect({ contactWrites: 'off' });
    const { create, update: change, delete: remove } = off.capabilities.contact ?? {};
    for (const capability of [create, change, remove])
      expect(capability).toEqual({ absent: 'options.contactWrites is off' });
    expect(off.mappings.contact?.fields.every(({ access }) => access === 'readOnly')).toBe(true);
    await expect(off.create('contact', { canonicalId: 'c1', values: zoe })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  test('a contact is never deleted', async () => {
    await expect(connector.delete('contact', 'x', undefined)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('no DELETE on /api/contact'),
    });
  });

  test('writes to an account and to its contacts have one scope', async () => {
    const id = add({ firstName: 'Zoé' });
    const account = addAccount('Garage', id);
    const { locator } = await listed(id);
    expect(connector.writeScope?.('contact', id, locator)).toBe(`account:${account}`);
    expect(connector.writeScope?.('account', account, undefined)).toBe(`account:${account}`);
    expect(connector.writeScope?.('contact', id, undefined)).toBeUndefined();
    expect(connector.writeScope?.('contact', id, 'no JSON')).toBeUndefined();
  });
});

describe('whatever is written at once', () => {
  const operation = fc.oneof(
    fc.record({ do: fc.constant('create' as const), account: fc.option(fc.nat(2)) }),
    fc.record({ do: fc.constant('update' as const), contact: fc.nat(4) }),
    fc.record({ do: fc.constant('join' as const), contact: fc.nat(4), account: fc.nat(2) }),
  );
  const world = fc.record({
    /** Of each contact, the accounts it is in. */
    links: fc.array(fc.uniqueArray(fc.nat(2)), { minLength: 5, maxLength: 5 }),
    operations: fc.uniqueArray(operation, {
      minLength: 1,
      maxLength: 6,
      // The engine never writes one contact twice at once.
      selector: (one) => ('contact' in one ? one.contact : one),
    }),
  });

  property.prop([world], { numRuns: 60 })(
    'no contact is lost, doubled, unlinked or changed but where it was meant',
    async ({ links, operations }) => {
      const here = await startSite();
      const { people: crowd } = here.sandbox;
      const accounts = ['Garage', 'Atelier', 'Carrosserie'].map((name) => crowd.add('account', { name }));
      const at = (index: number) => accounts[index] as string;
      const ids = links.map((own, index) =>
        crowd.add('contact', { firstName: `n${index}`, city: 'Québec', accounts: own.map((one) => ({ id: at(one) })) }),
      );
      const known = (await listAll(here.connector, 'contact')).records;
      const expected = links.map((own, index) => ({
        firstName: `n${index}`,
        city: 'Québec',
        in: new Set(own.map(at)),
      }));

      await Promise.all(
        operations.map((one, index) => {
          if (one.do === 'create') {
            const account = one.account === null ? undefined : at(one.account);
            const values = { 'name.given': `new${index}`, ...(account !== undefined && { account }) };
            expected.push({ firstName: `new${index}`, city: '', in: new Set(account === undefined ? [] : [account]) });
            return here.connector.create('contact', { canonicalId: `c${index}`, values });
          }
          const { externalId, values, locator } = known[one.contact] as CrmRecord;
          const wanted = expected[one.contact] as { firstName: string; in: Set<string> };
          wanted.firstName = `changed${index}`;
          if (one.do === 'join') wanted.in.add(at(one.account));
          const changes = { 'name.given': wanted.firstName, ...(one.do === 'join' && { account: at(one.account) }) };
          const change = { canonicalId: 'c', changes, known: values, ...(locator !== undefined && { locator }) };
          return here.connector.update('contact', externalId, change);
        }),
      );

      const isReal = ({ id }: Wire) => accounts.includes(id as string);
      const held = crowd.all('contact').map((contact) => ({
        firstName: contact.firstName,
        city: contact.city ?? '',
        in: new Set((contact.accounts as Wire[]).filter(isReal).map(({ id }) => id)),
      }));
      await here.close();
      expect(ids).toHaveLength(links.length);
      expect(new Set(held.map((one) => one.firstName)).size).toBe(held.length);
      expect(held).toHaveLength(expected.length);
      for (const one of expected) expect(held).toContainEqual(one);
    },
  );
});

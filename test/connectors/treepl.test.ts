import { afterEach, describe, expect, test } from 'vitest';
import { treepl } from '../../connectors/treepl/index.ts';
import type { TreeplSandboxOptions } from '../../connectors/treepl/sandbox.ts';
import type { BadRecord, Connector, CrmRecord, Page } from '../../src/connector/connector.ts';
import {
  AuthError,
  GoneError,
  LookAgainError,
  MalformedReplyError,
  RejectedError,
  UnknownOutcomeError,
  UnsupportedError,
} from '../../src/connector/errors.ts';
import { type Site, startSite } from './treepl-site.ts';

let site: Site;
afterEach(() => site.close());

async function start(options: unknown = {}, sandboxOptions: TreeplSandboxOptions = {}): Promise<Site> {
  site = await startSite(options, sandboxOptions);
  return site;
}

const ana = {
  Email: 'ana@example.ro',
  FirstName: 'Ana',
  LastName: 'Ștefănescu',
  Phone: '+40 268 000 000',
  Type: 2,
  Notes: 'Sună marți',
  IsDataUsingAllowed: true,
  CustomCrmGroups: { sync: { size: 12, vip: false }, shop: { vat: 'RO1' } },
  Loyalty: { Level: 'gold', Points: 7 },
};
const add = (wire: object = ana): string => site.sandbox.people.add('contact', wire as never);
const held = (id: string): Record<string, unknown> | undefined =>
  site.sandbox.people.all('contact').find((wire) => String(wire.Id) === id);
const operations = (): (string | undefined)[] => site.sandbox.requests.map(({ operation }) => operation);
const change = (changes: CrmRecord['values']) => ({ canonicalId: 'c-1', changes, known: {} });

async function scanned(connector: Connector = site.connector): Promise<{ records: CrmRecord[]; bad: BadRecord[] }> {
  const pages: Page[] = [];
  for await (const page of connector.list('contact')) pages.push(page);
  return { records: pages.flatMap(({ records }) => records), bad: pages.flatMap(({ bad }) => bad) };
}

describe('list', () => {
  test.each([{ listQuery: 'query' }, { listQuery: 'body' }, { pageSize: 7 }, { pageSize: 1000 }])(
    'brings every contact once, however many pages, with %j',
    async (options) => {
      await start(options, { maxPage: 10 });
      const ids = Array.from({ length: 53 }, (_, index) => add({ Email: `p${index}@example.ro` }));
      const { records, bad } = await scanned();
      expect(records.map(({ externalId }) => externalId).toSorted()).toEqual(ids.toSorted());
      expect(bad).toEqual([]);
      const asked = site.sandbox.requests.map(({ query, body }) => ({ ...query, ...(body as object) }));
      const limit = options.pageSize ?? 100;
      for (const query of asked)
        expect(query).toMatchObject(
          options.listQuery === 'body'
            ? { Where: {}, Order_By: 'Id', Limit: limit }
            : { Where: '{}', Order_By: 'Id', Limit: String(limit) },
        );
    },
  );

  test('an empty site is a complete scan of nothing', async () => {
    await start();
    expect(await scanned()).toEqual({ records: [], bad: [] });
  });

  test('bad records are set aside with their reason, the rest of the page goes through', async () => {
    await start();
    const good = add();
    const broken = add({ ...ana, Notes: 'n'.repeat(1_000_000) });
    const wrong = add({ ...ana, IsDataUsingAllowed: 'yes' });
    const dated = add({ ...ana, CreatedDate: 'soon' });
    site.sandbox.people.edit('contact', add(), { Id: null });
    const last = add();
    const { records, bad } = await scanned();
    expect(records.map(({ externalId }) => externalId)).toEqual([good, last]);
    expect(bad.map(({ externalId }) => externalId)).toEqual([broken, wrong, dated, undefined]);
    expect(bad.map(({ reason }) => reason.split(':')[0])).toEqual(['Notes', 'IsDataUsingAllowed', 'CreatedDate', 'Id']);
  });

  test.each(['html', 'truncated', 'contentType', 'empty'] as const)(
    'a page garbled as %s ends the scan with an error, never as complete',
    async (how) => {
      await start({ pageSize: 10 });
      for (let index = 0; index < 25; index++) add();
      site.sandbox.faults.garble = { how, times: 9, only: ({ query }) => Number(query.Offset) > 0 };
      await expect(scanned()).rejects.toThrow(MalformedReplyError);
    },
  );

  test('a 200 without Items is no listing', async () => {
    await start();
    const connector = withReply({ Message: 'hello' });
    await expect(scanned(connector)).rejects.toThrow(/without a list of Items/);
  });

  test('a bare array and keys in another case are a listing', async () => {
    await start();
    const item = { id: 5, email: 'a@example.ro' };
    const found = [{ externalId: '5', values: { 'email.primary': 'a@example.ro' } }];
    expect((await scanned(withReplies([[item], []]))).records).toEqual(found);
    const enveloped = [{ items: [item], totalItemsCount: 1 }, { items: [] }];
    expect((await scanned(withReplies(enveloped))).records).toEqual(found);
  });

  test('a 404 is a wrong address, not a deletion', async () => {
    await start();
    site.sandbox.faults.status = { code: 404, times: 9 };
    await expect(scanned()).rejects.toThrow(RejectedError);
    await expect(site.connector.create('contact', { canonicalId: 'c-1', values: {} })).rejects.toThrow(/base URL/);
  });

  test('where and orderBy are passed on', async () => {
    await start({ where: { City: 'Cluj' }, orderBy: 'Email' });
    add({ ...ana, City: 'Brașov' });
    const second = add({ Email: 'z@example.ro', City: 'Cluj' });
    const first = add({ Email: 'a@example.ro', City: 'Cluj' });
    expect((await scanned()).records.map(({ externalId }) => externalId)).toEqual([first, second]);
  });
});

describe('read', () => {
  test('brings the mapped fields', async () => {
    await start({ customFields: { size: 'sync.size' }, xrefField: 'sync.hubId' });
    const id = add({ ...ana, CustomCrmGroups: { sync: { size: 12, hubId: 'c-9' } } });
    expect(await site.connector.read('contact', id, undefined)).toEqual({
      state: 'found',
      record: {
        externalId: id,
        values: {
          'email.primary': 'ana@example.ro',
          'name.given': 'Ana',
          'name.family': 'Ștefănescu',
          'phone.primary': '+40 268 000 000',
          'address.billing.street': null,
          'address.billing.city': null,
          'address.billing.region': null,
          'address.billing.postalCode': null,
          'address.billing.country': null,
          website: null,
          status: null,
          notes: 'Sună marți',
          consent: true,
          'custom.size': 12,
        },
        xrefs: [{ system: 'concordat', id: 'c-9' }],
      },
    });
  });

  test('keys that the site leaves out are silence', async () => {
    await start({}, { habits: { omitsNull: true } });
    const reply = await site.connector.read('contact', add({ Email: 'b@example.ro' }), undefined);
    expect(reply).toMatchObject({ record: { values: { 'email.primary': 'b@example.ro' } } });
    expect(Object.keys(reply.state === 'found' ? reply.record.values : {})).toEqual(['email.primary']);
  });

  test('a contact that is not there is gone; a refusal is not', async () => {
    await start();
    expect(await site.connector.read('contact', '99', undefined)).toEqual({ state: 'gone' });
    site.sandbox.faults.refuseToken = true;
    await expect(site.connector.read('contact', '99', undefined)).rejects.toThrow(AuthError);
  });

  test('another contact, or none, under this id is no answer', async () => {
    await start();
    for (const body of [{ Id: 2 }, { Email: 'x@example.ro' }, undefined])
      await expect(withReply(body).read('contact', '1', undefined)).rejects.toThrow(MalformedReplyError);
  });

  test('a contact that cannot be used is an error that names the field, not "gone"', async () => {
    await start();
    const id = add({ ...ana, City: 5 });
    await expect(site.connector.read('contact', id, undefined)).rejects.toThrow(/City: expected a text, got a number/);
  });
});

describe('create', () => {
  const values = {
    'email.primary': 'marta@example.pl',
    'name.given': 'Marta',
    notes: null,
    status: '',
    consent: false,
  };

  test('sends the filled fields and nothing else, and returns what the site holds', async () => {
    await start({}, { habits: { lowerCasesEmail: true } });
    const reply = await site.connector.create('contact', {
      canonicalId: 'c-1',
      values: { ...values, 'email.primary': 'Marta@Example.PL', jobTitle: 'no such field here' },
    });
    expect(site.sandbox.requests.map(({ body }) => body)).toEqual([
      { Email: 'Marta@Example.PL', FirstName: 'Marta', IsDataUsingAllowed: false },
    ]);
    expect(reply.externalId).toBe('1');
    expect(reply.record?.values).toMatchObject({ 'email.primary': 'marta@example.pl', notes: null, consent: false });
  });

  test('sends our id in the custom field that is meant for it, next to mapped custom fields', async () => {
    await start({ xrefField: 'sync.hubId', customFields: { size: 'sync.size' } });
    const reply = await site.connector.create('contact', {
      canonicalId: 'c-1',
      values: { ...values, 'custom.size': 3 },
    });
    expect(held(reply.externalId)?.CustomCrmGroups).toEqual({ sync: { hubId: 'c-1', size: 3 } });
    expect(reply.record?.xrefs).toEqual([{ system: 'concordat', id: 'c-1' }]);
  });

  test.each([undefined, {}, { Id: '' }, []])(
    'a success without an id (%j) leaves the outcome unknown',
    async (body) => {
      await start();
      const created = withReply(body).create('contact', { canonicalId: 'c-1', values });
      await expect(created).rejects.toThrow(UnknownOutcomeError);
    },
  );

  test.each(['html', 'truncated', 'empty'] as const)(
    'a reply garbled as %s leaves the outcome unknown, and the contact is there once',
    async (how) => {
      await start();
      site.sandbox.faults.garble = { how, times: 1 };
      const created = site.connector.create('contact', { canonicalId: 'c-1', values });
      await expect(created).rejects.toThrow(UnknownOutcomeError);
      expect(site.sandbox.people.all('contact')).toHaveLength(1);
    },
  );

  test('what the site refuses is rejected with its words', async () => {
    await start({}, { habits: { uniqueEmail: true } });
    add({ Email: 'MARTA@example.pl' });
    const created = site.connector.create('contact', { canonicalId: 'c-1', values });
    await expect(created).rejects.toMatchObject({
      code: 'rejected',
      status: 400,
      detail: 'A contact with this Email already exists.',
    });
  });
});

describe('update', () => {
  test('changes the named fields and preserves everything else, mapped or not', async () => {
    await start({ customFields: { size: 'sync.size' } });
    const id = add();
    const before = held(id);
    site.sandbox.forgetRequests();
    const reply = await site.connector.update(
      'contact',
      id,
      change({ notes: 'n', 'phone.primary': null, 'custom.size': 13 }),
    );
    expect(operations()).toEqual(['contact_item', 'contact_update']);
    expect(held(id)).toEqual({
      ...before,
      Notes: 'n',
      Phone: null,
      CustomCrmGroups: { sync: { size: 13, vip: false }, shop: { vat: 'RO1' } },
    });
    expect(reply.record?.values).toMatchObject({ notes: 'n', 'phone.primary': null, 'custom.size': 13 });
    const sent = site.sandbox.requests.at(-1)?.body;
    expect(sent).toMatchObject({ Id: 1, Type: 2, CrmType: 'Contact', Role: 'General', Loyalty: { Points: 7 } });
    for (const key of ['EmailConfirmed', 'CreatedDate', 'CustomerTypeName', 'Password'])
      expect(sent).not.toHaveProperty(key);
  });

  test('overlays what a person wrote a moment before, not what we knew', async () => {
    await start();
    const id = add();
    site.sandbox.people.edit('contact', id, { City: 'Sibiu' });
    await site.connector.update('contact', id, {
      ...change({ notes: 'n' }),
      known: { 'address.billing.city': 'Cluj' },
    });
    expect(held(id)).toMatchObject({ City: 'Sibiu', Notes: 'n' });
  });

  test('an emptied text is written as the connection says', async () => {
    await start({ clearWith: '' });
    const id = add();
    await site.connector.update('contact', id, change({ notes: null }));
    expect(held(id)?.Notes).toBe('');
  });

  test('the reply tells what the site made of it', async () => {
    await start({}, { habits: { trims: true, stateLength: 3 } });
    const reply = await site.connector.update('contact', add(), change({ 'address.billing.region': ' Brașov ' }));
    expect(reply.record?.values).toMatchObject({ 'address.billing.region': 'Bra' });
  });

  test('the reply tells what was sent again as it was read, so that what the site made of that is no edit', async () => {
    const item = { Id: 1, Email: 'a@example.ro', State: 'Brașov', Notes: 'm' };
    const cut = { ...item, State: 'Bra', Notes: 'n' };
    const reply = await withReplies([item, cut]).update('contact', '1', change({ notes: 'n' }));
    expect(reply.record?.values).toMatchObject({ 'address.billing.region': 'Bra', notes: 'n' });
    expect(reply.resent).toEqual({ 'email.primary': 'a@example.ro', 'address.billing.region': 'Brașov' });
  });

  test('a site that refuses undocumented keys is asked once more without them, and not tried again', async () => {
    await start({}, { habits: { refusesUnknown: true } });
    const id = add();
    await site.connector.update('contact', id, change({ notes: 'one' }));
    expect(operations()).toEqual(['contact_item', 'contact_update', 'contact_update']);
    await site.connector.update('contact', id, change({ notes: 'two' }));
    expect(operations().slice(3)).toEqual(['contact_item', 'contact_update']);
    expect(held(id)).toMatchObject({ Notes: 'two', Email: 'ana@example.ro' });
  });

  test('a value that the site refuses stays refused, and undocumented keys are sent again next time', async () => {
    await start();
    const id = add();
    await expect(site.connector.update('contact', id, change({ 'email.primary': 'none' }))).rejects.toThrow(
      RejectedError,
    );
    expect(held(id)).toMatchObject({ Email: 'ana@example.ro', Loyalty: { Points: 7 } });
    await site.connector.update('contact', id, change({ notes: 'n' }));
    expect(held(id)).toMatchObject({ Notes: 'n', Loyalty: { Points: 7 } });
  });

  test('a refused body without undocumented keys is not sent twice', async () => {
    await start();
    const id = add();
    site.sandbox.people.edit('contact', id, { Loyalty: undefined, ModifiedBy: undefined });
    await expect(site.connector.update('contact', id, change({ 'email.primary': 'none' }))).rejects.toThrow(
      RejectedError,
    );
    expect(operations()).toEqual(['contact_item', 'contact_update']);
  });

  test('undocumented keys stay home when told so', async () => {
    await start({ unknownFields: 'omit' }, { habits: { refusesUnknown: true } });
    await site.connector.update('contact', add(), change({ notes: 'n' }));
    expect(operations()).toEqual(['contact_item', 'contact_update']);
  });

  test('a contact that is not there, or goes between read and write, is gone', async () => {
    await start();
    await expect(site.connector.update('contact', '99', change({ notes: 'n' }))).rejects.toThrow(GoneError);
    const id = add();
    site.sandbox.faults.status = { code: 404, times: 1, only: ({ method }) => method === 'PUT' };
    await expect(site.connector.update('contact', id, change({ notes: 'n' }))).rejects.toThrow(GoneError);
  });

  test('of what somebody has edited since the look that it rests on is not sent, but looked at again', async () => {
    await start();
    const id = add();
    const look = await site.connector.read('contact', id, undefined);
    if (look.state !== 'found') throw new Error(look.state);
    const { values } = look.record;
    const resting = (changes: CrmRecord['values']) => ({ canonicalId: 'c-1', changes, known: values, shown: values });
    site.sandbox.people.edit('contact', id, { Notes: 'Sună joi' });
    await expect(site.connector.update('contact', id, resting({ notes: 'n' }))).rejects.toThrow(LookAgainError);
    expect(held(id)).toMatchObject({ Notes: 'Sună joi' });
    await site.connector.update('contact', id, resting({ 'address.billing.city': 'Brașov' }));
    expect(held(id)).toMatchObject({ Notes: 'Sună joi', City: 'Brașov' });
  });

  test('of a whole record is not sent again as it is, for an edit made meanwhile would be undone', async () => {
    await start();
    const id = add();
    site.sandbox.faults.status = { code: 503, times: 1, only: ({ method }) => method === 'PUT' };
    await expect(site.connector.update('contact', id, change({ notes: 'n' }))).rejects.toThrow(LookAgainError);
    expect(site.sandbox.requests.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  test('a success without the contact in it tells the id and no more', async () => {
    await start();
    const item = { Id: 1, Email: 'a@example.ro' };
    for (const body of [undefined, {}, { Id: 2 }])
      expect(await withReplies([item, body]).update('contact', '1', change({ notes: 'n' }))).toEqual({
        externalId: '1',
      });
  });
});

describe('delete', () => {
  test('takes the contact away; one that is not there is gone', async () => {
    await start();
    const id = add();
    await site.connector.delete('contact', id, undefined);
    expect(site.sandbox.people.all('contact')).toEqual([]);
    await expect(site.connector.delete('contact', id, undefined)).rejects.toThrow(GoneError);
  });
});

describe('search', () => {
  const whereByEmail = { Email: '$email' };

  test('needs the option, and says so in the capabilities', async () => {
    await start();
    expect(site.connector.capabilities.contact?.search).toMatchObject({
      absent: expect.stringContaining('whereByEmail'),
    });
    await expect(site.connector.search('contact', { email: 'a@example.ro' })).rejects.toThrow(UnsupportedError);
    const other = site.connect({ whereByEmail });
    expect(other.capabilities.contact?.search).toMatchObject({ via: ['contacts_list'], by: ['email'] });
    await expect(other.search('contact', { phone: '+40' })).rejects.toThrow(UnsupportedError);
  });

  test('finds by e-mail, whatever its case, and everyone who has it', async () => {
    await start({ whereByEmail });
    const ids = [add({ Email: 'a@example.ro' }), add({ Email: 'A@EXAMPLE.RO' })];
    add({ Email: 'b@example.ro' });
    const found = await site.connector.search('contact', { email: 'A@example.ro' });
    expect(found.map(({ externalId }) => externalId)).toEqual(ids);
    expect(await site.connector.search('contact', { email: 'c@example.ro' })).toEqual([]);
  });

  test('a site that ignores the Where gives an error, never "not found"', async () => {
    await start({ whereByEmail: {} });
    add({ Email: 'b@example.ro' });
    const searched = site.connector.search('contact', { email: 'c@example.ro' });
    await expect(searched).rejects.toThrow(/whereByEmail is not what this site understands/);
  });

  test('the e-mail is put into the template as it is', async () => {
    await start({ whereByEmail: { $or: [{ Email: '$email' }, { Login: 'x$email' }], Active: true } });
    await site.connector.search('contact', { email: "a$&'b@example.ro" });
    expect(JSON.parse(site.sandbox.requests[0]?.query.Where ?? '')).toEqual({
      $or: [{ Email: "a$&'b@example.ro" }, { Login: "xa$&'b@example.ro" }],
      Active: true,
    });
  });
});

describe('over OAuth', () => {
  test('one token serves all pages, and a revoked one is renewed without a trace', async () => {
    site = await startSite({ pageSize: 5 }, {}, 'oauth');
    for (let index = 0; index < 12; index++) add();
    expect((await scanned()).records).toHaveLength(12);
    expect(site.sandbox.oauth?.issued()).toBe(1);
    site.sandbox.oauth?.revokeTokens();
    expect((await scanned()).records).toHaveLength(12);
    expect(site.sandbox.oauth?.issued()).toBe(2);
  });

  test('an application that was switched off is an auth error', async () => {
    site = await startSite({}, {}, 'oauth');
    site.sandbox.faults.refuseClient = true;
    await expect(scanned()).rejects.toThrow(AuthError);
  });
});

describe('the definition', () => {
  test('accounts and leads are not offered, and refused when asked for all the same', async () => {
    await start();
    expect(Object.keys(treepl.capabilities)).toEqual(['contact']);
    await expect(site.connector.read('account', '1', undefined)).rejects.toThrow(UnsupportedError);
    expect(() => site.connector.list('lead')).toThrow(UnsupportedError);
    expect(site.sandbox.requests).toEqual([]);
  });

  test('capabilities name documented operations only', async () => {
    await start({ xrefField: 'sync.hubId', whereByEmail: {} });
    const known = treepl.operations.map(({ id }) => id);
    for (const table of [treepl.capabilities.contact, site.connector.capabilities.contact])
      for (const ability of Object.values(table ?? {})) {
        if ('via' in ability) for (const id of ability.via) expect(known).toContain(id);
        else expect(ability.absent).toMatch(/treepl\.md §\d/);
      }
  });

  test.each([
    [{ pageSize: 1 }, 'pageSize'],
    [{ listQuery: 'header' }, 'listQuery'],
    [{ customFields: { size: 'nodot' } }, 'GroupAlias.FieldAlias'],
    [{ customFields: { a: 'g.f', b: 'g.f' } }, 'each custom field once'],
    [{ customFields: { a: 'g.f' }, xrefField: 'g.f' }, 'each custom field once'],
    [{ phoneRegion: 'Romania' }, 'two capital letters'],
    [{ colour: 'red' }, 'colour'],
  ])('options %j are refused with a message about %s', async (options, told) => {
    await start();
    const result = treepl.options.safeParse(options);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues)).toContain(told);
  });

  test('an error body of any shape becomes one line of at most 300 characters', async () => {
    await start();
    expect(treepl.errorMessage(400, { Message: 'The Email\n  is taken.' })).toBe('The Email is taken.');
    expect(treepl.errorMessage(400, { errors: { Email: ['taken'] } })).toBe('{"errors":{"Email":["taken"]}}');
    expect(treepl.errorMessage(502, '<html><style>p{}</style><h1>Bad gateway</h1></html>')).toBe('Bad gateway');
    for (const body of [undefined, null, '', '<br>'])
      expect(treepl.errorMessage(500, body)).toBe('status 500 without a text');
    const long = treepl.errorMessage(500, 'x'.repeat(10_000));
    expect([long.length, long.at(-1)]).toEqual([300, '…']);
  });
});

/** The connector over a network that answers with these bodies, one after another, all with status 200. */
function withReplies(bodies: readonly unknown[]): Connector {
  const left = [...bodies];
  return treepl.create({
    connection: 'site',
    http: { call: async () => ({ status: 200, body: left.shift(), bytes: 0 }) },
    clock: { now: () => 0, sleep: async () => undefined },
    options: treepl.options.parse({}),
    concurrent: 1,
  });
}

function withReply(body: unknown): Connector {
  return withReplies([body]);
}

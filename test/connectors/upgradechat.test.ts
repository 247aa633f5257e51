import { afterEach, describe, expect, test } from 'vitest';
import { upgradechat } from '../../connectors/upgradechat/index.ts';
import type { UpgradechatSandboxOptions } from '../../connectors/upgradechat/sandbox.ts';
import type { CrmRecord } from '../../src/connector/connector.ts';
import {
  AuthError,
  CrmError,
  GoneError,
  LookAgainError,
  MalformedReplyError,
  RejectedError,
  RetryableError,
  UnknownOutcomeError,
  UnsupportedError,
} from '../../src/connector/errors.ts';
import type { Values } from '../../src/model/values.ts';
import { type Site, startSite } from './upgradechat-site.ts';

let site: Site;
afterEach(() => site.close());

async function start(options: unknown = {}, sandboxOptions: UpgradechatSandboxOptions = {}): Promise<Site> {
  site = await startSite(options, sandboxOptions);
  return site;
}

const canonicalId = '0193a2f0-7c11-7a3e-9a51-3c0f2b6d8e10';
const elodie: Values = {
  'name.given': 'Élodie',
  'name.family': 'Béranger',
  'email.primary': 'elodie.beranger@example.fr',
  'email.secondary': 'elo@example.com',
  'phone.primary': '+33 1 70 36 39 50',
  'address.billing.city': 'Besançon',
  'address.billing.country': 'FR',
  company: 'Horlogerie Béranger & Fils',
  birthday: '1984-02-29',
  gender: 'female',
  tags: ['VIP', 'salon-été'],
  notes: null,
};
/** As people keep her in the CRM, with more in the lists and keys than we know. */
const wire = {
  firstName: 'Élodie',
  lastName: 'Béranger',
  contactXRef: canonicalId,
  note: 'Rappeler',
  isActive: true,
  stageId: 4,
  bankCode: 'ABCD',
  emailAddresses: [
    { emailAddress: 'elodie.beranger@example.fr', isActive: true, isConfirmed: true, usageTypeId: 'P', rowId: 1 },
    { emailAddress: 'elo@example.com', isActive: true, rowId: 2 },
    { emailAddress: 'third@example.com', isActive: true, rowId: 3 },
  ],
  phoneNumbers: [{ phoneNumber: '+33170363950', phoneExtension: '214', isActive: true, comment: 'bureau' }],
  tags: [{ name: 'VIP', tagId: 9 }, { name: 'Old' }],
  trackingInfo: { sourceCode: 'FAIR', customField2: 'x' },
  utmParameter: { source: 'newsletter' },
};
const add = (more: object = {}): string => site.sandbox.people.add('contact', { ...wire, ...more });
const change = (changes: Values) => ({ canonicalId, changes, known: {} });
const create = (values: Values = elodie) => site.connector.create('contact', { canonicalId, values });
const update = (id: string, changes: Values) => site.connector.update('contact', id, change(changes));
const read = (id: string) => site.connector.read('contact', id, undefined);
const only = (operation: string) => (seen: { operation: string | undefined }) => seen.operation === operation;
async function values(id: string): Promise<CrmRecord['values']> {
  const reply = await read(id);
  if (reply.state !== 'found') throw new Error(`expected a contact, got ${reply.state}`);
  return reply.record.values;
}

const forms: readonly [string, unknown, UpgradechatSandboxOptions][] = [
  ['bare', {}, {}],
  ['an envelope', {}, { replies: 'envelope' }],
  ['an envelope, as the option says', { readReply: 'envelope' }, { replies: 'envelope' }],
  ['bare, as the option says', { readReply: 'bare' }, {}],
  ['bare, without keys that hold null', {}, { habits: { omitsNull: true } }],
];

describe.each(forms)('where replies are %s', (_, options, sandboxOptions) => {
  test('a contact is created, read, changed and deleted', async () => {
    await start(options, sandboxOptions);
    const { externalId, record } = await create();
    expect(record?.xrefs).toEqual([{ system: 'concordat', id: canonicalId }]);
    expect(await values(externalId)).toMatchObject({
      'name.given': 'Élodie',
      'email.secondary': 'elo@example.com',
      'address.billing.country': 'France',
      birthday: '1984-02-29',
      gender: 'Female',
      tags: ['VIP', 'salon-été'],
    });
    const updated = await update(externalId, { 'name.given': 'Elo', 'phone.primary': null });
    expect(updated.record?.values).toMatchObject({ 'name.given': 'Elo', 'phone.primary': null });
    await site.connector.delete('contact', externalId, undefined);
    expect(await read(externalId)).toEqual({ state: 'gone' });
    expect(site.held(externalId)).toBeUndefined();
  });
});

describe('create', () => {
  test('names no more than name and e-mail first, with our id and matchExisting; then fills what is empty', async () => {
    await start();
    const { externalId } = await create();
    const [first, second, ...more] = site.upserts();
    expect(first).toEqual({
      matchExisting: true,
      contactXRef: canonicalId,
      firstName: 'Élodie',
      lastName: 'Béranger',
      emailAddresses: [{ emailAddress: 'elodie.beranger@example.fr', isActive: true }],
      inviteUser: false,
      generateAutoLoginLink: false,
      noWelcomeEmail: true,
      bypassValidation: false,
    });
    expect(second).toMatchObject({ contactId: Number(externalId), gender: 'Female', inviteUser: false });
    for (const key of ['matchExisting', 'firstName', 'note']) expect(second).not.toHaveProperty(key);
    expect(more).toEqual([]);
  });

  test.each<[Values, string]>([
    [{ 'phone.primary': '+33170363950', notes: 'x' }, 'phoneNumbers'],
    [{ 'name.given': 'Ana', notes: 'x' }, 'firstName'],
    [{ notes: 'x' }, 'note'],
  ])('of %j has %s in its first write', async (given, key) => {
    await start();
    const { externalId, record } = await create(given);
    expect(site.upserts()[0]).toHaveProperty(key);
    expect(record?.values).toMatchObject(given);
    expect(site.held(externalId)).toMatchObject({ note: key === 'firstName' || 'notes' in given ? 'x' : null });
  });

  test('by our id alone costs no contact that is there any of its e-mails, and is found again when it is repeated', async () => {
    await start({ firstWrite: 'reference' });
    const emailAddresses = ['elodie.beranger@example.fr', 'elodie@example.org'].map((emailAddress) => ({
      emailAddress,
      isActive: true,
    }));
    const there = add({ contactXRef: null, emailAddresses });
    const { externalId } = await create();
    expect((await create()).externalId).toBe(externalId);
    expect(site.upserts()[0]).toEqual({
      matchExisting: true,
      contactXRef: canonicalId,
      inviteUser: false,
      generateAutoLoginLink: false,
      noWelcomeEmail: true,
      bypassValidation: false,
    });
    expect(site.held(there)?.emailAddresses).toEqual(emailAddresses);
    expect(site.held(externalId)).toMatchObject({ firstName: 'Élodie', gender: 'Female' });
    expect(site.held(externalId)?.emailAddresses).toHaveLength(2);
    expect(site.sandbox.people.all('contact')).toHaveLength(2);
  });

  test('that the server matches with a contact of its own overwrites nothing a person entered there', async () => {
    await start();
    const id = add({ contactXRef: null, companyName: 'Bärlocher' });
    const reply = await create();
    // No record: what is different there is for the engine to see, for the first time.
    expect(reply).toEqual({ externalId: id, met: ['company'] });
    expect(site.held(id)).toMatchObject({
      contactXRef: canonicalId,
      companyName: 'Bärlocher',
      note: 'Rappeler',
      gender: 'Female',
      stageId: 4,
      phoneNumbers: [{ phoneNumber: '+33170363950', phoneExtension: '214' }],
      tags: [{ name: 'VIP', tagId: 9 }, { name: 'Old' }, { name: 'salon-été' }],
    });
  });

  test.each([['xref'], ['email']] as const)(
    'whose answer was lost is found again by a server that matches by %s',
    async (by) => {
      await start({}, { habits: { matches: [by] } });
      site.sandbox.faults.cut = { when: 'after', times: 1, only: only('CreateOrUpdateContact') };
      await expect(create()).rejects.toThrow(UnknownOutcomeError);
      const { externalId } = await create();
      expect(site.sandbox.people.all('contact').map(({ contactId }) => String(contactId))).toEqual([externalId]);
    },
  );

  test('would be made twice by a server that matches nothing: the option says so, and then it is not repeatable', async () => {
    await start({}, { habits: { matches: [] } });
    await create();
    await create();
    expect(site.sandbox.people.all('contact')).toHaveLength(2);
    expect(site.connector.capabilities.contact?.create).toMatchObject({ idempotent: true });
    expect(site.connect({ trustMatching: false }).capabilities.contact?.create).toMatchObject({ idempotent: false });
  });

  test.each([500, 503])('is not sent again by itself after a %i: the outcome is unknown', async (code) => {
    await start();
    site.sandbox.faults.status = { code, times: 1 };
    await expect(create()).rejects.toThrow(UnknownOutcomeError);
    expect(site.upserts()).toHaveLength(1);
  });

  test('that is made but cannot be completed has an unknown outcome, and is completed next time', async () => {
    await start();
    site.sandbox.faults.cut = { when: 'before', times: 9, only: only('GetContactInfo') };
    await expect(create()).rejects.toThrow(/contact 1 was made or found for 0193a2f0/);
    await expect(create()).rejects.toThrow(UnknownOutcomeError);
    delete site.sandbox.faults.cut;
    expect((await create()).externalId).toBe('1');
    expect(site.held('1')).toMatchObject({ gender: 'Female' });
  });

  test.each([
    [400, RejectedError],
    [403, AuthError],
  ] as const)(
    'whose second half is answered with %i is told so, or unknown where it could not be found again',
    async (code, expected) => {
      await start();
      const only = ({ body }: { body: unknown }) => 'contactId' in ((body ?? {}) as object);
      site.sandbox.faults.status = { code, times: 1, only };
      await expect(create()).rejects.toThrow(expected);
      site.sandbox.faults.status = { code, times: 1, only };
      const distrusting = site.connect({ trustMatching: false });
      await expect(distrusting.create('contact', { canonicalId, values: elodie })).rejects.toThrow(UnknownOutcomeError);
    },
  );

  test('answered with a 404 is a wrong address, not a deletion', async () => {
    await start();
    site.sandbox.faults.status = { code: 404, times: 1 };
    const error = await create().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RejectedError);
    expect((error as Error).message).toContain('check the base URL');
  });

  test('answered without an id has an unknown outcome', async () => {
    await start();
    site.sandbox.faults.garble = { how: 'empty', times: 1 };
    await expect(create()).rejects.toThrow(/no usable contactId; outcome unknown/);
  });

  test('that is refused is rejected, in whatever form the refusal comes', async () => {
    await start();
    await expect(create({ ...elodie, 'email.primary': 'not an address' })).rejects.toThrow(RejectedError);
    await site.close();
    await start({}, { refuses: 'in200' });
    const error = await create({ ...elodie, 'email.primary': 'not an address' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RejectedError);
    expect(error).toMatchObject({ status: 400, detail: expect.stringContaining('not a valid e-mail') });
    expect((error as Error).message).not.toContain('not an address');
  });
});

describe('read', () => {
  test('brings the mapped fields and our id', async () => {
    await start({ customFields: { plan: 'customField2' }, owners: { Ada: 311 } });
    expect(await read(add({ assignedUserId: 311 }))).toEqual({
      state: 'found',
      record: {
        externalId: '1',
        xrefs: [{ system: 'concordat', id: canonicalId }],
        values: expect.objectContaining({
          'name.given': 'Élodie',
          'name.middle': null,
          'email.primary': 'elodie.beranger@example.fr',
          'phone.primary': '+33170363950',
          'address.billing.city': null,
          website: null,
          owner: 'Ada',
          active: true,
          tags: ['VIP', 'Old'],
          'custom.plan': 'x',
        }),
      },
    });
  });

  test.each([[{}], [{ replies: 'envelope', refuses: 'in200' }]] as const)(
    'of an id that is not there is gone, with %j',
    async (form) => {
      await start({}, form);
      expect(await read('77')).toEqual({ state: 'gone' });
    },
  );

  test.each(['html', 'truncated', 'contentType', 'empty'] as const)(
    'of a reply garbled as %s is an error, never gone',
    async (how) => {
      await start();
      const id = add();
      site.sandbox.faults.garble = { how, times: 9 };
      await expect(read(id)).rejects.toThrow(MalformedReplyError);
    },
  );

  test('of another contact is an error, and so is one without a contact or with a wrong type', async () => {
    await start();
    const id = add();
    site.sandbox.people.edit('contact', id, { contactId: 99 });
    await expect(read(id)).rejects.toThrow(/answered with another contact/);
    site.sandbox.people.edit('contact', id, { contactId: 1, isActive: 'Béranger' });
    const error = await read(id).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MalformedReplyError);
    expect((error as Error).message).toContain('isActive: expected true or false, got a text of 8 characters');
    expect((error as Error).message).not.toContain('Béranger');
  });

  test('where the option promises an envelope, a bare reply is an error', async () => {
    await start({ readReply: 'envelope' });
    await expect(read(add())).rejects.toThrow(/the option readReply promises an envelope/);
  });

  test('ids that are texts are taken as they are', async () => {
    await start();
    const id = add();
    site.sandbox.people.edit('contact', id, { contactId: ' 1 ' });
    expect(await read(id)).toMatchObject({ state: 'found', record: { externalId: '1' } });
  });
});

describe('a refusal in a 200', () => {
  /** Answers every read with this body. */
  const answering = async (body: unknown) => {
    await start();
    return upgradechat.create({
      connection: 'chat',
      http: { call: async () => ({ status: 200, body, bytes: 1 }) },
      clock: { now: () => 0, sleep: async () => {} },
      options: upgradechat.options.parse({}),
      concurrent: 1,
    });
  };
  const refused = (code: number, more: object = {}) => ({
    success: false,
    result: null,
    error: { code, message: 'No.' },
    ...more,
  });

  test.each<[string, unknown, new (...args: never[]) => Error]>([
    ['code 0', refused(0), MalformedReplyError],
    ['code 400', refused(400), MalformedReplyError],
    ['code 401', refused(401), AuthError],
    ['code 403', refused(403), AuthError],
    ['unAuthorizedRequest', refused(0, { unAuthorizedRequest: true }), AuthError],
    ['code 429', refused(429), RetryableError],
    ['code 500', refused(500), RetryableError],
    ['an error alone', { error: { code: 503 } }, RetryableError],
    ['null for a result', { success: true, result: null }, MalformedReplyError],
    ['a stranger', { message: 'hello' }, MalformedReplyError],
  ])('of a read with %s is its own class, and never gone', async (_, body, expected) => {
    const connector = await answering(body);
    const error = await connector.read('contact', '5', undefined).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(expected);
    expect(error).toBeInstanceOf(CrmError);
  });

  test.each<[number, new (...args: never[]) => Error]>([
    [0, RejectedError],
    [422, RejectedError],
    [403, AuthError],
    [429, RetryableError],
    [500, UnknownOutcomeError],
  ])('of a create with code %i is its own class', async (code, expected) => {
    const connector = await answering(refused(code));
    await expect(connector.create('contact', { canonicalId, values: elodie })).rejects.toThrow(expected);
  });

  test('of a delete is one as well, whatever else its body says', async () => {
    await expect((await answering(refused(404))).delete('contact', '5', undefined)).rejects.toThrow(GoneError);
    await site.close();
    const connector = await answering({ leadRequestXref: 'x', contactId: 0 });
    await expect(connector.delete('contact', '5', undefined)).resolves.toBeUndefined();
  });
});

describe('update', () => {
  test('names what changed, with contactId and without matchExisting', async () => {
    await start();
    const id = add();
    await update(id, { 'name.given': 'Elo', notes: '' });
    expect(site.upserts()).toEqual([
      {
        contactId: 1,
        firstName: 'Elo',
        note: '',
        inviteUser: false,
        generateAutoLoginLink: false,
        noWelcomeEmail: true,
        bypassValidation: false,
      },
    ]);
    expect(site.held(id)).toMatchObject({ ...wire, firstName: 'Elo', note: '', emailAddresses: expect.any(Array) });
  });

  test('tells what went again as it was: the rest of a list', async () => {
    await start();
    const { resent } = await update(add(), { 'email.primary': 'new@example.fr' });
    expect(resent).toEqual({ 'email.secondary': 'elo@example.com' });
  });

  test('tells what went again as it was: all the rest, where whole contacts go', async () => {
    await start({ update: 'whole' });
    const { resent } = await update(add(), { 'email.primary': 'new@example.fr' });
    expect(resent).toMatchObject({
      'email.secondary': 'elo@example.com',
      'name.family': 'Béranger',
      notes: 'Rappeler',
    });
    expect(resent).not.toHaveProperty('email.primary');
  });

  test('overlays lists and objects: what we do not map survives in a CRM that replaces them', async () => {
    await start({ customFields: { size: 'customField1' } });
    const id = add();
    const reply = await update(id, { 'email.primary': 'new@example.fr', tags: ['VIP', 'neu'], 'custom.size': 'L' });
    expect(site.held(id)).toMatchObject({
      emailAddresses: [
        { emailAddress: 'new@example.fr', usageTypeId: 'P', rowId: 1, isConfirmed: false },
        { emailAddress: 'elo@example.com', rowId: 2 },
        { emailAddress: 'third@example.com', rowId: 3 },
      ],
      tags: [{ name: 'VIP', tagId: 9 }, { name: 'neu' }],
      trackingInfo: { sourceCode: 'FAIR', customField1: 'L', customField2: 'x' },
      utmParameter: { source: 'newsletter' },
    });
    expect(reply.record?.values).toMatchObject({
      'email.primary': 'new@example.fr',
      'email.secondary': 'elo@example.com',
    });
  });

  test('clears in a CRM that merges lists as well, and replaces there with the option', async () => {
    await start({ lists: 'merge' }, { habits: { lists: 'merge' } });
    const one = add({ emailAddresses: [{ emailAddress: 'a@example.com' }] });
    const cleared = await update(one, { 'email.primary': null, 'phone.primary': null });
    expect(cleared.record?.values).toMatchObject({ 'email.primary': null, 'phone.primary': null });
    const two = add({ emailAddresses: [{ emailAddress: 'a@example.com' }] });
    const replaced = await update(two, { 'email.primary': 'b@example.com' });
    expect(replaced.record?.values).toMatchObject({ 'email.primary': 'b@example.com', 'email.secondary': null });
  });

  test('puts back what a CRM cleared because it was left out, and sends the whole contact from then on', async () => {
    await start({}, { habits: { absent: 'cleared' } });
    const [one, two] = [add(), add({ contactXRef: null })];
    const reply = await update(one, { 'name.given': 'Elo' });
    expect(reply.record?.values).toMatchObject({ 'name.given': 'Elo', notes: 'Rappeler', tags: ['VIP', 'Old'] });
    expect(site.held(one)).toMatchObject({ stageId: 4, bankCode: 'ABCD', contactXRef: canonicalId, firstName: 'Elo' });
    site.sandbox.forgetRequests();
    await update(two, { 'name.given': 'Elo' });
    expect(site.upserts()).toHaveLength(1);
    expect(site.held(two)).toMatchObject({ lastName: 'Béranger', note: 'Rappeler', stageId: 4, firstName: 'Elo' });
  });

  test('puts back what each of two writes at once has cleared', async () => {
    await start({}, { habits: { absent: 'cleared' } });
    const ids = [add(), add({ contactXRef: null })];
    await Promise.all(ids.map((id) => update(id, { 'name.given': 'Elo' })));
    for (const id of ids)
      expect(site.held(id)).toMatchObject({ lastName: 'Béranger', note: 'Rappeler', firstName: 'Elo' });
  });

  test('sends the whole contact from the first time when told so', async () => {
    await start({ update: 'whole' }, { habits: { absent: 'cleared' } });
    const id = add({ newUserPassword: 'secret', inviteUser: true });
    expect(site.connector.capabilities.contact?.update).toMatchObject({ style: 'replace' });
    await update(id, { 'name.given': 'Elo' });
    expect(site.upserts()).toMatchObject([{ lastName: 'Béranger', bankCode: 'ABCD', inviteUser: false }]);
    expect(site.upserts()[0]).not.toHaveProperty('newUserPassword');
    expect(site.held(id)).toMatchObject({ lastName: 'Béranger', note: 'Rappeler', firstName: 'Elo' });
  });

  test('of a contact that is gone is gone, and makes no new one', async () => {
    await start({}, { habits: { unknownId: 'insert' } });
    await expect(update('77', { notes: 'x' })).rejects.toThrow(GoneError);
    expect(site.upserts()).toEqual([]);
  });

  test('of what somebody has edited since the look that it rests on is not sent, but looked at again', async () => {
    await start();
    const id = add();
    const shown = await values(id);
    const resting = (changes: Values) => ({ ...change(changes), known: shown, shown });
    site.sandbox.people.edit('contact', id, { note: 'Demain' });
    await expect(site.connector.update('contact', id, resting({ notes: 'x' }))).rejects.toThrow(LookAgainError);
    expect(site.upserts()).toEqual([]);
    await site.connector.update('contact', id, resting({ jobTitle: 'Gérante' }));
    expect(site.held(id)).toMatchObject({ note: 'Demain', title: 'Gérante' });
  });

  test('is not sent again as it is: it rests on a look', async () => {
    await start();
    const id = add();
    site.sandbox.faults.cut = { when: 'after', times: 1, only: only('CreateOrUpdateContact') };
    await expect(update(id, { notes: 'x' })).rejects.toThrow(LookAgainError);
    expect(site.upserts()).toHaveLength(1);
  });

  test('that was done is done, though it cannot be looked at afterwards', async () => {
    await start();
    const id = add();
    let reads = 0;
    site.sandbox.faults.status = { code: 500, times: 9, only: ({ method }) => method === 'GET' && ++reads > 1 };
    expect(await update(id, { notes: 'x' })).toEqual({ externalId: id });
    expect(site.held(id)).toMatchObject({ note: 'x' });
  });

  test('answered with another contact says that contactId does not select here', async () => {
    await start();
    const id = add();
    const { http } = site;
    const connector = upgradechat.create({
      connection: 'chat',
      http: {
        call: async (operation, call) =>
          operation.method === 'POST' ? { status: 200, body: { contactId: 2 }, bytes: 1 } : http.call(operation, call),
      },
      clock: { now: () => 0, sleep: async () => {} },
      options: upgradechat.options.parse({}),
      concurrent: 1,
    });
    await expect(connector.update('contact', id, change({ notes: 'x' }))).rejects.toThrow(/contactId does not select/);
  });
});

describe('what Upgrade.chat cannot do', () => {
  test('is refused with the reason', async () => {
    await start();
    const { connector } = site;
    expect(() => connector.list('contact')).toThrow(UnsupportedError);
    await expect(connector.search('contact', { email: 'a@example.com' })).rejects.toThrow(UnsupportedError);
    await expect(connector.read('account', '1', undefined)).rejects.toThrow(/only a company name on the contact/);
    await expect(connector.delete('lead', '1', undefined)).rejects.toThrow(/would delete the person/);
    expect(site.sandbox.requests).toEqual([]);
  });

  test('is declared: no list, no search, reads by id, no account', () => {
    const { contact, lead, account } = upgradechat.capabilities;
    for (const abilities of [contact, lead]) {
      expect(abilities).toMatchObject({ list: { absent: expect.any(String) }, read: { by: 'id' } });
      expect(abilities).toMatchObject({
        search: { absent: expect.any(String) },
        modifiedStamp: { absent: expect.any(String) },
      });
    }
    expect(account).toBeUndefined();
  });

  test('refused credentials are told as such', async () => {
    await start({}, { replies: 'envelope' });
    site.sandbox.faults.refuseToken = true;
    await expect(read('1')).rejects.toThrow(AuthError);
    await expect(create()).rejects.toThrow(AuthError);
  });
});

describe('options', () => {
  test.each([
    { readPaths: { nothing: 'x' } },
    { customFields: { size: 'customField6' } },
    { customFields: { size: 'customField1', plan: 'customField1' } },
    { owners: { Ada: 1, Bo: 1 } },
    { owners: { Ada: 'one' } },
    { usageTypes: { phone: {} } },
    { usageTypes: { email: { primary: 'P' } } },
    { phoneRegion: 'us' },
    { invite: true },
  ])('%j is refused', async (options) => {
    await start();
    expect(upgradechat.options.safeParse(options).success).toBe(false);
  });
});

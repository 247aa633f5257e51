import { afterEach, describe, expect, test } from 'vitest';
import { endpoints } from '../../connectors/upgradechat/endpoints.ts';
import { startUpgradechatSandbox, type UpgradechatSandboxOptions } from '../../connectors/upgradechat/sandbox.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';

let sandbox: Sandbox;
afterEach(() => sandbox.close());

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function start(options: UpgradechatSandboxOptions = {}): Promise<void> {
  sandbox = await startUpgradechatSandbox(options);
}

async function call(id: keyof typeof endpoints, given?: object | string): Promise<Reply> {
  const { method, path } = endpoints[id];
  const query = typeof given === 'string' ? `?${given}` : '';
  const reply = await fetch(`${sandbox.url}${path}${query}`, {
    method,
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json;odata.metadata=minimal' },
    ...(typeof given === 'object' ? { body: JSON.stringify(given) } : {}),
  });
  const text = await reply.text();
  return { status: reply.status, body: text === '' ? undefined : JSON.parse(text) };
}

const upsert = async (body: object): Promise<unknown> =>
  ((await call('CreateOrUpdateContact', body)).body as { contactId: unknown }).contactId;
const all = () => sandbox.people.all('contact');
const ana = { firstName: 'Ana', contactXRef: 'x-1', emailAddresses: [{ emailAddress: 'Ana@example.com' }] };

describe('the Upgrade.chat sandbox', () => {
  test('inserts, or finds by xref, then by e-mail, only when asked to match', async () => {
    await start();
    expect(await upsert(ana)).toBe(1);
    expect(await upsert(ana)).toBe(2);
    expect(await upsert({ matchExisting: true, contactXRef: 'x-1' })).toBe(1);
    expect(await upsert({ matchExisting: true, emailAddresses: [{ emailAddress: 'ana@EXAMPLE.com' }] })).toBe(1);
    expect(await upsert({ matchExisting: true, contactXRef: 'x-2', emailAddresses: [] })).toBe(3);
    expect(await upsert({ contactId: 2, note: 'n' })).toBe(2);
    expect(all()[1]).toMatchObject({ firstName: 'Ana', note: 'n', isActive: true });
  });

  test.each([
    [['xref'], 1],
    [['email'], 1],
    [[], 2],
  ] as const)('that matches by %j has %d contacts after a repeated first write', async (matches, count) => {
    await start({ habits: { matches } });
    for (let times = 0; times < 2; times++) await upsert({ ...ana, matchExisting: true });
    expect(all()).toHaveLength(count);
  });

  test('keeps what an upsert leaves out, or clears it', async () => {
    await start();
    await upsert({ ...ana, isProspective: true });
    await upsert({ contactId: 1, note: 'n' });
    expect(all()[0]).toMatchObject({ firstName: 'Ana', isProspective: true, emailAddresses: [{}] });
    await sandbox.close();
    await start({ habits: { absent: 'cleared' } });
    await upsert(ana);
    await upsert({ contactId: 1, note: 'n' });
    expect(all()[0]).toMatchObject({ firstName: null, note: 'n', emailAddresses: [] });
  });

  test('replaces lists and objects, or merges lists by their value', async () => {
    const second = {
      contactId: 1,
      emailAddresses: [{ emailAddress: 'b@example.com' }],
      trackingInfo: { comments: 'c' },
    };
    await start();
    await upsert({ ...ana, trackingInfo: { sourceCode: 's' } });
    await upsert(second);
    expect(all()[0]).toMatchObject({
      emailAddresses: [{ emailAddress: 'b@example.com', contactId: 1, isActive: true }],
    });
    expect(all()[0]?.trackingInfo).toEqual({ comments: 'c' });
    await sandbox.close();
    await start({ habits: { lists: 'merge' } });
    await upsert(ana);
    await upsert(second);
    await upsert({ contactId: 1, emailAddresses: [{ emailAddress: 'ana@example.com', isActive: false }] });
    expect(all()[0]?.emailAddresses).toMatchObject([
      { emailAddress: 'ana@example.com', isActive: false },
      { emailAddress: 'b@example.com', isActive: true },
    ]);
  });

  test.each<[object, number]>([
    [{ contactId: 77 }, 404],
    [{ firstName: 5 }, 400],
    [{ isActive: 'yes' }, 400],
    [{ gender: 'female' }, 400],
    [{ dob: 'spring' }, 400],
    [{ emailAddresses: ['a@example.com'] }, 400],
    [{ emailAddresses: [{ emailAddress: 'nobody' }] }, 400],
    [{ stageId: '4' }, 400],
    [{ inviteUser: 'no' }, 400],
    [[], 400],
    [{ unknown: 1, firstName: null }, 200],
  ])('an upsert of %j is answered with %d', async (body, status) => {
    await start();
    const reply = await call('CreateOrUpdateContact', body);
    expect(reply.status).toBe(status);
    if (status !== 200) {
      expect(reply.body).toMatchObject({ success: false, error: { code: status, message: expect.any(String) } });
      expect(all()).toEqual([]);
    }
  });

  test('makes a new contact of an id that is gone where that is its habit', async () => {
    await start({ habits: { unknownId: 'insert' } });
    expect(await upsert({ contactId: 77, firstName: 'Ana' })).toBe(1);
  });

  test('reads and deletes by the query parameter id, spelled so', async () => {
    await start();
    await upsert({ ...ana, newUserPassword: 'p', inviteUser: true, bankCode: 'ABCDEFG' });
    const { status, body } = await call('GetContactInfo', 'id=1');
    expect([status, body]).toMatchObject([200, { contactId: 1, firstName: 'Ana', bankCode: 'ABCD', tags: [] }]);
    for (const key of ['newUserPassword', 'inviteUser']) expect(body).not.toHaveProperty(key);
    expect((await call('GetContactInfo', 'Id=1')).status).toBe(400);
    expect((await call('DeleteTenant', 'id=1')).status).toBe(400);
    expect(await call('DeleteContact', 'id=1')).toMatchObject({ status: 200, body: { contactId: 1 } });
    expect((await call('DeleteContact', 'id=1')).status).toBe(404);
    expect((await call('GetContactInfo', 'id=1')).status).toBe(404);
  });

  test('answers in envelopes, and refuses in a 200, when told so', async () => {
    await start({ replies: 'envelope', refuses: 'in200' });
    expect(await call('CreateOrUpdateContact', ana)).toMatchObject({
      status: 200,
      body: { success: true, result: { contactId: 1 }, error: null },
    });
    expect(await call('GetContactInfo', 'id=9')).toMatchObject({
      status: 200,
      body: { success: false, result: null, error: { code: 404 } },
    });
  });

  test('habits reshape what is stored and what is shown', async () => {
    await start({ habits: { trims: true, lowerCasesEmail: true, emptyIsNull: true, omitsNull: true } });
    await upsert({ ...ana, firstName: ' Ana ', note: ' ', tags: [{ name: ' VIP ' }] });
    const { body } = await call('GetContactInfo', 'id=1');
    expect(body).toMatchObject({
      firstName: 'Ana',
      emailAddresses: [{ emailAddress: 'ana@example.com' }],
      tags: [{ name: 'VIP' }],
    });
    for (const key of ['note', 'lastName']) expect(body).not.toHaveProperty(key);
    expect(all()[0]).toMatchObject({ note: null, lastName: null });
  });

  test('a tenancy request makes a prospect, its registration a tenant, once', async () => {
    await start({ seed: 5 });
    const request = { companyName: 'Bäckerei', email: 'zoe@example.de', tag: 'web', comments: 'hi' };
    const { body } = await call('SubmitTenancyRequest', request);
    const { leadRequestXref, contactId } = body as { leadRequestXref: string; contactId: number };
    expect(sandbox.people.all('lead')).toMatchObject([
      { contactId, companyName: 'Bäckerei', tags: [{ name: 'web' }], trackingInfo: { comments: 'hi' } },
    ]);
    const registration = { requestXref: leadRequestXref, adminPassword: 'p', tenantName: 'Bäckerei' };
    const plain = await call('CompleteTenantRegistration', registration);
    expect(plain.body).toMatchObject({ name: 'Bäckerei', emailAddress: 'zoe@example.de', bearerAccessToken: null });
    const withToken = await call('CompleteTenantRegistration', { ...registration, returnBearerToken: true });
    expect(withToken.body).toMatchObject({ bearerAccessToken: expect.stringMatching(/^\w{32}$/) });
    const { tenantId } = plain.body as { tenantId: number };
    expect((await call('DeleteTenant', `Id=${tenantId}`)).status).toBe(200);
    expect((await call('DeleteTenant', `Id=${tenantId}`)).status).toBe(404);
  });

  test.each<[keyof typeof endpoints, object | string]>([
    ['SubmitTenancyRequest', { companyName: 'x' }],
    ['SubmitTenancyRequest', { companyName: 'x', email: 'a@example.com', products: [{ quantity: 2 }] }],
    ['CompleteTenantRegistration', { requestXref: 'x' }],
    ['ApiKey/Generate', { name: 'x', expirationDate: 'soon' }],
    ['LinkToUser', { tenancyName: 'x', usernameOrEmailAddress: 'y' }],
    ['UpdateGeneralSettings', { defaultCountryCode: 'DE', currency: 'EUR' }],
    ['GetAutoLoginLink', 'userId=1'],
    ['GetAutoLoginLink', 'userId=1&lifeTimeMinutes=0'],
    ['SetStripeConnectedAccount', {}],
  ])('%s refuses %j', async (id, given) => {
    await start();
    expect((await call(id, given)).status).toBe(400);
  });

  test('a registration of a request that there is not is 404', async () => {
    await start();
    expect((await call('CompleteTenantRegistration', { requestXref: 'x', adminPassword: 'p' })).status).toBe(404);
  });

  test('people see copies of contacts and leads, and no accounts', async () => {
    await start();
    const id = sandbox.people.add('lead', { firstName: 'Ana' });
    sandbox.people.add('contact', { firstName: 'Bo' });
    (sandbox.people.all('lead')[0] as Record<string, unknown>).firstName = 'Eva';
    expect(sandbox.people.all('lead')).toMatchObject([{ firstName: 'Ana', isProspective: true }]);
    sandbox.people.edit('contact', id, { note: undefined });
    expect(sandbox.people.all('lead')[0]).not.toHaveProperty('note');
    expect(sandbox.people.all('account')).toEqual([]);
    expect(() => sandbox.people.add('account', {})).toThrow(RangeError);
    sandbox.people.remove('lead', id);
    expect(all()).toMatchObject([{ firstName: 'Bo' }]);
  });
});

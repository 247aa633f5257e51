import { afterEach, describe, expect, test } from 'vitest';
import { endpoints } from '../../connectors/treepl/endpoints.ts';
import { startTreeplSandbox, type TreeplSandboxOptions } from '../../connectors/treepl/sandbox.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';

let sandbox: Sandbox;
afterEach(() => sandbox.close());

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}
const contacts = endpoints.contacts_list.path;

async function start(options: TreeplSandboxOptions = {}): Promise<void> {
  sandbox = await startTreeplSandbox(options);
}

async function call(method: string, path: string, body?: unknown): Promise<Reply> {
  const reply = await fetch(`${sandbox.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  return { status: reply.status, body: text === '' ? {} : JSON.parse(text) };
}

const idsOf = ({ body }: Reply): unknown[] => (body.Items as { Id: unknown }[]).map(({ Id }) => Id);

describe('the Treepl sandbox', () => {
  test('pages by rows, caps the limit, counts all', async () => {
    await start({ maxPage: 3 });
    for (let index = 0; index < 8; index++) sandbox.people.add('contact', { City: `c${9 - index}` });
    const page = await call('GET', `${contacts}?Offset=2&Limit=50`);
    expect([idsOf(page), page.body.TotalItemsCount]).toEqual([[3, 4, 5], 8]);
    expect(idsOf(await call('GET', `${contacts}?Order_By=City&Limit=2`))).toEqual([8, 7]);
    expect(idsOf(await call('GET', `${contacts}?Offset=8`))).toEqual([]);
  });

  test.each(['Offset=-1', 'Offset=x', 'Limit=', 'Where=%5B%5D', 'Where=%7B', 'Order_By=Nothing'])(
    'refuses the query %s',
    async (query) => {
      await start();
      sandbox.people.add('contact', {});
      expect((await call('GET', `${contacts}?${query}`)).status).toBe(400);
    },
  );

  test('a PUT replaces: what it leaves out becomes null, what is read-only stays', async () => {
    await start();
    const id = sandbox.people.add('contact', { Email: 'a@example.ro', City: 'Cluj', Type: 2, Loyalty: { Points: 1 } });
    const before = sandbox.people.all('contact')[0];
    expect(before).toMatchObject({ Type: 2, CustomerTypeName: 'Reseller' });
    const body = { Id: 1, FirstName: 'Ana', CreatedDate: 'x', CustomCrmGroups: { g: { f: 1 } } };
    const reply = await call('PUT', `${contacts}/${id}`, body);
    expect(reply.body).toMatchObject({ Id: 1, FirstName: 'Ana', CustomCrmGroups: { g: { f: 1 } } });
    for (const key of ['Email', 'City', 'Type', 'CustomerTypeName', 'Loyalty']) expect(reply.body[key]).toBeNull();
    expect(reply.body.CreatedDate).toBe(before?.CreatedDate);
  });

  test.each([
    [{ Id: 2 }, 400],
    [{ Email: 'a@example.ro' }, 400],
    [{ Id: 1, Email: 'not an address' }, 400],
    [{ Id: 1, City: 5 }, 400],
    [{ Id: 1, Type: '2' }, 400],
    [{ Id: 1, IsDataUsingAllowed: 'yes' }, 400],
    [{ Id: 1, CustomCrmGroups: { g: 5 } }, 400],
    [[], 400],
    [{ Id: 1, Whatever: 1, Email: null }, 200],
  ])('a PUT of %j is answered with %d', async (body, status) => {
    await start();
    sandbox.people.add('contact', { Email: 'kept@example.ro' });
    const reply = await call('PUT', `${contacts}/1`, body);
    expect(reply.status).toBe(status);
    if (status === 400) {
      expect(reply.body).toMatchObject({ Message: expect.any(String), StatusCode: 400 });
      expect(sandbox.people.all('contact')).toMatchObject([{ Email: 'kept@example.ro' }]);
    }
  });

  test('unknown ids are 404 in every operation that names one', async () => {
    await start();
    for (const { method, path, body } of Object.values<{ method: string; path: string; body?: object }>(endpoints)) {
      if (!path.includes('{')) continue;
      const sent = method === 'PUT' ? (path.endsWith('zones') ? [] : { Id: 9, Password: 'x' }) : undefined;
      expect(
        (await call(method, path.replace(/\{\w+\}/, '9'), sent)).status,
        `${method} ${path} ${Boolean(body)}`,
      ).toBe(404);
    }
  });

  test('ids count up and are not used again', async () => {
    await start();
    await call('POST', contacts, { Email: 'a@example.ro' });
    expect((await call('DELETE', `${contacts}/1`)).status).toBe(204);
    expect((await call('POST', contacts, { Email: 'b@example.ro', Password: 'p' })).body).toMatchObject({ Id: 2 });
    expect(sandbox.people.all('contact')[0]).not.toHaveProperty('Password');
  });

  test('secure zones are kept as sent, and what a contact did is the same for the same seed', async () => {
    await start({ seed: 5 });
    sandbox.people.add('contact', { Email: 'a@example.ro' });
    const zones = [{ Id: 9, Name: 'Parteneri', ExpiryDateTime: null }];
    await call('PUT', `${contacts}/1/secure-zones`, zones);
    const kept = await call('GET', `${contacts}/1/secure-zones`);
    expect(kept.body).toEqual({ Items: zones, TotalItemsCount: 1 });
    expect((await call('PUT', `${contacts}/1/secure-zones`, [{ Name: 'x' }])).status).toBe(400);
    expect((await call('PUT', `${contacts}/1/set-password`, { Password: '' })).status).toBe(400);
    const orders = await call('GET', `${contacts}/1/orders`);
    await sandbox.close();
    await start({ seed: 5 });
    sandbox.people.add('contact', { Email: 'a@example.ro' });
    expect(await call('GET', `${contacts}/1/orders`)).toEqual(orders);
  });

  test('habits reshape what is stored, by the API and by people', async () => {
    await start({ habits: { trims: true, lowerCasesEmail: true, stateLength: 2, emptyIsNull: true } });
    const wire = { Email: ' A@Example.RO ', State: 'Șiret', Notes: '  ' };
    const stored = { Email: 'a@example.ro', State: 'Și', Notes: null };
    sandbox.people.add('contact', wire);
    expect((await call('POST', contacts, wire)).body).toMatchObject(stored);
    expect(sandbox.people.all('contact')).toMatchObject([stored, stored]);
  });

  test('a second contact with the same e-mail is refused where e-mails are unique, itself excepted', async () => {
    await start({ habits: { uniqueEmail: true } });
    await call('POST', contacts, { Email: 'a@example.ro' });
    expect((await call('POST', contacts, { Email: 'A@example.ro' })).status).toBe(400);
    expect((await call('PUT', `${contacts}/1`, { Id: 1, Email: 'A@example.ro' })).status).toBe(200);
  });

  test('people see copies, and only contacts', async () => {
    await start();
    const id = sandbox.people.add('contact', { City: 'Cluj', Notes: 'n' });
    (sandbox.people.all('contact')[0] as Record<string, unknown>).City = 'Iași';
    sandbox.people.edit('contact', id, { Notes: undefined });
    expect(sandbox.people.all('contact')[0]).toMatchObject({ City: 'Cluj', ModifiedBy: 'a person' });
    expect(sandbox.people.all('contact')[0]).not.toHaveProperty('Notes');
    expect(sandbox.people.all('account')).toEqual([]);
    expect(() => sandbox.people.add('account', {})).toThrow(RangeError);
    sandbox.people.remove('contact', id);
    expect(sandbox.people.all('contact')).toEqual([]);
  });

  test('client credentials give a token for the API', async () => {
    await start();
    const { tokenUrl, clientId, clientSecret } = sandbox.oauth ?? { tokenUrl: '', clientId: '', clientSecret: '' };
    expect(new URL(tokenUrl).pathname).toBe('/api/v1/oauth/token');
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret };
    const reply = await fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(form) });
    const { access_token } = (await reply.json()) as { access_token: string };
    const list = await fetch(sandbox.url + contacts, { headers: { authorization: `Bearer ${access_token}` } });
    expect(list.status).toBe(200);
  });
});

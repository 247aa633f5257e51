import { afterEach, describe, expect, test } from 'vitest';
import { alpha } from '../../connectors/alpha/index.ts';
import type { AlphaSandboxOptions } from '../../connectors/alpha/sandbox.ts';
import type { ConnectorDefinition } from '../../src/connector/connector.ts';
import { AuthError, MalformedReplyError, UnsupportedError } from '../../src/connector/errors.ts';
import { type Entity, entities } from '../../src/model/values.ts';
import { answering, lois, type Site, scanned, startSite, type Wire } from './alpha-site.ts';

let site: Site;
afterEach(() => site?.close());

async function start(options: unknown = {}, sandboxOptions: AlphaSandboxOptions = {}): Promise<Site> {
  site = await startSite(options, sandboxOptions);
  return site;
}

const add = (entity: Entity = 'contact', wire: Wire = {}): string =>
  site.sandbox.people.add(entity, { ...lois, ...wire });

describe('read', () => {
  test('brings what the list brings but the language, which the single shape lacks', async () => {
    await start();
    for (const entity of ['contact', 'account', 'lead'] as const) {
      const id = add(entity, entity === 'lead' ? { crmStatus: 'LEAD' } : {});
      const listed = (await scanned(site.connector, entity)).records.find(({ externalId }) => externalId === id);
      const reply = await site.connector.read(entity, id, undefined);
      const { language, ...rest } = listed?.values ?? {};
      expect(language).toBe(entity === 'lead' ? undefined : 'nl');
      expect(reply).toEqual({ state: 'found', record: { ...listed, values: rest } });
    }
  });

  test('finds a contact person within its customer', async () => {
    await start();
    const id = add('account', { name: 'Keukens Noord' });
    expect(await site.connector.read('contact', `${id}/con_1`, undefined)).toEqual({
      state: 'found',
      record: {
        externalId: `${id}/con_1`,
        values: {
          'name.given': 'Renée',
          'name.family': 'Çelik',
          'email.primary': 'renee@example.com',
          company: 'Keukens Noord',
          account: id,
        },
      },
    });
    expect(site.sandbox.requests.map(({ path }) => path)).toEqual([`/api/v1/crm/customers/${id}`]);
  });

  test('what is not there is gone: a customer, a contact person, and one of a customer that is gone', async () => {
    await start();
    const id = add('account');
    for (const gone of ['cus_x', `${id}/con_2`, 'cus_x/con_1'])
      expect(await site.connector.read('contact', gone, undefined), gone).toEqual({ state: 'gone' });
  });

  test.each(['', '..', 'my', '../my', 'overdue-actions/con_1'])(
    'nothing follows from an id %j, which no customer can have, and nothing is sent',
    async (id) => {
      await start();
      expect(await site.connector.read('contact', id, undefined)).toEqual({ state: 'unknown' });
      const change = { canonicalId: 'c-1', changes: { status: 'ACTIVE' }, known: {} };
      await expect(site.connector.update('contact', id, change)).rejects.toMatchObject({
        code: id.includes('/') ? 'unsupported' : 'rejected',
      });
      expect(site.sandbox.requests).toEqual([]);
    },
  );

  test('a refusal is no deletion', async () => {
    await start();
    site.sandbox.faults.refuseToken = true;
    await expect(site.connector.read('contact', 'cus_x', undefined)).rejects.toThrow(AuthError);
  });

  test('nothing follows from a changed type, or from a list of contact persons that is not shown', async () => {
    await start();
    const id = add('account');
    expect(await site.connector.read('contact', id, undefined)).toEqual({ state: 'unknown' });
    site.sandbox.people.edit('account', id, { contacts: undefined });
    expect(await site.connector.read('contact', `${id}/con_1`, undefined)).toEqual({ state: 'unknown' });
  });

  test('a lead that has moved on is found, with its new status', async () => {
    await start();
    const id = add('lead', { crmStatus: 'CUSTOMER' });
    expect(await site.connector.read('lead', id, undefined)).toMatchObject({
      state: 'found',
      record: { values: { status: 'CUSTOMER', due: lois.nextActionDueDate, contact: id } },
    });
  });

  test('another customer, or none, under this id is no answer; nor is one that cannot be used', async () => {
    await start();
    const id = add();
    for (const body of [{ id: 'cus_2', type: 'PERSON' }, { type: 'PERSON' }, [], 'x']) {
      const odd = site.connect({}, answering(site.http, { get_enriched_customer: () => body }));
      await expect(odd.read('contact', id, undefined)).rejects.toThrow(MalformedReplyError);
    }
    site.sandbox.people.edit('contact', id, { email: 5 });
    const read = site.connector.read('contact', id, undefined);
    await expect(read).rejects.toThrow(/email: expected a text, got a number/);
  });

  test('keys that the CRM leaves out are silence', async () => {
    await start({}, { habits: { omitsNull: true } });
    const id = add('contact', { name: 'Loïs', phone: null, contacts: [], crmStatus: null });
    const reply = await site.connector.read('contact', id, undefined);
    const paths = Object.keys(reply.state === 'found' ? reply.record.values : {});
    expect(paths.toSorted()).toEqual(
      ['name.full', 'email.primary', 'owner', 'tags', 'nextAction.text', 'nextAction.due'].toSorted(),
    );
  });
});

describe('the definition', () => {
  test('nothing is created, deleted or searched', async () => {
    await start();
    for (const entity of entities) {
      await expect(site.connector.create(entity, { canonicalId: 'c-1', values: {} })).rejects.toThrow(UnsupportedError);
      await expect(site.connector.delete(entity, 'cus_1', undefined)).rejects.toThrow(UnsupportedError);
      await expect(site.connector.search(entity, { email: 'a@example.com' })).rejects.toThrow(UnsupportedError);
    }
    expect(site.sandbox.requests).toEqual([]);
  });

  test('capabilities name documented operations only, and absences their source', async () => {
    await start({ contactPersons: 'off', leadStatuses: ['LEAD', 'PROSPECT'] });
    const names = alpha.operations.map(({ id }) => id);
    for (const table of [alpha.capabilities, site.connector.capabilities])
      for (const entity of entities)
        for (const ability of Object.values(table[entity] ?? {})) {
          if (Array.isArray(ability)) continue;
          if ('via' in ability) for (const id of ability.via) expect(names).toContain(id);
          else expect(ability.absent).toMatch(/alpha\.md §\d/);
        }
    expect(site.connector.capabilities.lead?.list).toHaveProperty('note', expect.stringContaining('LEAD, PROSPECT'));
  });

  test('what is one customer is written by one at a time, whatever it is called', async () => {
    await start();
    const scope = (entity: Entity, id: string | undefined) => site.connector.writeScope?.(entity, id, undefined);
    expect(scope('contact', 'cus_1')).toBe('customer:cus_1');
    expect(scope('lead', 'cus_1')).toBe(scope('contact', 'cus_1/con_1'));
    expect(scope('lead', undefined)).toBeUndefined();
  });

  test.each([
    [{ personTypes: [] }, 'personTypes'],
    [{ contactPersons: 'some' }, 'contactPersons'],
    [{ leadStatuses: ['WON'] }, 'leadStatuses'],
    [{ statusNames: { WON: 'x' } }, 'statusNames'],
    [{ ownerNames: { usr_1: ' ' } }, 'ownerNames'],
    [{ nextActionKeys: { text: 'a', due: 'a' } }, 'two different names'],
    [{ phoneRegion: 'Nederland' }, 'two capital letters'],
    [{ colour: 'red' }, 'colour'],
  ])('options %j are refused with a message about %s', async (options, told) => {
    const result = alpha.options.safeParse(options);
    expect(JSON.stringify(result.error?.issues)).toContain(told);
  });

  test('an error body becomes one line of at most 300 characters', () => {
    const { errorMessage } = alpha as ConnectorDefinition;
    expect(errorMessage(404, { title: 'Not Found', detail: 'Customer\n cus_x unknown', time: 'x' })).toBe(
      'Not Found: Customer cus_x unknown',
    );
    expect(errorMessage(400, { title: 'Bad Request', detail: '' })).toBe('Bad Request');
    expect(errorMessage(400, { errors: ['taken'] })).toBe('{"errors":["taken"]}');
    expect(errorMessage(502, '<html><style>p{}</style><h1>Bad gateway</h1></html>')).toBe('Bad gateway');
    for (const body of [undefined, null, '', '<br>', 7])
      expect(errorMessage(500, body)).toBe('status 500 without a text');
    const long = errorMessage(500, { detail: 'x'.repeat(10_000) });
    expect([long.length, long.at(-1)]).toEqual([300, '…']);
  });
});

import { fc, test as property } from '@fast-check/vitest';
import { afterEach, describe, expect, test } from 'vitest';
import type { AlphaSandboxOptions } from '../../connectors/alpha/sandbox.ts';
import { statuses } from '../../connectors/alpha/schemas.ts';
import { GoneError, LookAgainError, RejectedError, UnsupportedError } from '../../src/connector/errors.ts';
import type { Http } from '../../src/connector/http.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Entity, Values } from '../../src/model/values.ts';
import { answering, lois, type Site, scanned, startSite, type Wire } from './alpha-site.ts';

let site: Site;
afterEach(() => site?.close());

async function start(options: unknown = {}, sandboxOptions: AlphaSandboxOptions = {}): Promise<Site> {
  site = await startSite(options, sandboxOptions);
  return site;
}

const known = {
  status: 'PROSPECT',
  owner: 'usr_21',
  'nextAction.text': 'Offerte sturen',
  'nextAction.due': '2025-06-30T09:00:00Z',
  tags: ['VIP', 'café'],
};
const add = (entity: Entity = 'contact', wire: Wire = {}): string =>
  site.sandbox.people.add(entity, { ...lois, ...wire });
const update = (id: string, changes: Values, entity: Entity = 'contact', before: Values = known) =>
  site.connector.update(entity, id, { canonicalId: 'c-1', changes, known: before });
const written = (): unknown[] => site.writes().map(({ operation, path, body }) => [operation, path.slice(22), body]);
const only = (operation: string) => (seen: { operation: string | undefined }) => seen.operation === operation;

describe('update', () => {
  test('sends each change as its own documented call, and tells what the CRM holds', async () => {
    await start();
    const id = add();
    const before = site.held(id);
    const changes = {
      status: 'Customer',
      'nextAction.text': 'Bellen',
      'nextAction.due': '2026-01-02T10:00:00+01:00',
      owner: 'usr_22',
      tags: ['vip', 'à voir', '50%?#'],
    };
    const reply = await update(id, changes);
    expect(site.sandbox.requests[0]?.operation).toBe('get_enriched_customer');
    expect(written()).toEqual([
      ['update_crm_status', `${id}/crm-status`, { crmStatus: 'CUSTOMER' }],
      ['update_next_action', `${id}/next-action`, { nextAction: 'Bellen', nextActionDueDate: '2026-01-02T09:00:00Z' }],
      ['assign_owner', `${id}/owner/usr_22`, undefined],
      ['add_tag', `${id}/tags/${encodeURIComponent('à voir')}`, undefined],
      ['add_tag', `${id}/tags/${encodeURIComponent('50%?#')}`, undefined],
      ['remove_tag', `${id}/tags/${encodeURIComponent('café')}`, undefined],
    ]);
    const held = { crmStatus: 'CUSTOMER', nextAction: 'Bellen', ownerId: 'usr_22', tags: ['VIP', 'à voir', '50%?#'] };
    const stamps = { updated: expect.any(String), updatedBy: 'api' };
    expect(site.held(id)).toEqual({ ...before, ...held, nextActionDueDate: '2026-01-02T09:00:00Z', ...stamps });
    expect(reply).toMatchObject({
      externalId: id,
      record: { values: { status: 'CUSTOMER', owner: 'usr_22', tags: ['VIP', 'à voir', '50%?#'] } },
    });
    expect(reply.record?.values).not.toHaveProperty('language');
  });

  test('what the customer already shows needs no call', async () => {
    await start();
    const id = add();
    const reply = await update(id, { ...known, status: 'prospect', tags: ['CAFÉ', 'vip', ''] });
    expect(written()).toEqual([]);
    expect(reply.record?.values).toMatchObject(known);
  });

  test('empties what can be emptied', async () => {
    await start();
    const id = add();
    await update(id, { owner: null, tags: null, 'nextAction.text': null, 'nextAction.due': null });
    expect(site.held(id)).toMatchObject({ ownerId: null, tags: [], nextAction: null, nextActionDueDate: null });
    expect(written()[0]).toEqual([
      'update_next_action',
      `${id}/next-action`,
      { nextAction: null, nextActionDueDate: null },
    ]);
  });

  test.each([{}, { nextActionReplaces: true }])(
    'keeps the half of the next action that is not meant, with habits %j',
    async (habits) => {
      await start({}, { habits });
      const id = add('lead');
      await update(id, { due: '2027-01-01' }, 'lead', { due: lois.nextActionDueDate });
      expect(site.held(id)).toMatchObject({ nextAction: 'Offerte sturen', nextActionDueDate: '2027-01-01T00:00:00Z' });
    },
  );

  test('a tag that somebody set since the last look stays', async () => {
    await start();
    const id = add('contact', { tags: ['VIP', 'café', 'nieuw'] });
    await update(id, { tags: ['VIP'] });
    expect(site.held(id)).toMatchObject({ tags: ['VIP', 'nieuw'] });
  });

  test('what somebody changed since the last look is looked at again, and nothing is sent', async () => {
    await start();
    const id = add('contact', { crmStatus: 'ACTIVE' });
    await expect(update(id, { status: 'CUSTOMER', tags: [] })).rejects.toThrow(LookAgainError);
    expect(written()).toEqual([]);
    await update(id, { status: 'ACTIVE', owner: 'usr_1' });
    expect(site.held(id)).toMatchObject({ crmStatus: 'ACTIVE', ownerId: 'usr_1' });
  });

  test('names of statuses, owners and body fields are those of the options', async () => {
    await start({
      statusNames: { CHURNED: 'Verloren' },
      ownerNames: { usr_22: 'f.yilmaz' },
      nextActionKeys: { text: 'action' },
    });
    const id = add();
    const changes = { status: 'verloren', owner: 'F.Yilmaz', 'nextAction.text': 'Bellen' };
    // This sandbox knows no field "action": it answers as done and does nothing.
    await expect(update(id, changes)).rejects.toThrow(
      'support: update_next_action of customer ' +
        `${id} was answered as done, but the reply shows nextAction as before`,
    );
    expect(site.held(id)).toMatchObject({ crmStatus: 'CHURNED', ownerId: 'usr_22', nextAction: 'Offerte sturen' });
    expect(written()[1]).toEqual([
      'update_next_action',
      `${id}/next-action`,
      { action: 'Bellen', nextActionDueDate: lois.nextActionDueDate },
    ]);
  });

  test.each([
    ['update_crm_status', { status: 'ACTIVE' }, 'crmStatus'],
    ['assign_owner', { owner: 'usr_1' }, 'ownerId'],
    ['remove_owner', { owner: null }, 'ownerId'],
    ['add_tag', { tags: ['VIP', 'café', 'x'] }, 'tags'],
    ['remove_tag', { tags: ['VIP'] }, 'tags'],
  ] as const)('a reply to %s that shows the old value is told, not believed', async (operation, changes, field) => {
    await start();
    const id = add();
    const old = { id, type: 'PERSON', crmStatus: lois.crmStatus, ownerId: lois.ownerId, tags: lois.tags };
    const odd = site.connect({}, answering(site.http, { [operation]: () => old }));
    const change = { canonicalId: 'c-1', changes, known };
    await expect(odd.update('contact', id, change)).rejects.toThrow(
      `support: ${operation} of customer ${id} was answered as done, but the reply shows ${field} as before`,
    );
  });

  test('a value in the CRM’s own form is what it holds, no failure', async () => {
    await start({}, { habits: { trims: true, lowerCasesTags: true } });
    const id = add();
    const reply = await update(id, { 'nextAction.text': '  Bellen ', tags: ['VIP', 'café', 'Beurs'] });
    expect(reply.record?.values).toMatchObject({ 'nextAction.text': 'Bellen', tags: ['vip', 'café', 'beurs'] });
  });

  test('a reply that leaves the field out, or comes after one that told nothing, is no sign of being ignored', async () => {
    await start();
    const id = add('contact', { ownerId: null });
    const replies = {
      update_crm_status: () => ({ id: 'cus_2', type: 'PERSON' }),
      assign_owner: () => ({ id, type: 'PERSON' }),
    };
    const odd = site.connect({}, answering(site.http, replies));
    const give = { canonicalId: 'c-1', changes: { owner: 'usr_1' }, known: { owner: null } };
    expect(await odd.update('contact', id, give)).toMatchObject({ externalId: id });
    const take = { canonicalId: 'c-1', changes: { status: 'ACTIVE', owner: null }, known: { owner: 'usr_1' } };
    expect(await odd.update('contact', id, take)).toMatchObject({ record: { values: { owner: null } } });
  });

  test('a reply about another customer tells nothing', async () => {
    await start();
    const id = add();
    const odd = site.connect({}, answering(site.http, { update_crm_status: () => ({ id: 'cus_2', type: 'PERSON' }) }));
    const change = { canonicalId: 'c-1', changes: { status: 'ACTIVE' }, known };
    expect(await odd.update('contact', id, change)).toEqual({ externalId: id });
  });

  test.each([
    [{ status: 'Won' }, /crmStatus: the wanted status is none of LEAD, PROSPECT, .* name it in statusNames/],
    [{ status: null }, /crmStatus: the wanted status is empty/],
    [{ 'nextAction.due': 'volgende week' }, /nextActionDueDate: the wanted value is no date-time/],
    [{ tags: ['VIP', 'café', 'a/b'] }, /tags: a wanted tag cannot stand in a path/],
    [
      { tags: ['VIP', 'café', '..', 'x/y'] },
      /^support: customer \S+ tags: a wanted tag cannot stand in a path \(with "\/", "\." or "\.\."\)$/,
    ],
    [{ owner: 'team/noord' }, /ownerId: the wanted owner has no id here/],
    [{ owner: 'usr_x' }, /assign_owner found nothing \(404\), though customer .* is there/],
  ] as const)('%j is refused in words, without its value, and does not hold up the rest', async (changes, message) => {
    await start();
    const id = add();
    const failure = await update(id, { 'nextAction.text': 'Bellen', ...changes }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RejectedError);
    expect((failure as RejectedError).message).toMatch(message);
    expect(JSON.stringify(failure)).not.toMatch(/volgende|a\/b|noord/);
    expect(site.held(id)).toMatchObject({ nextAction: 'Bellen' });
  });

  test('a tag to be removed that cannot stand in a path is told', async () => {
    await start();
    const id = add('contact', { tags: ['a/b', 'c'] });
    await expect(update(id, { tags: ['c'] }, 'contact', { tags: ['a/b', 'c'] })).rejects.toThrow(/tag to be removed/);
    expect(site.held(id)).toMatchObject({ tags: ['a/b', 'c'] });
  });

  test('two refusals are one error with both reasons and the CRM’s words', async () => {
    await start();
    const id = add();
    site.sandbox.faults.status = { code: 422, times: 1, only: only('update_crm_status') };
    const failure = await update(id, { status: 'ACTIVE', owner: 'usr_x', tags: ['VIP', 'x'] }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'rejected',
      status: 422,
      message: expect.stringMatching(/update_crm_status was rejected \(422\).*; support: assign_owner found nothing/),
      detail: 'Error: status 422 by order of the test; Not Found: User usr_x unknown',
    });
    expect(site.held(id)).toMatchObject({ crmStatus: 'PROSPECT', tags: ['VIP', 'x'] });
  });

  test('a 404 for a tag or an owner that is not there any more is what was wanted', async () => {
    await start({}, { habits: { missesWhatIsNotThere: true } });
    const id = add();
    // Somebody is quicker, between our look and our call.
    const door: Http = {
      call: (operation, given) => {
        if (operation.id === 'remove_owner') site.sandbox.people.edit('contact', id, { ownerId: null, tags: ['VIP'] });
        return site.http.call(operation, given);
      },
    };
    const change = { canonicalId: 'c-1', changes: { owner: null, tags: ['VIP'] }, known };
    const reply = await site.connect({}, door).update('contact', id, change);
    expect(reply.record?.values).toMatchObject({ owner: null, tags: ['VIP'] });
  });

  test('a customer that is not there, or goes between look and call, is gone', async () => {
    await start();
    await expect(update('cus_x', { status: 'ACTIVE' })).rejects.toThrow(GoneError);
    const id = add();
    const door: Http = {
      call: (operation, given) => {
        if (operation.id === 'add_tag') site.sandbox.people.remove('contact', id);
        return site.http.call(operation, given);
      },
    };
    const change = { canonicalId: 'c-1', changes: { tags: ['VIP', 'café', 'x'] }, known };
    await expect(site.connect({}, door).update('contact', id, change)).rejects.toThrow(GoneError);
  });

  test.each(['before', 'after'] as const)(
    'a tag that was cut off %s the CRM acted is looked at again, and not added twice',
    async (when) => {
      await start();
      const id = add();
      site.sandbox.faults.cut = { when, times: 2, only: only('add_tag') };
      await update(id, { status: 'ACTIVE', tags: ['VIP', 'café', 'x', 'y'] });
      expect(site.held(id)).toMatchObject({ crmStatus: 'ACTIVE', tags: ['VIP', 'café', 'x', 'y'] });
      expect(site.writes().map(({ path }) => path.slice(-1))).toEqual(
        when === 'before' ? ['s', 'x', 'x', 'x', 'y'] : ['s', 'x', 'y'],
      );
    },
  );

  test('calls that never get through are left to the next look, which finds what was written and goes on from there', async () => {
    await start();
    const id = add();
    site.sandbox.faults.cut = { when: 'before', times: 4, only: only('add_tag') };
    const changes = { status: 'ACTIVE', tags: ['VIP', 'café', 'x'] };
    await expect(update(id, changes)).rejects.toThrow(LookAgainError);
    expect(site.held(id)).toMatchObject({ crmStatus: 'ACTIVE', tags: lois.tags });
    site.sandbox.forgetRequests();
    await update(id, changes, 'contact', { ...known, status: 'ACTIVE' });
    expect(site.held(id)).toMatchObject({ tags: changes.tags });
    expect(site.writes().map(({ operation }) => operation)).toEqual(['add_tag']);
  });

  test.each([503, 429])('a call answered with %i is not sent again as it is', async (code) => {
    await start();
    const id = add();
    site.sandbox.faults.status = { code, times: 1, only: only('update_crm_status') };
    await expect(update(id, { status: 'ACTIVE' })).rejects.toThrow(LookAgainError);
    expect(written()).toHaveLength(1);
  });

  test('a contact person is only read, and a customer of another type is left alone', async () => {
    await start();
    const id = add('account');
    await expect(update(`${id}/con_1`, { status: 'ACTIVE' })).rejects.toThrow(UnsupportedError);
    expect(site.sandbox.requests).toEqual([]);
    await expect(update(id, { status: 'ACTIVE' }, 'contact')).rejects.toThrow(/is no contact any more/);
    expect(written()).toEqual([]);
  });

  const value = {
    status: fc.constantFrom<string>(...statuses.filter((status) => status !== 'CUSTOMER'), 'klant'),
    owner: fc.constantFrom('usr_1', 'usr_21', 'f.yilmaz', null),
    tags: fc.array(
      fc.oneof(
        fc.constantFrom('VIP', 'vip', 'café', 'é', '+', '%2F'),
        fc.string({ unit: 'grapheme' }).map(withoutSlash),
      ),
    ),
    'nextAction.text': fc.option(fc.string({ unit: 'grapheme' })),
    'nextAction.due': fc.option(fc.constantFrom('2026-03-01', '2026-03-01T10:00:00+01:00', '2027-12-31T23:59:59.250Z')),
  };
  property.prop(
    [
      fc.constantFrom('contact', 'account'),
      fc.record(value, { requiredKeys: [] }),
      fc.record(value, { requiredKeys: [] }),
      fc.record({ trims: fc.boolean(), lowerCasesTags: fc.boolean(), nextActionReplaces: fc.boolean() }),
    ],
    { numRuns: 60 },
  )(
    'what is written is what the reply, a read and the list show; writing it again sends nothing',
    async (entity: Entity, first: Values, then: Values, habits) => {
      site = await startSite({ statusNames: { CUSTOMER: 'Klant' }, ownerNames: { usr_22: 'f.yilmaz' } }, { habits });
      const id = add(entity, { tags: [] });
      let before: Values = { ...known, tags: [] };
      for (const changes of [first, then]) {
        const reply = await update(id, changes, entity, before);
        const values = reply.record?.values ?? {};
        for (const [path, wanted] of Object.entries(changes)) {
          const { kind } = fieldAt(entity, path);
          expect([path, equal(kind, wanted, values[path])]).toEqual([path, true]);
        }
        expect(await site.connector.read(entity, id, undefined)).toEqual({ state: 'found', record: reply.record });
        const listed = (await scanned(site.connector, entity)).records.find(({ externalId }) => externalId === id);
        expect(listed?.values).toEqual({ ...values, language: 'nl' });
        before = values;
        site.sandbox.forgetRequests();
        await update(
          id,
          { ...changes, ...Object.fromEntries(Object.keys(changes).map((path) => [path, values[path] ?? null])) },
          entity,
          before,
        );
        expect(site.writes()).toEqual([]);
      }
      await site.close();
    },
  );
});

/** Tags that the connector refuses have tests of their own. */
function withoutSlash(text: string): string {
  const plain = text.replaceAll('/', '');
  return plain.trim() === '.' || plain.trim() === '..' ? '' : plain;
}

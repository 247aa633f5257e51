import { fc } from '@fast-check/vitest';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operation } from '../../connectors/conecrm/endpoints.ts';
import type { CrmRecord, NewRecord, Page } from '../../src/connector/connector.ts';
import type { Http } from '../../src/connector/http.ts';
import type { Operation } from '../../src/connector/operation.ts';
import type { SeenRequest } from '../../src/connector/sandbox.ts';
import '../seed.ts';
import { answering, type Site, startSite, type Wire } from './conecrm-site.ts';

const [department, source, franchise, web, stranger] = ['d1', 'c1', 'f1', 'c2', 'c3'].map(
  (end) => `0190a000-0000-7000-8000-0000000000${end}`,
) as [string, string, string, string, string];
const ids = { department, source, franchise };
const canonicalId = '01980000-0000-7000-8000-000000000001';

let site: Site;
beforeEach(async () => {
  site = await startSite(ids);
});
afterEach(() => site.close());

const contact = (): string => site.sandbox.people.add('contact', { firstName: 'Zoé', primaryEmail: 'zoe@example.ca' });
const lead = (of: string, more: Wire = {}): string =>
  site.sandbox.people.add('lead', { subject: 'Essai', contact: { id: of }, source: { id: source }, ...more });

/** Answers an operation with this status from now on. */
function refuse(code: number, ...operations: readonly string[]): void {
  const only = (request: SeenRequest) => operations.includes(request.operation ?? '');
  site.sandbox.faults.status = { code, times: Number.POSITIVE_INFINITY, only };
}
const withoutQuery = () => refuse(404, 'get_api_query_builder_config');

async function scan(connector = site.connector) {
  const pages: Page[] = [];
  for await (const page of connector.list('lead')) pages.push(page);
  return {
    records: pages.flatMap(({ records }) => records),
    bad: pages.flatMap(({ bad }) => bad),
    partial: pages.some(({ partial }) => partial),
  };
}
const idsOf = (records: readonly CrmRecord[]) => records.map(({ externalId }) => externalId).sort();
const asked = (): string[] => site.sandbox.requests.map((request) => request.operation ?? '');

/** A query builder that gives no more than `most` rows, in the order that `sort` brings them into. */
function cut(most: number, sort: (rows: Wire[]) => Wire[] = (rows) => rows): Http {
  return answering(site.http, {
    post_api_query_builder_filter: (body) => {
      const { data } = body as { data: Wire[] };
      return { success: true, data: sort([...data]).slice(0, most) };
    },
  });
}

describe('leads by the query builder', () => {
  test('are listed whole, open and closed, with what they say', async () => {
    const of = contact();
    const account = site.sandbox.people.add('account', { name: 'Garage Côté' });
    const open = lead(of, { description: 'Après 17 h', account: { id: account }, dueDate: '2025-07-01T12:00:00Z' });
    const closed = lead(of, { connectionClosedDate: '2025-06-01T00:00:00Z' });
    const { records, partial } = await scan();
    expect(partial).toBe(false);
    expect(idsOf(records)).toEqual([open, closed].sort());
    const [stage] = (await site.http.call(operation('get_api_stage_list'))).body as { name: string }[];
    const shown = records.find(({ externalId }) => externalId === open)!;
    expect(shown.values).toEqual({
      title: 'Essai',
      contact: of,
      account,
      description: 'Après 17 h',
      stage: stage!.name,
      due: '2025-07-01T12:00:00Z',
    });
    expect(shown.modifiedAt).toBe(Date.parse(String(site.seen('lead', open).dateCreated)));
    expect(asked()).not.toContain('_get_contact_open_leads');
  });

  test('of one that was changed the change is its time, and one that was deleted there is not shown', async () => {
    const of = contact();
    const changed = lead(of, { dateModified: '2025-06-02T08:00:00Z' });
    lead(of, { isDeleted: true });
    const { records, partial } = await scan();
    expect(records.map(({ externalId, modifiedAt }) => [externalId, modifiedAt])).toEqual([
      [changed, Date.parse('2025-06-02T08:00:00Z')],
    ]);
    expect(partial).toBe(false);
  });

  test('come whole from a server that cuts its answers off, whatever the order and the length', async () => {
    const of = contact();
    const all = Array.from({ length: 13 }, () => lead(of)).sort();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 20 }), fc.integer(), async (most, salt) => {
        const mixed = (rows: Wire[]) => rows.sort((a, b) => rank(a, salt) - rank(b, salt));
        const { records, partial } = await scan(site.connect(ids, cut(most, mixed)));
        expect({ ids: idsOf(records), partial }).toEqual({ ids: all, partial: false });
      }),
      { numRuns: 30 },
    );
  });

  test.each<[string, (rows: Wire[], body: Wire) => unknown]>([
    ['rows that are no leads', (rows) => rows.map(({ id }) => ({ id, firstName: 'Zoé' }))],
    ['rows without an id', (rows) => rows.map(({ id: _, ...rest }) => rest)],
    ['no success', () => ({ success: false, data: [] })],
    ['no rows at all', () => ({ success: true })],
    ['nothing, whatever is asked', () => ({ success: true, data: [] })],
  ])('are not believed when the answer holds %s: the open ones are read', async (_what, answer) => {
    const of = contact();
    const open = lead(of);
    const closed = lead(of, { connectionClosedDate: '2025-06-01T00:00:00Z' });
    const http = answering(site.http, {
      post_api_query_builder_filter: (body) => {
        const { data } = body as { data: Wire[] };
        const answered = answer(data, body as Wire);
        return Array.isArray(answered) ? { success: true, data: answered } : answered;
      },
    });
    const { records, partial } = await scan(site.connect(ids, http));
    expect(idsOf(records)).toEqual([open]);
    expect(idsOf(records)).not.toContain(closed);
    expect(partial).toBe(true);
  });

  test('are not believed when the rules are ignored', async () => {
    const of = contact();
    const all = [lead(of), lead(of), lead(of)].sort();
    const everything = { success: true, data: site.sandbox.people.all('lead') };
    const http = answering(site.http, { post_api_query_builder_filter: () => everything });
    const { records, partial } = await scan(site.connect(ids, http));
    expect({ ids: idsOf(records), partial }).toEqual({ ids: all, partial: true });
  });

  test('that were proven before an answer failed are not shown again among the open ones', async () => {
    const of = contact();
    const all = Array.from({ length: 13 }, () => lead(of)).sort();
    let calls = 0;
    const http = answering(site.http, {
      post_api_query_builder_filter: (body) => {
        calls += 1;
        const { data } = body as { data: Wire[] };
        return calls < 6 ? { success: true, data: data.slice(0, 8) } : { success: false };
      },
    });
    const { records, partial } = await scan(site.connect(ids, http));
    expect({ ids: idsOf(records), partial }).toEqual({ ids: all, partial: true });
  });

  test('are not asked for where the configuration lacks what it takes', async () => {
    lead(contact());
    for (const config of [
      { fields: [{ name: 'subject', label: 'Subject' }], operators: ['notNull', '>', '<='] },
      { fields: [{ name: 'id', label: 'Id' }], operators: ['=', 'contains'] },
    ]) {
      site.sandbox.forgetRequests();
      const connector = site.connect(ids, answering(site.http, { get_api_query_builder_config: () => config }));
      expect((await scan(connector)).partial).toBe(true);
      expect(asked()).not.toContain('post_api_query_builder_filter');
    }
    site.sandbox.forgetRequests();
    const bare = site.connect(ids, answering(site.http, { get_api_query_builder_config: () => ({}) }));
    expect((await scan(bare)).partial).toBe(false);
  });
});

function rank({ id }: Wire, salt: number): number {
  let hash = salt;
  for (const letter of String(id)) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
  return hash;
}

describe('leads without a query builder', () => {
  test('are the open ones of every contact, and the scan says that it is partial', async () => {
    withoutQuery();
    const people = Array.from({ length: 5 }, contact);
    const open = people.flatMap((of) => [lead(of), lead(of)]);
    lead(people[0]!, { connectionClosedDate: '2025-06-01T00:00:00Z' });
    const { records, partial } = await scan();
    expect({ ids: idsOf(records), partial }).toEqual({ ids: open.sort(), partial: true });
  });

  test('are none where that call takes no contact, and it is not asked for each of them', async () => {
    refuse(400, 'get_api_query_builder_config', '_get_contact_open_leads');
    for (let n = 0; n < 10; n += 1) lead(contact());
    expect(await scan()).toEqual({ records: [], bad: [], partial: true });
    expect(asked().filter((id) => id === '_get_contact_open_leads')).toHaveLength(3);
  });

  test('go on when a contact is deleted meanwhile', async () => {
    withoutQuery();
    const [gone, there] = [contact(), contact()];
    const open = lead(there);
    const http: Http = {
      call: async (called, call) => {
        const reply = await site.http.call(called, call);
        if (called.id === '_getContacts' && site.sandbox.people.all('contact').length === 2)
          site.sandbox.people.remove('contact', gone);
        return reply;
      },
    };
    expect(idsOf((await scan(site.connect(ids, http))).records)).toEqual([open]);
  });

  test('fail as a whole when the answer is no list, or the CRM has trouble', async () => {
    withoutQuery();
    lead(contact());
    const odd = site.connect(ids, answering(site.http, { _get_contact_open_leads: () => ({ message: 'hello' }) }));
    await expect(scan(odd)).rejects.toMatchObject({ code: 'malformed_reply' });
    refuse(500, '_get_contact_open_leads');
    await expect(scan(site.connect({ ...ids, queryEntities: { lead: null } }))).rejects.toMatchObject({
      code: 'retryable',
    });
  });

  test('a row that is no lead is set aside with its reason', async () => {
    withoutQuery();
    const bad = lead(contact(), { subject: 7 });
    const { records, bad: aside } = await scan();
    expect(records).toEqual([]);
    expect(aside).toEqual([{ externalId: bad, reason: 'subject: expected string, got number' }]);
  });

  test('credentials that lack the query builder alone are no fault; refused ones are', async () => {
    const open = lead(contact());
    refuse(403, 'get_api_query_builder_config', 'get_api_stage_list');
    expect(idsOf((await scan()).records)).toEqual([open]);
    site.sandbox.faults.refuseToken = true;
    await expect(scan()).rejects.toMatchObject({ code: 'auth' });
  });

  test('and with both ways off there is no listing to be had', () => {
    const { capabilities, list } = site.connect({ ...ids, queryEntities: { lead: null }, openLeads: false });
    expect(capabilities.lead?.list).toMatchObject({ absent: expect.stringContaining('openLeads') });
    expect(() => list('lead')).toThrow(/cannot list lead/);
  });
});

describe('a new lead', () => {
  const create = (values: NewRecord['values'], connector = site.connector) =>
    connector.create('lead', { canonicalId, values });

  test('is sent with the ids of the options, and the reply is what the CRM holds', async () => {
    const of = contact();
    const { externalId, record } = await create({
      title: 'Essai routier',
      contact: of,
      description: '',
      account: null,
    });
    expect(site.writes().map(({ body }) => body)).toEqual([
      {
        subject: 'Essai routier',
        contact: { id: of },
        department: { id: department },
        source: { id: source },
        franchise: { id: franchise },
      },
    ]);
    expect(record).toMatchObject({ externalId, values: { title: 'Essai routier', contact: of } });
    expect(site.seen('lead', externalId)).toMatchObject({ subject: 'Essai routier', source: { id: source } });
  });

  test('without a title gets the stand-in, which is never read as a title', async () => {
    const { externalId, record } = await create({ contact: contact(), description: 'Rappeler' });
    expect(site.seen('lead', externalId).subject).toBe('Lead');
    expect(record?.values).not.toHaveProperty('title');
    const listed = (await scan()).records.find((one) => one.externalId === externalId);
    expect(listed?.values).not.toHaveProperty('title');
  });

  test('gets the source that its name stands for, else that of the options', async () => {
    const connector = site.connect({ ...ids, sources: { Website: web } });
    const of = contact();
    const named = await create({ title: 'A', contact: of, source: 'website' }, connector);
    const other = await create({ title: 'B', contact: of, source: 'Trade fair' }, connector);
    expect([named, other].map(({ externalId }) => site.seen('lead', externalId).source)).toEqual([
      { id: web },
      { id: source },
    ]);
    expect([named, other].map(({ record }) => record?.values.source)).toEqual(['Website', undefined]);
  });

  test('without a contact is refused before anything is sent', async () => {
    await expect(create({ title: 'Essai' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('names no contact'),
    });
    expect(site.writes()).toEqual([]);
  });

  test('that the CRM does not take is set aside, with the words of its form', async () => {
    const nobody = '0190a000-0000-7000-8000-00000000dead';
    await expect(create({ title: 'Essai', contact: nobody })).rejects.toMatchObject({
      code: 'rejected',
      detail: expect.stringContaining('This contact does not exist.'),
    });
  });

  test('whose answer is cut off or names no lead may be there: it is not sent twice', async () => {
    const of = contact();
    site.sandbox.faults.cut = { when: 'after', times: 1 };
    await expect(create({ title: 'A', contact: of })).rejects.toMatchObject({ code: 'outcome_unknown' });
    const mute = site.connect(ids, answering(site.http, { post_lead_createLead: () => ({ message: 'done' }) }));
    await expect(create({ title: 'B', contact: of }, mute)).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(site.sandbox.people.all('lead').map(({ subject }) => subject)).toEqual(['A', 'B']);
  });

  test('is not declared without the ids, and it says which are missing and where they are found', async () => {
    const connector = site.connect({ source });
    const { lead: able } = connector.capabilities;
    expect(able?.create).toMatchObject({
      absent: expect.stringMatching(/options\.department, options\.franchise must be given.*_get_contact_open_leads/),
    });
    expect(connector.mappings.lead?.fields.every(({ access }) => access === 'readOnly')).toBe(true);
    await expect(create({ title: 'Essai', contact: contact() }, connector)).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  test('is never changed nor deleted: no call does', async () => {
    const change = { canonicalId, changes: { title: 'Autre' }, known: {} };
    await expect(site.connector.update('lead', lead(contact()), change)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(site.connector.delete('lead', lead(contact()), undefined)).rejects.toMatchObject({
      code: 'unsupported',
    });
    expect(site.writes()).toEqual([]);
  });
});

describe('the ids for new leads', () => {
  const findings = async (options: unknown, entity: 'lead' | 'contact' = 'lead') =>
    await site.connect(options).checkOptions!(entity);

  test('that are missing are named, with those that leads show', async () => {
    lead(contact(), { franchise: { id: franchise } });
    const [finding, ...more] = await findings({});
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      ok: false,
      message: 'no lead can be made there without options department, source, franchise',
    });
    expect(finding!.next).toMatch(/connections\.showroom\.options/);
    expect(finding!.next).toContain(`leads there have source ${source}`);
    expect(finding!.next).toContain(`leads there have franchise ${franchise}`);
  });

  test('that no lead has are pointed out, and are no fault', async () => {
    const of = contact();
    lead(of, { franchise: { id: stranger } });
    expect(await findings(ids)).toEqual([
      { ok: true, message: 'options.source is that of leads which are there' },
      { ok: true, message: `options.franchise ${franchise} could not be confirmed: leads there have ${stranger}` },
    ]);
    withoutQuery();
    expect((await findings(ids))[0]).toMatchObject({ message: 'options.source is that of leads which are there' });
    expect(site.writes()).toEqual([]);
  });

  test('concern leads alone', async () => {
    expect(await findings({}, 'contact')).toEqual([]);
  });
});

test('a query is one call that may be repeated: it changes nothing', async () => {
  lead(contact());
  const sent: Operation[] = [];
  const http: Http = {
    call: async (called, call) => {
      if (called.id === 'post_api_query_builder_filter') sent.push(called);
      return await site.http.call(called, call);
    },
  };
  await scan(site.connect(ids, http));
  expect(sent).toHaveLength(3);
  expect(sent.every(({ readsOnly }) => readsOnly === true)).toBe(true);
});

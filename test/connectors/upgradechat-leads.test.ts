import { afterEach, describe, expect, test } from 'vitest';
import { upgradechat } from '../../connectors/upgradechat/index.ts';
import { MalformedReplyError, RejectedError, UnsupportedError } from '../../src/connector/errors.ts';
import type { Values } from '../../src/model/values.ts';
import { type Site, startSite } from './upgradechat-site.ts';

let site: Site;
afterEach(() => site.close());

const canonicalId = '0193a2f0-7c11-7a3e-9a51-3c0f2b6d8e11';
const options = { stages: { New: 4, Won: 9 } };
const wire = { firstName: 'Ana', note: 'kept', isProspective: false, trackingInfo: { customField1: 'L' } };
const lead: Values = {
  title: 'Second-hand van',
  description: 'asked twice',
  source: 'FAIR',
  stage: 'New',
  amount: '12500.50',
  currency: 'EUR',
};
const add = (more: object = {}): string => site.sandbox.people.add('contact', { ...wire, ...more });
const create = (contact: string | null, values: Values = lead) =>
  site.connector.create('lead', { canonicalId, values: { ...values, contact } });

describe('a lead', () => {
  test('is its contact, marked: same record, same id, nothing else of it touched', async () => {
    site = await startSite({ ...options, lead: { leadTypeId: 3, contactGroupId: 'P' } });
    const id = add();
    const reply = await create(id);
    expect(reply).toEqual({
      externalId: id,
      record: {
        externalId: id,
        values: {
          contact: id,
          description: 'asked twice',
          source: 'FAIR',
          stage: 'New',
          amount: 12500.5,
          currency: 'EUR',
        },
      },
    });
    expect(site.held(id)).toMatchObject({
      firstName: 'Ana',
      note: 'kept',
      isProspective: true,
      leadTypeId: 3,
      contactGroupId: 'P',
      stageId: 4,
      trackingInfo: { customField1: 'L', sourceCode: 'FAIR', comments: 'asked twice' },
    });
    expect(site.sandbox.people.all('lead')).toHaveLength(1);
    expect(site.upserts()).toHaveLength(1);
  });

  test('may be created again without effect, after a lost answer too', async () => {
    site = await startSite(options);
    const id = add();
    site.sandbox.faults.cut = { when: 'after', times: 1, only: ({ method }) => method === 'POST' };
    const first = await create(id);
    const held = site.held(id);
    expect(await create(id)).toEqual(first);
    expect({ ...site.held(id), rowVersion: 0 }).toEqual({ ...held, rowVersion: 0 });
    expect(upgradechat.capabilities.lead?.create).toMatchObject({ idempotent: true });
  });

  test.each<[string, object]>([
    ['stage', { stageId: 9 }],
    ['amount', { dealAmount: 7 }],
    ['source', { trackingInfo: { sourceCode: 'WEB' } }],
  ])('is set aside where the contact carries another one: a different %s', async (path, more) => {
    site = await startSite(options);
    const id = add(more);
    await expect(create(id)).rejects.toThrow(`contact ${id} carries another one already (${path})`);
    expect(site.upserts()).toEqual([]);
  });

  test('is beyond this CRM without a contact, and set aside with one that is gone', async () => {
    site = await startSite(options);
    await expect(create(null)).rejects.toThrow(UnsupportedError);
    await expect(create('77')).rejects.toThrow(RejectedError);
    await expect(create('77')).rejects.toThrow(/names contact 77, which is not there any more/);
    expect(site.upserts()).toEqual([]);
  });

  test('says nothing against what it does not know itself', async () => {
    site = await startSite(options);
    const { record } = await create(add({ stageId: 9, dealAmount: 7 }), { description: 'asked', amount: null });
    expect(record?.values).toMatchObject({ description: 'asked', stage: 'Won', amount: 7 });
  });

  test('a server’s own currency is no other lead', async () => {
    site = await startSite(options);
    expect((await create(add({ currencyId: 'USD' }))).record?.values).toMatchObject({ currency: 'EUR' });
  });

  test('is changed on its contact, and its marks are left alone afterwards', async () => {
    site = await startSite(options);
    const id = add();
    await create(id);
    site.sandbox.people.edit('contact', id, { isProspective: false });
    const changes = { stage: 'Won', amount: null, description: 'sold' };
    const reply = await site.connector.update('lead', id, { canonicalId, changes, known: {} });
    expect(reply.record?.values).toMatchObject({ stage: 'Won', amount: null, description: 'sold' });
    expect(site.held(id)).toMatchObject({
      isProspective: false,
      note: 'kept',
      stageId: 9,
      trackingInfo: { sourceCode: 'FAIR', customField1: 'L' },
    });
    expect(await site.connector.read('lead', id, undefined)).toMatchObject({ state: 'found' });
  });

  test('and its contact are never written at once', async () => {
    site = await startSite();
    const scope = (entity: 'contact' | 'lead') => site.connector.writeScope?.(entity, '5', undefined);
    expect(scope('contact')).toBeDefined();
    expect(scope('lead')).toBe(scope('contact'));
    expect(site.connector.writeScope?.('contact', undefined, undefined)).toBeUndefined();
  });

  test('an unreadable contact is told, not guessed at', async () => {
    site = await startSite(options);
    await expect(create(add({ dealAmount: 'much' }))).rejects.toThrow(MalformedReplyError);
  });
});

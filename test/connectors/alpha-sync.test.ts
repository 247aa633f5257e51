import { fc, test as property } from '@fast-check/vitest';
import { afterEach, describe, expect, test } from 'vitest';
import { type AlphaHabits, users } from '../../connectors/alpha/sandbox-customers.ts';
import { statuses } from '../../connectors/alpha/schemas.ts';
import type { Connector } from '../../src/connector/connector.ts';
import type { EngineContext, SyncOutcome } from '../../src/engine/engine.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import type { Entity } from '../../src/model/values.ts';
import { runCycle } from '../../src/queue/cycle.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { FakeClock } from '../worlds/clock.ts';
import { policy } from '../worlds/world.ts';
import { type Site, scanned, startSite, type Wire } from './alpha-site.ts';

/** Two CRMs of the same make, north and south, that share their customers. */
interface Pair {
  readonly sites: { readonly north: Site; readonly south: Site };
  readonly context: EngineContext;
  cycle(): Promise<SyncOutcome>;
  close(): Promise<void>;
}

let pair: Pair;
afterEach(() => pair.close());

/** @param options of north; south has the defaults. @param habits of north */
async function openPair(entity: Entity = 'contact', options: unknown = {}, habits: AlphaHabits = {}): Promise<Pair> {
  const sites = { north: await startSite(options, { habits }), south: await startSite({}, { seed: 2 }) };
  const sync: SyncPolicy = policy(
    [
      { connection: 'north', direction: 'both' },
      { connection: 'south', direction: 'both' },
    ],
    { entity },
  );
  const clock = new FakeClock();
  const store = await openSqliteStore(':memory:');
  const connectors: Readonly<Record<string, Connector>> = {
    north: sites.north.connector,
    south: sites.south.connector,
  };
  let ids = 0;
  let runs = 0;
  let isClosed = false;
  const context: EngineContext = {
    store,
    connections: new Map(
      Object.entries(connectors).map(([name, connector]) => [name, { name, connector, concurrent: 2 }]),
    ),
    syncs: [sync],
    clock,
    newId: () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    owner: 'test',
    isAlive: () => true,
    settleMs: 0,
  };
  return {
    sites,
    context,
    cycle: () => {
      clock.advance(60_000);
      return runCycle(context, sync, { run: `run-${++runs}` });
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await store.close();
      await sites.north.close();
      await sites.south.close();
    },
  };
}

const writes = () => [...pair.sites.north.writes(), ...pair.sites.south.writes()].map(({ operation }) => operation);
function forget(): void {
  for (const site of Object.values(pair.sites)) site.sandbox.forgetRequests();
}

const anna = { name: 'Anna Jansen', email: 'anna@example.com', phone: '+31 20 794 0001', crmStatus: 'PROSPECT' };

describe('two Alphas with the same customers', () => {
  const change = fc.record(
    {
      crmStatus: fc.constantFrom(...statuses),
      ownerId: fc.constantFrom(...users.map(({ id }) => id), null),
      nextAction: fc.constantFrom('Bellen', 'Offerte sturen', null, ''),
      nextActionDueDate: fc.constantFrom('2026-03-01T10:00:00Z', null),
      tags: fc.uniqueArray(fc.constantFrom('VIP', 'beurs', 'café')),
    },
    { requiredKeys: [] },
  );
  property.prop([change, change, change, change, fc.constantFrom('contact', 'account'), fc.boolean()], { numRuns: 25 })(
    'agree after two cycles on all that can be written, and are quiet then, whatever people do',
    async (north, south, northLater, southLater, entity: Entity, trims) => {
      pair = await openPair(entity, {}, { trims, lowerCasesTags: trims });
      const ids = {
        north: pair.sites.north.sandbox.people.add(entity, {
          ...anna,
          website: 'https://jansen.example.com',
          ...north,
        }),
        south: pair.sites.south.sandbox.people.add(entity, {
          ...anna,
          website: 'https://jansen.example.com',
          ...south,
        }),
      };
      for (const edits of [
        { north: {}, south: {} },
        { north: northLater, south: southLater },
      ]) {
        for (const side of ['north', 'south'] as const)
          pair.sites[side].sandbox.people.edit(entity, ids[side], edits[side]);
        await pair.cycle();
        await pair.cycle();
        const shown = await Promise.all(
          (['north', 'south'] as const).map(
            async (side) => (await scanned(pair.sites[side].connector, entity)).records[0]!.values,
          ),
        );
        for (const path of ['status', 'owner', 'nextAction.text', 'nextAction.due', 'tags'])
          expect([path, equal(fieldAt(entity, path).kind, shown[0]?.[path], shown[1]?.[path])]).toEqual([path, true]);
        forget();
        const outcome = await pair.cycle();
        expect(writes()).toEqual([]);
        expect(outcome.counts.north).toMatchObject({ updated: 0, failed: 0, unchanged: 1 });
      }
      await pair.close();
    },
  );

  test('a write, read back without the language, neither clears it nor looks like an edit', async () => {
    pair = await openPair();
    const { north, south } = pair.sites;
    north.sandbox.people.add('contact', { ...anna, preferredLanguage: 'nl' });
    const there = south.sandbox.people.add('contact', { ...anna, preferredLanguage: 'nl' });
    await pair.cycle();
    south.sandbox.people.edit('contact', there, { crmStatus: 'CUSTOMER' });
    await pair.cycle();
    forget();
    const outcome = await pair.cycle();
    expect(writes()).toEqual([]);
    expect(outcome.counts).toMatchObject({
      north: { unchanged: 1, conflicts: 0 },
      south: { unchanged: 1, conflicts: 0 },
    });
    const [record] = await pair.context.store.records('contact', undefined, 10);
    expect(record?.record.values).toMatchObject({ language: 'nl', status: 'CUSTOMER' });
  });

  test.each([
    { cut: { when: 'after', times: 1 } },
    { cut: { when: 'before', times: 1 } },
    { status: { code: 503, times: 1 } },
    { garble: { how: 'html', times: 1 } },
  ] as const)('trouble between two calls of one update (%j) is over within the cycle', async (fault) => {
    pair = await openPair();
    const { north, south } = pair.sites;
    const here = north.sandbox.people.add('contact', anna);
    const there = south.sandbox.people.add('contact', anna);
    await pair.cycle();
    const wanted = { crmStatus: 'ACTIVE', ownerId: 'usr_21', nextAction: 'Bellen', tags: ['VIP', 'beurs'] };
    north.sandbox.people.edit('contact', here, wanted);
    const only = ({ path }: { path: string }) => path.endsWith('/tags/VIP');
    const [[kind, settings]] = Object.entries(fault) as [[string, Wire]];
    Object.assign(south.sandbox.faults, { [kind]: { ...settings, only } });
    south.sandbox.forgetRequests();
    const outcome = await pair.cycle();
    expect(south.held(there)).toMatchObject(wanted);
    expect(outcome.counts.south).toMatchObject({ updated: 1, failed: 0, conflicts: 0 });
    expect(south.writes().filter(({ operation }) => operation !== 'add_tag')).toHaveLength(3);
    forget();
    await pair.cycle();
    expect(writes()).toEqual([]);
  });

  test('an edit made there between our look and our call is kept and decided like any other', async () => {
    pair = await openPair();
    const { north, south } = pair.sites;
    const here = north.sandbox.people.add('contact', anna);
    const there = south.sandbox.people.add('contact', anna);
    await pair.cycle();
    north.sandbox.people.edit('contact', here, { crmStatus: 'ACTIVE' });
    // The engine looks first, then the connector: a person acts in between.
    let reads = 0;
    const connection = pair.context.connections.get('south')!;
    const connector: Connector = {
      ...connection.connector,
      read: async (...given) => {
        const reply = await connection.connector.read(...given);
        if (++reads === 1)
          south.sandbox.people.edit('contact', there, { crmStatus: 'CHURNED', updated: '2020-01-01T00:00:00Z' });
        return reply;
      },
    };
    (pair.context.connections as Map<string, unknown>).set('south', { ...connection, connector });
    await pair.cycle();
    expect(reads).toBeGreaterThan(1);
    expect(south.held(there)).toMatchObject({ crmStatus: 'ACTIVE' });
    expect(await pair.context.store.conflicts(10)).toMatchObject([{ path: 'status', loser: { value: 'CHURNED' } }]);
  });

  test('a status that has no word there is set aside once, with everything else written', async () => {
    pair = await openPair('contact', { statusNames: { CHURNED: 'Verloren' } });
    const { north, south } = pair.sites;
    const here = north.sandbox.people.add('contact', anna);
    const there = south.sandbox.people.add('contact', anna);
    await pair.cycle();
    north.sandbox.people.edit('contact', here, { crmStatus: 'CHURNED', tags: ['VIP'] });
    const first = await pair.cycle();
    expect(south.held(there)).toMatchObject({ crmStatus: 'PROSPECT', tags: ['VIP'] });
    expect(first.counts.south).toMatchObject({ failed: 1 });
    await pair.cycle();
    forget();
    const last = await pair.cycle();
    expect(writes()).toEqual([]);
    expect(last.counts.south).toMatchObject({ failed: 0 });
  });

  test('a customer that only one of them has is unsupported there, never an error', async () => {
    pair = await openPair();
    pair.sites.north.sandbox.people.add('contact', anna);
    const outcome = await pair.cycle();
    expect(outcome.counts.south).toMatchObject({ created: 0, failed: 0, unsupported: 1 });
    expect(writes()).toEqual([]);
  });

  test('a contact person, which the API only shows, is unsupported there: told once, neither an error nor tried for ever', async () => {
    pair = await openPair();
    const { north, south } = pair.sites;
    const contacts = [{ id: 'con_1', firstName: 'Anna', lastName: 'Jansen', email: anna.email, phone: anna.phone }];
    north.sandbox.people.add('account', { name: 'Keukens Noord', contacts });
    const there = south.sandbox.people.add('contact', { ...anna, tags: ['VIP'] });
    const first = await pair.cycle();
    expect(first.counts.north).toMatchObject({ updated: 0, failed: 0, unsupported: 1 });
    forget();
    const second = await pair.cycle();
    expect(second.counts.north).toMatchObject({ updated: 0, failed: 0, unsupported: 1 });
    expect(north.sandbox.requests.filter(({ operation }) => operation === 'get_enriched_customer')).toEqual([]);
    expect(writes()).toEqual([]);
    const [record] = await pair.context.store.records('contact', undefined, 10);
    expect(record?.record.values).toMatchObject({ company: 'Keukens Noord', 'name.family': 'Jansen', tags: ['VIP'] });
    expect(south.held(there)).toMatchObject({ tags: ['VIP'] });
  });

  test('some of the tags of a write that broke off are not taken for all of them', async () => {
    pair = await openPair();
    const { north, south } = pair.sites;
    const here = north.sandbox.people.add('contact', anna);
    const there = south.sandbox.people.add('contact', anna);
    await pair.cycle();
    north.sandbox.people.edit('contact', here, { tags: ['VIP', 'beurs'] });
    south.sandbox.faults.status = { code: 503, times: 1_000, only: ({ path }) => path.endsWith('/tags/beurs') };
    await pair.cycle();
    expect(south.held(there)).toMatchObject({ tags: ['VIP'] });
    delete south.sandbox.faults.status;
    await pair.cycle();
    expect(south.held(there)).toMatchObject({ tags: ['VIP', 'beurs'] });
    expect(north.held(here)).toMatchObject({ tags: ['VIP', 'beurs'] });
    forget();
    await pair.cycle();
    expect(writes()).toEqual([]);
  });
});

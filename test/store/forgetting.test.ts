import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { batch, create, delivery, given, hint, link, origin, run, unmatched } from './samples.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  store = await openSqliteStore(join(folder, 'test.db'), { busyTimeoutMs: 100 });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const crmId = (externalId: string) => ({ connection: 'site', entity: 'contact', externalId }) as const;
const keyOf = { a: 11, b: 22 } as const;

/** Leaves a trace of a record in every table that has any. */
async function leaveTraces(id: 'a' | 'b'): Promise<void> {
  const key = { connection: 'site', recordId: id };
  const value = (what: string) => `${what} of ${id}`;
  await store.commit(
    batch({
      creates: [create(id, { keys: [keyOf[id]] }), create(`${id}-lost`)],
      links: [link(`x-${id}`, id), link(`lost-${id}`, `${id}-lost`, { connection: 'room', state: 'gone' })],
      pending: [key],
      history: [{ recordId: id, path: 'p', from: 1, fromOrigin: origin(), to: value('new'), origin: origin() }],
      conflicts: [
        {
          entity: 'contact',
          recordId: id,
          path: 'p',
          winner: { connection: 'room', value: value('winner') },
          loser: { connection: 'site', value: value('loser') },
          rule: 'newest',
          at: 1,
          run,
          state: 'waiting',
        },
      ],
      departures: [{ connection: 'site', externalId: `x-${id}`, run, missedAt: 1, state: 'missed' }],
      unmatched: [unmatched(`u-${id}`, { claims: [{ recordId: id, strength: 1 }] })],
      reviews: [
        {
          entity: 'contact',
          connection: 'site',
          externalId: `r-${id}`,
          candidates: [{ recordId: id, evidence: 'same name' }],
          reason: 'may be',
          at: 1,
          run,
        },
      ],
      quarantine: [{ connection: 'site', entity: 'contact', externalId: `x-${id}`, reason: 'bad', at: 1 }],
      apart: [
        {
          one: { connection: 'site', externalId: `u-${id}` },
          other: { connection: 'room', externalId: `of ${id}` },
        },
      ],
      merged: [
        {
          recordId: `${id}-lost`,
          survivorId: id,
          links: [{ connection: 'room', externalId: `lost-${id}` }],
        },
      ],
    }),
  );
  await store.beginIntent({ ...key, connection: 'room', entity: 'contact', at: 1, run, values: { p: value('sent') } });
  await store.hold(`people ${id}`, 'site', 'overwrite', [{ ...key, what: 'overwrite', mark: 'm' }], 1);
  await store.countHarm({ sync: 'people', run, ...key, what: 'overwrite', mark: 'n' }, 9);
  await store.receive([delivery(`d-${id}`, [hint(`x-${id}`)])]);
}

const whom = (id: 'a' | 'b') => ({
  recordIds: [id, `${id}-lost`],
  crmIds: [crmId(`x-${id}`), crmId(`u-${id}`), { ...crmId(`lost-${id}`), connection: 'room' }],
});
const everything = {
  records: 2,
  links: 2,
  history: 1,
  conflicts: 1,
  pending: 1,
  intents: 1,
  unmatched: 1,
  reviews: 1,
  quarantined: 1,
  hints: 1,
  // Held, counted, departed, claimed, kept apart in both directions, merged.
  notes: 7,
  keys: 1,
};

describe('the store forgets', () => {
  it('every row about somebody, and none about others', async () => {
    await leaveTraces('a');
    await leaveTraces('b');
    expect(await store.tracesOf(whom('a'))).toEqual(everything);
    expect(await store.forget(whom('a'), ['m1'], 'm1', 5)).toEqual(everything);
    expect(Object.values(await store.tracesOf(whom('a'))).filter((count) => count > 0)).toEqual([]);
    expect(await store.tracesOf(whom('b'))).toEqual(everything);
    expect((await store.aggregates(['a', 'b'])).size).toBe(1);
  });

  it('in every table that names records, or records of CRMs', () => {
    const database = new Sqlite(join(folder, 'test.db'), { readonly: true });
    const tables = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      .pluck()
      .all();
    database.close();
    // These hold no person: names of connections and runs, counts, settings, ids of deliveries.
    const others = ['name', 'run', 'epoch', 'checkpoint', 'lease', 'setting', 'delivery'];
    const source = readFileSync(new URL('../../src/store/sqlite/forgetting.ts', import.meta.url), 'utf8');
    for (const table of tables.filter((name) => !others.includes(name)))
      expect(source, table).toContain(`table: '${table}'`);
  });

  it('and keeps no byte of it in the file, also while another process has it open', async () => {
    const second = await openSqliteStore(join(folder, 'test.db'));
    await leaveTraces('a');
    await leaveTraces('b');
    expect((await second.aggregates(['a'])).size).toBe(1);
    await store.forget(whom('a'), [], '', 5);
    expect(await store.wipe()).toBe(true);
    const left = ['', '-wal'].map((end) => readFileSync(join(folder, `test.db${end}`)));
    for (const what of ['new', 'winner', 'loser', 'sent']) {
      expect(left.some((bytes) => bytes.includes(`${what} of a`))).toBe(false);
      expect(left.some((bytes) => bytes.includes(`${what} of b`))).toBe(true);
    }
    expect((await second.aggregates(['a', 'b'])).size).toBe(1);
    await given(second, ['c']);
    await second.close();
  });

  it('and says so when somebody who reads keeps old bytes in the log', async () => {
    await leaveTraces('a');
    const reader = new Sqlite(join(folder, 'test.db'), { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM record').get();
    await store.forget(whom('a'), [], '', 5);
    expect(await store.wipe()).toBe(false);
    reader.close();
    expect(await store.wipe()).toBe(true);
  });

  it('without hiding what others come to be known by from a process that has looked before', async () => {
    const second = await openSqliteStore(join(folder, 'test.db'));
    await leaveTraces('b');
    await leaveTraces('a');
    expect((await second.candidates('contact', [keyOf.a], 9)).get(keyOf.a)).toEqual(['a']);
    await store.forget(whom('a'), [], '', 5);
    await store.commit(batch({ creates: [create('c', { keys: [33] })], links: [link('x-c', 'c')] }));
    expect((await second.candidates('contact', [33], 9)).get(33)).toEqual(['c']);
    expect((await second.candidates('contact', [keyOf.a], 9)).size).toBe(0);
    await second.close();
  });

  it('but for marks, person by person, until they are lifted', async () => {
    expect(await store.isAnyForgotten()).toBe(false);
    await given(store, ['a', 'b']);
    await store.forget({ recordIds: ['a'], crmIds: [] }, ['m1', 'm2'], 'm1', 5);
    await store.forget({ recordIds: ['b'], crmIds: [] }, ['m3'], 'm3', 5);
    expect(await store.isAnyForgotten()).toBe(true);
    expect(await store.forgotten(['m2', 'm3', 'm4'])).toEqual(new Set(['m2', 'm3']));
    expect(await store.unforget(['m2', 'm4'])).toBe(1);
    expect(await store.forgotten(['m1', 'm2', 'm3'])).toEqual(new Set(['m3']));
    expect(await store.unforget(['m2'])).toBe(0);
    const key = await store.forgettingKey();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await store.forgettingKey()).toBe(key);
  });
});

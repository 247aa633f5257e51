import fc from 'fast-check';
import { expect } from 'vitest';
import { StaleError, type Store } from '../../src/store/store.ts';
import { aggregate, batch, due, given, update } from './samples.ts';

const connections = ['showroom', 'support'] as const;
const ids = ['a', 'b', 'c'] as const;

const key = fc.record({ connection: fc.constantFrom(...connections), recordId: fc.constantFrom(...ids) });
/** How far the version in hand is from the store's. */
const offset = fc.constantFrom(-1, 0, 0, 0, 1);

/** One commit, or one failed attempt noted, as a set of intentions about versions that may be stale. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      updates: fc.uniqueArray(fc.record({ id: fc.constantFrom(...ids), offset }), { selector: ({ id }) => id }),
      pending: fc.array(key, { maxLength: 3 }),
      done: fc.array(fc.tuple(key, offset), { maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('defer' as const),
      key,
      offset,
      state: fc.constantFrom('waiting' as const, 'dead' as const, 'unsupported' as const),
      notBefore: fc.constantFrom(0, 50),
      attempts: fc.nat(9),
    }),
  },
);

interface Waiting {
  readonly attempts: number;
  readonly notBefore: number;
  readonly state: string;
}

/**
 * Versions, `pending` and `done` behave like a map in memory, whatever is committed in whatever order, stale or not.
 * @param openStore a fresh, empty store for every run of the property
 */
export async function assertPendingModel(openStore: () => Promise<Store>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const store = await openStore();
      try {
        await given(store, ids);
        const versions = new Map<string, number>(ids.map((id) => [id, 1]));
        const waiting = new Map<string, Waiting>();
        for (const each of steps) {
          if (each.kind === 'defer') {
            const { connection, recordId } = each.key;
            const { state, notBefore, attempts, offset: off } = each;
            const version = (versions.get(recordId) as number) + off;
            await store.defer(connection, recordId, { version, state, notBefore, attempts, code: 'x', message: 'x' });
            const name = `${connection} ${recordId}`;
            if (waiting.has(name) && off === 0) waiting.set(name, { state, notBefore, attempts });
          } else {
            await commit(store, each, versions, waiting);
          }
          await expectSame(store, versions, waiting);
        }
      } finally {
        await store.close();
      }
    }),
    { numRuns },
  );
}

type Commit = Extract<typeof step extends fc.Arbitrary<infer Step> ? Step : never, { kind: 'commit' }>;

async function commit(
  store: Store,
  { updates, pending, done }: Commit,
  versions: Map<string, number>,
  waiting: Map<string, Waiting>,
): Promise<void> {
  const at = (id: string) => versions.get(id) as number;
  const doneAt = done.map(([each, off]) => ({ ...each, version: at(each.recordId) + off }));
  const committed = store.commit(
    batch({ updates: updates.map(({ id, offset: off }) => update(id, at(id) + off)), pending, done: doneAt }),
  );
  if (updates.some(({ offset: off }) => off !== 0)) {
    await expect(committed).rejects.toBeInstanceOf(StaleError);
    return;
  }
  await committed;
  for (const { id } of updates) versions.set(id, at(id) + 1);
  for (const { connection, recordId } of pending)
    waiting.set(`${connection} ${recordId}`, { attempts: 0, notBefore: 0, state: 'waiting' });
  for (const { connection, recordId, version } of doneAt)
    if (version === at(recordId)) waiting.delete(`${connection} ${recordId}`);
}

async function expectSame(
  store: Store,
  versions: ReadonlyMap<string, number>,
  waiting: ReadonlyMap<string, Waiting>,
): Promise<void> {
  for (const [id, version] of versions) expect((await aggregate(store, id)).record.version).toBe(version);
  for (const connection of connections)
    for (const now of [0, 50]) {
      const expected = ids.filter((id) => {
        const row = waiting.get(`${connection} ${id}`);
        return row?.state === 'waiting' && row.notBefore <= now;
      });
      expect((await due(store, connection, now)).sort()).toEqual(expected);
    }
}

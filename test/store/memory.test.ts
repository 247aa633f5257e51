import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { openMemoryStore } from './memory.ts';
import { batch, create, delivery, given, hint, link, run, unmatched } from './samples.ts';

/** Writes to a store, and tells what it then knows, numbers that it has given out included. */
async function used(store: Store): Promise<unknown> {
  const before = [await store.standing(), await store.identityEpoch('contact'), await store.remembered('who')];
  await store.beginRun({ id: run, sync: 'people', startedAt: 1 });
  await given(store, ['a'], { pending: [{ connection: 'room', recordId: 'a' }] });
  await store.commit(
    batch({
      creates: [create('b', { keys: [7] })],
      links: [link('x-b', 'b')],
      unmatched: [unmatched('x-c')],
      checkpoint: { connection: 'site', entity: 'contact', run, startedAt: 1, read: 3, complete: undefined },
    }),
  );
  await store.receive([delivery('d1', [hint('x-a')])]);
  await store.lease('people', 'me', 1, 100);
  await store.hold('people', 'room', 'delete', [{ connection: 'room', recordId: 'a', what: 'delete', mark: '' }], 1);
  await store.remember('who', 'somebody');
  const after = [
    ...(await Promise.all([store.standing(), store.identityEpoch('contact'), store.candidates('contact', [7], 5)])),
    ...(await Promise.all([store.pending('room', 'contact', 9, 0, 9), store.unmatched('contact', 0, 9), store.held()])),
    ...(await Promise.all([store.runs(9), store.leases(''), store.checkpoint('site', 'contact')])),
    ...(await Promise.all([store.hints('site', 'contact', 9), store.liveLinks('site', 'contact', 0, 9)])),
  ];
  await store.close();
  return [...before, ...after];
}

describe('a store in memory', () => {
  it('is empty at first, whatever the one before it held', async () => {
    const anew = await used(await openSqliteStore(':memory:'));
    for (let time = 1; time <= 3; time += 1) expect(await used(openMemoryStore())).toEqual(anew);
  });

  it('answers nobody any more once it is closed, and leaves the next one alone', async () => {
    const store = openMemoryStore();
    await store.close();
    await expect(store.remember('who', 'somebody')).rejects.toThrow('this store is closed');
    const next = openMemoryStore();
    expect(await next.remembered('who')).toBeUndefined();
    await next.close();
  });
});

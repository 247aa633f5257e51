import { openSqliteStore } from '../../src/store/sqlite.ts';
import { StaleError, type Store } from '../../src/store/store.ts';
import { aggregate, batch, create, given, link, update } from './samples.ts';

// One of several processes: makes `count` records of its own, and raises the version of a shared one as often.
const [file, name, count] = process.argv.slice(2) as [string, string, string];
const store = await openSqliteStore(file);
await untilFresh(async () => {
  if ((await store.aggregates(['shared'])).size === 0)
    await given(store, [], { creates: [create('shared')], links: [link('shared', 'shared', { connection: 'all' })] });
});
for (let index = 0; index < Number(count); index++) {
  const id = `${name}${index}`;
  // With the epoch, the transaction reads before it writes: it must have its place among the writers by then.
  await untilFresh(async () =>
    given(store, [], {
      identityEpoch: await store.identityEpoch('contact'),
      creates: [create(id, { keys: [index] })],
      links: [link(id, id, { connection: name, run: `${name} ${index}` })],
    }),
  );
  await untilFresh(() => raise(store));
}
await store.close();

async function raise(shared: Store): Promise<void> {
  const { version } = (await aggregate(shared, 'shared')).record;
  await shared.commit(batch({ updates: [update('shared', version)] }));
}

async function untilFresh(action: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
    }
  }
}

import fc from 'fast-check';
import { expect } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { delivery, hint } from './samples.ts';

const connections = ['showroom', 'support'] as const;

const sent = fc.record({
  connection: fc.constantFrom(...connections),
  id: fc.constantFrom('d1', 'd2', 'd3', undefined),
  externalIds: fc.array(fc.constantFrom('0', 'a', 'A'), { maxLength: 3 }),
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('receive' as const), of: fc.array(sent, { maxLength: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      connection: fc.constantFrom(...connections),
      /** How many of the oldest; their positions are ended once more at the end of the history. */
      count: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), age: fc.nat(3) }) },
);

/**
 * The inbox behaves like a list and a map of ids in memory, whatever is received, ended and forgotten in whatever order.
 * @param openStore a fresh, empty store for every run of the property
 */
export async function assertInboxModel(openStore: () => Promise<Store>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const store = await openStore();
      try {
        const open = new Map<string, string[]>(connections.map((connection) => [connection, []]));
        const taken = new Map<string, number>();
        const ended: number[] = [];
        for (const [now, each] of steps.entries()) {
          if (each.kind === 'receive') {
            const outcomes = each.of.map(({ connection, id, externalIds }) => {
              if (id !== undefined && taken.has(`${connection} ${id}`)) return 'repeated';
              if (id !== undefined) taken.set(`${connection} ${id}`, now);
              open.get(connection)?.push(...externalIds);
              return 'stored';
            });
            const deliveries = each.of.map(({ connection, id, externalIds }) =>
              delivery(
                id,
                externalIds.map((externalId) => hint(externalId)),
                { connection, at: now },
              ),
            );
            expect(await store.receive(deliveries)).toEqual(outcomes);
          } else if (each.kind === 'end') {
            const rows = await store.hints(each.connection, 'contact', each.count);
            ended.push(...rows.map(({ position }) => position));
            await store.endHints(rows.map(({ position }) => position));
            open.get(each.connection)?.splice(0, each.count);
          } else {
            const before = now - each.age;
            await store.expire({ logs: undefined, deliveries: before });
            for (const [name, at] of taken) if (at < before) taken.delete(name);
          }
          await expectSame(store, open);
        }
        await store.endHints(ended);
        await expectSame(store, open);
      } finally {
        await store.close();
      }
    }),
    { numRuns },
  );
}

async function expectSame(store: Store, open: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const counts = new Map((await store.openHints()).map(({ connection, count }) => [connection, count]));
  for (const [connection, expected] of open) {
    const rows = await store.hints(connection, 'contact', 1_000);
    expect(rows.map(({ externalId }) => externalId)).toEqual(expected);
    const positions = rows.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((one, other) => one - other));
    expect(counts.get(connection) ?? 0).toBe(expected.length);
  }
}

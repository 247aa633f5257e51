import { describe, expect, test } from 'vitest';
import type { Delivery, Hint, Store } from '../../src/store/store.ts';
import { delivery, hint } from './samples.ts';

/** What every implementation of `Store` promises about the inbox. @param store gives a fresh one */
export function inboxContract(store: () => Store): void {
  const receive = (...deliveries: readonly Delivery[]) => store().receive(deliveries);
  const openIds = async (connection = 'site') =>
    (await store().hints(connection, 'contact', 10_000)).map(({ externalId }) => externalId);

  describe('the inbox', () => {
    test('gives hints back as they came, oldest first, by connection and entity', async () => {
      const gone = hint('2', { what: 'deleted' });
      await receive(delivery('d1', [hint('0'), gone], { at: 5 }), delivery('d2', [hint('7')], { connection: 'room' }));
      await receive(delivery('d3', [hint('A'), hint('9', { entity: 'lead' })], { at: 6 }));
      const hints = await store().hints('site', 'contact', 10);
      expect(hints).toEqual([
        { ...hint('0'), connection: 'site', position: expect.any(Number), at: 5 },
        { ...gone, connection: 'site', position: expect.any(Number), at: 5 },
        { ...hint('A'), connection: 'site', position: expect.any(Number), at: 6 },
      ]);
      expect(await store().hints('site', 'contact', 2)).toEqual(hints.slice(0, 2));
      expect(await openIds('room')).toEqual(['7']);
      expect(await openIds('nobody')).toEqual([]);
    });

    test('tells where hints are open, how many, and since when', async () => {
      expect(await store().openHints()).toEqual([]);
      await receive(
        delivery('d1', [hint('1'), hint('1'), hint('9', { entity: 'lead' })], { at: 5 }),
        delivery('d2', [hint('2')], { at: 8 }),
        delivery('d2', [hint('2')], { connection: 'room', at: 9 }),
      );
      const open = await store().openHints();
      expect(open).toHaveLength(3);
      expect(open).toEqual(
        expect.arrayContaining([
          { connection: 'site', entity: 'contact', count: 3, oldestAt: 5 },
          { connection: 'site', entity: 'lead', count: 1, oldestAt: 5 },
          { connection: 'room', entity: 'contact', count: 1, oldestAt: 9 },
        ]),
      );
    });

    test('takes a delivery once, also when it comes twice at the same moment', async () => {
      const once = delivery('d1', [hint('1')]);
      expect(await receive(once, delivery('d2', [hint('2')]), once)).toEqual(['stored', 'stored', 'repeated']);
      expect(await receive(once)).toEqual(['repeated']);
      await store().endHints((await store().hints('site', 'contact', 9)).map(({ position }) => position));
      expect(await receive(once)).toEqual(['repeated']);
      expect(await openIds()).toEqual([]);
    });

    test('takes the same id from another connection, and always what has none', async () => {
      const nameless = delivery(undefined, [hint('1')]);
      await receive(delivery('d1', [hint('1')]));
      expect(await receive(delivery('d1', [hint('1')], { connection: 'room' }), nameless, nameless)).toEqual([
        'stored',
        'stored',
        'stored',
      ]);
      expect(await openIds()).toEqual(['1', '1', '1']);
    });

    test('gives a record that is named again a later position, and ends only what is named', async () => {
      await receive(delivery('d1', [hint('1')]));
      const [first] = await store().hints('site', 'contact', 9);
      await store().endHints([first!.position]);
      await receive(delivery('d2', [hint('1')]));
      const [second] = await store().hints('site', 'contact', 9);
      expect(second!.position).toBeGreaterThan(first!.position);
      await store().endHints([first!.position]);
      await store().endHints([]);
      expect(await store().hints('site', 'contact', 9)).toEqual([second]);
    });

    test('takes thousands of hints in one delivery, in order', async () => {
      const ids = Array.from({ length: 5_003 }, (_, index) => `${index}`);
      await receive(
        delivery(
          'd1',
          ids.map((id): Hint => hint(id)),
        ),
      );
      expect(await openIds()).toEqual(ids);
      await store().endHints((await store().hints('site', 'contact', 5_000)).map(({ position }) => position));
      expect(await openIds()).toEqual(ids.slice(5_000));
    });

    test('takes nothing, and a delivery without hints', async () => {
      expect(await receive()).toEqual([]);
      expect(await receive(delivery('d1', []))).toEqual(['stored']);
      expect(await receive(delivery('d1', [hint('1')]))).toEqual(['repeated']);
    });

    test('forgets ids of deliveries, never hints that are open', async () => {
      await receive(delivery('d1', [hint('1')], { at: 10 }), delivery('d2', [hint('2')], { at: 20 }));
      expect(await store().expire({ logs: undefined, deliveries: 20 })).toBe(1);
      expect(await receive(delivery('d1', [hint('1')]), delivery('d2', [hint('2')]))).toEqual(['stored', 'repeated']);
      expect(await openIds()).toEqual(['1', '2', '1']);
    });
  });
}

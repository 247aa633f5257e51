import { test as law } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { live, openPlan, plans, runs } from './generated.ts';
import { disagreements, doubles } from './laws.ts';
import type { World } from './world.ts';

/** Every value with its origin, and every link, of every record. */
async function standing(world: World): Promise<unknown> {
  return (await world.records('contact')).map(({ record, links }) => ({ record, links }));
}

describe('where the logs expire after every cycle', () => {
  law.prop([plans()], { numRuns: runs })(
    'two cycles bring agreement and a third writes nothing, nobody is twice, and every value keeps its origin',
    async (plan) => {
      const world = await openPlan(plan);
      try {
        const expire = async () => {
          const waiting = await world.store.conflicts(1_000, 'waiting');
          const before = await standing(world);
          const now = world.clock.now();
          await world.store.expire({ logs: now + 1, deliveries: now + 1 });
          expect(await standing(world)).toEqual(before);
          expect(await world.store.conflicts(1_000)).toEqual(waiting);
        };
        await live(world, plan, { afterCycle: expire });
        await world.cycle();
        await expire();
        await world.cycle();
        await expire();
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
        for (const { record } of await world.records('contact'))
          expect(Object.keys(record.values).filter((path) => record.origins[path] === undefined)).toEqual([]);
        world.forgetCalls();
        await world.cycle();
        expect([...world.crms.values()].flatMap(({ writes }) => writes)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

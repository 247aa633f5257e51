import { test as law } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { live, openPlan, type Plan, plans, runs } from './generated.ts';
import { disagreements, doubles, lostEdits, needlessWrites, unexplained } from './laws.ts';
import type { World } from './world.ts';

const numRuns = { numRuns: runs };

async function inWorld(plan: Plan, check: (world: World) => Promise<void>): Promise<void> {
  const world = await openPlan(plan);
  try {
    await check(world);
  } finally {
    await world.close();
  }
}

describe('in any world', () => {
  law.prop([plans({ maxCrms: 4 })], numRuns)(
    'after the last edits, two cycles bring agreement and a third writes nothing',
    (plan) =>
      inWorld(plan, async (world) => {
        await live(world, plan);
        await world.cycle();
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        world.forgetCalls();
        await world.cycle();
        expect([...world.crms.values()].flatMap(({ writes }) => writes)).toEqual([]);
      }),
  );

  law.prop([plans()], numRuns)('no edit is lost', (plan) =>
    inWorld(plan, async (world) => {
      await live(world, plan);
      await world.cycle();
      await world.cycle();
      expect(await lostEdits(world)).toEqual([]);
    }),
  );

  law.prop([plans()], numRuns)('nobody is twice in one CRM', (plan) =>
    inWorld(plan, async (world) => {
      await live(world, plan, {
        afterCycle: async () => expect(doubles(world, 'contact', 'email.primary')).toEqual([]),
      });
      await world.cycle();
      expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
    }),
  );

  law.prop([plans()], numRuns)(
    'every value says from which CRM it came, and that CRM really showed it in that run',
    (plan) =>
      inWorld(plan, async (world) => {
        await live(world, plan, {
          afterCycle: async () => expect(await unexplained(world, 'contact')).toEqual([]),
        });
      }),
  );

  law.prop([plans()], numRuns)('a write names only fields that differ and that the CRM takes', (plan) =>
    inWorld(plan, async (world) => {
      await live(world, plan);
      await world.cycle();
      expect(needlessWrites(world)).toEqual([]);
    }),
  );
});

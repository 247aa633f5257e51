import { fc, test as law } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { mergeRecords, splitRecord } from '../../src/engine/regroup.ts';
import { openReviews } from '../../src/engine/reviews.ts';
import { settleReview } from '../../src/engine/settle-review.ts';
import type { CrmName } from '../../src/store/store.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { disagreements } from './laws.ts';
import { writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

const deed = fc.record({
  does: fc.constantFrom('link', 'keep-apart', 'create', 'skip', 'merge', 'merge', 'split', 'split'),
  first: fc.nat({ max: 9 }),
  second: fc.nat({ max: 9 }),
});
type Deed = typeof deed extends fc.Arbitrary<infer One> ? One : never;

/** A person decides something, wisely or not. What is refused changes nothing. */
async function act(world: World, { does, first, second }: Deed): Promise<void> {
  const { context } = world;
  const records = await world.records('contact');
  const pick = <One>(from: readonly One[], index: number): One | undefined => from[index % from.length];
  const [one, other] = [pick(records, first)?.record.id, pick(records, second)?.record.id];
  try {
    if (does === 'merge' && one && other) await mergeRecords(context, 'contact', one, other);
    else if (does === 'split' && one) {
      const links = pick(records, first)!.links.filter(({ state }) => state === 'live');
      const link = pick(links, second);
      if (link) await splitRecord(context, 'contact', one, [link]);
    } else {
      const review = pick(await openReviews(context), first);
      if (!review) return;
      const recordId = other ?? one;
      if (does === 'link' && recordId) await settleReview(context, review, { say: 'link', recordId });
      else if (does === 'keep-apart' || does === 'create' || does === 'skip')
        await settleReview(context, review, { say: does });
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'DecisionError') throw error;
  }
}

describe('in any world', () => {
  law.prop([plans({ injected: false }), fc.array(fc.array(deed, { maxLength: 4 }), { minLength: 1, maxLength: 3 })], {
    numRuns: Math.ceil(runs / 4),
  })(
    'whatever people decide, two cycles bring agreement, nobody is made twice, and who is kept apart stays apart',
    async (plan, days) => {
      const world = await openPlan(plan);
      try {
        await live(world, plan);
        for (const deeds of days) {
          for (const one of deeds) await act(world, one);
          await world.cycle();
        }
        // What waits for a person is written nowhere; in the end all of it is settled.
        for (let day = 0; day < 20; day += 1) {
          for (const review of await openReviews(world.context))
            await settleReview(world.context, review, { say: 'create' });
          await world.cycle();
          if ((await openReviews(world.context)).length === 0) break;
        }
        expect(await openReviews(world.context)).toEqual([]);
        await world.cycle();
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        const before = [...world.crms.values()].map((one) => one.ids('contact').length);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
        expect([...world.crms.values()].map((one) => one.ids('contact').length)).toEqual(before);
        expect(await shared(world)).toEqual([]);
        expect(await reunited(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );
});

/** CRM records that two canonical records call their own, and canonical records with two records of one CRM. */
async function shared(world: World): Promise<readonly string[]> {
  const links = (await world.records('contact')).flatMap((one) => one.links.filter(({ state }) => state === 'live'));
  const names = links.flatMap(({ connection, externalId, recordId }) => [
    `${connection}:${externalId}`,
    `${connection} of ${recordId}`,
  ]);
  return names.filter((name, index) => names.indexOf(name) !== index);
}

/** Records of CRMs that are one again although a person has kept them apart, and has not said otherwise since. */
async function reunited(world: World): Promise<readonly object[]> {
  const found: object[] = [];
  for (const { links } of await world.records('contact')) {
    const its = links.filter(({ state }) => state === 'live');
    const isIts = (name: CrmName) =>
      its.some(({ connection, externalId }) => connection === name.connection && externalId === name.externalId);
    found.push(...(await world.store.apartOf('contact', its)).filter(({ other }) => isIts(other)));
  }
  return found;
}

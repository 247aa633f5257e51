import { expect, it } from 'vitest';
import { runCycle } from '../../src/queue/cycle.ts';
import { type Adrift, type Death, start } from './deaths.ts';
import { ann, ben, crm, inWorld } from './small.ts';
import type { World } from './world.ts';

/** A cycle of a process of its own, soon after what was before. */
async function cycleOf(world: World, owner: string, death?: Death, adrift: Adrift[] = []): Promise<void> {
  world.clock.advance(500);
  const isAlive = (other: string) => other === owner;
  const { context, end } = start(world.context, owner, { isAlive, adrift }, death);
  await Promise.race([runCycle(context, context.syncs[0]!, { run: owner }), end]);
}

const unheard: Death = { of: 'write', step: 0, when: 'before' };

for (const reads of ['id', 'search', 'none'] as const)
  it.each([
    ['dies, too', unheard],
    ['lives', undefined],
  ] as const)(
    `what a dead process has sent, and arrives late, is no person's edit; the next one has another value to send and %s: ${reads}`,
    async (_, death) => {
      await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { reads })], async (world) => {
        for (const who of [ann, ben]) world.enter('alpha', 'contact', { ...who, jobTitle: 'Tailor' });
        for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        await cycleOf(world, 'first', unheard);
        const arrive = () =>
          void world.crms
            .get('bravo')!
            .update('contact', 'bravo-1', { canonicalId: '', changes: { jobTitle: 'Baker' }, known: {} });
        // What takes longer than this counts as never sent.
        const until = world.clock.now() + world.context.settleMs - 200;
        const adrift: Adrift[] = [{ callsLeft: Number.POSITIVE_INFINITY, until, arrive }];
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Cook' });
        await cycleOf(world, 'second', death, adrift);
        for (const late of adrift) late.arrive();
        await cycleOf(world, 'third');
        for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
        for (const [name, one] of world.crms) expect(one.holds('contact', `${name}-1`).jobTitle).toBe('Cook');
        expect(await world.store.conflicts(9)).toEqual([]);
      });
    },
  );

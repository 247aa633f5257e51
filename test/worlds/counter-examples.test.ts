import { describe, expect, it } from 'vitest';
import type { CrmSpec } from './fake-crm.ts';
import { noHabits } from './habits.ts';
import { disagreements, lostEdits } from './laws.ts';
import { openWorld, policy, type World } from './world.ts';

/** A CRM that does everything right and nothing to what it is given. */
function crm(name: string, paths: readonly string[], overrides: Partial<CrmSpec> = {}): CrmSpec {
  return {
    name,
    fields: { contact: ['name.given', 'name.family', 'email.primary', ...paths] },
    readOnly: [],
    habits: noHabits,
    tells: 'all',
    reads: 'id',
    pageSize: 10,
    shuffles: false,
    stamps: false,
    showsEmptyAs: 'null',
    concurrent: 1,
    ...overrides,
  };
}

const ann = { 'name.given': 'Ann', 'name.family': 'Ashworth', 'email.primary': 'ann@ashworth.example' };

async function inWorld(world: World, check: (world: World) => Promise<void>): Promise<void> {
  try {
    await check(world);
  } finally {
    await world.close();
  }
}

const both = (...connections: string[]) =>
  policy(connections.map((connection) => ({ connection, direction: 'both' as const })));

describe('what generated worlds have shown', () => {
  it('a field emptied by a person right after a write whose answer told nothing is an edit, not a habit', async () => {
    await inWorld(
      await openWorld([crm('alpha', []), crm('bravo', [], { tells: 'id' })], [both('alpha', 'bravo')]),
      async (world) => {
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        const [id] = world.crms.get('bravo')!.ids('contact');
        world.edit('bravo', 'contact', id!, { 'name.given': null });
        await world.cycle();
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-1')['name.given']).toBe(null);
        expect(await lostEdits(world)).toEqual([]);
        expect(await disagreements(world, 'contact')).toEqual([]);
      },
    );
  });
});

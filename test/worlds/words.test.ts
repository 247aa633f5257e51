import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { wordTurning } from '../../src/connector/turned.ts';
import { runs } from './generated.ts';
import { noHabits } from './habits.ts';
import { ann, ben, both, crm, written, writtenInOneMoreCycle } from './small.ts';
import { openWorld, type World } from './world.ts';

const names = ['alpha', 'bravo', 'charlie'];
const meanings = ['lead', 'customer', 'lost'];

/** Each CRM has words of its own, one or two for each meaning, and some that nobody has translated. */
const words = fc
  .tuple(...names.map(() => fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 })))
  .map((counts) =>
    Object.fromEntries(
      names.map((name, index) => [
        name,
        Object.fromEntries(
          meanings.flatMap((meaning, of) =>
            Array.from({ length: counts[index]![of]! }, (_, more) => [`${name} ${meaning} ${more}`, meaning]),
          ),
        ),
      ]),
    ),
  );

const edits = fc.array(
  fc.record({
    crm: fc.constantFrom(...names),
    person: fc.integer({ min: 1, max: 2 }),
    word: fc.nat({ max: 7 }),
  }),
  { maxLength: 6 },
);

const habits = fc.record({
  upper: fc.constantFrom([], ['status']),
  tells: fc.constantFrom('all' as const, 'some' as const, 'id' as const),
  reads: fc.constantFrom('id' as const, 'none' as const),
});

async function holding(world: World, maps: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const found: Record<string, unknown[]> = {};
  for (const name of names) {
    const one = world.crms.get(name)!;
    const { toCanonical } = wordTurning(maps[name]!);
    for (const id of one.ids('contact')) {
      const { record } = (await world.recordOf(name, 'contact', id))!;
      const said = String(toCanonical(one.holds('contact', id).status ?? null)).toLowerCase();
      found[record.id] = [...(found[record.id] ?? []), said];
    }
  }
  return Object.values(found);
}

describe('where CRMs have words of their own for options', () => {
  law.prop([words, edits, fc.tuple(habits, habits, habits)], { numRuns: Math.ceil(runs / 2) })(
    'all mean the same after two cycles, unknown words pass as they are, and nothing is left to write',
    async (maps, typed, each) => {
      const specs = names.map((name, index) =>
        crm(name, ['status'], {
          tells: each[index]!.tells,
          reads: each[index]!.reads,
          habits: { ...noHabits, upper: each[index]!.upper },
        }),
      );
      const turnings = Object.fromEntries(names.map((name) => [name, { status: wordTurning(maps[name]!) }]));
      const world = await openWorld(specs, [both(names)], 1, { turnings });
      try {
        for (const person of [ann, ben]) world.enter('alpha', 'contact', person);
        await world.cycle();
        for (const { crm: name, person, word } of typed) {
          const all = [...Object.keys(maps[name]!), 'open', 'of nobody'];
          world.edit(name, 'contact', `${name}-${person}`, { status: all[word % all.length]! });
          await world.cycle();
        }
        await world.cycle();
        for (const said of await holding(world, maps)) expect(new Set(said).size).toBe(1);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      } finally {
        await world.close();
      }
    },
  );

  it('a word that means what is canonical already is left as somebody chose it', async () => {
    const turnings = { bravo: { status: wordTurning({ Won: 'customer', Closed: 'customer' }) } };
    const world = await openWorld([crm('alpha', ['status']), crm('bravo', ['status'])], [both(['alpha', 'bravo'])], 1, {
      turnings,
    });
    try {
      world.enter('alpha', 'contact', { ...ann, status: 'customer' });
      world.enter('bravo', 'contact', { ...ann, status: 'Closed' });
      world.enter('bravo', 'contact', { ...ben, status: 'Closed' });
      await world.cycle();
      expect(written(world)).toEqual(['alpha create email.primary name.family name.given status']);
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-2').status).toBe('customer');
      expect(await world.store.conflicts(10)).toEqual([]);
    } finally {
      await world.close();
    }
  });
});

import { describe, expect, it } from 'vitest';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { CrmSpec } from './fake-crm.ts';
import { lostEdits } from './laws.ts';
import { ann, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import { policy, type World } from './world.ts';

const mobile = 'phone.mobile';

/** Ann is at both; both change her job title; the cycle then decides. */
async function contest(
  specs: readonly [CrmSpec, CrmSpec],
  sync: SyncPolicy,
  check: (world: World, holds: (name: string) => unknown) => Promise<void>,
  edits: readonly (readonly [string, string])[] = [
    ['alpha', 'Baker'],
    ['bravo', 'Cook'],
  ],
): Promise<void> {
  await inWorld(
    specs,
    async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      await world.cycle();
      for (const [name, title] of edits) {
        world.edit(name, 'contact', `${name}-1`, { jobTitle: title });
        world.clock.advance(10_000);
      }
      await world.cycle();
      await check(world, (name) => world.crms.get(name)!.holds('contact', `${name}-1`).jobTitle);
      expect(await lostEdits(world)).toEqual([]);
    },
    { syncs: [sync] },
  );
}

const plain = (overrides: Partial<CrmSpec> = {}) =>
  [
    crm('alpha', ['jobTitle', mobile, 'tags'], overrides),
    crm('bravo', ['jobTitle', mobile, 'tags'], overrides),
  ] as const;

describe('a field changed on two sides', () => {
  it('goes to the later modified stamp under newest', async () => {
    await contest(plain({ stamps: true }), both(['alpha', 'bravo']), async (_world, holds) => {
      expect([holds('alpha'), holds('bravo')]).toEqual(['Cook', 'Cook']);
    });
    await contest(
      plain({ stamps: true }),
      both(['alpha', 'bravo']),
      async (_world, holds) => expect([holds('alpha'), holds('bravo')]).toEqual(['Baker', 'Baker']),
      [
        ['bravo', 'Cook'],
        ['alpha', 'Baker'],
      ],
    );
  });

  it('goes to the member named first under newest where no time decides', async () => {
    await contest(plain(), both(['alpha', 'bravo']), async (world, holds) => {
      expect([holds('alpha'), holds('bravo')]).toEqual(['Baker', 'Baker']);
      const [conflict] = await world.store.conflicts(10);
      expect(conflict).toMatchObject({
        path: 'jobTitle',
        winner: { connection: 'alpha', value: 'Baker' },
        loser: { connection: 'bravo', value: 'Cook' },
        state: 'settled',
      });
    });
    await contest(plain(), both(['bravo', 'alpha']), async (_world, holds) => {
      expect([holds('alpha'), holds('bravo')]).toEqual(['Cook', 'Cook']);
    });
  });

  it('goes to the connection that stands first in the ranked list, whatever the stamps say', async () => {
    await contest(
      plain({ stamps: true }),
      both(['alpha', 'bravo'], { conflicts: ['bravo', 'alpha'] }),
      async (_world, holds) => expect([holds('alpha'), holds('bravo')]).toEqual(['Cook', 'Cook']),
      [
        ['bravo', 'Cook'],
        ['alpha', 'Baker'],
      ],
    );
  });

  it('goes to its owner before any other rule', async () => {
    for (const conflicts of ['newest', 'manual', ['alpha']] as const)
      await contest(
        plain(),
        both(['alpha', 'bravo'], { conflicts, owners: { jobTitle: 'bravo' } }),
        async (world, holds) => {
          expect([holds('alpha'), holds('bravo')]).toEqual(['Cook', 'Cook']);
          expect((await world.store.conflicts(10))[0]).toMatchObject({ rule: 'conflict: owner', state: 'settled' });
        },
      );
  });

  it('an owner decides conflicts only: an edit elsewhere that nobody contests goes through', async () => {
    await contest(
      plain(),
      both(['alpha', 'bravo'], { owners: { jobTitle: 'bravo' } }),
      async (_world, holds) => expect([holds('alpha'), holds('bravo')]).toEqual(['Baker', 'Baker']),
      [['alpha', 'Baker']],
    );
  });

  it('goes to the first member that shows a value, also where a later one showed it first', async () => {
    const held = { alpha: 'Tailor', bravo: 'Cook', charlie: 'Tailor' };
    for (const order of ['alpha bravo charlie', 'charlie alpha bravo', 'bravo charlie alpha', 'charlie bravo alpha'])
      await inWorld(
        Object.keys(held).map((name) => crm(name, ['jobTitle'], { pageSize: 1 })),
        async (world) => {
          const annOf = new Map<string, string>();
          for (const [name, jobTitle] of Object.entries(held)) {
            // Others stand before her where she is to be read later.
            for (let index = 0; index < 3 * order.split(' ').indexOf(name); index += 1)
              world.enter(name, 'contact', { 'email.primary': `${name}${index}@others.example` });
            annOf.set(name, world.enter(name, 'contact', { ...ann, jobTitle }));
          }
          await world.cycle();
          for (const [name, id] of annOf) expect(world.crms.get(name)!.holds('contact', id).jobTitle).toBe('Tailor');
        },
        { syncs: [both(['alpha', 'bravo', 'charlie'])] },
      );
  });

  it('is no conflict when both typed the same', async () => {
    await contest(
      plain(),
      both(['alpha', 'bravo']),
      async (world, holds) => {
        expect([holds('alpha'), holds('bravo')]).toEqual(['Baker', 'Baker']);
        expect(await world.store.conflicts(10)).toEqual([]);
      },
      [
        ['alpha', 'Baker'],
        ['bravo', 'Baker'],
      ],
    );
  });
});

describe('under manual', () => {
  const manual = both(['alpha', 'bravo'], { conflicts: 'manual' });

  it('the contested field stays as it is on both sides, and the rest of the record goes through', async () => {
    await inWorld(
      plain(),
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker', [mobile]: '+4930111111' });
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook', 'name.given': 'Anna' });
        const { people } = await world.cycle();
        expect(people!.waiting.conflicts).toBe(1);
        expect(people!.state).toBe('waiting');
        const [first, second] = ['alpha', 'bravo'].map((name) => world.crms.get(name)!.holds('contact', `${name}-1`));
        expect(first).toMatchObject({ jobTitle: 'Baker', [mobile]: '+4930111111', 'name.given': 'Anna' });
        expect(second).toMatchObject({ jobTitle: 'Cook', [mobile]: '+4930111111', 'name.given': 'Anna' });
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      { syncs: [manual] },
    );
  });

  for (const [who, value] of [
    ['bravo', 'Baker'],
    ['alpha', 'Cook'],
  ] as const)
    it(`the conflict is over when a person types ${value} at ${who} too`, async () => {
      await contest(plain(), manual, async (world, holds) => {
        expect([holds('alpha'), holds('bravo')]).toEqual(['Baker', 'Cook']);
        world.edit(who, 'contact', `${who}-1`, { jobTitle: value });
        const { people } = await world.cycle();
        expect([holds('alpha'), holds('bravo')]).toEqual([value, value]);
        expect(people!.waiting.conflicts).toBe(0);
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Smith' });
        await world.cycle();
        expect(holds('bravo')).toBe('Smith');
      });
    });

  it('the losing side typed another value: both of its values are in the log, the last one waits', async () => {
    await inWorld(
      [crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])],
      async (world) => {
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' });
        await world.cycle();
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Smith' });
        await world.cycle();
        const log = await world.store.conflicts(10);
        expect(log.map(({ loser, state }) => [loser.value, state])).toEqual([
          ['Smith', 'waiting'],
          ['Cook', 'settled'],
        ]);
      },
      { syncs: [both(['alpha', 'bravo'], { conflicts: 'manual' })] },
    );
  });

  it('a third member that shows the one value decides nothing about the other', async () => {
    const titles = { alpha: 'Baker', bravo: 'Cook', charlie: 'Baker' };
    for (const order of ['alpha bravo charlie', 'alpha charlie bravo', 'bravo alpha charlie'])
      await inWorld(
        [...plain(), crm('charlie', ['jobTitle'])],
        async (world) => {
          for (const [name, jobTitle] of Object.entries(titles)) world.enter(name, 'contact', { ...ann, jobTitle });
          await world.cycle();
          const { people } = await world.cycle();
          expect(people!.waiting.conflicts).toBeGreaterThan(0);
          for (const [name, title] of Object.entries(titles))
            expect(world.crms.get(name)!.holds('contact', `${name}-1`).jobTitle).toBe(title);
        },
        { syncs: [both(order.split(' '), { conflicts: 'manual' })] },
      );
  });

  it('of three values none is lost, however the person decides', async () => {
    const titles = { alpha: 'Baker', bravo: 'Cook', charlie: 'Smith' };
    for (const decision of Object.values(titles))
      await inWorld(
        [...plain(), crm('charlie', ['jobTitle'])],
        async (world) => {
          world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
          await world.cycle();
          for (const [name, jobTitle] of Object.entries(titles)) world.edit(name, 'contact', `${name}-1`, { jobTitle });
          await world.cycle();
          for (const name of Object.keys(titles)) {
            world.edit(name, 'contact', `${name}-1`, { jobTitle: decision });
            await world.cycle();
            expect(await lostEdits(world)).toEqual([]);
          }
          await world.cycle();
          for (const [name, one] of world.crms) expect(one.holds('contact', `${name}-1`).jobTitle).toBe(decision);
        },
        { syncs: [both(Object.keys(titles), { conflicts: 'manual' })] },
      );
  });

  it('a record that a third member lacks is created there without the contested field', async () => {
    await inWorld(
      [...plain(), crm('charlie', ['jobTitle'])],
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Baker' });
        world.enter('bravo', 'contact', { ...ann, jobTitle: 'Cook' });
        await world.cycle();
        expect(world.crms.get('charlie')!.holds('contact', 'charlie-1')).toMatchObject({
          ...ann,
          jobTitle: null,
        });
      },
      { syncs: [both(['alpha', 'bravo', 'charlie'], { conflicts: 'manual' })] },
    );
  });
});

describe('a member', () => {
  const oneWay = (direction: 'read' | 'write') =>
    policy([
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction },
    ]);

  it('that is only read is never written to, and what it knows goes elsewhere', async () => {
    await inWorld(
      plain(),
      async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        world.enter('bravo', 'contact', ann);
        await world.cycle();
        world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Cook' });
        await world.cycle();
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Cook');
        expect(world.crms.get('bravo')!.writes).toEqual([]);
      },
      { syncs: [oneWay('read')] },
    );
  });

  it('that is only written to gets everything back as it was, and its edit is in the conflict log', async () => {
    await contest(
      plain(),
      oneWay('write'),
      async (world, holds) => {
        expect([holds('alpha'), holds('bravo')]).toEqual(['Tailor', 'Tailor']);
        expect((await world.store.conflicts(10))[0]).toMatchObject({ loser: { connection: 'bravo', value: 'Cook' } });
      },
      [['bravo', 'Cook']],
    );
  });

  it('that is only written to keeps its own people to itself', async () => {
    await inWorld(
      plain(),
      async (world) => {
        world.enter('bravo', 'contact', ann);
        await world.cycle();
        expect(world.crms.get('alpha')!.ids('contact')).toEqual([]);
        expect(written(world)).toEqual([]);
      },
      { syncs: [oneWay('write')] },
    );
  });

  for (const first of ['alpha', 'bravo'])
    it(`that is only written to loses what it held before to the log, not in silence (${first} is read first)`, async () => {
      await inWorld(
        plain(),
        async (world) => {
          world.enter('bravo', 'contact', { ...ann, jobTitle: 'Cook' });
          if (first === 'bravo') await world.cycle();
          world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
          await world.cycle();
          expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').jobTitle).toBe('Tailor');
          expect(await world.store.conflicts(10)).toMatchObject([
            { path: 'jobTitle', winner: { value: 'Tailor' }, loser: { connection: 'bravo', value: 'Cook' } },
          ]);
        },
        { syncs: [oneWay('write')] },
      );
    });
});

describe('tags', () => {
  it('merge as sets: what one side adds and what the other takes away both hold', async () => {
    await inWorld(plain(), async (world) => {
      world.enter('alpha', 'contact', { ...ann, tags: ['red', 'green'] });
      await world.cycle();
      world.edit('alpha', 'contact', 'alpha-1', { tags: ['red', 'green', 'blue'] });
      world.edit('bravo', 'contact', 'bravo-1', { tags: ['green', 'white'] });
      await world.cycle();
      await world.cycle();
      for (const name of ['alpha', 'bravo'])
        expect([...(world.crms.get(name)!.holds('contact', `${name}-1`).tags as string[])].sort()).toEqual([
          'blue',
          'green',
          'white',
        ]);
      expect(await world.store.conflicts(10)).toEqual([]);
    });
  });

  it('of people who were at both before are joined', async () => {
    await inWorld(plain(), async (world) => {
      world.enter('alpha', 'contact', { ...ann, tags: ['red'] });
      world.enter('bravo', 'contact', { ...ann, tags: ['Red', 'blue'] });
      await world.cycle();
      for (const name of ['alpha', 'bravo'])
        expect(
          (world.crms.get(name)!.holds('contact', `${name}-1`).tags as string[]).map((tag) => tag.toLowerCase()).sort(),
        ).toEqual(['blue', 'red']);
    });
  });
});

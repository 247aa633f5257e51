import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { AuthError, MalformedReplyError, RejectedError, RetryableError } from '../../src/connector/errors.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { live, openPlan, plans, runs } from './generated.ts';
import { disagreements, doubles, lostEdits, unexplained } from './laws.ts';
import { ann, ben, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import type { World } from './world.ts';

/** Lets calls fail by the seed, one in `oneIn`; a write that is not answered may have been done all the same. */
function disturb(world: World, seed: number, oneIn: number): { calm(): void } {
  const random = seededIds(seed);
  let isCalm = false;
  for (const [connection, one] of world.crms) {
    one.disturbs = (verb) => {
      if (isCalm || random.integer(oneIn) > 0) return;
      const fields = { connection, status: 503 };
      if (verb === 'list' && random.integer(2) === 0) throw new MalformedReplyError(`${connection}: cut short`, fields);
      throw new RetryableError(`${connection}: ${verb} failed`, fields);
    };
    one.loses = () =>
      isCalm || random.integer(oneIn) > 0 ? 'nothing' : (['request', 'answer'] as const)[random.integer(2)]!;
  }
  return {
    calm() {
      isCalm = true;
    },
  };
}

describe('when calls fail at random', () => {
  law.prop([plans(), fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 2, max: 8 })], {
    numRuns: runs,
  })('nobody is made twice, no edit is lost, and all agree after two quiet cycles', async (plan, seed, oneIn) => {
    const world = await openPlan(plan);
    try {
      const weather = disturb(world, seed, oneIn);
      await live(world, plan, {
        afterCycle: async () => expect(doubles(world, 'contact', 'email.primary')).toEqual([]),
      });
      weather.calm();
      await world.cycle();
      await world.cycle();
      expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
      expect(await lostEdits(world)).toEqual([]);
      expect(await disagreements(world, 'contact')).toEqual([]);
      expect(await unexplained(world, 'contact')).toEqual([]);
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
    } finally {
      await world.close();
    }
  });
});

describe('a member', () => {
  it('whose listing ends in the middle is not written to in that run, and the others go on', async () => {
    await inWorld(
      [crm('alpha', [], { pageSize: 1 }), crm('bravo', [], { pageSize: 1 }), crm('charlie')],
      async (world) => {
        world.enter('alpha', 'contact', ann);
        world.enter('bravo', 'contact', ben);
        world.enter('bravo', 'contact', ann);
        const bravo = world.crms.get('bravo')!;
        let pages = 0;
        bravo.disturbs = (verb) => {
          pages += verb === 'list' ? 1 : 0;
          if (pages === 2) throw new MalformedReplyError('bravo: cut short', { connection: 'bravo' });
        };
        const { people } = await world.cycle();
        expect(people!.state).toBe('failed');
        expect(people!.problems.map(({ connection, code }) => [connection, code])).toEqual([
          ['bravo', 'malformed_reply'],
        ]);
        expect(bravo.writes).toEqual([]);
        // Ann, whom alpha has too; Ben only when bravo's listing is whole.
        expect(world.crms.get('charlie')!.ids('contact')).toHaveLength(1);
        expect((await world.store.checkpoint('bravo', 'contact'))?.complete).toBeUndefined();
        bravo.disturbs = () => {};
        await world.cycle();
        expect(world.crms.get('charlie')!.ids('contact')).toHaveLength(2);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
      },
    );
  });

  it('that refuses a record gets the others, and this one again after an edit', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
      world.enter('alpha', 'contact', ben);
      const bravo = world.crms.get('bravo')!;
      bravo.disturbs = (verb, values) => {
        if (verb === 'create' && values.jobTitle === 'Tailor')
          throw new RejectedError('bravo takes no tailors', { connection: 'bravo', status: 400 });
      };
      const { people } = await world.cycle();
      expect(people!.counts.bravo).toMatchObject({ created: 1, failed: 1 });
      expect(people!.waiting.dead).toBe(1);
      const creates = bravo.calls.create;
      await world.cycle();
      expect(bravo.calls.create).toBe(creates);
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      await world.cycle();
      expect(bravo.ids('contact')).toHaveLength(2);
      expect(await disagreements(world, 'contact')).toEqual([]);
      expect((await world.cycle()).people!.waiting.dead).toBe(0);
    });
  });

  it('whose listing is suddenly empty stops the sync: nothing is concluded from it, and nothing written', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      const bravo = world.crms.get('bravo')!;
      const list = bravo.list.bind(bravo);
      bravo.list = async function* () {};
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      const { people } = await world.cycle();
      expect(people!.state).toBe('waiting');
      expect(people!.stops).toMatchObject([{ connection: 'bravo', what: 'absence', records: 1, allowed: 0, of: 1 }]);
      bravo.list = list;
      await world.cycle();
      expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
      expect(bravo.ids('contact')).toHaveLength(1);
    });
  });

  it('whose listing breaks off has brought nothing that is created elsewhere in that run', async () => {
    await inWorld([crm('alpha', [], { pageSize: 1 }), crm('bravo'), crm('charlie')], async (world) => {
      const alpha = world.crms.get('alpha')!;
      for (const person of [ann, ben]) world.enter('alpha', 'contact', person);
      world.enter('charlie', 'contact', { ...ann, 'name.given': 'Cleo', 'email.primary': 'cleo@crane.example' });
      alpha.disturbs = (verb) => {
        if (verb === 'list' && alpha.calls.list > 1) throw new RetryableError('cut', { connection: 'alpha' });
      };
      await world.cycle();
      expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
      alpha.disturbs = () => {};
      await world.cycle();
      expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(3);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });

  it('over one record of which our own code stumbles gets the others', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      for (const person of [ann, ben]) world.enter('alpha', 'contact', person);
      world.crms.get('bravo')!.disturbs = (verb, values) => {
        if (verb === 'create' && values['name.given'] === ann['name.given']) throw new TypeError('boom Ann');
      };
      const { people } = await world.cycle();
      expect(people!.state).toBe('waiting');
      expect(people!.waiting.dead).toBe(1);
      const [letter] = await world.store.deadLetters('bravo', 'contact', 10);
      expect(letter!.message).toMatch(/stumbles over writing contact .+ \(TypeError\): please report it$/);
      expect(letter!.message).not.toContain('Ann');
      expect(world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
    });
  });

  it('that refuses our credentials is not asked for every record', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      for (let index = 0; index < 20; index += 1)
        world.enter('alpha', 'contact', {
          ...ann,
          'name.given': `P${index}x`,
          'email.primary': `p${index}@m${index}.example`,
        });
      const bravo = world.crms.get('bravo')!;
      bravo.disturbs = (verb) => {
        if (verb === 'create') throw new AuthError('bravo: 401', { connection: 'bravo', status: 401 });
      };
      const { people } = await world.cycle();
      expect(people!.problems.map(({ code }) => code)).toEqual(['auth']);
      expect(bravo.calls.create).toBe(1);
      bravo.disturbs = () => {};
      await world.cycle();
      expect(bravo.ids('contact')).toHaveLength(20);
    });
  });
});

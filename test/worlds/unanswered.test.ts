import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  AuthError,
  LookAgainError,
  RejectedError,
  RetryableError,
  UnknownOutcomeError,
} from '../../src/connector/errors.ts';
import { runs } from './generated.ts';
import { noHabits } from './habits.ts';
import { disagreements, doubles } from './laws.ts';
import { ann, ben, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';

describe('a create that is not answered', () => {
  for (const lost of ['answer', 'request'] as const)
    for (const tells of ['all', 'id'] as const)
      it(`is looked up before anything is sent again, in the next cycle: ${lost} lost, answers tell ${tells}`, async () => {
        await inWorld([crm('alpha'), crm('bravo', [], { tells })], async (world) => {
          world.enter('alpha', 'contact', ann);
          world.enter('alpha', 'contact', ben);
          const bravo = world.crms.get('bravo')!;
          let isFirst = true;
          bravo.loses = () => {
            const now = isFirst ? lost : 'nothing';
            isFirst = false;
            return now;
          };
          const { people } = await world.cycle();
          const there = lost === 'answer' ? 2 : 1;
          expect(bravo.ids('contact')).toHaveLength(there);
          expect(people!.counts.bravo).toMatchObject({ read: 0, unchanged: 0, created: there, updated: 0 });
          expect(people!.problems.map(({ code }) => code)).toEqual(lost === 'answer' ? [] : ['outcome_unknown']);
          expect(bravo.calls.create).toBe(2);
          await world.cycle();
          expect(bravo.ids('contact')).toHaveLength(2);
          expect(bravo.calls.create).toBe(lost === 'answer' ? 2 : 3);
          expect(await disagreements(world, 'contact')).toEqual([]);
          expect(await world.store.intents('bravo', 'contact')).toEqual([]);
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
        });
      });

  it('is not sent again in its cycle, however often listings that lag do not show what it has made', async () => {
    await inWorld([crm('alpha'), crm('bravo')], async (world) => {
      for (const person of [ann, ben]) world.enter('alpha', 'contact', person);
      const bravo = world.crms.get('bravo')!;
      const list = bravo.list.bind(bravo);
      let lags = true;
      bravo.list = async function* (...given) {
        for await (const page of list(...given)) yield lags ? { ...page, records: [] } : page;
      };
      bravo.loses = () => 'answer';
      await world.cycle();
      expect(bravo.calls.create).toBe(2);
      lags = false;
      await world.cycle();
      expect(bravo.calls.create).toBe(2);
      expect(bravo.ids('contact')).toHaveLength(2);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });

  it('stays open where it is sent again and refused: that says nothing of the first one', async () => {
    await inWorld([crm('alpha'), crm('bravo', [], { lists: false, knowsOurIds: true })], async (world) => {
      world.enter('alpha', 'contact', ann);
      const bravo = world.crms.get('bravo')!;
      bravo.loses = () => (bravo.calls.create === 1 ? 'request' : 'nothing');
      bravo.disturbs = (verb) => {
        if (verb === 'create' && bravo.calls.create === 2)
          throw new AuthError('bravo: the credentials are refused', { connection: 'bravo', status: 401 });
      };
      await world.cycle();
      expect(bravo.calls.create).toBe(2);
      expect(await world.store.intents('bravo', 'contact')).toHaveLength(1);
      await world.cycle();
      expect(bravo.ids('contact')).toHaveLength(1);
      expect(await world.store.intents('bravo', 'contact')).toEqual([]);
    });
  });

  law.prop(
    [fc.array(fc.constantFrom('nothing', 'request', 'answer'), { maxLength: 30 }), fc.integer({ min: 1, max: 12 })],
    { numRuns: runs },
  )('never makes a second record, however often answers are lost', async (fates, people) => {
    await inWorld([crm('alpha'), crm('bravo', [], { concurrent: 3, pageSize: 4 })], async (world) => {
      for (let index = 0; index < people; index += 1)
        world.enter('alpha', 'contact', {
          ...ann,
          'name.given': names[index]!,
          'email.primary': `p${index}@m${index}.example`,
        });
      const bravo = world.crms.get('bravo')!;
      const queue = [...fates];
      bravo.loses = () => (queue.shift() as 'nothing' | 'request' | 'answer' | undefined) ?? 'nothing';
      for (let cycle = 0; cycle < 30 && queue.length > 0; cycle += 1) {
        await world.cycle();
        expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
        if (bravo.ids('contact').length === people) break;
      }
      await world.cycle();
      await world.cycle();
      expect(doubles(world, 'contact', 'email.primary')).toEqual([]);
      expect(bravo.ids('contact')).toHaveLength(people);
      expect(await disagreements(world, 'contact')).toEqual([]);
      expect(await world.store.intents('bravo', 'contact')).toEqual([]);
    });
  });
});

describe('a create that is answered as done and never seen', () => {
  it('is tried three times in all, then set aside until the record changes', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', ann);
      const bravo = world.crms.get('bravo')!;
      const create = bravo.create.bind(bravo);
      let creates = 0;
      bravo.create = async () => {
        creates += 1;
        throw new UnknownOutcomeError('bravo: answered, and not to be seen', { connection: 'bravo', status: 200 });
      };
      for (let cycle = 0; cycle < 4; cycle += 1) await world.cycle();
      expect(creates).toBe(3);
      bravo.create = create;
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      await world.cycle();
      expect(bravo.ids('contact')).toHaveLength(1);
      expect(await disagreements(world, 'contact')).toEqual([]);
    });
  });
});

describe('a create that may be sent again, and is answered as done with nothing to be seen', () => {
  it('is sent once in a cycle, three times in all, and gets over what ailed the CRM for a while', async () => {
    const chat = crm('chat', [], { lists: false, knowsOurIds: true });
    for (const cycles of [2, 4])
      await inWorld([crm('alpha'), chat], async (world) => {
        world.enter('alpha', 'contact', ann);
        const there = world.crms.get('chat')!;
        const create = there.create.bind(there);
        let creates = 0;
        there.create = async (...given) => {
          creates += 1;
          if (creates > 2 && cycles === 2) return await create(...given);
          throw new UnknownOutcomeError('chat: answered, and not to be seen', { connection: 'chat', status: 200 });
        };
        for (let cycle = 1; cycle <= cycles; cycle += 1) {
          const { people } = await world.cycle();
          expect(creates).toBe(Math.min(cycle, 3));
          const isDead = cycle >= 3;
          expect([people!.state, people!.waiting.dead]).toEqual(isDead ? ['waiting', 1] : ['failed', 0]);
        }
        if (cycles > 2) return;
        expect((await world.cycle()).people!.state).toBe('done');
        expect([creates, there.ids('contact')]).toEqual([3, ['chat-1']]);
        expect(await world.store.intents('chat', 'contact')).toEqual([]);
      });
  });
});

describe('an update that is not answered', () => {
  for (const lost of ['answer', 'request'] as const)
    it(`ends with what was meant, in this cycle or the next: ${lost} lost`, async () => {
      await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
        world.enter('alpha', 'contact', ann);
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        let isFirst = true;
        bravo.loses = () => {
          const now = isFirst ? lost : 'nothing';
          isFirst = false;
          return now;
        };
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        await world.cycle();
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
        expect(await world.store.conflicts(10)).toEqual([]);
      });
    });

  for (const lost of ['answer', 'request'] as const)
    it(`is decided anew before it is sent again, so that no edit made meanwhile is overwritten: ${lost} lost`, async () => {
      await inWorld([crm('alpha', ['jobTitle', 'notes']), crm('bravo', ['jobTitle', 'notes'])], async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Cook' });
        world.enter('alpha', 'contact', { ...ben, jobTitle: 'Cook' });
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        const [first, second] = bravo.ids('contact') as [string, string];
        const update = bravo.update.bind(bravo);
        const failed = new Set<string>();
        bravo.update = async (entity, id, change) => {
          const isFirst = !failed.has(id);
          failed.add(id);
          if (!isFirst || lost === 'answer') {
            const reply = await update(entity, id, change);
            if (!isFirst) return reply;
          }
          world.edit('bravo', 'contact', id, id === first ? { notes: 'Prefers mornings' } : { jobTitle: 'Miller' });
          throw new LookAgainError(new RetryableError('bravo: 503', { connection: 'bravo', status: 503 }));
        };
        for (const id of ['alpha-1', 'alpha-2']) world.edit('alpha', 'contact', id, { jobTitle: 'Baker' });
        const { people } = await world.cycle();
        expect(people!.problems).toEqual([]);
        expect(people!.counts.bravo).toMatchObject({ failed: 0 });
        await world.cycle();
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(bravo.holds('contact', first)).toMatchObject({ jobTitle: 'Baker', notes: 'Prefers mornings' });
        const known = [
          bravo.holds('contact', second).jobTitle,
          ...(await world.store.conflicts(10)).map(({ loser }) => loser.value),
        ];
        expect(known).toContain('Miller');
      });
    });

  it('counts as updated once it is seen to have landed', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      const bravo = world.crms.get('bravo')!;
      const update = bravo.update.bind(bravo);
      bravo.update = async (...given) => {
        await update(...given);
        throw new LookAgainError(new RetryableError('bravo: cut', { connection: 'bravo' }));
      };
      world.forgetCalls();
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      const { people } = await world.cycle();
      expect(people!.counts.bravo).toMatchObject({ updated: 1, failed: 0 });
      expect(written(world)).toEqual(['bravo update bravo-1: jobTitle']);
    });
  });

  it('is no edit of the CRM that keeps it in a form of its own', async () => {
    const habits = { ...noHabits, shortens: { jobTitle: 4 } };
    await inWorld([crm('bravo', ['jobTitle'], { habits }), crm('alpha', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', { ...ann, jobTitle: 'Cook' });
      await world.cycle();
      const bravo = world.crms.get('bravo')!;
      let isFirst = true;
      bravo.loses = () => {
        const now = isFirst ? 'answer' : 'nothing';
        isFirst = false;
        return now;
      };
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Locksmith' });
      await world.cycle();
      await world.cycle();
      expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Lock');
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Locksmith');
      expect(await world.store.conflicts(10)).toEqual([]);
    });
  });
});

describe('an update that is answered as done and was not', () => {
  for (const times of [1, 100] as const)
    it(`undoes no edit: it is sent again, at most three times, then set aside: ${times}`, async () => {
      await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'], { tells: 'id' })], async (world) => {
        world.enter('alpha', 'contact', { ...ann, jobTitle: 'Tailor' });
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        const update = bravo.update.bind(bravo);
        let calls = 0;
        bravo.update = async (...args) => {
          calls += 1;
          return calls <= times ? { externalId: args[1] } : await update(...args);
        };
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        const { people } = await world.cycle();
        expect(calls).toBe(times === 1 ? 2 : 3);
        expect(people!.counts.bravo!.updated).toBe(times === 1 ? 1 : 0);
        expect(people!.waiting.dead).toBe(times === 1 ? 0 : 1);
        for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Baker');
        expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe(times === 1 ? 'Baker' : 'Tailor');
        expect(calls).toBe(times === 1 ? 2 : 3);
      });
    });
});

describe('a write that is refused', () => {
  it('does not set aside what has become newer while the answer was on its way', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo', ['jobTitle'])], async (world) => {
      world.enter('alpha', 'contact', ann);
      await world.cycle();
      const bravo = world.crms.get('bravo')!;
      const update = bravo.update.bind(bravo);
      bravo.update = async () => {
        bravo.update = update;
        world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
        await world.cycle({ ...world.context, owner: 'another process' });
        throw new RejectedError('bravo: no such trade', { connection: 'bravo', status: 422 });
      };
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Alchemist' });
      expect((await world.cycle()).people!.waiting.dead).toBe(0);
      await world.cycle();
      expect(bravo.holds('contact', 'bravo-1').jobTitle).toBe('Baker');
    });
  });
});

const names =
  'Quentin Rosalind Sebastian Theodora Ulrich Veronika Winston Xenia Yolanda Zacharias Bartholomew Cordelia'.split(' ');

import { describe, expect, it } from 'vitest';
import type { NewRecord, WriteReply } from '../../src/connector/connector.ts';
import { RetryableError } from '../../src/connector/errors.ts';
import { settleReview } from '../../src/engine/settle-review.ts';
import { type Entity, isEmpty, type Values } from '../../src/model/values.ts';
import { FakeCrm } from './fake-crm.ts';
import { disagreements } from './laws.ts';
import { both, crm, inWorld, writtenInOneMoreCycle } from './small.ts';
import { openWorld, type World } from './world.ts';

const paths = ['jobTitle', 'notes', 'address.billing.city'];
/** Nothing finds her again but what a create of ours had sent. */
const lone = {
  'name.given': 'Ann',
  'name.family': 'Ashworth',
  jobTitle: 'Baker',
  'address.billing.city': 'Bern',
};

/** The create of Ann at `bravo` is done and not answered, and somebody is at her before `bravo` is listed again. */
async function edited(
  edits: Values,
  check: (world: World, state: string) => Promise<void>,
  { sent = lone, lost = 'answer' }: { readonly sent?: Values; readonly lost?: 'answer' | 'request' } = {},
): Promise<void> {
  await inWorld([crm('alpha', paths), crm('bravo', paths), crm('charlie', paths)], async (world) => {
    const bravo = world.crms.get('bravo')!;
    world.enter('alpha', 'contact', sent);
    bravo.loses = () => (bravo.calls.create === 1 ? lost : 'nothing');
    const create = bravo.create.bind(bravo);
    bravo.create = async (...given) => {
      try {
        return await create(...given);
      } finally {
        if (bravo.calls.create === 1 && lost === 'answer') world.edit('bravo', 'contact', 'bravo-1', edits);
        if (bravo.calls.create === 1 && lost === 'request') world.enter('bravo', 'contact', { ...sent, ...edits });
      }
    };
    const { people } = await world.cycle();
    await check(world, people!.state);
  });
}

const sizes = (world: World) => [...world.crms.values()].map((one) => one.ids('contact').length);

describe('a create without an answer whose record was edited before it was looked up', () => {
  for (const [what, edits] of Object.entries({
    'one field': { jobTitle: 'Miller' },
    'a field that was not sent': { notes: 'Prefers mornings' },
    both: { jobTitle: 'Miller', notes: 'Prefers mornings' },
  }))
    it(`is known by what is still as it was sent: ${what}`, async () => {
      await edited(edits, async (world, state) => {
        expect(state).toBe('done');
        await world.cycle();
        expect(sizes(world)).toEqual([1, 1, 1]);
        expect(await world.records('contact')).toHaveLength(1);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(world.crms.get('alpha')!.holds('contact', 'alpha-1')).toMatchObject(edits);
        expect(await world.store.intents('bravo', 'contact')).toEqual([]);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      });
    });

  for (const [what, edits] of Object.entries({
    'all but the name': { jobTitle: 'Miller', 'address.billing.city': 'Basel' },
    'the family name': { 'name.family': 'Brennecke' },
  }))
    it(`waits for a person where little is as it was sent, is nobody new, and is not made again: ${what}`, async () => {
      await edited(edits, async (world) => {
        for (let cycles = 0; cycles < 3; cycles += 1) expect((await world.cycle()).people!.state).toBe('waiting');
        expect(sizes(world)).toEqual([1, 1, 1]);
        expect(await world.records('contact')).toHaveLength(1);
        const [review] = await world.store.openReviews('contact');
        expect(review).toMatchObject({
          connection: 'bravo',
          externalId: 'bravo-1',
          reason: expect.stringContaining('our create, whose answer was lost'),
        });
        // Somebody puts it right, by hand.
        world.edit('bravo', 'contact', 'bravo-1', lone);
        await world.cycle();
        const { people } = await world.cycle();
        expect([people!.state, sizes(world)]).toEqual(['done', [1, 1, 1]]);
        expect(await world.store.openReviews('contact')).toEqual([]);
        expect(await world.store.intents('bravo', 'contact')).toEqual([]);
      });
    });

  for (const say of ['link', 'keep-apart'] as const)
    it(`is what a person says that it is: ${say}`, async () => {
      await edited({ jobTitle: 'Miller', 'address.billing.city': 'Basel' }, async (world) => {
        const [review] = await world.store.openReviews('contact');
        const { recordId } = review!.candidates[0]!;
        await settleReview(world.context, review!, say === 'link' ? { say, recordId } : { say });
        for (let cycles = 0; cycles < 2; cycles += 1) expect((await world.cycle()).people!.state).toBe('done');
        expect(sizes(world)).toEqual(say === 'link' ? [1, 1, 1] : [2, 2, 2]);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await world.store.intents('bravo', 'contact')).toEqual([]);
      });
    });

  it('is not taken for somebody of that name who has an address of her own: that waits for a person', async () => {
    const sent = { ...lone, 'email.primary': 'ann@ashworth.example' };
    await edited(
      { 'email.primary': 'ann@elsewhere.example' },
      async (world, state) => {
        expect(state).toBe('waiting');
        expect([sizes(world), (await world.records('contact')).length]).toEqual([[1, 1, 1], 1]);
      },
      { sent },
    );
  });

  it('keeps nobody waiting who has another name, and is made when it is known not to be there', async () => {
    const colleague = { 'name.given': 'Quentin', 'name.family': 'Zander' };
    await edited(
      colleague,
      async (world, state) => {
        expect(state).toBe('failed');
        const { people } = await world.cycle();
        expect([people!.state, sizes(world)]).toEqual(['done', [2, 2, 2]]);
        expect(await world.records('contact')).toHaveLength(2);
      },
      { lost: 'request' },
    );
  });

  it('waits for that person also when she is deleted elsewhere meanwhile', async () => {
    await edited({ jobTitle: 'Miller', 'address.billing.city': 'Basel' }, async (world) => {
      for (const one of ['alpha', 'charlie']) world.crms.get(one)!.drop('contact', `${one}-1`);
      for (let cycles = 0; cycles < 3; cycles += 1) await world.cycle();
      expect(sizes(world)).toEqual([0, 1, 0]);
      expect(await world.store.intents('bravo', 'contact')).toHaveLength(1);
    });
  });
});

/** Another process lists `bravo` while ours has made Ann there and waits for the answer. */
async function listedMeanwhile(edits: Values, check: (world: World) => Promise<void>): Promise<void> {
  await inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
    const bravo = world.crms.get('bravo')!;
    const made = Promise.withResolvers<void>();
    const isListed = Promise.withResolvers<void>();
    world.enter('alpha', 'contact', lone);
    const [create, list] = [bravo.create.bind(bravo), bravo.list.bind(bravo)];
    let listings = 0;
    let ours: Promise<unknown> | undefined;
    bravo.create = async (...given) => {
      const reply = await create(...given);
      world.edit('bravo', 'contact', reply.externalId, edits);
      made.resolve();
      await isListed.promise;
      return reply;
    };
    bravo.list = async function* (...given) {
      listings += 1;
      // The other process has begun its listing before ours sends anything.
      if (listings === 1) {
        ours = world.cycle({ ...world.context, owner: 'ours' });
        await made.promise;
      }
      yield* list(...given);
    };
    const theirs = world.cycle({ ...world.context, owner: 'theirs' }).finally(isListed.resolve);
    await theirs;
    await ours;
    await check(world);
  });
}

describe('a create that is under way while another process lists', () => {
  for (const [what, edits] of Object.entries({ 'as it was sent': {}, 'edited by then': { jobTitle: 'Miller' } }))
    it(`makes nobody new: ${what}`, async () => {
      await listedMeanwhile(edits, async (world) => {
        for (let cycles = 0; cycles < 2; cycles += 1) await world.cycle();
        expect(sizes(world)).toEqual([1, 1]);
        expect(await world.records('contact')).toHaveLength(1);
        expect(await disagreements(world, 'contact')).toEqual([]);
        expect(await world.store.standing()).toMatchObject([{ openIntents: 0 }, { openIntents: 0, reviews: 0 }]);
      });
    });
});

describe('a create that is answered while another process takes in the page that shows it', () => {
  it('is nobody new either, though nothing but its link tells', async () => {
    await inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      const bravo = world.crms.get('bravo')!;
      world.enter('alpha', 'contact', lone);
      const ours = { ...world.context, owner: 'ours' };
      const theirs = { ...world.context, owner: 'theirs', store: { ...world.store } };
      theirs.store.known = async (connection, entity, ids) => {
        const known = await world.store.known(connection, entity, ids);
        // The answer to ours is taken down after they have asked what is known.
        if (ids.includes('bravo-1')) answered.resolve();
        await (ids.includes('bravo-1') ? working : undefined);
        return known;
      };
      const made = Promise.withResolvers<void>();
      const answered = Promise.withResolvers<void>();
      const create = bravo.create.bind(bravo);
      bravo.create = async (...given) => {
        const reply = await create(...given);
        made.resolve();
        await answered.promise;
        return reply;
      };
      const working = world.cycle(ours);
      await made.promise;
      expect((await world.cycle(theirs)).people!.problems).toEqual([]);
      expect([sizes(world), (await world.records('contact')).length]).toEqual([[1, 1], 1]);
    });
  });
});

describe('a hint about a record that a create of ours may have made', () => {
  it('waits as long as the answer may come, then for a person; it brings nobody new', async () => {
    await inWorld([crm('alpha', paths), crm('bravo', paths)], async (world) => {
      const bravo = world.crms.get('bravo')!;
      world.enter('alpha', 'contact', lone);
      const create = bravo.create.bind(bravo);
      bravo.create = async (...given) => {
        await create(...given);
        bravo.create = create;
        throw new Error('we died');
      };
      await expect(world.cycle()).rejects.toThrow('we died');
      world.edit('bravo', 'contact', 'bravo-1', { jobTitle: 'Miller', 'address.billing.city': 'Basel' });
      const hints = [{ entity: 'contact' as const, externalId: 'bravo-1', what: 'changed' as const }];
      await world.store.receive([{ connection: 'bravo', id: undefined, hints, at: world.clock.now() }]);
      const open = async () => (await world.store.openHints()).length;
      const reviews = async () => (await world.store.openReviews('contact')).length;
      expect((await world.round()).people).toMatchObject({ ended: 0 });
      expect([await open(), await reviews()]).toEqual([1, 0]);
      expect((await world.round(undefined, 60_000)).people).toMatchObject({ ended: 1 });
      expect([await open(), await reviews()]).toEqual([0, 1]);
      expect([sizes(world), (await world.records('contact')).length]).toEqual([[1, 1], 1]);
    });
  });
});

/** Lists nothing, and finds its records again by our id: of one that is there, a create fills what is empty. */
class KnowingCrm extends FakeCrm {
  readonly #ours = new Map<string, string>();

  override async create(entity: Entity, record: NewRecord): Promise<WriteReply> {
    const known = this.#ours.get(record.canonicalId);
    if (known === undefined || !this.ids(entity).includes(known)) {
      this.#ours.set(record.canonicalId, `${this.spec.name}-${this.ids(entity).length + 1}`);
      return await super.create(entity, record);
    }
    const there = this.holds(entity, known);
    const gaps = Object.entries(record.values).filter(([path]) => isEmpty(there[path]));
    const changes = Object.fromEntries(gaps);
    const reply = await super.update(entity, known, { canonicalId: record.canonicalId, changes, known: there });
    const held = this.holds(entity, known);
    const isAsSent = Object.entries(record.values).every(([path, value]) => held[path] === value);
    return isAsSent ? reply : { externalId: known };
  }
}

/** Opens a world of `site` and of `chat`, which lists nothing and knows our ids. */
async function openKnowing(): Promise<World> {
  const specs = [crm('site', paths), crm('chat', paths, { lists: false, knowsOurIds: true })];
  return await openWorld(specs, [both(['site', 'chat'])], 1, {
    crm: (spec, clock, random) => new (spec.name === 'chat' ? KnowingCrm : FakeCrm)(spec, clock, random),
  });
}

describe('a create without an answer at a CRM that lists nothing, of a record that was edited before it was sent again', () => {
  const edits = [{ jobTitle: null }, { jobTitle: 'Miller' }, { jobTitle: null, 'address.billing.city': 'Basel' }];
  for (const edit of edits)
    for (const unanswered of [1, 2])
      it(`leaves the edit as it is: ${JSON.stringify(edit)}, ${unanswered} without an answer`, async () => {
        const world = await openKnowing();
        try {
          const [site, chat] = [world.crms.get('site')!, world.crms.get('chat')!];
          world.enter('site', 'contact', lone);
          chat.loses = () => 'answer';
          await world.cycle();
          world.edit('site', 'contact', 'site-1', edit);
          if (unanswered > 1) await world.cycle();
          chat.loses = () => 'nothing';
          for (let cycles = 0; cycles < 2; cycles += 1) await world.cycle();
          for (const held of [site.holds('contact', 'site-1'), chat.holds('contact', 'chat-1')])
            expect({ ...held, jobTitle: held.jobTitle ?? null }).toMatchObject(edit);
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
        } finally {
          await world.close();
        }
      });

  for (const edit of ['Miller', null])
    for (const isRead of [true, false])
      it(`knows what each of several has sent: ${edit}, ${isRead ? '' : 'not '}to be looked at when it is answered`, async () => {
        const world = await openKnowing();
        try {
          const [site, chat] = [world.crms.get('site')!, world.crms.get('chat')!];
          world.enter('site', 'contact', lone);
          chat.loses = () => 'request';
          await world.cycle();
          world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook' });
          chat.loses = () => 'answer';
          await world.cycle();
          expect(chat.holds('contact', 'chat-1')).toMatchObject({ jobTitle: 'Cook' });
          world.edit('site', 'contact', 'site-1', { jobTitle: edit });
          chat.loses = () => 'nothing';
          chat.disturbs = (verb) => {
            if (verb === 'read' && !isRead) throw new RetryableError('chat is down', { connection: 'chat' });
          };
          await world.cycle();
          chat.disturbs = () => {};
          for (let cycles = 0; cycles < 2; cycles += 1) await world.cycle();
          for (const held of [site.holds('contact', 'site-1'), chat.holds('contact', 'chat-1')])
            expect(held.jobTitle ?? null).toBe(edit);
          expect(chat.ids('contact')).toHaveLength(1);
          expect(await world.store.conflicts(9)).toEqual([]);
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
        } finally {
          await world.close();
        }
      });
});

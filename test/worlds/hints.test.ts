import { describe, expect, it } from 'vitest';
import type { CrmRecord, SearchFor } from '../../src/connector/connector.ts';
import { AuthError, RetryableError } from '../../src/connector/errors.ts';
import { isRoundDue } from '../../src/queue/due.ts';
import { type RoundEnd, runHints } from '../../src/queue/hints.ts';
import { pause } from '../../src/queue/paused.ts';
import { wantedAt } from '../../src/queue/wanted.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { CrmSpec, FakeCrm } from './fake-crm.ts';
import { ann, ben, both, crm, inWorld, written } from './small.ts';
import type { World } from './world.ts';

const cleo = { 'name.given': 'Cleo', 'name.family': 'Crane', 'email.primary': 'cleo@crane.example' };
const dora = { 'name.given': 'Dora', 'name.family': 'Dunn', 'email.primary': 'dora@dunn.example' };

/** Three CRMs at rest, with Ann, Ben and Cleo in each. */
async function settled(
  check: (world: World) => Promise<void>,
  overrides: Partial<SyncPolicy> = {},
  traits: Partial<CrmSpec> = {},
): Promise<void> {
  const names = ['site', 'shop', 'desk'];
  const specs = names.map((name) => crm(name, ['jobTitle'], name === 'desk' ? traits : {}));
  const check3 = async (world: World) => {
    for (const person of [ann, ben, cleo]) world.enter('site', 'contact', person);
    await world.cycle();
    await world.cycle();
    world.forgetCalls();
    await check(world);
  };
  await inWorld(specs, check3, { syncs: [both(names, overrides)] });
}

const at = (world: World, name: string): FakeCrm => world.crms.get(name)!;

/** A webhook says something about records of a CRM. */
async function hint(world: World, connection: string, ids: readonly string[], what: 'changed' | 'deleted' = 'changed') {
  const hints = ids.map((externalId) => ({ entity: 'contact' as const, externalId, what }));
  await world.store.receive([{ connection, id: undefined, hints, at: world.clock.now() }]);
}

const round = async (world: World): Promise<RoundEnd> => await runHints(world.context, world.context.syncs[0]!);
const open = async (world: World) => (await world.store.openHints()).reduce((sum, { count }) => sum + count, 0);
const wanted = async (world: World) => await wantedAt(world.store, 'people');

describe('a hint', () => {
  it('brings an edit to all members, and asks for no listing', async () => {
    await settled(async (world) => {
      world.edit('shop', 'contact', 'shop-1', { jobTitle: 'Baker' });
      await hint(world, 'shop', ['shop-1']);
      expect(await isRoundDue(world.context, world.context.syncs[0]!)).toBe(true);
      expect(await round(world)).toMatchObject({ state: 'done', ended: 1, isCycleWanted: false });
      expect(written(world)).toEqual(['site update site-1: jobTitle', 'desk update desk-1: jobTitle']);
      expect([...world.crms.values()].map(({ calls }) => calls.list)).toEqual([0, 0, 0]);
      expect([await open(world), await wanted(world)]).toEqual([0, undefined]);
      expect(await isRoundDue(world.context, world.context.syncs[0]!)).toBe(false);
    });
  });

  it('about an unchanged record costs one read, however often it comes', async () => {
    await settled(async (world) => {
      await hint(world, 'shop', ['shop-1', 'shop-1', 'shop-1']);
      expect(await round(world)).toMatchObject({
        state: 'done',
        ended: 3,
        counts: { shop: { read: 1, unchanged: 1 } },
      });
      const calls = [...world.crms.values()].map(({ calls: { list, read } }) => list + read);
      expect([calls, written(world), await wanted(world)]).toEqual([[0, 1, 0], [], undefined]);
      expect((await round(world)).state).toBe('idle');
    });
  });

  it('about nobody ends, and nothing follows', async () => {
    await settled(async (world) => {
      await hint(world, 'shop', ['shop-99'], 'deleted');
      expect(await round(world)).toMatchObject({ ended: 1, isCycleWanted: false });
      expect([await open(world), written(world)]).toEqual([0, []]);
    });
  });

  it('about a delete is not believed: a cycle is asked for, and judges', async () => {
    for (const isTrue of [true, false])
      await settled(
        async (world) => {
          if (isTrue) at(world, 'shop').drop('contact', 'shop-2');
          const before = await world.store.checkpoint('shop', 'contact');
          await hint(world, 'shop', ['shop-2'], 'deleted');
          expect(await round(world)).toMatchObject({ ended: 1, isCycleWanted: true });
          expect(written(world)).toEqual([]);
          expect((await world.store.known('shop', 'contact', ['shop-2'])).get('shop-2')?.state).toBe('linked');
          expect(await world.store.checkpoint('shop', 'contact')).toEqual(before);
          expect(await wanted(world)).toBeGreaterThan(0);
          await world.cycle();
          expect(await wanted(world)).toBeUndefined();
          expect(written(world)).toEqual(isTrue ? ['site delete site-2: ', 'desk delete desk-2: '] : []);
        },
        { deletes: 'propagate' },
      );
  });

  it('stays open while its CRM cannot be asked, rests longer each time, and keeps nobody else waiting', async () => {
    await settled(async (world) => {
      world.edit('shop', 'contact', 'shop-1', { jobTitle: 'Baker' });
      world.edit('desk', 'contact', 'desk-2', { jobTitle: 'Carter' });
      await hint(world, 'shop', ['shop-1']);
      await hint(world, 'desk', ['desk-2']);
      at(world, 'shop').disturbs = () => {
        throw new RetryableError('shop: 503', { connection: 'shop', status: 503 });
      };
      expect(await round(world)).toMatchObject({ state: 'failed', ended: 1, problems: [{ connection: 'shop' }] });
      expect(written(world)).toEqual(['site update site-2: jobTitle']);
      expect(await open(world)).toBe(1);
      at(world, 'shop').forgetCalls();
      await round(world);
      expect(at(world, 'shop').calls.read).toBe(0);
      at(world, 'shop').disturbs = () => {};
      world.clock.advance(60_000);
      expect(await round(world)).toMatchObject({ state: 'done' });
      expect([await open(world), at(world, 'site').holds('contact', 'site-1').jobTitle]).toEqual([0, 'Baker']);
      expect(at(world, 'shop').holds('contact', 'shop-2').jobTitle).toBe('Carter');
    });
  });

  it('waits for its turn where another round is at it', async () => {
    await settled(async (world) => {
      world.edit('shop', 'contact', 'shop-1', { jobTitle: 'Baker' });
      await hint(world, 'shop', ['shop-1']);
      expect((await Promise.all([round(world), round(world)])).map(({ state }) => state)).toEqual(['done', 'busy']);
      world.edit('shop', 'contact', 'shop-1', { jobTitle: 'Carter' });
      at(world, 'site').before = (verb) => {
        if (verb === 'update') void hint(world, 'shop', ['shop-1']);
      };
      await hint(world, 'shop', ['shop-1']);
      await round(world);
      expect(await open(world), 'what came meanwhile').toBe(1);
    });
  });

  it('that reads older than what is known is not taken in: a cycle is asked for', async () => {
    await settled(async (world) => {
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker' });
      const old = at(world, 'shop').shown('contact', 'shop-1');
      await hint(world, 'site', ['site-1']);
      await round(world);
      // A replica that lags shows the time before our write.
      at(world, 'shop').read = async () => ({ state: 'found', record: old });
      await hint(world, 'shop', ['shop-1']);
      expect(await round(world)).toMatchObject({ ended: 1, isCycleWanted: true });
      expect((await world.recordOf('shop', 'contact', 'shop-1'))?.record.values.jobTitle).toBe('Baker');
    });
  });
});

describe('an edit that a hint brings before a delete is noticed', () => {
  for (const isEarlier of [false, true])
    it(`${isEarlier ? 'was known before, and does not stop it' : 'wins, also where the CRM that deleted cannot hold the field'}`, async () => {
      const specs = [crm('site'), crm('shop', ['jobTitle']), crm('desk', ['jobTitle'])];
      const check = async (world: World) => {
        for (const person of [ann, ben, cleo]) world.enter('site', 'contact', person);
        await world.cycle();
        await world.cycle();
        world.edit('shop', 'contact', 'shop-1', { jobTitle: 'Baker' });
        await hint(world, 'shop', ['shop-1']);
        if (isEarlier) {
          await round(world);
          await world.cycle();
        }
        at(world, 'site').drop('contact', 'site-1');
        await round(world);
        await world.cycle();
        await world.cycle();
        const sizes = [...world.crms.values()].map((one) => one.ids('contact').length);
        expect(sizes).toEqual(isEarlier ? [2, 2, 2] : [2, 3, 3]);
      };
      await inWorld(specs, check, { syncs: [both(['site', 'shop', 'desk'], { deletes: 'propagate' })] });
    });

  for (const jobTitle of ['Baker', null])
    it(`wins also over a delete of somebody who came by a hint in the same ten minutes: ${jobTitle}`, async () => {
      const check = async (world: World) => {
        const id = world.enter('shop', 'contact', { ...dora, jobTitle: 'Cook' });
        await hint(world, 'shop', [id]);
        await round(world);
        await world.cycle();
        at(world, 'site').drop('contact', at(world, 'site').ids('contact').at(-1)!);
        world.edit('shop', 'contact', id, { jobTitle });
        await hint(world, 'shop', [id]);
        await round(world);
        await world.cycle();
        await world.cycle();
        const sizes = [...world.crms.values()].map((one) => one.ids('contact').length);
        expect(sizes).toEqual([3, 4, 4]);
        expect((await world.recordOf('shop', 'contact', id))!.record.values.jobTitle).toBe(jobTitle);
      };
      await settled(check, { deletes: 'propagate' });
    });
});

describe('a record that is new by a hint', () => {
  it('waits for a cycle where the members cannot be searched', async () => {
    await settled(async (world) => {
      const id = world.enter('shop', 'contact', dora);
      await hint(world, 'shop', [id]);
      expect(await round(world)).toMatchObject({ ended: 1, isCycleWanted: true });
      expect(written(world)).toEqual([]);
      expect(await isRoundDue(world.context, world.context.syncs[0]!)).toBe(false);
      await world.cycle();
      expect(written(world).length).toBe(2);
    });
  });

  it('is created at once where the CRM lists nothing: a cycle would know no more', async () => {
    await settled(
      async (world) => {
        await hint(world, 'shop', [world.enter('shop', 'contact', dora)]);
        expect(await round(world)).toMatchObject({ isCycleWanted: true });
        expect(written(world).map((one) => one.split(' ', 2).join(' '))).toEqual(['desk create']);
      },
      {},
      { lists: false },
    );
  });

  it('is searched for before it is created, and linked where it is there already', async () => {
    await settled(async (world) => {
      for (const name of ['site', 'desk']) searchable(at(world, name));
      const there = world.enter('desk', 'contact', dora);
      const id = world.enter('shop', 'contact', dora);
      await hint(world, 'shop', [id]);
      expect(await round(world)).toMatchObject({ state: 'done', isCycleWanted: false });
      expect(written(world).map((one) => one.split(' ', 2).join(' '))).toEqual(['site create']);
      const links = (await world.recordOf('shop', 'contact', id))?.links.map(({ externalId }) => externalId);
      expect(links?.sort()).toEqual([there, id, at(world, 'site').ids('contact').at(-1)!].sort());
    });
  });

  it('and deleted, entered anew elsewhere and brought back where only a search tells is not created beside itself', async () => {
    await settled(
      async (world) => {
        const desk = at(world, 'desk');
        for (const name of ['site', 'desk']) searchable(at(world, name));
        const before = desk.holds('contact', 'desk-1');
        at(world, 'shop').drop('contact', 'shop-1');
        await world.cycle();
        expect([at(world, 'site').ids('contact').length, desk.ids('contact').length]).toEqual([2, 2]);
        desk.bringBack('contact', 'desk-1', before);
        world.clock.advance(60_000);
        await hint(world, 'shop', [world.enter('shop', 'contact', ann)]);
        expect(await round(world)).toMatchObject({ isCycleWanted: true });
        for (let cycles = 0; cycles < 3; cycles += 1) await world.cycle();
        expect(desk.ids('contact').length).toBe(3);
      },
      { deletes: 'propagate' },
      { reads: 'search' },
    );
  });

  it('that a listing under way has missed is not forgotten when that ends, and not created twice', async () => {
    await settled(async (world) => {
      const there = world.enter('site', 'contact', dora);
      const shop = at(world, 'shop');
      const list = shop.list.bind(shop);
      shop.list = async function* (entity) {
        yield* list(entity);
        while (!(await world.recordOf('site', 'contact', there))) await new Promise((resolve) => setImmediate(resolve));
        await hint(world, 'shop', [world.enter('shop', 'contact', dora)]);
        const [sync] = world.context.syncs;
        await pause(world.store, sync!.name, 1);
        // It dies before it has matched what it took in.
        const store = {
          ...world.store,
          endHints: () => Promise.reject(new RangeError('dead')),
          unmatched: async () => [],
        };
        await expect(runHints({ ...world.context, store }, sync!)).rejects.toThrow('dead');
      };
      await world.cycle();
      expect(shop.ids('contact').length).toBe(4);
    });
  });

  it('that is our own create, heard of before it was answered, is taken for ours and counted once', async () => {
    await settled(async (world) => {
      world.enter('site', 'contact', dora);
      const shop = at(world, 'shop');
      const create = shop.create.bind(shop);
      shop.create = async (entity, record) => {
        const reply = await create(entity, record);
        await hint(world, 'shop', [reply.externalId]);
        await round(world);
        return reply;
      };
      const { people } = await world.cycle();
      expect(people!.counts.shop!.created).toBeLessThanOrEqual(1);
      expect(shop.ids('contact').length).toBe(4);
      await round(world);
      await world.cycle();
      expect([...world.crms.values()].map((one) => one.ids('contact').length)).toEqual([4, 4, 4]);
    });
  });
});

describe('what rounds may write', () => {
  it('is not put over what nobody can look at before: that waits for a cycle, which has listed it', async () => {
    await settled(
      async (world) => {
        world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker' });
        world.edit('desk', 'contact', 'desk-1', { jobTitle: 'Carter' });
        await hint(world, 'site', ['site-1']);
        expect(await round(world)).toMatchObject({ isCycleWanted: true });
        expect(written(world)).toEqual(['shop update shop-1: jobTitle']);
        expect(await isRoundDue(world.context, world.context.syncs[0]!)).toBe(false);
        await world.cycle();
        const [conflict] = await world.store.conflicts(9);
        expect([conflict?.winner.value, conflict?.loser.value].sort()).toEqual(['Baker', 'Carter']);
      },
      {},
      { reads: 'none' },
    );
  });

  const limits = { deletes: { count: 1 }, overwrites: { count: 1 }, blankings: { count: 1 } };

  it('is counted over all rounds of ten minutes: a flood does not pass the limits one by one', async () => {
    await settled(
      async (world) => {
        for (const n of [1, 2, 3]) world.edit('site', 'contact', `site-${n}`, { jobTitle: `Baker ${n}` });
        await world.cycle();
        world.forgetCalls();
        const ends: string[] = [];
        for (const n of [1, 2, 3]) {
          world.edit('site', 'contact', `site-${n}`, { jobTitle: `Carter ${n}` });
          await hint(world, 'site', [`site-${n}`]);
          ends.push((await round(world)).state);
        }
        expect(ends).toEqual(['done', 'waiting', 'waiting']);
        expect(written(world)).toEqual(['shop update shop-1: jobTitle', 'desk update desk-1: jobTitle']);
        expect(await open(world)).toBe(0);
        expect(await isRoundDue(world.context, world.context.syncs[0]!)).toBe(false);
        expect(await world.store.approve('people')).toBe(4);
        expect((await round(world)).state).toBe('done');
        expect(at(world, 'desk').holds('contact', 'desk-3').jobTitle).toBe('Carter 3');
      },
      { limits },
    );
  });

  it('is nothing while a person has paused the sync: what is hinted is taken in and waits', async () => {
    await settled(async (world) => {
      await pause(world.store, 'people', world.clock.now());
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker' });
      await hint(world, 'site', ['site-1']);
      expect(await isRoundDue(world.context, world.context.syncs[0]!)).toBe(false);
      expect(await round(world)).toMatchObject({ state: 'waiting', ended: 1 });
      expect(written(world)).toEqual([]);
      expect((await world.recordOf('site', 'contact', 'site-1'))?.record.values.jobTitle).toBe('Baker');
    });
  });

  it('is not written past the guard of a cycle either, when it comes in while that writes', async () => {
    await settled(
      async (world) => {
        for (const n of [1, 2, 3]) world.edit('site', 'contact', `site-${n}`, { jobTitle: `Baker ${n}` });
        await world.cycle();
        world.forgetCalls();
        world.edit('site', 'contact', 'site-1', { jobTitle: 'Carter 1' });
        const shop = at(world, 'shop');
        let isFirst = true;
        const sync = world.context.syncs[0]!;
        shop.before = (verb) => {
          if (verb !== 'update' || !isFirst) return;
          isFirst = false;
          for (const n of [2, 3]) world.edit('site', 'contact', `site-${n}`, { jobTitle: `Carter ${n}` });
        };
        const update = shop.update.bind(shop);
        shop.update = async (...change) => {
          const reply = await update(...change);
          await pause(world.store, sync.name, 1);
          await hint(world, 'site', ['site-2', 'site-3']);
          await round(world);
          return reply;
        };
        await world.cycle();
        expect(written(world).filter((one) => one.startsWith('shop'))).toEqual(['shop update shop-1: jobTitle']);
      },
      { limits },
    );
  });

  it('rests when the credentials are refused, and is tried again', async () => {
    await settled(async (world) => {
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker' });
      await hint(world, 'site', ['site-1']);
      at(world, 'desk').disturbs = () => {
        throw new AuthError('desk: 401', { connection: 'desk' });
      };
      const sync = world.context.syncs[0]!;
      expect(await round(world)).toMatchObject({ state: 'failed', ended: 1 });
      expect(await isRoundDue(world.context, sync)).toBe(false);
      at(world, 'desk').disturbs = () => {};
      world.clock.advance(60_000);
      expect(await isRoundDue(world.context, sync)).toBe(true);
      await round(world);
      expect(at(world, 'desk').holds('contact', 'desk-1').jobTitle).toBe('Baker');
    });
  });
});

/** Lets a CRM be searched by e-mail. */
function searchable(made: FakeCrm): void {
  const contact = { ...made.capabilities.contact!, search: { via: ['search'], by: ['email' as const] } };
  const search = async (_: string, { email }: SearchFor): Promise<readonly CrmRecord[]> =>
    made
      .ids('contact')
      .filter((id) => made.holds('contact', id)['email.primary'] === email)
      .map((id) => made.shown('contact', id));
  Object.assign(made, { capabilities: { contact }, search });
}

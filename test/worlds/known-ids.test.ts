import { describe, expect, it } from 'vitest';
import { AuthError, MalformedReplyError, RejectedError, RetryableError } from '../../src/connector/errors.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { type ImportTally, importIds, noTally } from '../../src/engine/import-ids.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { FakeCrm } from './fake-crm.ts';
import { ann, ben, both, crm, inWorld, written } from './small.ts';
import type { World } from './world.ts';

const cleo = { 'name.given': 'Cleo', 'name.family': 'Crane', 'email.primary': 'cleo@crane.example' };

/** `site` lists its records, `chat` only shows what it is asked for by id. */
async function siteAndChat(check: (world: World) => Promise<void>, overrides: Partial<SyncPolicy> = {}): Promise<void> {
  const specs = [crm('site', ['jobTitle']), crm('chat', ['jobTitle'], { lists: false, concurrent: 3 })];
  await inWorld(specs, check, { syncs: [both(['site', 'chat'], overrides)] });
}

/** The same, with Ann, Ben and Cleo in both; what happens afterwards is what the test is about. */
async function settled(check: (world: World) => Promise<void>, overrides: Partial<SyncPolicy> = {}): Promise<void> {
  await siteAndChat(async (world) => {
    for (const person of [ann, ben, cleo]) world.enter('site', 'contact', person);
    await people(world);
    world.forgetCalls();
    await check(world);
  }, overrides);
}

const at = (world: World, name: 'site' | 'chat'): FakeCrm => world.crms.get(name)!;
const people = async (world: World) => (await world.cycle()).people!;
const sizes = (world: World) => [at(world, 'site').ids('contact').length, at(world, 'chat').ids('contact').length];
const stateOf = async (world: World, externalId: string) =>
  (await world.store.known('chat', 'contact', [externalId])).get(externalId)?.state;

/** Records of chat that nobody can read: by id, what reading them throws. */
function unreadable(world: World, errors: Readonly<Record<string, Error>>): void {
  at(world, 'chat').before = (verb, externalId) => {
    const error = verb === 'read' && externalId !== undefined ? errors[externalId] : undefined;
    if (error) throw error;
  };
}

const malformed = new MalformedReplyError('chat: that is no contact', { connection: 'chat' });
const tired = new RetryableError('chat: 500', { connection: 'chat', status: 500 });
const rejected = new RejectedError('chat: that is no id (400)', { connection: 'chat' });

let imports = 0;
async function importing(world: World, ...ids: readonly string[]): Promise<ImportTally> {
  const [sync] = world.context.syncs;
  const tally = noTally();
  world.clock.advance(60_000);
  imports += 1;
  const run = `import-${imports}`;
  await importIds(world.context, { sync: sync!, connection: 'chat', ids, run, counts: noCounts(), tally });
  return tally;
}

describe('a CRM that lists nothing and reads by id', () => {
  it('is asked for the ids that are known, each once, and is quiet where nothing has changed', async () => {
    await settled(async (world) => {
      const { counts, state } = await people(world);
      expect([state, counts.chat]).toEqual(['done', { ...noCounts(), read: 3, unchanged: 3 }]);
      expect(at(world, 'chat').calls).toMatchObject({ list: 0, read: 3 });
      expect(written(world)).toEqual([]);
    });
  });

  it('brings what people typed there', async () => {
    await settled(async (world) => {
      world.edit('chat', 'contact', 'chat-2', { jobTitle: 'Baker' });
      await people(world);
      expect(at(world, 'site').holds('contact', 'site-2').jobTitle).toBe('Baker');
      expect(written(world)).toEqual(['site update site-2: jobTitle']);
    });
  });

  it('may be named in an import though it is not known: then a sync makes it known everywhere', async () => {
    await siteAndChat(async (world) => {
      const id = world.enter('chat', 'contact', ann);
      expect((await people(world)).state).toBe('done');
      expect(sizes(world)).toEqual([0, 1]);
      expect(await importing(world, id)).toMatchObject({ asked: 1, taken: 1, known: 0 });
      expect(sizes(world)).toEqual([0, 1]);
      await people(world);
      expect(sizes(world)).toEqual([1, 1]);
      world.forgetCalls();
      expect((await people(world)).counts.chat).toMatchObject({ read: 1, unchanged: 1 });
      expect(written(world)).toEqual([]);
    });
  });

  for (const deletes of ['ignore', 'propagate'] as const)
    it(`has lost what it calls gone: ${deletes}`, async () => {
      await settled(
        async (world) => {
          at(world, 'chat').drop('contact', 'chat-1');
          expect((await people(world)).state).toBe('done');
          expect(sizes(world)).toEqual(deletes === 'ignore' ? [3, 2] : [2, 2]);
          world.edit('site', 'contact', 'site-3', { jobTitle: 'Baker' });
          await people(world);
          expect(sizes(world)[1]).toBe(2);
          expect(at(world, 'chat').holds('contact', 'chat-3').jobTitle).toBe('Baker');
        },
        { deletes },
      );
    });

  it('stops the sync where it calls more gone than may be deleted, and all of them, before any write', async () => {
    for (const lost of [2, 3])
      await settled(
        async (world) => {
          world.edit('site', 'contact', 'site-3', { jobTitle: 'Baker' });
          const kept = at(world, 'chat').ids('contact').slice(0, lost);
          const held = kept.map((id) => at(world, 'chat').holds('contact', id));
          for (const id of kept) at(world, 'chat').drop('contact', id);
          const { state, stops } = await people(world);
          expect([state, stops.length, stops[0]?.what, stops[0]?.records]).toEqual(['waiting', 1, 'absence', lost]);
          expect(written(world)).toEqual([]);
          // The stop goes away with its cause.
          for (const [index, id] of kept.entries()) at(world, 'chat').bringBack('contact', id, held[index]!);
          expect((await people(world)).state).toBe('done');
          expect(sizes(world)).toEqual([3, 3]);
          expect(at(world, 'chat').holds('contact', 'chat-3').jobTitle).toBe('Baker');
        },
        { deletes: 'propagate', limits: { ...both([]).limits, deletes: { share: 0.4, atLeast: 1 } } },
      );
  });

  for (const [kind, error] of Object.entries({ malformed, rejected }))
    it(`keeps the others in step while one cannot be read, and deletes nothing for it: ${kind}`, async () => {
      await settled(
        async (world) => {
          unreadable(world, { 'chat-1': error });
          world.edit('chat', 'contact', 'chat-1', { jobTitle: 'Carter' });
          world.edit('chat', 'contact', 'chat-2', { jobTitle: 'Baker' });
          for (let cycles = 0; cycles < 2; cycles += 1) {
            const { state, counts, waiting } = await people(world);
            expect([state, counts.chat?.quarantined, waiting.quarantined]).toEqual(['waiting', 1, 1]);
          }
          expect(at(world, 'site').holds('contact', 'site-2').jobTitle).toBe('Baker');
          unreadable(world, {});
          expect(await people(world)).toMatchObject({ state: 'done', waiting: { quarantined: 0 } });
          expect(at(world, 'site').holds('contact', 'site-1').jobTitle).toBe('Carter');
          expect(sizes(world)).toEqual([3, 3]);
        },
        { deletes: 'propagate' },
      );
    });

  it('keeps the others in step while one is always answered with a server error', async () => {
    for (const poison of ['chat-1', 'chat-2', 'chat-3'])
      await settled(
        async (world) => {
          unreadable(world, { [poison]: tired });
          const other = poison === 'chat-2' ? 'chat-3' : 'chat-2';
          world.edit('chat', 'contact', other, { jobTitle: 'Baker' });
          for (let cycles = 0; cycles < 2; cycles += 1) {
            const { state, counts, waiting, problems } = await people(world);
            expect([state, problems, waiting.quarantined]).toEqual(['waiting', [], 1]);
            expect(counts.chat).toMatchObject({ read: 3, quarantined: 1, failed: 0 });
          }
          expect(at(world, 'site').holds('contact', other.replace('chat', 'site')).jobTitle).toBe('Baker');
          expect((await world.store.quarantined('chat', 'contact', 9))[0]?.reason).toBe(tired.message);
          unreadable(world, {});
          expect(await people(world)).toMatchObject({ state: 'done', waiting: { quarantined: 0 } });
          expect(sizes(world)).toEqual([3, 3]);
        },
        { deletes: 'propagate' },
      );
  });

  for (const [when, isDown] of Object.entries({
    'from the start': (reads: number) => reads > 0,
    'after some reads': (reads: number) => reads > 20,
    'at its last read': (reads: number) => reads >= 43,
  }))
    for (const [how, error] of Object.entries({ tired, malformed }))
      it(`fails as a whole where it is down ${when}, and nobody is set aside: ${how}`, async () => {
        await settled(async (world) => {
          for (let n = 0; n < 40; n += 1)
            world.enter('site', 'contact', { 'name.family': `Nemo${n}`, 'email.primary': `nemo${n}@example.com` });
          await people(world);
          let reads = 0;
          at(world, 'chat').disturbs = () => {
            reads += 1;
            if (isDown(reads)) throw error;
          };
          const { state, waiting } = await people(world);
          expect([state, waiting.quarantined]).toEqual(['failed', 0]);
          expect(reads).toBeLessThan(55);
          at(world, 'chat').disturbs = () => {};
          expect((await people(world)).state).toBe('done');
        });
      });

  it('is asked no more once it refuses everybody, and nothing follows', async () => {
    await settled(async (world) => {
      for (let n = 0; n < 40; n += 1)
        world.enter('site', 'contact', { 'name.family': `Nemo${n}`, 'email.primary': `nemo${n}@example.com` });
      await people(world);
      world.forgetCalls();
      at(world, 'chat').disturbs = () => {
        throw new AuthError('chat: 401', { connection: 'chat' });
      };
      expect((await people(world)).state).toBe('failed');
      // Those that were under way, and the next ones.
      expect(at(world, 'chat').calls.read).toBeLessThan(10);
      at(world, 'chat').disturbs = () => {};
      expect((await people(world)).counts.chat).toMatchObject({ read: 43, unchanged: 43 });
    });
  });
});

describe('an import of ids', () => {
  it('leaves to the next sync who is who, and matches by then what the record has become', async () => {
    await siteAndChat(
      async (world) => {
        world.enter('site', 'contact', ann);
        world.enter('site', 'contact', ben);
        await people(world);
        const id = world.enter('chat', 'contact', ann);
        expect(await importing(world, id)).toMatchObject({ taken: 0, waiting: 1 });
        expect(await stateOf(world, id)).toBe('unmatched');
        world.edit('chat', 'contact', id, ben);
        await people(world);
        expect((await world.recordOf('chat', 'contact', id))?.links.map(({ externalId }) => externalId).sort()).toEqual(
          [id, 'site-2'].sort(),
        );
        expect(written(world).filter((write) => !write.startsWith('site create'))).toEqual([]);
      },
      {
        members: [
          { connection: 'site', direction: 'both' },
          { connection: 'chat', direction: 'read' },
        ],
      },
    );
  });

  it('merges what is linked, and may be repeated', async () => {
    await settled(async (world) => {
      expect(await importing(world, 'chat-1', 'chat-2')).toMatchObject({ known: 2, taken: 0 });
      world.edit('chat', 'contact', 'chat-2', { jobTitle: 'Baker' });
      expect(await importing(world, 'chat-1', 'chat-2')).toMatchObject({ known: 2, taken: 0 });
      expect((await world.recordOf('chat', 'contact', 'chat-2'))?.record.values.jobTitle).toBe('Baker');
      expect(written(world)).toEqual([]);
      await people(world);
      expect(at(world, 'site').holds('contact', 'site-2').jobTitle).toBe('Baker');
    });
  });

  it('concludes nothing from what it does not show, also where nothing is there', async () => {
    await settled(
      async (world) => {
        const before = await world.store.checkpoint('chat', 'contact');
        at(world, 'chat').drop('contact', 'chat-1');
        expect(await importing(world, 'chat-1')).toMatchObject({ asked: 1, known: 0, missing: ['chat-1'] });
        expect(await stateOf(world, 'chat-1')).toBe('linked');
        expect((await world.store.checkpoint('chat', 'contact'))?.complete).toEqual(before?.complete);
        expect(await world.store.held()).toEqual([]);
        await importing(world, 'chat-2');
        expect((await world.store.linkCount('chat', 'contact')).live).toBe(3);
      },
      { deletes: 'propagate' },
    );
  });

  it('tells apart what is not there, what the CRM refuses and what cannot be used', async () => {
    await siteAndChat(async (world) => {
      const ids = [ann, ben, cleo].map((person) => world.enter('chat', 'contact', person));
      unreadable(world, { [ids[0]!]: malformed, [ids[1]!]: rejected });
      expect(await importing(world, ...ids, 'chat-9')).toEqual({
        asked: 4,
        known: 0,
        taken: 1,
        waiting: 0,
        missing: ['chat-9'],
        refused: [{ externalId: ids[1], reason: rejected.message }],
      });
      const aside = async () =>
        (await world.store.quarantined('chat', 'contact', 9)).map(({ externalId }) => externalId);
      expect(await aside()).toEqual([ids[0]]);
      // What is set aside is looked at again, and forgotten only when it is gone.
      for (let cycles = 0; cycles < 2; cycles += 1) expect((await people(world)).waiting.quarantined).toBe(1);
      unreadable(world, {});
      at(world, 'chat').drop('contact', ids[0]!);
      expect((await people(world)).state).toBe('done');
      expect(await aside()).toEqual([]);
    });
  });

  it('takes a record back in that was gone and is there again, as a new one that has to be matched', async () => {
    await settled(async (world) => {
      at(world, 'chat').drop('contact', 'chat-1');
      await people(world);
      expect(await stateOf(world, 'chat-1')).toBe('gone');
      expect(await importing(world, 'chat-1')).toMatchObject({ missing: ['chat-1'] });
      at(world, 'chat').bringBack('contact', 'chat-1', ann);
      // No sync asks for it.
      await people(world);
      expect(await stateOf(world, 'chat-1')).toBe('gone');
      expect(await importing(world, 'chat-1')).toMatchObject({ waiting: 1, missing: [] });
      await people(world);
      expect((await world.recordOf('chat', 'contact', 'chat-1'))?.links.map(({ state }) => state)).toEqual([
        'live',
        'live',
      ]);
      expect(sizes(world)).toEqual([3, 3]);
    });
  });

  it('takes a record once that has two spellings of its id', async () => {
    await siteAndChat(async (world) => {
      const id = world.enter('chat', 'contact', ann);
      const chat = at(world, 'chat');
      const read = chat.read.bind(chat);
      chat.read = (entity, externalId) => read(entity, externalId.toLowerCase());
      expect(await importing(world, id, id.toUpperCase())).toMatchObject({ asked: 2, taken: 1, waiting: 0 });
      await people(world);
      expect(sizes(world)).toEqual([1, 1]);
    });
  });

  it('asks with the locator of the record, once it has one, as a pull does', async () => {
    await siteAndChat(
      async (world) => {
        world.enter('site', 'contact', ann);
        await people(world);
        const id = world.enter('chat', 'contact', ann);
        const chat = at(world, 'chat');
        const shown = chat.shown.bind(chat);
        chat.shown = (...which) => ({ ...shown(...which), locator: 'drawer 7' });
        const read = chat.read.bind(chat);
        const locators: unknown[] = [];
        chat.read = (entity, externalId, ...[locator]: unknown[]) => {
          if (externalId === id) locators.push(locator);
          return read(entity, externalId);
        };
        // New; waiting to be matched; linked, in a pull; linked, in an import.
        await importing(world, id);
        await people(world);
        await people(world);
        await importing(world, id);
        expect(locators).toEqual([undefined, 'drawer 7', 'drawer 7', 'drawer 7']);
      },
      {
        members: [
          { connection: 'site', direction: 'both' },
          { connection: 'chat', direction: 'read' },
        ],
      },
    );
  });

  it('that breaks off keeps what it has, and goes on where it is repeated', async () => {
    await siteAndChat(async (world) => {
      const ids = Array.from({ length: 250 }, (_, n) =>
        world.enter('chat', 'contact', { 'name.family': `Nemo${n}`, 'email.primary': `nemo${n}@example.com` }),
      );
      unreadable(world, { [ids[220]!]: new AuthError('chat: 401', { connection: 'chat' }) });
      await expect(importing(world, ...ids)).rejects.toThrow('chat: 401');
      expect((await world.store.linkCount('chat', 'contact')).live).toBe(200);
      expect((await world.store.runs(1))[0]?.end).toMatchObject({ outcome: 'failed', error: 'chat: 401' });
      unreadable(world, {});
      expect(await importing(world, ...ids)).toMatchObject({ asked: 250, known: 200, taken: 50 });
      expect((await world.store.runs(1))[0]?.end).toMatchObject({ outcome: 'done' });
    });
  });
});

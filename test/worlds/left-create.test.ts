import { describe, expect, it } from 'vitest';
import { noCounts } from '../../src/engine/engine.ts';
import { importIds, noTally } from '../../src/engine/import-ids.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import { ann, ben, both, crm, inWorld } from './small.ts';
import type { World } from './world.ts';

const people = async (world: World) => (await world.cycle()).people!;

/** `chat` lists nothing, finds its records again by our id, and has not answered the create of Ann, who is deleted by now. */
async function left(
  lost: 'request' | 'answer',
  overrides: Partial<SyncPolicy>,
  check: (world: World) => Promise<void>,
): Promise<void> {
  const specs = [crm('site'), crm('chat', [], { lists: false, knowsOurIds: true })];
  await inWorld(
    specs,
    async (world) => {
      const chat = world.crms.get('chat')!;
      world.enter('site', 'contact', ben);
      await people(world);
      world.enter('site', 'contact', ann);
      chat.loses = () => (chat.calls.create === 2 ? lost : 'request');
      await people(world);
      chat.loses = () => 'nothing';
      world.crms.get('site')!.drop('contact', 'site-2');
      await check(world);
    },
    { syncs: [both(['site', 'chat'], overrides)] },
  );
}

const standing = async (world: World) => {
  const chat = (await world.store.standing()).find(({ connection }) => connection === 'chat');
  return { dead: chat?.dead ?? 0, openIntents: chat?.openIntents ?? 0, pending: chat?.pending ?? 0 };
};

describe('a create without an answer at a CRM that lists nothing, of a record that is deleted by now', () => {
  for (const deletes of ['ignore', 'propagate'] as const)
    for (const lost of ['request', 'answer'] as const)
      it(`stays for a person to look, and is not made again: ${deletes}, lost ${lost}`, async () => {
        await left(lost, { deletes }, async (world) => {
          const chat = world.crms.get('chat')!;
          const creates = chat.calls.create;
          for (let cycles = 0; cycles < 3; cycles += 1) {
            const { state, waiting, problems, counts } = await people(world);
            expect([state, waiting.dead, problems, counts.chat!.failed]).toEqual(['waiting', 1, [], 1]);
          }
          expect(chat.calls.create).toBe(creates);
          expect(await standing(world)).toEqual({ dead: 1, openIntents: 1, pending: 0 });
          const [letter] = await world.store.deadLetters('chat', 'contact', 9);
          expect(letter).toMatchObject({
            code: 'outcome_unknown',
            message: expect.stringContaining('retry ends this'),
          });
        });
      });

  it('ends when a person who has looked takes it back', async () => {
    await left('request', {}, async (world) => {
      await people(world);
      await world.store.takeBack({ state: 'dead', connection: 'chat' });
      expect((await people(world)).state).toBe('done');
      expect(await standing(world)).toEqual({ dead: 0, openIntents: 0, pending: 0 });
      expect([world.crms.get('chat')!.ids('contact'), (await people(world)).state]).toEqual([['chat-1'], 'done']);
    });
  });

  it('ends when a person makes known what is there, which is nobody new, and is deleted where deletes travel', async () => {
    for (const deletes of ['ignore', 'propagate'] as const)
      await left('answer', { deletes }, async (world) => {
        await people(world);
        const chat = world.crms.get('chat')!;
        const [bens, id] = chat.ids('contact');
        const [sync] = world.context.syncs;
        const order = {
          sync: sync!,
          connection: 'chat',
          ids: [id!],
          run: 'import',
          counts: noCounts(),
          tally: noTally(),
        };
        await importIds(world.context, order);
        await people(world);
        const { state } = await people(world);
        expect([state, await standing(world)]).toEqual(['done', { dead: 0, openIntents: 0, pending: 0 }]);
        expect(world.crms.get('site')!.ids('contact')).toEqual(['site-1']);
        expect(chat.ids('contact')).toEqual(deletes === 'ignore' ? [bens, id] : [bens]);
        expect(await world.records('contact')).toHaveLength(1);
      });
  });
});

import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/connector/connector.ts';
import { MalformedReplyError } from '../../src/connector/errors.ts';
import type { Values } from '../../src/model/values.ts';
import { ann, ben, crm, inWorld } from './small.ts';
import type { World } from './world.ts';

const cleo = { 'name.given': 'Cleo', 'name.family': 'Castellanos', 'email.primary': 'cleo@castellanos.example' };
const secret = 'Tailor of Panama';

/** The values, of which one makes whoever looks at it for the n-th time stumble: first the fingerprint, then the keys. */
function trap(values: Values, n: number, stumble: Error): Values {
  let looks = 0;
  return Object.defineProperty({ ...values }, 'phone.work', {
    enumerable: true,
    get() {
      looks += 1;
      if (looks >= n) throw stumble;
      return secret;
    },
  });
}

/** Bravo shows these records, all or those of the ids, with a trap in them. @returns how to take the traps away */
function poison(world: World, n: number, stumble: Error, ids?: readonly string[]): () => void {
  const bravo = world.crms.get('bravo')!;
  const list = bravo.list.bind(bravo);
  bravo.list = async function* (entity): AsyncIterable<Page> {
    for await (const page of list(entity))
      yield {
        ...page,
        records: page.records.map((record) =>
          ids === undefined || ids.includes(record.externalId)
            ? { ...record, values: trap(record.values, n, stumble) }
            : record,
        ),
      };
  };
  return () => {
    bravo.list = list;
  };
}

const specs = [crm('alpha', ['jobTitle', 'phone.work']), crm('bravo', ['jobTitle', 'phone.work'])];
const atAlpha = (world: World) =>
  world.crms
    .get('alpha')!
    .ids('contact')
    .map((id) => world.crms.get('alpha')!.holds('contact', id)['name.given']);

describe('a record over which we stumble', () => {
  for (const stumble of [new TypeError(secret), new RangeError(secret), new Error(secret)])
    for (const n of [1, 2])
      it(`is set aside without its values, and the others of its page are not: ${stumble.name} at look ${n}`, async () => {
        await inWorld(specs, async (world) => {
          for (const one of [ann, ben, cleo]) world.enter('bravo', 'contact', one);
          const heal = poison(world, n, stumble, ['bravo-2']);
          const first = await world.cycle();
          expect(first.people!.problems).toEqual([]);
          expect(first.people!.counts.bravo).toMatchObject({ read: 3, quarantined: 1, unchanged: 0 });
          expect(atAlpha(world)).toEqual(['Ann', 'Cleo']);
          const [row] = await world.store.quarantined('bravo', 'contact', 9);
          expect(row).toMatchObject({ externalId: 'bravo-2' });
          expect(JSON.stringify(row)).not.toContain(secret);
          const second = await world.cycle();
          expect(second.people!.counts.bravo).toMatchObject({ read: 3, quarantined: 1, unchanged: 2 });
          heal();
          const third = await world.cycle();
          expect(third.people!.waiting.quarantined).toBe(0);
          expect(atAlpha(world)).toEqual(['Ann', 'Cleo', 'Ben']);
        });
      });

  it.each([1, 2, 3, 4])('keeps its link and is no departure: at look %i', async (n) => {
    await inWorld(specs, async (world) => {
      for (const one of [ann, ben, cleo]) world.enter('bravo', 'contact', one);
      await world.cycle();
      const heal = poison(world, n, new TypeError(secret), ['bravo-2']);
      world.edit('bravo', 'contact', 'bravo-3', { jobTitle: 'Baker' });
      for (let cycle = 0; cycle < 3; cycle += 1) await world.cycle();
      expect(atAlpha(world)).toEqual(['Ann', 'Ben', 'Cleo']);
      const { links } = (await world.recordOf('bravo', 'contact', 'bravo-2'))!;
      expect(links.map(({ state }) => state)).toEqual(['live', 'live']);
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-3').jobTitle).toBe('Baker');
      heal();
      world.edit('bravo', 'contact', 'bravo-2', { jobTitle: 'Cook' });
      await world.cycle();
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-2').jobTitle).toBe('Cook');
      expect(await world.store.quarantined('bravo', 'contact', 9)).toEqual([]);
    });
  });

  it('does not keep another of its page in quarantine that is fine again', async () => {
    await inWorld(specs, async (world) => {
      for (const one of [ann, ben, cleo]) world.enter('bravo', 'contact', one);
      for (const id of ['bravo-1', 'bravo-2']) {
        const heal = poison(world, 2, new TypeError(secret), [id]);
        await world.cycle();
        const aside = await world.store.quarantined('bravo', 'contact', 9);
        expect(aside.map(({ externalId }) => externalId)).toEqual([id]);
        heal();
      }
      expect(atAlpha(world)).toEqual(['Ben', 'Cleo', 'Ann']);
    });
  });

  it('is no excuse when it is every record: then the fault is ours, and the run fails', async () => {
    await inWorld(specs, async (world) => {
      for (const one of [ann, ben]) world.enter('bravo', 'contact', one);
      const stumble = new TypeError(secret);
      poison(world, 1, stumble);
      await expect(world.cycle()).rejects.toBe(stumble);
      expect(await world.store.quarantined('bravo', 'contact', 9)).toEqual([]);
    });
  });

  it('is no record when a CRM, the store or a stop gave the error: that is told as it is', async () => {
    await inWorld(specs, async (world) => {
      for (const one of [ann, ben, cleo]) world.enter('bravo', 'contact', one);
      for (const stumble of [
        Object.assign(new Error('locked'), { code: 'database_locked' }),
        new DOMException('stopped', 'AbortError'),
      ]) {
        const heal = poison(world, 1, stumble, ['bravo-2']);
        await expect(world.cycle()).rejects.toBe(stumble);
        heal();
      }
      const heal = poison(world, 1, new MalformedReplyError('bravo: cut short', { connection: 'bravo' }), ['bravo-2']);
      expect((await world.cycle()).people!.problems).toMatchObject([{ code: 'malformed_reply' }]);
      heal();
      expect(await world.store.quarantined('bravo', 'contact', 9)).toEqual([]);
    });
  });
});

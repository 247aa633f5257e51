import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { none } from '../../src/connector/connector.ts';
import { UnsupportedError } from '../../src/connector/errors.ts';
import { noHabits } from './habits.ts';
import { ann, ben, both, crm, inWorld, written } from './small.ts';
import { policy, type World } from './world.ts';

const people = async (world: World) => (await world.cycle()).people!;
const reasons = async (world: World) =>
  (await world.store.setAside(10)).map(
    ({ connection, what, reason, count }) => `${connection} ${what} ${count}: ${reason}`,
  );

/** `office` shows the e-mail and the job title, and takes neither; `site` takes everything. */
const office = crm('office', ['jobTitle', 'phone.mobile'], { readOnly: ['email.primary', 'jobTitle'] });
const site = crm('site', ['jobTitle', 'phone.mobile']);

describe('a field that a member shows and does not take', () => {
  it('is unsupported where it differs, from the run that finds it until the values agree; the others are written', async () => {
    await inWorld([office, site], async (world) => {
      world.enter('office', 'contact', { ...ann, jobTitle: 'Tailor' });
      world.enter('office', 'contact', { ...ben, jobTitle: 'Smith' });
      expect((await people(world)).counts).toMatchObject({ office: { unsupported: 0 }, site: { unsupported: 0 } });

      world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker', 'phone.mobile': '+49 171 1234567' });
      world.forgetCalls();
      const found = await people(world);
      expect([found.state, found.counts.office]).toMatchObject(['done', { updated: 1, failed: 0, unsupported: 1 }]);
      expect(found.counts.site).toMatchObject({ unsupported: 0 });
      expect(written(world)).toEqual(['office update office-1: phone.mobile']);
      const told = 'office unsupported 1: office cannot be given fields of a contact: jobTitle (only shown there)';
      expect(await reasons(world)).toEqual([told]);

      world.forgetCalls();
      for (let cycles = 0; cycles < 2; cycles += 1) {
        const { state, counts } = await people(world);
        expect([state, counts.office]).toMatchObject(['done', { unchanged: 2, updated: 0, unsupported: 1 }]);
      }
      expect(await reasons(world)).toEqual([told]);
      expect([written(world), world.crms.get('office')!.calls.read]).toEqual([[], 0]);

      world.edit('site', 'contact', 'site-1', { 'email.primary': 'ann@else.example' });
      expect((await people(world)).counts.office!.unsupported).toBe(1);
      expect(await reasons(world)).toEqual([told.replace('jobTitle', 'email.primary, jobTitle')]);

      world.edit('office', 'contact', 'office-1', { jobTitle: 'Baker', 'email.primary': 'ann@else.example' });
      expect((await people(world)).counts.office!.unsupported).toBe(0);
      expect(await reasons(world)).toEqual([]);
    });
  });

  it('is unsupported where a conflict made another value canonical, and not any more when that is typed back', async () => {
    await inWorld([site, office], async (world) => {
      world.enter('site', 'contact', { ...ann, jobTitle: 'Baker' });
      world.enter('office', 'contact', { ...ann, jobTitle: 'Tailor' });
      expect((await people(world)).counts.office).toMatchObject({ unsupported: 1 });
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Tailor' });
      expect((await people(world)).counts.office).toMatchObject({ unsupported: 0 });
    });
  });

  it('is not unsupported where the member shows nothing of it, or the same in a form of its own', async () => {
    await inWorld(
      [
        crm('office', ['jobTitle'], { readOnly: ['jobTitle'], showsEmptyAs: 'absent' }),
        crm('site', ['jobTitle'], { habits: { ...noHabits, shortens: { jobTitle: 4 } } }),
      ],
      async (world) => {
        world.enter('office', 'contact', ann);
        world.enter('office', 'contact', { ...ben, jobTitle: 'Tailoress' });
        await people(world);
        world.edit('site', 'contact', 'site-1', { jobTitle: 'Cook' });
        const { counts } = await people(world);
        expect(counts).toMatchObject({ office: { unsupported: 0 }, site: { unsupported: 0 } });
      },
    );
  });

  it('is not unsupported where it is a guess at a name that the member shows in one piece', async () => {
    const paths = { contact: ['name.full', 'name.given', 'name.family', 'email.primary'] };
    const readOnly = ['name.full', 'name.given', 'name.family'];
    await inWorld([crm('office', [], { fields: paths, readOnly }), crm('site', [])], async (world) => {
      const guessed = { 'name.full': 'Anna Maria Ashworth', 'name.given': 'Anna', 'name.family': 'Maria Ashworth' };
      world.enter('office', 'contact', { ...guessed, 'email.primary': ann['email.primary'] });
      world.enter('site', 'contact', { ...ann, 'name.given': 'Anna Maria' });
      expect((await people(world)).counts.office!.unsupported).toBe(0);
      world.edit('site', 'contact', 'site-1', { 'name.family': 'Brennecke' });
      expect((await people(world)).counts.office!.unsupported).toBe(1);
    });
  });

  it('is not unsupported for one number of several that a member shows in one place', async () => {
    const phones = ['phone.mobile', 'phone.work'];
    await inWorld(
      [crm('site', phones), crm('office', ['phone.primary'], { readOnly: ['phone.primary'] })],
      async (world) => {
        world.enter('office', 'contact', { ...ann, 'phone.primary': '+49 30 901820' });
        world.enter('site', 'contact', { ...ann, 'phone.mobile': '+49 171 1234567', 'phone.work': '+49 30 901820' });
        expect((await people(world)).counts.office!.unsupported).toBe(0);
        world.edit('site', 'contact', 'site-1', { 'phone.work': '+49 30 901821' });
        expect((await people(world)).counts.office!.unsupported).toBe(1);
      },
    );
  });

  it('is nothing that is missed of a record which takes no part, or is deleted', async () => {
    const sync = both(['office', 'site'], { deletes: 'propagate', where: { 'phone.mobile': 'present' } });
    await inWorld(
      [office, site],
      async (world) => {
        const here = { 'phone.mobile': '+49 171 1234567', jobTitle: 'Tailor' };
        world.enter('office', 'contact', { ...ann, ...here });
        world.enter('office', 'contact', { ...ben, ...here, 'phone.mobile': '+49 171 7654321' });
        await people(world);
        for (const id of ['site-1', 'site-2']) world.edit('site', 'contact', id, { jobTitle: 'Baker' });
        expect((await people(world)).counts.office!.unsupported).toBe(2);
        world.edit('office', 'contact', 'office-1', { 'phone.mobile': null });
        world.crms.get('office')!.drop('contact', 'office-2');
        await people(world);
        expect((await people(world)).counts.office!.unsupported).toBe(0);
        expect(await reasons(world)).toEqual([]);
      },
      { syncs: [sync] },
    );
  });

  it('costs the exit nothing, and nothing is unsupported at a member that is only read', async () => {
    const members = [
      { connection: 'office', direction: 'read' as const },
      { connection: 'site', direction: 'both' as const },
    ];
    await inWorld(
      [office, site],
      async (world) => {
        world.enter('office', 'contact', { ...ann, jobTitle: 'Tailor' });
        await people(world);
        world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker' });
        expect((await people(world)).counts.office!.unsupported).toBe(0);
      },
      { syncs: [policy(members)] },
    );
  });
});

describe('a field that a member has come to take, or takes no more', () => {
  it('is written, or unsupported, without anything having changed; and looked through once', async () => {
    await inWorld([crm('office', ['jobTitle'], { readOnly: ['jobTitle'] }), site], async (world) => {
      const able = world.crms.get('office')!;
      const takes = (access: 'readOnly' | 'readWrite') => {
        const { contact } = able.mappings;
        const fields = contact!.fields.map((row) => (row.path === 'jobTitle' ? { ...row, access } : row));
        Object.assign(able, { mappings: { contact: { ...contact, fields } } });
      };
      world.enter('office', 'contact', { ...ann, jobTitle: 'Tailor' });
      await people(world);
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Baker' });
      await people(world);
      takes('readWrite');
      world.forgetCalls();
      expect((await people(world)).counts.office).toMatchObject({ updated: 1, unsupported: 0 });
      expect(able.holds('contact', 'office-1').jobTitle).toBe('Baker');

      takes('readOnly');
      world.edit('site', 'contact', 'site-1', { jobTitle: 'Smith' });
      expect((await people(world)).counts.office).toMatchObject({ updated: 0, unsupported: 1 });
      // As a database from before: nothing is remembered of what is not taken.
      const [record] = await world.records('contact');
      const version = record!.record.version;
      await world.store.commit({
        run: 'older',
        at: 0,
        entity: 'contact',
        done: [{ connection: 'office', recordId: record!.record.id, version }],
      });
      await world.store.remember('takes people', '');
      const records = world.store.records.bind(world.store);
      let looks = 0;
      world.store.records = (...given) => {
        looks += 1;
        return records(...given);
      };
      for (let cycles = 0; cycles < 2; cycles += 1)
        expect((await people(world)).counts.office).toMatchObject({ updated: 0, unsupported: 1 });
      expect(looks).toBe(2);
    });
  });
});

describe('a value that a member is sent and does not keep', () => {
  it('is unsupported, and not sent again', async () => {
    const drops = crm('office', ['jobTitle'], { habits: { ...noHabits, drops: ['jobTitle'] } });
    await inWorld([drops, site], async (world) => {
      world.enter('site', 'contact', { ...ann, jobTitle: 'Baker' });
      const first = await people(world);
      expect([first.state, first.counts.office]).toMatchObject(['done', { created: 1, failed: 0, unsupported: 1 }]);
      expect(await reasons(world)).toEqual([
        'office unsupported 1: office cannot be given fields of a contact: jobTitle (sent, and not kept there)',
      ]);
      world.forgetCalls();
      expect((await people(world)).counts.office).toMatchObject({ updated: 0, unsupported: 1 });
      expect(written(world)).toEqual([]);
      world.edit('site', 'contact', 'site-1', { jobTitle: null });
      expect((await people(world)).counts.office).toMatchObject({ unsupported: 0 });
    });
  });
});

describe('what an API cannot do', () => {
  it('shows in the run that finds it, also where the reply of another member makes the record pending once more', async () => {
    const shouts = crm('shop', ['jobTitle'], { habits: { ...noHabits, prefixes: { jobTitle: 'The ' } } });
    await inWorld([crm('office', ['jobTitle']), crm('site', ['jobTitle']), shouts], async (world) => {
      const made = world.crms.get('office')!;
      Object.assign(made, {
        capabilities: { contact: { ...made.capabilities.contact, create: none('office makes nobody') } },
      });
      // A person types at the shop just before we write there, after the office has had its turn.
      world.enter('site', 'contact', ann);
      await people(world);
      world.crms.get('shop')!.before = (verb, id) => {
        if (verb === 'read' && id !== undefined) {
          world.crms.get('shop')!.before = () => {};
          world.edit('shop', 'contact', id, { 'email.primary': 'ann@else.example' });
        }
      };
      world.edit('site', 'contact', 'site-1', { 'name.given': 'Anna' });
      expect((await people(world)).counts.office).toMatchObject({ created: 0, failed: 0, unsupported: 1 });
    });
  });

  it('shows there too where only the attempt tells', async () => {
    const specs = [crm('office', ['jobTitle']), crm('site', ['jobTitle']), crm('shop', ['jobTitle'])];
    await inWorld(specs, async (world) => {
      const picky = world.crms.get('office')!;
      picky.disturbs = (verb) => {
        if (verb === 'create') throw new UnsupportedError('office makes none of these', { connection: 'office' });
      };
      world.enter('site', 'contact', ann);
      await people(world);
      const shop = world.crms.get('shop')!;
      const read = shop.read.bind(shop);
      // The office has had its turn when a person is found to have typed at the shop.
      shop.read = async (entity, externalId) => {
        while (picky.calls.create === 0) await setImmediate();
        await setImmediate();
        if (shop.calls.read === 0) world.edit('shop', entity, externalId, { jobTitle: 'Baker' });
        return await read(entity, externalId);
      };
      world.forgetCalls();
      world.edit('site', 'contact', 'site-1', { 'name.given': 'Anna' });
      const { counts } = await people(world);
      expect(counts.office).toMatchObject({ created: 0, failed: 0, unsupported: 1 });
      expect(await reasons(world)).toEqual(['office unsupported 1: office makes none of these']);
    });
  });
});

import { describe, expect, it, vi } from 'vitest';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { CrmSpec } from './fake-crm.ts';
import { ann, ben, both, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';
import { policy, type World } from './world.ts';

const acme = { name: 'Acme', website: 'https://acme.example' };

/** A CRM of contacts and accounts; every contact may belong to one. */
function office(name: string, overrides: Partial<CrmSpec> = {}): CrmSpec {
  return crm(name, [], {
    fields: {
      contact: ['name.given', 'name.family', 'email.primary', 'account'],
      account: ['name', 'website'],
    },
    ...overrides,
  });
}

const members = ['alpha', 'bravo'].map((connection) => ({ connection, direction: 'both' as const }));
const people = both(['alpha', 'bravo']);
const companies = policy(members, { name: 'companies', entity: 'account', match: ['domain', 'name'] });

describe('a person of a company', () => {
  for (const tells of ['all', 'some', 'id'] as const)
    for (const showsEmptyAs of ['null', 'absent'] as const)
      it(`is of the same company in every CRM, under the ids there: answers tell ${tells}, empty is ${showsEmptyAs}`, async () => {
        await inWorld(
          [office('alpha', { showsEmptyAs }), office('bravo', { tells, showsEmptyAs })],
          async (world) => {
            world.enter('bravo', 'account', { name: 'Other', website: 'https://other.example' });
            const company = world.enter('alpha', 'account', acme);
            const person = world.enter('alpha', 'contact', { ...ann, account: company });
            await world.cycle();
            const there = world.crms.get('bravo')!;
            const companyThere = there.ids('account').find((id) => there.holds('account', id).name === 'Acme');
            const [personThere] = there.ids('contact');
            expect(there.holds('contact', personThere!).account).toBe(companyThere);
            world.forgetCalls();
            await world.cycle();
            await world.cycle();
            expect(written(world)).toEqual([]);

            const other = world.crms
              .get('alpha')!
              .ids('account')
              .find((id) => id !== company);
            world.edit('alpha', 'contact', person, { account: other! });
            await world.cycle();
            expect(there.holds('account', String(there.holds('contact', personThere!).account)).name).toBe('Other');
            expect(written(world)).toEqual([`bravo update ${personThere}: account`]);
          },
          { syncs: [people, companies] },
        );
      });

  it('goes to a CRM whose companies are not synced without the company', async () => {
    await inWorld(
      [office('alpha'), office('bravo')],
      async (world) => {
        const company = world.enter('alpha', 'account', acme);
        world.enter('alpha', 'contact', { ...ann, account: company });
        await world.cycle();
        await world.cycle();
        const bravo = world.crms.get('bravo')!;
        expect(bravo.holds('contact', bravo.ids('contact')[0]!)).toEqual({ ...ann, account: null });
        world.forgetCalls();
        const outcomes = await world.cycle();
        expect(written(world)).toEqual([]);
        expect(outcomes.people!.counts.alpha).toMatchObject({ read: 1, unchanged: 1 });
      },
      { syncs: [people] },
    );
  });

  for (const order of ['companies first', 'people first'] as const)
    it(`gets the company when somebody has entered it where we may not make it, and costs nothing until then: ${order}`, async () => {
      const readOnly = [members[0]!, { connection: 'bravo', direction: 'read' as const }];
      const looked = { ...companies, members: readOnly };
      await inWorld(
        [office('alpha'), office('bravo')],
        async (world) => {
          const company = world.enter('alpha', 'account', acme);
          world.enter('alpha', 'contact', { ...ann, account: company });
          await world.cycle();
          const { people: outcome } = await world.cycle();
          expect(outcome!.counts.bravo).toMatchObject({ unsupported: 1, failed: 0 });
          const aside = async () => (await world.store.setAside(9)).map(({ reason, count }) => [reason, count]);
          expect(await aside()).toEqual([[expect.stringContaining('(account): what it points to is not there'), 1]]);
          const [there] = world.crms.get('bravo')!.ids('contact');
          const [record] = await world.records('contact');
          const takeBack = vi.spyOn(world.store, 'takeBack');
          await world.cycle();
          expect(takeBack).not.toHaveBeenCalled();
          expect((await world.store.pendingWrites(record!.record.id, ['bravo']))[0]!.state).toBe('unsupported');

          const entered = world.enter('bravo', 'account', acme);
          await world.cycle();
          await world.cycle();
          expect(world.crms.get('bravo')!.holds('contact', there!).account).toBe(entered);
          expect(await aside()).toEqual([]);
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
        },
        { syncs: order === 'companies first' ? [looked, people] : [people, looked] },
      );
    });

  it('gets the company as soon as it is known, in whichever order the two are read', async () => {
    for (const syncs of [
      [people, companies],
      [companies, people],
    ])
      await inWorld(
        [office('alpha'), office('bravo')],
        async (world) => {
          world.enter('bravo', 'contact', ann);
          const company = world.enter('alpha', 'account', acme);
          world.enter('alpha', 'contact', { ...ann, account: company });
          await world.cycle();
          await world.cycle();
          const bravo = world.crms.get('bravo')!;
          expect(bravo.holds('contact', 'bravo-1').account).toBe(bravo.ids('account')[0]);
          world.edit('bravo', 'contact', 'bravo-1', { account: null });
          await world.cycle();
          expect(world.crms.get('alpha')!.holds('contact', 'alpha-2').account).toBe(null);
        },
        { syncs },
      );
  });
});

/** Deletes of both travel. */
const travelling = { syncs: [companies, people].map((sync): SyncPolicy => ({ ...sync, deletes: 'propagate' })) };

/** Two companies and two people are entered; Ann belongs to one. @returns what hers and she are called there */
function annAtWork(world: World, at: string): { readonly company: string; readonly person: string } {
  const company = world.enter(at, 'account', acme);
  world.enter(at, 'account', { name: 'Other', website: 'https://other.example' });
  const person = world.enter(at, 'contact', { ...ann, account: company });
  world.enter(at, 'contact', ben);
  return { company, person };
}

describe('a person whose company was deleted elsewhere', () => {
  for (const reads of ['id', 'none'] as const)
    it(`and who went with it when we deleted it, lives on, and is made there again without a company: reads ${reads}`, async () => {
      await inWorld(
        [office('alpha'), office('bravo', { cascades: true, reads })],
        async (world) => {
          const [alpha, bravo] = [world.crms.get('alpha')!, world.crms.get('bravo')!];
          const { company } = annAtWork(world, 'alpha');
          await world.cycle();
          alpha.drop('account', company);
          for (let cycle = 0; cycle < 4; cycle += 1) {
            await world.clock.sleep(60_000);
            await world.cycle();
          }
          expect(bravo.ids('account').map((id) => bravo.holds('account', id).name)).toEqual(['Other']);
          for (const crm of [alpha, bravo])
            expect(crm.ids('contact').map((id) => crm.holds('contact', id)['name.given'])).toEqual(
              crm === alpha ? ['Ann', 'Ben'] : ['Ben', 'Ann'],
            );
          expect(await writtenInOneMoreCycle(world)).toEqual([]);
        },
        travelling,
      );
    });

  it('is deleted everywhere where a person deletes it afterwards, because it did not go with the company', async () => {
    await inWorld(
      [office('alpha'), office('bravo', { cascades: true, showsEmptyAs: 'absent' })],
      async (world) => {
        const [alpha, bravo] = [world.crms.get('alpha')!, world.crms.get('bravo')!];
        const { company } = annAtWork(world, 'alpha');
        await world.cycle();
        const person = bravo.ids('contact').find((id) => bravo.holds('contact', id)['name.given'] === 'Ann')!;
        bravo.before = (verb) => {
          if (verb === 'delete') world.edit('bravo', 'contact', person, { account: null });
        };
        alpha.drop('account', company);
        for (let cycle = 0; cycle < 2; cycle += 1) {
          await world.cycle();
          await world.clock.sleep(60_000);
        }
        expect(bravo.ids('account')).toHaveLength(1);
        await world.cycle();
        bravo.drop('contact', person);
        for (let cycle = 0; cycle < 2; cycle += 1) await world.cycle();
        expect(alpha.ids('contact').map((id) => alpha.holds('contact', id)['name.given'])).toEqual(['Ben']);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      travelling,
    );
  });

  it('is deleted everywhere where a person has deleted the two', async () => {
    await inWorld(
      [office('alpha'), office('bravo', { cascades: true })],
      async (world) => {
        const [alpha, bravo] = [world.crms.get('alpha')!, world.crms.get('bravo')!];
        const { company, person } = annAtWork(world, 'bravo');
        await world.cycle();
        bravo.drop('account', company);
        bravo.drop('contact', person);
        await world.cycle();
        await world.cycle();
        expect(alpha.ids('contact').map((id) => alpha.holds('contact', id)['name.given'])).toEqual(['Ben']);
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
      },
      travelling,
    );
  });
});

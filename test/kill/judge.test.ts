import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { concordat } from '../cli/harness.ts';
import { type Bed, bedEnv, openBed } from './bed.ts';
import { newWire } from './fields.ts';
import { judge } from './judge.ts';
import { Oracle } from './oracle.ts';

/** A judge that finds nothing wrong must be one that could. */
describe('the judge of a life', () => {
  let bed: Bed;
  let oracle: Oracle;
  const sync = () => concordat(['sync', '--json'], { directory: bed.folder, env: bedEnv });
  const idAt = (crm: 'room' | 'site' | 'shop') => {
    const wire = bed.seen(crm, 'contact')[0]!;
    return String(wire.id ?? wire.Id);
  };
  const verdict = async () => (await judge(bed, oracle, 'ignore', await sync(), undefined)).join('\n');

  beforeEach(async () => {
    bed = await openBed({ seed: 1, deletes: 'ignore', latencyMs: 0 });
    oracle = new Oracle();
    const externalId = bed.crms.site.people.add('contact', newWire('site', 'contact', 'Marlow1', { city: 'Town1' }));
    const about = { who: 'Marlow1', entity: 'contact', crm: 'site', externalId } as const;
    oracle.entries.push({ at: oracle.tick(), ...about });
    oracle.edits.push({ at: oracle.tick(), ...about, field: 'city', value: 'Town1' });
    await sync();
    for (const crm of Object.values(bed.crms)) crm.forgetRequests();
  });
  afterEach(() => bed.close());

  it('finds nothing where all is well', async () => {
    expect(await verdict()).toBe('');
  });

  it('sees writes after quiescence, and values that differ', async () => {
    bed.crms.room.people.edit('contact', idAt('room'), { city: 'Town2' });
    const found = await verdict();
    expect(found).toContain('after quiescence site was asked PUT');
    expect(found).toContain('lost edit: {"at":2,"who":"Marlow1"');
  });

  it('sees a person who is twice, or not there', async () => {
    const last = await sync();
    bed.crms.shop.people.add('contact', newWire('shop', 'contact', 'Marlow1', {}));
    bed.crms.room.people.remove('contact', idAt('room'));
    const found = (await judge(bed, oracle, 'ignore', last, undefined)).join('\n');
    expect(found).toContain('Marlow1 is 2 times at shop');
    expect(found).toContain('Marlow1 is not at room');
  });

  it('sees a delete that was undone', async () => {
    const removed = { who: 'Marlow1', entity: 'contact', crm: 'shop', externalId: idAt('shop') } as const;
    oracle.removals.push({ at: oracle.tick(), ...removed, why: 'delete', held: { city: 'Town1' }, unread: [] });
    expect(await verdict()).toContain('Marlow1 was deleted at shop and is there again');
  });

  it('sees a contact that is not where a person has put it, unless that place itself was deleted', async () => {
    const about = newWire('room', 'account', 'Harbour2', {});
    const home = bed.crms.room.people.add('account', about);
    oracle.homes.set(idAt('room'), home);
    const last = await sync();
    const found = async () => (await judge(bed, oracle, 'ignore', last, undefined)).join('\n');
    expect(await found()).toContain(`is not in account ${home} any more`);
    bed.crms.room.people.remove('account', home);
    expect(await found()).not.toContain('any more');
  });

  it('sees an edit that nobody remembers', async () => {
    const edited = { who: 'Marlow1', entity: 'contact', crm: 'site', externalId: idAt('site') } as const;
    oracle.edits.push({ at: oracle.tick(), ...edited, field: 'notes', value: 'never arrived' });
    expect(await verdict()).toContain('never arrived');
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { concordat, start } from '../cli/harness.ts';
import { type Bed, bedEnv, openBed } from './bed.ts';
import { newWire } from './fields.ts';
import { judge } from './judge.ts';
import { Oracle } from './oracle.ts';
import { Pens } from './pens.ts';
import { People } from './people.ts';

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
    const held = { city: 'Town1' };
    oracle.removals.push({ at: oracle.tick(), ...removed, why: 'delete', held, unread: [], unanswered: [] });
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

/** Who does what is drawn; this one draws what it is told to. */
function drawing(...draws: readonly number[]) {
  const left = [...draws];
  return { ...seededIds(1), integer: () => left.shift() ?? 0 };
}

/** What `People.act` draws to delete the first that there is. */
const deleting = [99, 0];

describe('the judge of a delete that is carried on, after an edit elsewhere', () => {
  let bed: Bed;
  let oracle: Oracle;
  let people: People;
  const folder = () => ({ directory: bed.folder, env: bedEnv });
  const sync = () => concordat(['sync', '--json'], folder());
  const verdict = async () => {
    for (const _ of [1, 2]) await sync();
    for (const crm of Object.values(bed.crms)) crm.forgetRequests();
    return (await judge(bed, oracle, 'propagate', await sync(), undefined)).join('\n');
  };

  beforeEach(async () => {
    bed = await openBed({ seed: 1, deletes: 'propagate', latencyMs: 0 });
    oracle = new Oracle();
    // Only the shop's people are ever picked: the first that is listed there.
    people = new People(
      { ...bed, seen: (crm, entity) => (crm === 'shop' ? bed.seen(crm, entity) : []) },
      oracle,
      new Pens(),
      drawing(...deleting),
    );
    for (const who of ['Marlow1', 'Marlow2']) {
      const externalId = bed.crms.site.people.add('contact', newWire('site', 'contact', who, {}));
      oracle.entries.push({ at: oracle.tick(), who, entity: 'contact', crm: 'site', externalId });
    }
    await sync();
    const before = people.snapshot();
    await sync();
    people.learn(before);
    const [first] = bed.seen('shop', 'contact');
    const who = String(first!.LastName);
    const { externalId } = oracle.entries.find((entry) => entry.who === who)!;
    bed.crms.site.people.edit('contact', externalId, { City: 'Town' });
    oracle.edits.push({
      at: oracle.tick(),
      who,
      entity: 'contact',
      crm: 'site',
      externalId,
      field: 'city',
      value: 'Town',
    });
  });
  afterEach(() => bed.close());

  it('bears with an edit that wins where a dead command had brought it, and had not heard so', async () => {
    const dying = start(['sync'], folder());
    bed.hear(({ crm, request, when }) => {
      if (crm === 'shop' && request.method === 'PUT' && when === 'after') dying.kill('SIGKILL');
      return undefined;
    });
    expect((await dying.ended).status).toBe(null);
    bed.hear(() => undefined);
    people.act(false);
    expect(oracle.removals).toMatchObject([{ crm: 'shop', held: { city: 'Town' }, unanswered: ['city'] }]);
    expect(await verdict()).toBe('');
    const [removal] = oracle.removals;
    oracle.removals[0] = { ...removal!, unanswered: [] };
    expect(await verdict()).toContain('and the delete was not carried on');
  });

  it('expects the delete where the command that brought the edit has heard so', async () => {
    const before = people.snapshot();
    await sync();
    people.learn(before);
    people.act(false);
    expect(oracle.removals).toMatchObject([{ crm: 'shop', held: { city: 'Town' }, unread: ['city'], unanswered: [] }]);
    expect(await verdict()).toBe('');
    expect(bed.seen('site', 'contact')).toHaveLength(1);
  });
});

import type { Entity, Value } from '../../../src/model/values.ts';
import type { Aggregate, Store } from '../../../src/store/store.ts';
import type { Deed, Removal } from './clerks.ts';
import { abilities, kinds, type Name, stages } from './crms.ts';
import { type End, liveOnWire, type WireLived } from './live-wire.ts';
import { type Field, paths, type Seen, type Typed, tagsIn, timesIn } from './vendors.ts';
import { directionOf, membersOf, syncsOf, type WireLife } from './wire-life.ts';

/** What came of a life on the wire. */
export interface WireJudgement {
  readonly breaches: readonly string[];
  readonly story: readonly string[];
  /** Every request that changed something, CRM by CRM, in order. */
  readonly trace: readonly string[];
  /** How the cycles ended; the last ones are quiet. */
  readonly ends: readonly End[];
}

/** Quiet cycles until everybody agrees; one more where a delete has to be seen twice, or a guard has asked. */
const restingCycles = 2;

/** Lives a life over the sandboxes, lets it come to rest, and holds what the CRMs have then against the laws. @param timeoutMs of a request */
export async function judgeWire(life: WireLife, timeoutMs?: number): Promise<WireJudgement> {
  const lived = await liveOnWire(life, timeoutMs);
  try {
    const { breaches, clerks } = lived;
    if (breaches.length === 0) {
      let left = restingCycles + (clerks.removals.length > 0 ? 1 : 0);
      for (let asked = 0; left > 0 && breaches.length === 0; left -= 1) {
        await lived.settle();
        const isStopped = await lived.rest();
        if (isStopped && asked < 2) {
          asked += 1;
          left += 1;
        }
      }
      const sent = lived.writes();
      breaches.push(...(await verdicts(lived)));
      for (let quiet = 0; quiet < 2; quiet += 1) await lived.rest();
      breaches.push(...more(sent, lived.writes()).map((write) => `law 2: after the rest, ${write}`));
      for (const drift of await lived.audit()) breaches.push(`drift: ${JSON.stringify(drift)}`);
    }
    return { breaches, story: lived.story.lines(), trace: lived.writes(), ends: lived.ends };
  } finally {
    await lived.close();
  }
}

function more(before: readonly string[], after: readonly string[]): readonly string[] {
  const left = [...before];
  return after.filter((one) => {
    const at = left.indexOf(one);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

async function verdicts(lived: WireLived): Promise<readonly string[]> {
  const { life, clerks } = lived;
  const found: string[] = [...(await undone(lived)), ...forgotten(lived), ...homeless(lived)];
  const conflicts = await lived.store.conflicts(100_000);
  for (const { entity } of syncsOf(life))
    for (const who of new Set(clerks.entries.filter((one) => one.entity === entity).map((one) => one.who))) {
      const person = await personOf(lived, entity, who, conflicts);
      found.push(...person.breaches);
      if (person.breaches.length > 0 || person.record === undefined) continue;
      found.push(...disagreements(lived, person), ...lost(lived, person));
      if (entity === 'contact') found.push(...wrongTags(lived, person));
    }
  return found;
}

/** Somebody of whom records are left, and what is known of them. */
interface Person {
  readonly entity: Entity;
  readonly who: number;
  readonly places: readonly Seen[];
  readonly record: Aggregate['record'] | undefined;
  readonly breaches: readonly string[];
  /** Whether a value is, or was, canonical, or stands in the conflict log. */
  readonly was: (field: Field, value: Typed) => boolean;
  readonly isLogged: (field: Field, value: Typed) => boolean;
}

async function personOf(
  lived: WireLived,
  entity: Entity,
  who: number,
  conflicts: Awaited<ReturnType<Store['conflicts']>>,
): Promise<Person> {
  const { life, clerks, store } = lived;
  const places = membersOf(life, entity).flatMap((name) => clerks.of(name, entity, who));
  const records = new Map<string, Aggregate['record']>();
  for (const { crm, id } of places) {
    if (directionOf(life, crm, entity) === 'write') continue;
    const aggregate = (await store.linked(crm, entity, [id])).get(id);
    if (aggregate) records.set(aggregate.record.id, aggregate.record);
  }
  const canonical = new Set<string>();
  const invented: string[] = [];
  const typed = typedBy(lived, entity, who);
  const logged = new Set<string>();
  for (const { id, values } of records.values()) {
    for (const [path, value] of Object.entries(values)) canonical.add(trace(path, value));
    for (const { path, from, to, origin } of await store.history(id)) {
      canonical.add(trace(path, from)).add(trace(path, to));
      if (isTyped(path) && !typed.has(trace(path, to)))
        invented.push(
          `law ${normal(path, to) === null ? 5 : 2}: ${path} of ${entity} ${who} became ${JSON.stringify(to)} by ${origin.connection}, which nobody has typed`,
        );
    }
  }
  // The record of who was deleted may be reached by no link any more.
  for (const { path, winner, loser } of conflicts) logged.add(trace(path, winner.value)).add(trace(path, loser.value));
  const [record] = records.values();
  const called = `${entity === 'account' ? 'Harbour' : entity === 'lead' ? 'the lead Marlow' : 'Marlow'}${who}`;
  const isLogged = (field: Field, value: Typed) => logged.has(trace(paths[field], value));
  const breaches = [
    ...invented,
    ...(record?.state === 'tombstone' && !clerks.removals.some((one) => one.who === who)
      ? [`law 8: ${called} counts as deleted, and nobody has deleted anything of it`]
      : []),
    ...(records.size > 1 ? [`law 3: ${called} is ${records.size} canonical records`] : []),
    ...(entity === 'lead'
      ? misplacedLead(lived, who, places, await isExcused(store))
      : misplaced(lived, entity, who, places, called, isLogged)),
  ];
  return {
    entity,
    who,
    places,
    record,
    breaches,
    was: (field, value) => canonical.has(trace(paths[field], value)),
    isLogged,
  };
}

function trace(path: string, value: Value | undefined): string {
  return `${path} ${JSON.stringify(normal(path, value))}`;
}

/** Values as people compare them. */
function normal(path: string, value: Value | undefined): Typed {
  if (value === null || value === undefined || String(value).trim() === '') return null;
  if (path === paths.due) return new Date(String(value)).toISOString();
  return String(value).trim().toLowerCase();
}

/** Breaches of law 3 and 8: who is not where the person should be, or more than once. */
function misplaced(
  { life, clerks }: WireLived,
  entity: 'contact' | 'account',
  who: number,
  places: readonly Seen[],
  called: string,
  isLogged: Person['isLogged'],
): readonly string[] {
  const members = membersOf(life, entity);
  const found: string[] = [];
  const at = (name: Name) => places.filter(({ crm }) => crm === name).length;
  for (const name of members) if (at(name) > 1) found.push(`law 3: ${called} is at ${name} ${at(name)} times`);
  const removals = clerks.removals.filter((one) => one.entity === entity && one.who === who);
  const isRemoved = (name: Name) => removals.some(({ crm }) => crm === name);
  for (const { crm } of removals)
    if (at(crm) > 0) found.push(`law 8: ${called} was deleted at ${crm}, and is there again`);
  const isShown = places.some(({ crm }) => directionOf(life, crm, entity) !== 'write');
  const isExpected = (name: Name) =>
    !isRemoved(name) &&
    (clerks.entries.some((one) => one.entity === entity && one.who === who && one.crm === name) ||
      (isShown && abilities[kinds[name]][entity]!.creates && directionOf(life, name, entity) !== 'read'));
  const missing = members.filter((name) => isExpected(name) && at(name) === 0);
  if (removals.length === 0 || life.deletes === 'ignore')
    return [...found, ...missing.map((name) => `law ${removals.length > 0 ? 8 : 1}: ${called} is not at ${name}`)];

  const deletable = members.filter(
    (name) => !isRemoved(name) && abilities[kinds[name]][entity]!.deletes && directionOf(life, name, entity) !== 'read',
  );
  const deeds = clerks.deeds.filter(
    (deed) =>
      deed.entity === entity &&
      deed.who === who &&
      !removals.some(({ crm, id }) => crm === deed.crm && id === deed.id) &&
      !clerks.deeds.some(
        (later) => later.entity === entity && later.who === who && later.field === deed.field && later.at > deed.at,
      ),
  );
  const tagged = clerks.taggings.some((one) => one.who === who && entity === 'contact');
  if (deletable.every((name) => at(name) === 0)) {
    const lostNow = deeds.filter(
      (deed) =>
        !deed.isEntry &&
        deletable.includes(deed.crm) &&
        !isLogged(deed.field, deed.value) &&
        removals.every((removal) => isUnknownTo(removal, deed)),
    );
    return [...found, ...lostNow.map((deed) => `law 4: an edit was deleted with its record: ${JSON.stringify(deed)}`)];
  }
  found.push(...missing.map((name) => `law 8: ${called} lives on after a delete, but is not at ${name}`));
  const mayWin =
    tagged ||
    deeds.some((deed) => removals.some((removal) => !(deed.field in removal.held) || isUnknownTo(removal, deed)));
  if (!mayWin) found.push(`law 8: ${called} was deleted at ${removals[0]!.crm}, and that was not carried on`);
  return found;
}

/** Whether the CRM did not hold the edit when a person deleted the record there, though it could. */
function isUnknownTo({ at, held }: Removal, deed: Deed): boolean {
  return deed.at > at || (deed.field in held && held[deed.field] !== deed.value);
}

/** Whether a lead at ConeCRM waits for a person, as nothing there tells whether it was made. */
async function isExcused(store: Store): Promise<boolean> {
  const aside = await store.setAside(1_000);
  return aside.some(({ entity, what, reason }) => entity === 'lead' && what === 'dead' && reason === 'outcome_unknown');
}

function misplacedLead(
  { life, clerks }: WireLived,
  who: number,
  places: readonly Seen[],
  isExcusedLead: boolean,
): readonly string[] {
  if (clerks.removals.some((one) => one.entity === 'contact' && one.who === who)) return [];
  const found: string[] = [];
  const isShown = places.some(({ crm, wire }) => kinds[crm] !== 'alpha' || wire.crmStatus === 'LEAD');
  for (const name of membersOf(life, 'lead')) {
    const count = places.filter(({ crm }) => crm === name).length;
    if (count > 1) found.push(`law 3: the lead Marlow${who} is at ${name} ${count} times`);
    const isPossible = abilities[kinds[name]].lead!.creates && clerks.of(name, 'contact', who).length > 0;
    if (count === 0 && isShown && isPossible && !(isExcusedLead && kinds[name] === 'conecrm'))
      found.push(`law 1: the lead Marlow${who} is not at ${name}`);
  }
  return found;
}

const [firstStage] = Object.keys(stages) as [string];

/** Whether a path is one that people type into. */
function isTyped(path: string): boolean {
  return (Object.values(paths) as string[]).includes(path);
}

/** What a lead and a contact of Alpha have in common. */
const ofCustomers: ReadonlySet<Field> = new Set(['status', 'owner', 'due']);

/** Everything that people have typed into the fields of somebody, where it counts. */
function typedBy({ life, clerks }: WireLived, entity: Entity, who: number): ReadonlySet<string> {
  // At Alpha a lead is the customer itself: what somebody types into the one, here or elsewhere, is typed into the other.
  const isInBoth = ({ entity: of, field }: Deed) =>
    entity === 'lead' &&
    of === 'contact' &&
    ofCustomers.has(field) &&
    life.crms.some(({ name }) => kinds[name] === 'alpha');
  const typed = new Set(
    clerks.deeds
      .filter((deed) => deed.who === who && (deed.entity === entity || isInBoth(deed)))
      .filter((deed) => directionOf(life, deed.crm, deed.entity) !== 'write')
      .map(({ field, value }) => trace(paths[field], value)),
  );
  // A new lead is in the first stage, whoever made it.
  if (entity === 'lead') typed.add(trace(paths.stage, firstStage));
  return typed;
}

/** Breaches of laws 1 and 2: members that do not show what is canonical, and canonical values that nobody typed. */
function disagreements(lived: WireLived, { entity, who, places, record }: Person): readonly string[] {
  const { life, clerks } = lived;
  const found: string[] = [];
  const typed = typedBy(lived, entity, who);
  const fields = new Set(places.flatMap((one) => Object.keys(clerks.slots(one)) as Field[]));
  for (const field of fields) {
    const path = paths[field];
    const value = record!.values[path];
    if (normal(path, value) !== null && !typed.has(trace(path, value)))
      found.push(`law 2: ${field} of ${entity} ${who} is ${JSON.stringify(value)}, which nobody has typed`);
    for (const one of places) {
      const slot = clerks.slots(one)[field];
      if (!slot?.isWritable || directionOf(life, one.crm, entity) === 'read') continue;
      const shown = slot.read(one.wire);
      // What stood where we only write, before we came, is overwritten by something, and left alone by nothing.
      if (directionOf(life, one.crm, entity) === 'write' && normal(path, value) === null) continue;
      if (normal(path, shown) !== normal(path, value))
        found.push(
          `law 1: ${field} of ${entity} ${who} is ${JSON.stringify(shown)} at ${one.crm}, canonical is ${JSON.stringify(value ?? null)}`,
        );
    }
  }
  return found;
}

/**
 * Breaches of law 4: what somebody typed last stands, or is in the conflict log; an earlier one may also have been replaced
 * by a person, at the same CRM, or elsewhere after it had become canonical.
 */
function lost({ life, clerks }: WireLived, { entity, who, record, was, isLogged }: Person): readonly string[] {
  const theirs = clerks.deeds.filter((deed) => deed.entity === entity && deed.who === who);
  return theirs.flatMap((deed) => {
    const { crm, id, field, value, at } = deed;
    if (directionOf(life, crm, entity) === 'write') return [];
    if (normal(paths[field], record!.values[paths[field]]) === normal(paths[field], value)) return [];
    if (isLogged(field, value)) return [];
    // Nobody but the person who then deleted the record can be shown to have seen it.
    if (clerks.removals.some((one) => one.crm === crm && one.id === id)) return [];
    // What a create of ours finds at a CRM without a listing comes in as an edit, however old it is.
    const isFound = (one: Deed) => kinds[one.crm] === 'upgradechat' && one.crm !== crm && one.isEntry;
    const later = theirs.filter((one) => one.field === field && (one.at > at || isFound(one)));
    if (later.some((one) => one.crm === crm && one.id === id)) return [];
    if (later.length > 0 && (value === null || was(field, value))) return [];
    return [
      `law 4: ${field} of ${entity} ${who} was ${JSON.stringify(value)} at ${crm}, and is ${JSON.stringify(record!.values[paths[field]] ?? null)}`,
    ];
  });
}

/** Breaches of law 4 and 5 about tags: every one that nobody took away is everywhere, one that somebody took away nowhere. */
function wrongTags({ life, clerks }: WireLived, { who, places }: Person): readonly string[] {
  const found: string[] = [];
  const theirs = clerks.taggings.filter((one) => one.who === who);
  for (const one of places) {
    const tags = tagsIn(one);
    if (tags === undefined) continue;
    if (tags.length !== new Set(tags).size) found.push(`law 3: contact ${who} has a tag twice at ${one.crm}`);
    for (const tag of new Set(theirs.map((it) => it.tag))) {
      const last = theirs.findLast((it) => it.tag === tag)!;
      if (clerks.removals.some(({ crm, id }) => crm === last.crm && id === last.id)) continue;
      const isFree = directionOf(life, one.crm, 'contact') === 'read' && one.crm !== last.crm;
      if (!isFree && tags.includes(tag) !== last.isThere)
        found.push(
          `law 4: ${tag} of contact ${who} was ${last.isThere ? 'added' : 'taken away'} at ${last.crm}, and ${one.crm} shows ${JSON.stringify(tags)}`,
        );
    }
    for (const tag of tags)
      if (!theirs.some((it) => it.tag === tag))
        found.push(`law 2: ${tag} of contact ${who} at ${one.crm} was added by nobody`);
  }
  return found;
}

/** Breaches of law 11: what people wrote down where no other CRM has a place for it. */
function forgotten({ clerks }: WireLived): readonly string[] {
  return clerks.notes.flatMap(({ crm, who, id, note, times }, at) => {
    if (clerks.notes.findLastIndex((one) => one.crm === crm && one.id === id) !== at) return [];
    const there = clerks.all(crm, 'contact').find((one) => one.id === id);
    return !there || timesIn(there.wire, note) >= times
      ? []
      : [`law 11: ${note} of contact ${who} at ${crm} is not there any more`];
  });
}

/** Breaches of law 1: people who do not stand in the company into which somebody put them. */
function homeless({ life, clerks }: WireLived): readonly string[] {
  if (!life.entities.includes('account') || membersOf(life, 'account').length < 2) return [];
  return [...clerks.houses].flatMap(([who, [house, ...others]]) => {
    const isRemoved = clerks.removals.some(
      (one) => (one.entity === 'account' && one.who === house) || (one.entity === 'contact' && one.who === who),
    );
    if (isRemoved || others.length > 0) return [];
    return membersOf(life, 'account').flatMap((name) => {
      const [person] = clerks.of(name, 'contact', who);
      const [home] = clerks.of(name, 'account', house!);
      if (!person || !home || kinds[name] !== 'conecrm' || directionOf(life, name, 'contact') !== 'both') return [];
      const accounts = person.wire.accounts as readonly { readonly id: unknown }[];
      return accounts.some(({ id }) => id === home.id)
        ? []
        : [`law 1: contact ${who} does not stand in Harbour${house} at ${name}`];
    });
  });
}

/** What is left undone although nothing is in the way any more. */
async function undone({ store, life, clerks, ends }: WireLived): Promise<readonly string[]> {
  const found: string[] = [];
  // Whose contact was deleted cannot become a lead, and is nowhere any more who was deleted everywhere.
  const isExcusable = (await isExcused(store)) || clerks.removals.length > 0;
  const last = ends.at(-1);
  if (last !== 'done' && !(last === 'waiting' && isExcusable)) found.push(`law 1: the last cycle ends ${last}`);
  for (const one of await store.standing())
    if (!(isExcusable && one.entity === 'lead') && one.dead + one.openIntents + one.quarantined > 0)
      found.push(`law 1: something is left undone: ${JSON.stringify(one)}`);
  for (const { entity } of syncsOf(life))
    for (const review of await store.openReviews(entity))
      found.push(`law 1: a review is left: ${JSON.stringify(review)}`);
  return found;
}

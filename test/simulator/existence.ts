import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isEmpty } from '../../src/model/values.ts';
import { directionOf } from './life.ts';
import type { Lived } from './live.ts';
import { isQuiet, viewsOn } from './oracle.ts';
import type { Deed } from './people.ts';

const entity = 'contact';

/** Canonical records about which a person has to decide first. */
export async function underReview({ world }: Lived): Promise<ReadonlySet<string>> {
  const reviews = await world.store.openReviews(entity);
  return new Set(reviews.flatMap(({ candidates }) => candidates.map(({ recordId }) => recordId)));
}

/** Breaches of law 1: records that a CRM shows and that nobody has taken in, nor asked a person about. */
export async function overlooked({ world, crms }: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  const waiting = new Set(
    (await world.store.openReviews(entity)).map(({ connection, externalId }) => `${connection} ${externalId}`),
  );
  for (const [name, crm] of crms) {
    if (!crm.sim.lists) continue;
    const linked = await world.store.linked(name, entity, crm.ids(entity));
    for (const id of crm.ids(entity)) {
      const link = linked.get(id)?.links.find((one) => one.connection === name && one.externalId === id);
      if (link?.state !== 'live' && !waiting.has(`${name} ${id}`))
        found.push(`law 1: ${name}:${id} is there, and nobody takes notice (${link ? link.state : 'not linked'})`);
    }
  }
  return found;
}

/** Breaches of law 8, the other way round: deletes that were to travel, against which nobody had anything, and that did not. */
export async function lostDeletes(lived: Lived, aside: ReadonlySet<string>): Promise<readonly string[]> {
  const { life, crms, people, cycles } = lived;
  if (life.sync.deletes !== 'propagate' || aside.size > 0) return [];
  const found: string[] = [];
  for (const [who, turns] of Map.groupBy(people.turns, (turn) => turn.who)) {
    const last = turns.at(-1)!;
    if (last.what !== 'gone' || !last.isKnown || directionOf(life, last.connection) === 'write') continue;
    const restedAt = cycles.findLast((cycle) => isQuiet(cycle) && cycle.number <= last.cycle)?.number;
    if (restedAt === undefined || turns.some((turn) => turn !== last && turn.cycle >= restedAt)) continue;
    const places = new Set(turns.map(({ connection, externalId }) => `${connection} ${externalId}`));
    const ownIds = await idsOfRecord(lived, last);
    for (const id of ownIds) places.add(id);
    const isContested = people.deeds.some(
      (deed) =>
        deed.cycle >= restedAt &&
        deed.connection !== last.connection &&
        places.has(`${deed.connection} ${deed.externalId}`),
    );
    if (isContested) continue;
    for (const [connection, crm] of crms) {
      const left = people.recordsOf(crm, who);
      if (directionOf(life, connection) !== 'read' && crm.spec.deletes !== false && left.length > 0)
        found.push(
          `law 8: ${last.connection}:${last.externalId} was deleted after cycle ${last.cycle}, nobody contested it, and ${connection} still has ${left.join(', ')}`,
        );
    }
  }
  return found;
}

/** Breaches of law 4: edits that met a delete somewhere else, and did not win. */
export async function deletedOverEdit(lived: Lived, aside: ReadonlySet<string>): Promise<readonly string[]> {
  const { life, crms, people, cycles } = lived;
  if (aside.size > 0) return [];
  const found: string[] = [];
  for (const turns of Map.groupBy(people.turns, (turn) => turn.who).values()) {
    const last = turns.at(-1)!;
    if (last.what !== 'gone' || !last.isKnown) continue;
    const restedAt = cycles.findLast((cycle) => isQuiet(cycle) && cycle.number <= last.cycle)?.number;
    if (restedAt === undefined || turns.some((turn) => turn !== last && turn.cycle >= restedAt)) continue;
    const ids = await idsOfRecord(lived, last);
    for (const deed of people.deeds) {
      const { connection, externalId, path, value, cycle, isMeanwhile } = deed;
      const isMet = cycle === last.cycle && !isMeanwhile && connection !== last.connection;
      if (!isMet || isEmpty(value) || !ids.has(`${connection} ${externalId}`)) continue;
      const { kind, viewOf } = fieldAt(entity, path);
      const crm = crms.get(connection)!;
      if (directionOf(life, connection) !== 'both' || viewOf || viewsOn(path).length > 0 || kind === 'tags') continue;
      // What its owner has said there never got to a CRM that only shows the field: an edit there loses to it, and is logged.
      const owner = life.sync.owners[path] ?? connection;
      // So does what is the first that is ever seen of such a field: it contradicts what is known, and is no edit.
      const mayLose = owner !== connection || isFirstThere(lived, deed);
      if (mayLose && crm.spec.readOnly.includes(path) && (await isLogged(lived, deed))) continue;
      if (isTakenBack(lived, deed, ids)) continue;
      const deleted = cycles
        .filter(({ number }) => number > last.cycle)
        .flatMap(({ writes }) => writes)
        .find((write) => write.verb === 'delete' && ids.has(`${write.connection} ${write.externalId}`));
      if (deleted)
        found.push(
          `law 4: ${connection}:${externalId} ${path} was changed to ${JSON.stringify(value)} while ${last.connection} deleted the record, and we deleted ${deleted.connection}:${deleted.externalId}`,
        );
      else if (!crm.ids(entity).includes(externalId))
        found.push(
          `law 4: ${connection}:${externalId} ${path} was changed to ${JSON.stringify(value)} while ${last.connection} deleted the record, and was deleted`,
        );
      else if (!people.deeds.some((later) => later !== deed && later.path === path && later.cycle >= restedAt)) {
        const holds = crm.holds(entity, externalId)[path];
        if (!equal(kind, holds, value, { region: 'DE' }) && !crm.spec.readOnly.includes(path))
          found.push(
            `law 4: ${connection}:${externalId} ${path} was ${JSON.stringify(value)}, and is ${JSON.stringify(holds)}`,
          );
      }
    }
  }
  return found;
}

type Field = Pick<Deed, 'connection' | 'externalId' | 'path'>;

function isSame(one: Field, other: Field): boolean {
  return one.connection === other.connection && one.externalId === other.externalId && one.path === other.path;
}

/** Whether the record had shown nothing of that field before: what is empty, or left out, says nothing. */
function isFirstThere({ people: { deeds } }: Lived, deed: Deed): boolean {
  return deeds.slice(0, deeds.indexOf(deed)).every((one) => !isSame(one, deed) || isEmpty(one.value));
}

/**
 * Whether somebody typed what had been there before the edit again, in the same place or where the edit had come to: then
 * nothing speaks against a delete that knew it so. @param ids of the records that are the same
 */
function isTakenBack({ world, people: { deeds } }: Lived, deed: Deed, ids: ReadonlySet<string>): boolean {
  const { kind } = fieldAt(entity, deed.path);
  const edit = world.edits.find((one) => isSame(one, deed) && one.cycle === deed.cycle);
  const hadSeen = ({ connection, externalId, path }: Field) =>
    ids.has(`${connection} ${externalId}`) && world.everShowed(connection, entity, externalId, path, deed.value);
  const later = deeds
    .slice(deeds.indexOf(deed) + 1)
    .filter((one) => isSame(one, deed) || (one.path === deed.path && hadSeen(one)));
  return (
    edit !== undefined &&
    later.some(({ value }) => equal(kind, value, edit.from, { region: 'DE' }) || (isEmpty(value) && isEmpty(edit.from)))
  );
}

/** Whether the conflict log tells that what was typed there has lost. */
async function isLogged({ world }: Lived, { connection, externalId, path, value }: Deed): Promise<boolean> {
  const { kind } = fieldAt(entity, path);
  const ofRecord = (await world.recordOf(connection, entity, externalId))?.record.id;
  return (await world.store.conflicts(10_000)).some(
    ({ recordId, path: at, loser }) =>
      recordId === ofRecord &&
      at === path &&
      loser.connection === connection &&
      equal(kind, loser.value, value, { region: 'DE' }),
  );
}

/** Breaches of law 8: cycles that wrote although a guard had stopped them, or more deletes than are allowed without a word. */
export function unguarded({ cycles, life }: Lived): readonly string[] {
  const found: string[] = [];
  const { limits } = life.sync;
  // What was held back once is approved sooner or later.
  let isApproved = life.steps.some((step) => step.do === 'approve');
  for (const { outcome, writes, number, isAlone } of cycles) {
    if (outcome?.stops.some(({ isLate }) => !isLate) && isAlone && !life.others && writes.length > 0)
      found.push(`law 8: cycle ${number} was stopped by a guard and wrote ${writes.length} times`);
    isApproved ||= (outcome?.stops.length ?? 0) > 0;
    if (isApproved || !isAlone || !('count' in limits.deletes)) continue;
    // Each sync has limits of its own.
    if (life.others) continue;
    for (const { connection } of life.sync.members) {
      const deletes = writes.filter((write) => write.connection === connection && write.verb === 'delete').length;
      if (deletes > limits.deletes.count)
        found.push(
          `law 8: cycle ${number} deleted ${deletes} records at ${connection}, allowed: ${limits.deletes.count}`,
        );
    }
  }
  return found;
}

/** Every record of any CRM that is or was the same as one that is gone, as `connection externalId`. */
async function idsOfRecord(
  { world }: Lived,
  { connection, externalId }: { readonly connection: string; readonly externalId: string },
): Promise<ReadonlySet<string>> {
  const aggregate = await world.recordOf(connection, entity, externalId);
  return new Set((aggregate?.links ?? []).map((link) => `${link.connection} ${link.externalId}`));
}

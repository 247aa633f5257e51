import { fieldAt, fieldsOf } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isReshaped } from '../../src/model/reshape.ts';
import { isEmpty, type Value } from '../../src/model/values.ts';

import type { LinkRow, Store } from '../../src/store/store.ts';
import { runId } from '../worlds/world.ts';
import type { SimCrm } from './crm.ts';
import { directionOf, type Life, syncsOf } from './life.ts';
import type { Cycle, Lived } from './live.ts';

const entity = 'contact';
const kinds = { region: 'DE' };

/** Breaches of law 2: values that came from a CRM at which no person ever left them. */
export async function unfounded({ world, people: { deeds } }: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { record, links } of await world.records(entity)) {
    const isFounded = (path: string, value: Value, connection: string) => {
      const { kind } = fieldAt(entity, path);
      const paths = [path, ...viewsOn(path)];
      const ids = links.filter((link) => link.connection === connection).map(({ externalId }) => externalId);
      return deeds.some(
        (deed) =>
          deed.connection === connection &&
          ids.includes(deed.externalId) &&
          paths.includes(deed.path) &&
          (equal(kind, deed.value, value, kinds) || (isEmpty(deed.value) && isEmpty(value))),
      );
    };
    const rows = [
      ...Object.entries(record.values).map(([path, value]) => ({ path, value, origin: record.origins[path] })),
      ...(await world.store.history(record.id)).map(({ path, to, origin }) => ({ path, value: to, origin })),
    ];
    for (const { path, value, origin } of rows) {
      // Tags come from several people at once.
      if (!origin || Array.isArray(value) || fieldAt(entity, path).kind === 'tags') continue;
      if (!isFounded(path, value, origin.connection))
        found.push(
          `law 2: ${record.id} ${path} = ${JSON.stringify(value)} is said to come from ${origin.connection} (${origin.rule}, ${origin.run}), where no person ever left it`,
        );
    }
  }
  return found;
}

/** Breaches of law 4: last edits that nobody contested, in fields that had come to rest before, and that do not stand. */
export async function overturned({
  life,
  world,
  people: { deeds, turns },
  cycles,
  crms,
}: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  const quiet = cycles.filter(isQuiet).map(({ number }) => number);
  for (const { record, links } of await world.records(entity)) {
    const own = deeds.filter((deed) =>
      links.some(({ connection, externalId }) => connection === deed.connection && externalId === deed.externalId),
    );
    for (const [path, ofPath] of Map.groupBy(own, (deed) => deed.path)) {
      const last = ofPath.at(-1)!;
      const { kind, viewOf } = fieldAt(entity, path);
      // A record that is entered where the person is known contradicts at first sight: a conflict, and no edit.
      if (last.isEntry || viewOf || viewsOn(path).length > 0 || kind === 'tags') continue;
      if (directionOf(life, last.connection) !== 'both' || crms.get(last.connection)!.spec.readOnly.includes(path))
        continue;
      const restedAt = quiet.findLast((cycle) => cycle <= last.cycle);
      if (restedAt === undefined || turns.some((turn) => turn.what === 'gone' && isAt(turn, last))) continue;
      // What a new record shows, also what was typed into it before it was read, contradicts what is known of the person.
      if (own.some((deed) => deed.isEntry && isAt(deed, last) && deed.cycle >= restedAt)) continue;
      if (ofPath.some((deed) => deed.connection !== last.connection && deed.cycle >= restedAt)) continue;
      const value = record.values[path] ?? null;
      if (!equal(kind, value, last.value, kinds) && !(isEmpty(value) && isEmpty(last.value)))
        found.push(
          `law 4: ${last.connection}:${last.externalId} ${path}: ${JSON.stringify(last.value)} was typed after cycle ${last.cycle}, nobody contested it, and ${JSON.stringify(value)} stands`,
        );
    }
  }
  return found;
}

/**
 * Breaches of law 4: values that came with a new record and were seen, and that neither are canonical, nor were, nor lost a conflict
 * that is logged. Where only the spelling differs nobody can tell a person's from that of a CRM.
 */
export async function lostEntries({ life, world, people: { deeds, turns } }: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  const conflicts = await world.store.conflicts(10_000);
  for (const { connection, externalId, path, value, isEntry } of deeds) {
    const { kind, viewOf } = fieldAt(entity, path);
    if (!isEntry || viewOf || kind === 'tags' || directionOf(life, connection) === 'write') continue;
    const isHere = (place: Place) => isAt(place, { connection, externalId });
    if (turns.some((turn) => turn.what === 'gone' && isHere(turn))) continue;
    // What was typed over in the same record is that person's own loss; what came instead is an edit.
    if (deeds.some((deed) => !deed.isEntry && deed.path === path && isHere(deed))) continue;
    if (!world.everShowed(connection, entity, externalId, path, value)) continue;
    const aggregate = await world.recordOf(connection, entity, externalId);
    if (!aggregate) continue;
    const { record } = aggregate;
    const history = await world.store.history(record.id);
    const traces = [
      record.values[path],
      ...history.filter((row) => row.path === path).flatMap(({ from, to }) => [from, to]),
      // Who is gone, and came back, is another record; what was lost before stands in the log of the former one.
      ...conflicts
        .filter((row) => row.path === path && (row.recordId === record.id || row.loser.connection === connection))
        .flatMap(({ winner, loser }) => [winner.value, loser.value]),
    ];
    if (!traces.some((trace) => trace !== undefined && isReshaped(kind, trace, value, kinds)))
      found.push(
        `law 4: ${connection}:${externalId} came with ${path} = ${JSON.stringify(value)}, of which nothing is left`,
      );
  }
  return found;
}

/** Breaches of law 4: tags that somebody added and nobody took away. */
export async function lostTags({ life, world, people: { turns } }: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { record, links } of await world.records(entity)) {
    const edits = world.edits.filter((edit) => edit.path === 'tags' && links.some((link) => isAt(link, edit)));
    // What was taken away in a record that is gone since has been taken away all the same.
    const removed = new Set(edits.flatMap(({ from, to }) => tagsOf(from).filter((tag) => !tagsOf(to).includes(tag))));
    const stands = tagsOf(record.values.tags ?? null);
    for (const { connection, externalId, from, to } of edits) {
      const isGone = turns.some((turn) => turn.what === 'gone' && isAt(turn, { connection, externalId }));
      if (isGone || directionOf(life, connection) === 'write') continue;
      const lost = tagsOf(to).filter(
        (tag) => !tagsOf(from).includes(tag) && !removed.has(tag) && !stands.includes(tag),
      );
      if (lost.length > 0)
        found.push(`law 4: ${connection}:${externalId} got the tags ${lost.join(', ')}, and they are gone`);
    }
  }
  return found;
}

function tagsOf(value: Value): readonly string[] {
  return (Array.isArray(value) ? value : []).map((tag: string) => tag.trim().toLowerCase());
}

interface Place {
  readonly connection: string;
  readonly externalId: string;
}

function isAt(one: Place, other: Place): boolean {
  return one.connection === other.connection && one.externalId === other.externalId;
}

/** A cycle in which all was at rest: complete, undisturbed, nothing written and nothing waiting. */
export function isQuiet({ outcome, isCalm, writes, open, pending }: Cycle): boolean {
  return (
    isCalm &&
    outcome?.state === 'done' &&
    writes.length === 0 &&
    pending === 0 &&
    [...open[1].values()].every((count) => count === 0)
  );
}

/** Breaches of law 8: checkpoints that say that a listing was complete which was not. */
export async function falseCheckpoints(store: Store, crms: ReadonlyMap<string, SimCrm>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [name, { listings, sim }] of crms) {
    if (!sim.lists) continue;
    const complete = (await store.checkpoint(name, entity))?.complete;
    if (!complete) continue;
    const { startedAt, endedAt, read } = complete;
    if (!listings.some((one) => one.startedAt >= startedAt && one.endedAt <= endedAt && one.read <= read))
      found.push(
        `law 8: ${name} is said to have been read from end to end (${read} records), and never was at that time`,
      );
  }
  return found;
}

/** Breaches of law 10: conflicts that their own rule decides otherwise. */
export async function againstTheRule({ life, world }: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  const { conflicts, owners } = life.sync;
  const orders = syncsOf(life).map(({ members }) => members.map(({ connection }) => connection));
  const ranks = orders.map((order) =>
    typeof conflicts === 'string' ? order : [...conflicts, ...order.filter((one) => !conflicts.includes(one))],
  );
  /** In the eyes of every sync. */
  const isBehind = (among: readonly (readonly string[])[], one: string, other: string) =>
    among.every((order) => placeIn(order, one) > placeIn(order, other));
  for (const { recordId, path, winner, loser, rule } of await world.store.conflicts(10_000)) {
    const owner = [path, ...viewsOn(path)].map((one) => owners[one]).find((one) => one !== undefined);
    const wrong =
      (rule === 'conflict: owner' && owner !== winner.connection) ||
      (rule === 'conflict: rank' && isBehind(ranks, winner.connection, loser.connection)) ||
      (rule === 'conflict: newest undecided, first member' && isBehind(orders, winner.connection, loser.connection));
    if (wrong)
      found.push(`law 10: ${recordId} ${path}: ${winner.connection} won over ${loser.connection} by "${rule}"`);
  }
  for (const { record } of await world.records(entity))
    for (const { path, origin, fromOrigin } of await world.store.history(record.id)) {
      if (origin.rule !== 'conflict: newest by modified stamp') continue;
      const laterByMs = (origin.modifiedAt ?? 0) - (fromOrigin?.modifiedAt ?? 0);
      if (laterByMs <= 2_000)
        found.push(
          `law 10: ${record.id} ${path}: ${origin.connection} won by a stamp that is ${laterByMs} ms later; clocks differ more`,
        );
    }
  return found;
}

/** Whoever is not listed comes last. */
function placeIn(order: readonly string[], name: string): number {
  return order.includes(name) ? order.indexOf(name) : order.length;
}

/** Breaches of law 4: contested fields that were written in the very cycle in which it was left to a person who wins. */
export async function writtenUnsettled({ world, cycles, life }: Lived): Promise<readonly string[]> {
  // What the first of two syncs writes, the second may learn to be contested.
  if (life.others) return [];
  const found: string[] = [];
  for (const { recordId, path, loser, winner, rule, run } of await world.store.conflicts(10_000)) {
    const cycle = cycles.find(({ number }) => runId(number) === run);
    // While it runs, somebody may settle it by typing.
    if (rule !== 'conflict: manual' || !cycle?.isCalm) continue;
    const { links = [] } = (await world.store.aggregates([recordId])).get(recordId) ?? {};
    for (const { verb, connection, externalId, values } of cycle.writes)
      if (verb === 'update' && path in values && links.some((link) => isAt(link, { connection, externalId })))
        found.push(
          `law 4: ${path} was written to ${connection}:${externalId} in cycle ${cycle.number}, though ${winner.connection} and ${loser.connection} contest it`,
        );
  }
  return found;
}

/** Breaches of law 12: counts of one cycle that are not what the CRMs have seen. */
export function falseCounts(life: Life, { outcome, isCalm, writes, open, listed, number }: Cycle): readonly string[] {
  if (!outcome || !isCalm || [...open[0].values()].some((count) => count > 0)) return [];
  const found: string[] = [];
  for (const [connection, counts] of Object.entries(outcome.counts)) {
    const ofConnection = writes.filter((write) => write.connection === connection);
    const seen = {
      created: ofConnection.filter(({ verb }) => verb === 'create').length,
      updated: ofConnection.filter(({ verb }) => verb === 'update').length,
      deleted: ofConnection.filter(({ verb }) => verb === 'delete').length,
      // What is read one by one leaves out what is gone: that is counted nowhere.
      read: isListedOnce(life, connection) ? (listed.get(connection)?.[0] ?? counts.read) : counts.read,
    };
    for (const [key, count] of Object.entries(seen))
      if (counts[key as keyof typeof seen] !== count)
        found.push(
          `law 12: cycle ${number} counts ${counts[key as keyof typeof seen]} ${key} at ${connection}, which saw ${count}`,
        );
    if (counts.unchanged > counts.read)
      found.push(`law 12: cycle ${number} counts more unchanged than read at ${connection}`);
    if (counts.failed > 0)
      found.push(`law 12: cycle ${number} counts ${counts.failed} failed at ${connection}, where nothing failed`);
  }
  return found;
}

function isListedOnce(life: Life, connection: string): boolean {
  return syncsOf(life).filter(({ members }) => members.some((member) => member.connection === connection)).length === 1;
}

/** Breaches of law 12 over a whole life without a death: creates that were counted, and creates that were. */
export async function falseSum({ world, cycles, crms, life }: Lived): Promise<readonly string[]> {
  if (cycles.some(({ outcome }) => !outcome) || life.steps.some((step) => step.do === 'job')) return [];
  // A create without an answer at a CRM that lists nothing is held for a person: whether it was done is not known.
  const open = new Map<string, number>();
  for (const name of crms.keys()) {
    // One that was never done and whose person somebody entered there meanwhile looks as if it had been.
    const entered = Math.max(0, ...cycles.map((cycle) => cycle.open[1].get(name) ?? 0));
    open.set(name, Math.max((await world.store.intents(name, entity)).length, entered));
  }
  return [...crms.keys()].flatMap((name) => {
    const counted = cycles.reduce((sum, { outcome }) => sum + (outcome?.counts[name]?.created ?? 0), 0);
    const made = cycles.reduce(
      (sum, { writes }) => sum + writes.filter((one) => one.verb === 'create' && one.connection === name).length,
      0,
    );
    const unknown = open.get(name) ?? 0;
    return Math.abs(counted - made) <= unknown
      ? []
      : [`law 12: ${counted} creates were counted at ${name}, which has seen ${made}`];
  });
}

/** Drift: links whose shadow is not what the CRM shows. */
export async function drift({ world, crms }: Lived): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { links } of await world.records(entity))
    for (const link of links) if (link.state === 'live') found.push(...driftOf(crms.get(link.connection)!, link));
  return found;
}

/** Where what a CRM shows is not what its link says. */
export function driftOf(crm: SimCrm, { connection, externalId, shadow, sent }: LinkRow): readonly string[] {
  // What was written and not seen since is known to be our word only.
  const isUnseen = (path: string) =>
    sent[path] !== undefined && equal(fieldAt(entity, path).kind, sent[path], shadow[path], kinds);
  if (!crm.ids(entity).includes(externalId)) return [`drift: ${connection}:${externalId} is linked and is not there`];
  return Object.entries(crm.shown(entity, externalId).values).flatMap(([path, value]) =>
    isUnseen(path) ||
    equal(fieldAt(entity, path).kind, shadow[path], value, kinds) ||
    (isEmpty(shadow[path]) && isEmpty(value))
      ? []
      : [
          `drift: ${connection}:${externalId} ${path} is ${JSON.stringify(value)}, and ${JSON.stringify(shadow[path])} is thought to be there`,
        ],
  );
}

/** Records that are set aside at a connection, as `connection recordId`: they wait for a person, not for us. */
export async function setAside({ world, crms }: Lived): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const connection of crms.keys())
    for (const { recordId } of await world.store.deadLetters(connection, entity, 1_000))
      found.add(`${connection} ${recordId}`);
  return found;
}

export function viewsOn(slot: string): readonly string[] {
  return Object.entries(fieldsOf[entity])
    .filter(([, { viewOf }]) => viewOf?.includes(slot))
    .map(([path]) => path);
}

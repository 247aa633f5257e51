import { fieldAt, fieldsOf, slotOf } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { type Entity, isEmpty, type Value } from '../../src/model/values.ts';
import type { Aggregate, HistoryRow } from '../../src/store/store.ts';
import { isInSet } from '../../src/sync/condition.ts';
import { isLearntFrom, isWrittenTo } from '../../src/sync/direction.ts';
import { isHeld, isTemplate, outward, sourcesOf } from '../../src/sync/forms.ts';
import { kept } from './habits.ts';
import { cycleOf, type Edit, type World } from './world.ts';

const context = { region: 'DE' };

/** Breaches of law 1: fields in which a member that is written to does not hold the canonical value as it would keep it. */
export async function disagreements(world: World, entity: Entity): Promise<readonly string[]> {
  const found: string[] = [];
  const aggregates = await world.records(entity);
  const contested = new Set(
    (await world.store.waitingConflicts(aggregates.map(({ record }) => record.id))).map(
      ({ recordId, path }) => `${recordId} ${path}`,
    ),
  );
  for (const sync of world.context.syncs.filter((one) => one.entity === entity))
    for (const { record, links } of aggregates) {
      const readable = sync.members
        .filter(({ direction }) => direction !== 'write')
        .map(({ connection }) => connection);
      if (!links.some(({ connection, state }) => state === 'live' && readable.includes(connection))) continue;
      // What is not in the set is written nowhere.
      if (!isInSet(entity, sync.where, record.values, world.clock.now())) continue;
      for (const { connection, direction } of sync.members) {
        if (direction === 'read') continue;
        const crm = world.crms.get(connection)!;
        const forms = world.context.connections.get(connection)?.forms?.[entity];
        const link = links.find((one) => one.connection === connection && one.state === 'live');
        if (!link) {
          // What was deleted there is not made again.
          if (!links.some((one) => one.connection === connection)) found.push(`${record.id} is not at ${connection}`);
          continue;
        }
        const holds = crm.holds(entity, link.externalId);
        for (const path of crm.paths(entity)) {
          const slot = slotOf(entity, path, record.values);
          const wanted = outward(entity, forms, path, record.values, context);
          const { kind } = fieldAt(entity, path);
          const sources = sourcesOf(entity, forms, path, record.values);
          const isContested = [slot, ...sources].some((source) => contested.has(`${record.id} ${source}`));
          if (wanted === undefined || kind === 'reference' || isContested) continue;
          if (crm.spec.readOnly.includes(path) || !isWrittenTo(sync, connection, slot)) continue;
          const asKept = kept(crm.spec.habits, entity, path, wanted);
          if (
            !equal(kind, holds[path], asKept, context) &&
            !isHeld(entity, forms, path, holds[path], record.values, context)
          )
            found.push(
              `${record.id} ${path} (${slot}): canonical ${JSON.stringify(wanted)}, ${connection}:${link.externalId} holds ${JSON.stringify(holds[path])}`,
            );
        }
      }
    }
  return found;
}

/**
 * Breaches of law 4: edits that are neither canonical, nor were and were replaced, nor lost a conflict that is logged. What
 * still stands at a member that is only written to, in a field of which nobody else knows anything, is not lost.
 */
export async function lostEdits(world: World): Promise<readonly string[]> {
  const conflicts = await world.store.conflicts(100_000);
  const lost: string[] = [];
  for (const edit of world.edits) {
    const aggregate = await world.recordOf(edit.connection, edit.entity, edit.externalId);
    if (!aggregate) {
      if (!(await isUnderReview(world, edit))) lost.push(`${said(edit)}: the record is unknown`);
      continue;
    }
    // A field that was emptied before we knew whose record that is was simply empty at first sight.
    const link = aggregate.links.find(
      (one) => one.connection === edit.connection && one.externalId === edit.externalId,
    );
    if (isEmpty(edit.to) && link && cycleOf(link.run) > edit.cycle) continue;
    const { kind, viewOf } = fieldAt(edit.entity, edit.path);
    const slots = viewOf ?? [edit.path];
    const history = await world.store.history(aggregate.record.id);
    // So was one that was emptied where nothing counts while nothing canonical was known of it: there was nothing to win over
    // it, and the first value that came later has filled a gap.
    const wasKnown = (slot: string) => (learntIn(aggregate, history, slot) ?? Infinity) <= edit.cycle;
    if (isEmpty(edit.to) && !isHeard(world, edit.connection) && !slots.some(wasKnown)) continue;
    const traces: (Value | undefined)[] = [
      ...slots.map((slot) => aggregate.record.values[slot]),
      ...history.filter(({ path }) => slots.includes(path)).flatMap(({ from, to }) => [from, to]),
      ...conflicts
        .filter(({ recordId, path }) => recordId === aggregate.record.id && slots.includes(path))
        .flatMap(({ winner, loser }) => [winner.value, loser.value]),
    ];
    const kept =
      kind === 'tags'
        ? tagsOf(edit.to)
            .filter((tag) => !tagsOf(edit.from).includes(tag))
            .every((tag) => traces.some((trace) => tagsOf(trace).includes(tag)))
        : traces.some((trace) => trace !== undefined && equal(kind, trace, edit.to, context)) ||
          (isEmpty(edit.to) && slots.every((slot) => isEmpty(aggregate.record.values[slot])));
    if (!kept && !standsUncontested(world, edit)) lost.push(said(edit));
  }
  return lost;
}

/** Breaches of law 10: values whose origin never showed them, and histories that do not lead to the value. */
export async function unexplained(world: World, entity: Entity): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { record, links } of await world.records(entity)) {
    const history = await world.store.history(record.id);
    for (const [path, value] of Object.entries(record.values)) {
      const origin = record.origins[path];
      if (!origin) {
        found.push(`${record.id} ${path} has no origin`);
        continue;
      }
      const { kind } = fieldAt(entity, path);
      const ids = links.filter(({ connection }) => connection === origin.connection).map((link) => link.externalId);
      const paths = [path, ...viewsOn(entity, path)];
      const shown =
        kind === 'tags'
          ? ids.length > 0
          : kind === 'reference' ||
            ids.some(
              (id) =>
                paths.some((one) => world.showed(origin.run, origin.connection, entity, id, one, value)) ||
                (isEmpty(value) && ids.length > 0),
            );
      if (!shown)
        found.push(
          `${record.id} ${path} = ${JSON.stringify(value)}: ${origin.connection} did not show it in ${origin.run} (${origin.rule})`,
        );
      const rows = history.filter((row) => row.path === path);
      for (const [index, row] of rows.entries()) {
        const next = rows[index + 1]?.from ?? (index === rows.length - 1 ? value : undefined);
        if (!equal(kind, row.to, next ?? null, context))
          found.push(`${record.id} ${path}: history says ${JSON.stringify(row.to)}, then ${JSON.stringify(next)}`);
      }
    }
  }
  return found;
}

/** Breaches of law 5: canonical values that became empty though no person emptied them at any of the record's CRMs. */
export async function clearedBySilence(world: World, entity: Entity): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { record, links } of await world.records(entity))
    for (const { path, from, to, origin } of await world.store.history(record.id)) {
      const emptied = world.edits.some(
        (edit) =>
          isEmpty(edit.to) &&
          [path, ...viewsOn(entity, path)].includes(edit.path) &&
          links.some(({ connection, externalId }) => connection === edit.connection && externalId === edit.externalId),
      );
      if (isEmpty(to) && !isEmpty(from) && !emptied)
        found.push(
          `${record.id} ${path}: ${JSON.stringify(from)} was emptied by ${origin.connection} in ${origin.run}`,
        );
    }
  return found;
}

/** Breaches of law 11: writes that name a field which did not differ, or which the CRM does not take. */
export function needlessWrites(world: World): readonly string[] {
  const found: string[] = [];
  for (const [name, crm] of world.crms)
    for (const { verb, entity, externalId, values, before } of crm.writes)
      for (const [path, value] of Object.entries(values)) {
        const { kind } = fieldAt(entity, path);
        if (crm.spec.readOnly.includes(path)) found.push(`${name}:${externalId} ${path} is read-only and was written`);
        // Nobody can know that a field is empty which is left out when it is.
        const untold = crm.spec.showsEmptyAs === 'absent' && isEmpty(before[path]);
        if (verb === 'update' && !untold && equal(kind, before[path], value, context))
          found.push(`${name}:${externalId} ${path} was written and had not differed: ${JSON.stringify(value)}`);
        if (verb === 'create' && isEmpty(value)) found.push(`${name}: a create names ${path}, which is empty`);
      }
  return found;
}

/** Breaches of law 3: CRMs that hold one person more often than people entered it there. */
export function doubles(world: World, entity: Entity, keyPath: string): readonly string[] {
  const found: string[] = [];
  for (const [name, crm] of world.crms) {
    const byKey = Map.groupBy(crm.ids(entity), (id) => String(crm.holds(entity, id)[keyPath]).trim().toLowerCase());
    for (const [key, ids] of byKey) if (ids.length > 1) found.push(`${name} holds ${key} as ${ids.join(', ')}`);
  }
  return found;
}

function standsUncontested(world: World, { connection, entity, externalId, path, to }: Edit): boolean {
  const crm = world.crms.get(connection)!;
  const { kind } = fieldAt(entity, path);
  return (
    world.context.syncs.every(
      (sync) =>
        isTemplate(world.context.connections.get(connection)!.forms?.[entity], path) ||
        !(fieldAt(entity, path).viewOf ?? [path]).some((slot) => isLearntFrom(sync, connection, slot)) ||
        sync.members.some((member) => member.connection === connection && member.direction === 'write'),
    ) &&
    crm.ids(entity).includes(externalId) &&
    equal(kind, crm.holds(entity, externalId)[path], to, context)
  );
}

/** The cycle in which a field got its first canonical value; undefined: it never had one. */
export function learntIn({ record }: Aggregate, history: readonly HistoryRow[], slot: string): number | undefined {
  const first = history.find(({ path }) => path === slot);
  const origin = first ? (first.fromOrigin ?? first.origin) : record.origins[slot];
  return origin && cycleOf(origin.run);
}

/** Whether what somebody types there counts anywhere. */
function isHeard({ context: { syncs } }: World, name: string): boolean {
  return syncs.some(({ members }) =>
    members.some(({ connection, direction }) => connection === name && direction !== 'write'),
  );
}

async function isUnderReview(world: World, { entity, connection, externalId }: Edit): Promise<boolean> {
  return (await world.store.openReviews(entity)).some(
    (review) => review.connection === connection && review.externalId === externalId,
  );
}

function viewsOn(entity: Entity, slot: string): readonly string[] {
  return Object.entries(fieldsOf[entity])
    .filter(([, { viewOf }]) => viewOf?.includes(slot))
    .map(([path]) => path);
}

function tagsOf(value: Value | undefined): readonly string[] {
  return (Array.isArray(value) ? value : []).map((tag) => tag.trim().toLowerCase());
}

function said({ connection, externalId, path, from, to, cycle }: Edit): string {
  return `${connection}:${externalId} ${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)} after cycle ${cycle}`;
}

import { bornValues, fieldAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isEmpty, type Origin, type Value } from '../model/values.ts';
import type { Aggregate, ConflictRow, HistoryRow, LinkRow, RecordRow } from '../store/store.ts';
import type { Canonical, Decree } from '../sync/join.ts';
import { editOverDelete } from './disputes.ts';

/** What a canonical record is known to have been before some of its links leave it. */
export interface Past {
  readonly aggregate: Aggregate;
  /** Oldest first. */
  readonly history: readonly HistoryRow[];
  /** Oldest first. */
  readonly conflicts: readonly ConflictRow[];
}

/** Who goes, and by which decision. */
export interface Parting {
  readonly leaving: readonly LinkRow[];
  /** When runs began in which these links were made, epoch milliseconds, as far as they are still in the log. */
  readonly joined: ReadonlyMap<string, number>;
  readonly decree: Decree;
  readonly context: KindContext;
}

/** The values of the two records that one becomes. */
export interface Parted {
  readonly staying: Canonical;
  readonly leaving: Canonical;
  /** Fields that keep a value in both, because nobody knows whose it is: it came from those who leave. */
  readonly unclear: readonly string[];
}

type Mutable = { values: Record<string, Value>; origins: Record<string, Origin> };

const asItWas = 'split: as it was';
const asShown = 'split: as shown';
const notTheirs = 'split: not theirs';

/**
 * Parts a record whose links were found to be one by evidence. Each side gets back what the history and the conflict log
 * know of its own; what neither knows stays on both sides. Nothing is emptied.
 */
export function part({ aggregate, history, conflicts }: Past, parting: Parting): Parted {
  const { leaving, decree, context } = parting;
  const { entity, values, origins } = aggregate.record;
  const goes = (origin: Origin) => isFrom(parting, origin);
  const past = { history, conflicts };
  const staying: Mutable = { values: { ...values }, origins: { ...origins } };
  const unclear: string[] = [];
  for (const [path, origin] of Object.entries(origins)) {
    if (!goes(origin)) continue;
    const before = lastOf(path, (one) => !goes(one), past);
    if (before) put(staying, path, before.value, { ...before.origin, ...decree, rule: asItWas });
    else unclear.push(path);
  }

  const left: Mutable = { values: {}, origins: {} };
  for (const { connection, shadow, modifiedAt } of leaving)
    for (const [path, value] of Object.entries(bornValues(entity, shadow))) {
      if (left.values[path] !== undefined) continue;
      const same = (other: Value | undefined) => equal(fieldAt(entity, path).kind, value, other, context);
      const origin = origins[path];
      if (origin && goes(origin) && same(values[path])) {
        put(left, path, value, origin);
        continue;
      }
      // What stands there may be what we have written over its own value.
      const own = same(values[path]) ? lastOf(path, goes, past) : undefined;
      if (own) put(left, path, own.value, { ...own.origin, ...decree, rule: asItWas });
      else {
        const stamp = modifiedAt === undefined ? {} : { modifiedAt };
        put(left, path, value, { connection, ...decree, ...stamp, rule: asShown });
      }
    }
  return { staying, leaving: left, unclear };
}

/**
 * Takes a merge back: both get the values that they had before it, and each keeps what was edited in its own CRMs since.
 * What one had not before is emptied, where the merge has brought it there.
 * @param former the record that was merged, as it was then
 */
export function partMerged(
  { aggregate, history, conflicts }: Past,
  parting: Parting,
  former: RecordRow,
  merge: Decree,
): Parted {
  const { leaving, decree, context } = parting;
  const { entity, values, origins } = aggregate.record;
  const past = { history, conflicts: conflicts.filter(({ run }) => run !== merge.run) };
  const isEditThere = (origin: Origin) => origin.run !== merge.run && origin.at >= merge.at && isFrom(parting, origin);
  const staying: Mutable = { values: { ...values }, origins: { ...origins } };
  const left: Mutable = { values: { ...former.values }, origins: { ...former.origins } };
  for (const [path, origin] of Object.entries(origins)) {
    const isMerged = origin.run === merge.run;
    if (!isMerged && !isEditThere(origin)) continue;
    if (isEditThere(origin)) put(left, path, values[path]!, origin);
    const before = lastOf(path, (one) => one.run !== merge.run && !isEditThere(one), past);
    if (before) put(staying, path, before.value, { ...before.origin, ...decree, rule: asItWas });
    else put(staying, path, null, { ...origin, ...decree, rule: notTheirs });
  }
  // What the merge has brought to the CRMs of the one that leaves.
  for (const { connection, shadow } of leaving)
    for (const [path, value] of Object.entries(bornValues(entity, shadow))) {
      const isBrought =
        left.values[path] === undefined && equal(fieldAt(entity, path).kind, value, values[path], context);
      if (isBrought) put(left, path, null, { connection, ...decree, rule: notTheirs });
    }
  return { staying, leaving: left, unclear: [] };
}

/** Whether a value came from one of those who leave: their CRM may have had another record of the same one before. */
function isFrom({ leaving, joined }: Pick<Parting, 'leaving' | 'joined'>, { connection, at }: Origin): boolean {
  return leaving.some((link) => link.connection === connection && at >= (joined.get(link.run) ?? 0));
}

function put(side: Mutable, path: string, value: Value, origin: Origin): void {
  side.values[path] = value;
  side.origins[path] = origin;
}

/** The last value of a field that came from one of its own, and was replaced or lost. */
function lastOf(
  path: string,
  isOwn: (origin: Origin) => boolean,
  { history, conflicts }: Pick<Past, 'history' | 'conflicts'>,
): { readonly value: Value; readonly origin: Origin } | undefined {
  const replaced = history.flatMap(({ path: its, from, fromOrigin, origin }) =>
    its === path && from !== undefined && fromOrigin ? [{ at: origin.at, value: from, origin: fromOrigin }] : [],
  );
  const lost = conflicts.flatMap(({ path: its, loser, at, run, rule }) =>
    its === path && rule !== editOverDelete
      ? [{ at, value: loser.value, origin: { connection: loser.connection, run, at, rule } }]
      : [],
  );
  return [...replaced, ...lost]
    .filter(({ value, origin }) => !isEmpty(value) && isOwn(origin))
    .sort((a, b) => a.at - b.at)
    .at(-1);
}

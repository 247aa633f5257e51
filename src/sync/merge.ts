import { fieldAt, slotOf } from '../model/entities.ts';
import { equal, type KindContext, type KindName } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { type Entity, isEmpty, type Origin, type Origins, type Value, type Values } from '../model/values.ts';
import { decideConflict } from './conflict.ts';
import { type Forms, isTemplate, outward, sourcesOf, transform } from './forms.ts';
import type { SyncPolicy } from './policy.ts';
import { hasFewerTags, mergeTags } from './tags.ts';

/** The canonical side of a merge. */
interface Merged {
  readonly values: Values;
  readonly origins: Origins;
}

/** What a link's CRM was last known to hold, and what we last wrote where it may hold that in another form. */
export interface Base {
  readonly shadow: Values;
  readonly sent: Values;
  /** What a write that was never answered was to leave: it may have landed at any moment since, in the CRM's own form. */
  readonly underway?: Values | undefined;
}

export interface MergeInput {
  readonly entity: Entity;
  readonly policy: Pick<SyncPolicy, 'conflicts' | 'owners' | 'members'>;
  readonly canonical: Merged;
  readonly base: Base;
  /** What the CRM shows now. Absent paths are silence (law 5). */
  readonly theirs: Values;
  /** Who shows it, in which run, when; `rule` is filled in here. */
  readonly seen: Omit<Origin, 'rule'>;
  /** False for a member that is only written to: its edits are logged and do not count. */
  readonly counts: boolean;
  /** The rule by which its edits of a slot do not count though those of others do: they are logged. Default: there is none. */
  readonly ruledOut?: (slot: string) => string | undefined;
  /** Paths that a write of ours has emptied, because it left them out: no edit, and the canonical value is to be put back. */
  readonly cleared?: ReadonlySet<string> | undefined;
  /** How fields are written to this CRM: a value in that form is the canonical one. Default: as they are. */
  readonly forms?: Forms | undefined;
  readonly context: KindContext;
}

/** One value replaced by another. */
interface Replaced {
  readonly path: string;
  readonly from: Value | undefined;
  readonly fromOrigin: Origin | undefined;
  readonly to: Value;
  readonly origin: Origin;
}

/** Two values for one field, of which at most one can stay. */
export interface Conflict {
  readonly path: string;
  readonly winner: { readonly connection: string; readonly value: Value };
  readonly loser: { readonly connection: string; readonly value: Value };
  readonly rule: string;
  readonly state: 'settled' | 'waiting';
}

export interface MergeOutput {
  readonly canonical: Merged;
  readonly base: Base;
  readonly replaced: readonly Replaced[];
  readonly conflicts: readonly Conflict[];
}

/**
 * The three-way merge of one record, field by field (design.md §9): base = shadow, theirs = what was read, ours =
 * canonical. Only what differs from the base is an edit of that CRM; a field that both sides changed to different values
 * is a conflict, decided by rule, and the losing value is reported. Pure: nothing given is changed.
 */
export function merge(input: MergeInput): MergeOutput {
  const { entity, policy, theirs, seen, counts, cleared, context, forms } = input;
  const values: Record<string, Value> = { ...input.canonical.values };
  const origins: Record<string, Origin> = { ...input.canonical.origins };
  const shadow: Record<string, Value> = { ...input.base.shadow, ...theirs };
  const sent: Record<string, Value> = { ...input.base.sent };
  const underway: Record<string, Value> = { ...input.base.underway };
  const replaced: Replaced[] = [];
  const conflicts: Conflict[] = [];
  // One object per rule: a record keeps few distinct origins, and the store writes each of them once.
  const byRule = new Map<string, Origin>();
  const originBy = (rule: string): Origin => {
    const origin = byRule.get(rule) ?? { ...seen, rule };
    byRule.set(rule, origin);
    return origin;
  };

  const isTheirGuess = (whole: string) => theirs[whole] !== undefined && !isTemplate(forms, whole);
  const isOurGuess = (whole: string, slot: string) =>
    origins[slot] !== undefined && origins[slot].connection === input.canonical.origins[whole]?.connection;

  for (const [path, their] of inTurn(theirs, forms)) {
    const { kind, viewOf, partOf } = fieldAt(entity, path);
    const base = input.base.shadow[path];
    const written = input.base.sent[path];
    const same = (a: Value | undefined, b: Value | undefined) => equal(kind, a, b, context);
    // At first sight a view contradicts no slot but its first: what is known elsewhere is another number, or this one.
    if (base === undefined && viewOf?.some((slot) => same(values[slot], their))) continue;
    const isMade = isTemplate(forms, path);
    const learnt = base === undefined && viewOf ? viewOf[0]! : slotOf(entity, path, values);
    const ruledOut = !counts ? overruled(seen.connection) : isMade ? transform : input.ruledOut?.(learnt);
    // What is not learnt is written over, by the value that the view shows elsewhere.
    const slot = ruledOut === undefined ? learnt : slotOf(entity, path, values);
    const formed = forms?.[path] && outward(entity, forms, path, values, context);
    const ours = isMade ? formed : values[slot];
    const isOurs = (value: Value | undefined) => same(value, ours) || (formed !== undefined && same(value, formed));

    const take = (shown: Value, rule: string) => {
      // One fact, one spelling: whatever a CRM shows for empty, null is what clears a field elsewhere.
      const value = isEmpty(shown) ? null : shown;
      if (ours === undefined && value === null) return;
      const origin = originBy(rule);
      if (ours !== undefined) replaced.push({ path: slot, from: ours, fromOrigin: origins[slot], to: value, origin });
      values[slot] = value;
      origins[slot] = origin;
    };

    const conflict = (winner: 'ours' | 'theirs', rule: string, state: Conflict['state']) => {
      const from = origins[sourcesOf(entity, forms, path, values)[0] ?? slot] ?? origins[slot];
      const our = { connection: from?.connection ?? seen.connection, value: ours ?? null };
      const other = { connection: seen.connection, value: their };
      conflicts.push(
        winner === 'ours'
          ? { path: slot, winner: our, loser: other, rule, state }
          : { path: slot, winner: other, loser: our, rule, state },
      );
    };

    if (base === undefined ? isEmpty(their) : same(their, base)) {
      // No edit. What we wrote and what is held are the same, seen with our own eyes: no need to remember the difference.
      if (written !== undefined && same(written, their)) delete sent[path];
      continue;
    }
    if (cleared?.has(path)) {
      // Nobody can tell it from a person's doing for sure, so that the log keeps what was seen.
      delete sent[path];
      if (ours !== undefined && !isOurs(their)) conflict('ours', clearedByUs, 'settled');
      continue;
    }
    const unanswered = underway[path];
    delete underway[path];
    if (unanswered !== undefined && hasLanded(kind, unanswered, their, context)) {
      // The write whose answer was lost has landed: what is seen is ours, and no person's edit (laws 2 and 4).
      // Of tags, which some CRMs take one by one, a part may have arrived: the rest has still to be written.
      if (same(unanswered, their) || (kind === 'tags' && hasFewerTags(their, unanswered))) delete sent[path];
      else sent[path] = unanswered;
      continue;
    }
    if (written !== undefined && same(written, base) && isReshaped(kind, written, their)) {
      // The CRM never told what it made of our write; this is the first sight of it, and no person's edit (law 2).
      continue;
    }
    delete sent[path];
    const decide = () =>
      decideConflict(policy, {
        paths: path === slot ? [slot] : [slot, path],
        ours: origins[slot] ?? { ...seen, connection: '' },
        theirs: seen,
        firstSight: base === undefined,
      });
    if (isOurs(their)) {
      // Two with the same news in one run: the stronger answers for it against a third, whichever was read first.
      const isPlain = ruledOut === undefined && same(their, ours);
      if (isPlain && origins[slot]?.run === seen.run && origins[slot].connection !== seen.connection)
        if (decide().winner === 'theirs') origins[slot] = originBy(base === undefined ? 'first seen' : 'edit');
      continue;
    }
    // The canonical value has not moved if it is what this CRM was last known to hold, or was last sent; nor if there is none.
    const oursMoved =
      base === undefined || ours === undefined
        ? !isEmpty(ours)
        : !(isOurs(base) || (written !== undefined && isOurs(written)));

    if (ruledOut !== undefined) {
      // What it held before we met is overwritten as well, as soon as something canonical is known.
      if (base !== undefined || ours !== undefined) conflict('ours', ruledOut, 'settled');
    } else if (kind === 'tags') {
      const tags = mergeTags(ours, base, their);
      if (!same(tags, ours)) take(tags, base === undefined ? 'tags joined' : 'edit');
    } else if (
      partOf !== undefined &&
      oursMoved &&
      !isEmpty(their) &&
      isTheirGuess(partOf) !== isOurGuess(partOf, slot)
    ) {
      const winner = isTheirGuess(partOf) ? 'ours' : 'theirs';
      conflict(winner, typed, 'settled');
      if (winner === 'theirs') take(their, typed);
    } else if (!oursMoved) {
      take(their, base === undefined ? (ours === undefined ? 'first seen' : 'gap filled') : 'edit');
    } else {
      const verdict = decide();
      if (verdict.winner === 'nobody') conflict('ours', verdict.rule, 'waiting');
      else {
        conflict(verdict.winner, verdict.rule, 'settled');
        if (verdict.winner === 'theirs') take(their, verdict.rule);
      }
    }
  }
  return {
    canonical: { values, origins },
    base: { shadow, sent, ...(Object.keys(underway).length > 0 && { underway }) },
    replaced,
    conflicts,
  };
}

/** What is made of other fields comes after them. */
function inTurn(theirs: Values, forms: Forms | undefined): readonly [string, Value][] {
  const all = Object.entries(theirs);
  if (!forms) return all;
  const isMade = ([path]: [string, Value]) => isTemplate(forms, path);
  return [...all.filter((one) => !isMade(one)), ...all.filter(isMade)];
}

/**
 * Whether what is seen is an unanswered write of ours. A CRM that cannot hold a value held none before either, so that an
 * emptied field is a person's doing, unless it was ours.
 */
function hasLanded(kind: KindName, written: Value, seen: Value, context: KindContext): boolean {
  if (isEmpty(written) || isEmpty(seen)) return isEmpty(written) && isEmpty(seen);
  return isReshaped(kind, written, seen, context);
}

/** The rules by which a value stands that its CRM had shown when the record was first seen there, and nobody contested. */
export const atFirstSight: ReadonlySet<string> = new Set(['first seen', 'gap filled', 'tags joined']);

/** The rule by which a name that was split by guess loses to one that was typed in parts (design.md §5). */
const typed = 'conflict: typed, not split by guess';

/** The rule by which a field that an unanswered update of ours has emptied gets its value back. */
const clearedByUs = 'emptied by an update that left it out';

/** The rule by which what a member shows that is only written to loses. */
export function overruled(connection: string): string {
  return `${connection} is only written to`;
}

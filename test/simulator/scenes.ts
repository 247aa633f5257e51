import type { Value } from '../../src/model/values.ts';
import { invented } from '../worlds/generated.ts';
import { type Cast, editableAt, pick } from './cast.ts';
import type { Edit, SimSpec, Step, Trouble } from './life.ts';

/** Two CRMs, somebody who is at both, and a field that both have: what happens there meets. */
interface Pair {
  readonly one: SimSpec;
  readonly other: SimSpec;
  readonly who: number;
  readonly path: string;
}

const rest: Step = { do: 'sync', restMs: 60_000 };
const atOnce: Step = { do: 'sync', restMs: 1_000 };

/** What leaves open whether a write was done. */
const unanswered: readonly Trouble[] = ['answer lost', 'answer lost', 'failed late', 'no data', 'reset'];

/** Several things that happen to one person at about the same time, with the cycles in which they meet. Empty: there is nobody for one. */
export function scene(cast: Cast): readonly Step[] {
  const { dice, weather, crms } = cast;
  const pair = pairOf(cast);
  if (!pair) return [];
  const { departures, troubles, rounds, pairs } = weather;
  // A third CRM is where a delete could go.
  const unread = Array.from({ length: crms.length > 2 ? 5 : 1 }, () => deleteUnread);
  const possible = [
    ...[editsMeet, editsMeet, newsWhileWriting],
    ...(pairs ? [editsMeet, editsMeet] : []),
    ...(departures ? [deleteMeetsEdit, deleteMeetsEdit, deleteTravels, deleteTravels, editWhereGone] : []),
    ...(departures && pairsOf(cast).some(isLookedAt) ? [editBehindListings, editBehindListings] : []),
    ...(troubles ? [lostAnswer, lostAnswer, shortListing] : []),
    ...(troubles && departures ? unread : []),
    ...(troubles && rounds ? [unheardHint] : []),
  ];
  return pick(dice, possible)(cast, pair);
}

function pairOf(cast: Cast, isFit: (pair: Pair) => boolean = () => true): Pair | undefined {
  const pairs = pairsOf(cast).filter(isFit);
  return pairs.length === 0 ? undefined : pick(cast.dice, pairs);
}

function pairsOf({ crms, whereabouts }: Cast): readonly Pair[] {
  return crms.flatMap((one) =>
    crms.flatMap((other) =>
      one === other
        ? []
        : editableAt(one)
            .filter((path) => editableAt(other).includes(path))
            .flatMap((path) =>
              whereabouts.atBoth(one.name, other.name).map((who): Pair => ({ one, other, who, path })),
            ),
    ),
  );
}

/** Somebody types into that field, or into another one that this CRM has. */
function edit({ dice, number }: Cast, crm: SimSpec, who: number, path: string, isSame = dice.integer(3) > 0): Edit {
  const field = isSame ? path : pick(dice, editableAt(crm));
  const what = dice.integer(10);
  const to: Value = what < 1 ? null : invented(field, number(), what < 3);
  return { do: 'edit', crm: crm.name, who, path: field, to };
}

/** A person acts before the cycle, or while it reads. */
function soonOrMeanwhile({ dice }: Cast, at: SimSpec, listed: SimSpec, act: Edit): Step {
  const moment = dice.integer(4);
  if (moment > 1) return act;
  if (moment === 1) return { do: 'meanwhile', at: 'read', skip: 0, edit: act };
  return { do: 'meanwhile', at: 'list', of: pick(dice, [at, listed]).name, skip: dice.integer(2), edit: act };
}

function cycle({ dice, weather }: Cast): readonly Step[] {
  if (weather.pairs) return [{ do: 'two at once', pace: dice.integer(1_000_000) }, atOnce];
  return dice.integer(2) === 0 ? [rest] : [rest, atOnce];
}

/** Somebody changes a person in two CRMs at once, and sometimes in a third. */
function editsMeet(cast: Cast, { one, other, who, path }: Pair): readonly Step[] {
  const third = pick(cast.dice, cast.crms);
  return [
    ...[rest, rest],
    edit(cast, one, who, path),
    soonOrMeanwhile(cast, other, one, edit(cast, other, who, path)),
    ...(cast.dice.integer(3) === 0 && editableAt(third).length > 0
      ? [soonOrMeanwhile(cast, third, one, edit(cast, third, who, path, false))]
      : []),
    ...cycle(cast),
  ];
}

/** Somebody changes a person in a third CRM just when we bring there, and elsewhere, what has changed in the first. */
function newsWhileWriting(cast: Cast, { one, other, who, path }: Pair): readonly Step[] {
  const { dice, crms } = cast;
  const thirds = crms.filter((crm) => crm !== one && crm !== other && crm.reads === 'id');
  const met = thirds.length === 0 ? other : pick(dice, thirds);
  const news: Step = { do: 'meanwhile', at: 'read', skip: 0, edit: edit(cast, met, who, pick(dice, editableAt(met))) };
  return [rest, rest, edit(cast, one, who, path, true), news, ...cycle(cast)];
}

/** Somebody deletes a person whom somebody else edits. */
function deleteMeetsEdit(cast: Cast, { one, other, who, path }: Pair): readonly Step[] {
  const gone: Step = { do: 'delete', crm: one.name, who };
  const met = soonOrMeanwhile(cast, other, one, edit(cast, other, who, path));
  return [rest, rest, ...(cast.dice.integer(2) === 0 ? [gone, met] : [met, gone]), ...cycle(cast), rest];
}

/** Somebody deletes a person, and when all have been listed somebody else edits that person at another CRM: only a look before the delete there shows it. */
function editBehindListings(cast: Cast, usual: Pair): readonly Step[] {
  const { one, other, who, path } = pairOf(cast, isLookedAt) ?? usual;
  const lists = cast.crms.filter((crm) => crm.lists).sort((a, b) => lastPage(cast, b) - lastPage(cast, a));
  const [longest = other] = lists;
  const typed = edit(cast, other, who, path);
  return [
    ...[rest, rest],
    { do: 'delete', crm: one.name, who },
    // Where nobody can be asked for one record, it takes two listings to know.
    ...(one.reads === 'id' ? [] : [rest]),
    { do: 'meanwhile', at: 'list', of: longest.name, skip: lastPage(cast, longest), edit: typed },
    rest,
  ];
}

/** Whether we look at a record there before we delete it. */
function isLookedAt({ other }: Pair): boolean {
  return other.reads === 'id' && other.deletes !== false;
}

/** The number of the last page of a listing, from 0. Each begins with the last row of the one before. */
function lastPage({ whereabouts }: Cast, { name, pageSize }: SimSpec): number {
  const size = Math.max(2, pageSize);
  return Math.max(0, Math.ceil((whereabouts.at(name).length - size) / (size - 1)));
}

/** Somebody deletes a person, and the next cycles come at once: listings lag. */
function deleteTravels(cast: Cast, { one, who }: Pair): readonly Step[] {
  return [rest, rest, { do: 'delete', crm: one.name, who }, ...cycle(cast), atOnce, atOnce];
}

/** Somebody deletes a person whom somebody else edits at a CRM that cannot be listed until the delete is known. */
function deleteUnread(cast: Cast, usual: Pair): readonly Step[] {
  // Where one record can be asked for, the delete is known at once.
  const { one, other, who, path } = pairOf(cast, (pair) => pair.one.reads === 'id') ?? usual;
  return [
    ...[rest, rest],
    { do: 'edit', crm: other.name, who, path, to: invented(path, cast.number(), false) },
    { do: 'delete', crm: one.name, who },
    { do: 'trouble', crm: other.name, verb: 'list', skip: cast.dice.integer(2), times: 100, what: 'unavailable' },
    ...(one.reads === 'id' ? [rest] : [rest, rest]),
    // What could not be seen may be typed over, or is only seen now.
    ...(cast.dice.integer(2) === 0 ? [edit(cast, other, who, path, false)] : []),
    ...cycle(cast),
  ];
}

/** Somebody is deleted in one place, and edited in another one later. */
function editWhereGone(cast: Cast, { one, other, who, path }: Pair): readonly Step[] {
  const early = cast.dice.integer(2) === 0 ? [edit(cast, other, who, path)] : [];
  return [
    ...[rest, ...early, { do: 'delete', crm: one.name, who } as const],
    ...cycle(cast),
    edit(cast, other, who, path),
    ...[rest, rest],
  ];
}

/** A write is carried out, or not, and nobody hears which. */
function lostAnswer(cast: Cast, { one, other, who, path }: Pair): readonly Step[] {
  const { dice } = cast;
  const what = pick(dice, unanswered);
  const times = pick(dice, [1, 1, 3, 100]);
  const typed = edit(cast, one, who, path, true);
  return [
    rest,
    typed,
    { do: 'trouble', crm: other.name, verb: 'update', skip: 0, times, what },
    ...cycle(cast),
    ...(dice.integer(2) === 0 ? [edit(cast, pick(dice, [one, other]), who, path, true)] : []),
    ...[rest, rest],
  ];
}

/** A listing does not show everybody, and does not say so. */
function shortListing(cast: Cast, { one, other, who, path }: Pair): readonly Step[] {
  const hidden = cast.crms.find(({ counts, reads, lists }) => !counts && reads !== 'id' && lists) ?? one;
  const skip = cast.dice.integer(2);
  return [
    ...[rest, rest],
    { do: 'trouble', crm: hidden.name, verb: 'list', skip, times: 1, what: 'ends early' },
    ...cycle(cast),
    edit(cast, other, who, path),
    rest,
  ];
}

/** A CRM says that something has changed, and cannot be asked. */
function unheardHint(cast: Cast, { one, who, path }: Pair): readonly Step[] {
  const { dice } = cast;
  const what = pick(dice, ['unavailable', 'reset', 'too many'] as const);
  return [
    ...[rest, rest],
    edit(cast, one, who, path),
    { do: 'trouble', crm: one.name, verb: 'read', skip: 0, times: pick(dice, [1, 1, 100]), what },
    { do: 'round', mail: dice.integer(1_000_000) },
    ...(dice.integer(2) === 0 ? [{ do: 'round', mail: dice.integer(1_000_000) } as const] : []),
    rest,
  ];
}

import { fieldAt } from '../../src/model/entities.ts';
import type { Aggregate } from '../../src/store/store.ts';
import { clearedBySilence, disagreements, learntIn, lostEdits, needlessWrites, unexplained } from '../worlds/laws.ts';
import { cycleOf, type Edit } from '../worlds/world.ts';
import { deletedOverEdit, lostDeletes, overlooked, underReview, unguarded } from './existence.ts';
import { directionOf, type Life, syncsOf } from './life.ts';
import { type Lived, live } from './live.ts';
import {
  againstTheRule,
  drift,
  falseCounts,
  falseSum,
  lostEntries,
  lostTags,
  overturned,
  setAside,
  unfounded,
  writtenUnsettled,
} from './oracle.ts';
import { floods } from './rounds.ts';

/** What came of a life. */
export interface Judgement {
  /** Each begins with the law that was broken. */
  readonly breaches: readonly string[];
  /** The life in readable lines. */
  readonly story: readonly string[];
  /** Everything that was written to any CRM, in order: two runs of one life have the same. */
  readonly trace: string;
}

const entity = 'contact';

/**
 * Cycles after which nothing may be left to do: two; one more where somebody left a CRM that cannot be asked for one
 * record, so that it takes a second listing to know; and one more where deletes travel and such a CRM is in one of two
 * syncs: before a delete is carried on, its own sync has to have listed it. Who comes back meanwhile has to wait for that
 * delete, and then takes one sync after the other. So has a second record of somebody who left, which had not been linked:
 * it may be that person as long as there is one, and is somebody of its own afterwards.
 */
function convergenceOf({ life, people: { turns } }: Lived): number {
  const toldByListings = life.crms.filter(({ reads }) => reads !== 'id').map(({ name }) => name);
  const gone = turns.filter(({ what }) => what === 'gone');
  const takesTwoListings = gone.some(({ connection }) => toldByListings.includes(connection));
  if (!life.others || life.sync.deletes !== 'propagate' || gone.length === 0) return takesTwoListings ? 3 : 2;
  const isLeftTwice = gone.some(({ isSeenElsewhere }) => isSeenElsewhere);
  if (toldByListings.length === 0) return isLeftTwice ? 3 : 2;
  const isBack = turns.some(
    ({ what, who }, at) =>
      what === 'here' && turns.slice(0, at).some((turn) => turn.what === 'gone' && turn.who === who),
  );
  return takesTwoListings || isBack || isLeftTwice ? 4 : 3;
}

/** More often nobody has to say that the same thing is right. */
const mostApprovals = 4;

/** Lives a life, lets it come to rest, and holds it against the laws. */
export async function judge(life: Life): Promise<Judgement> {
  const lived = await live(life);
  try {
    if (lived.breaches.length === 0) lived.breaches.push(...(await rest(lived)));
    const { cycles, story, breaches } = lived;
    const trace = JSON.stringify(cycles.map(({ outcome, writes, listed }) => [outcome, writes, [...listed]]));
    return { breaches, story: story.lines(), trace };
  } finally {
    await lived.close();
  }
}

/** Brings a life to its quiet end. @returns the laws that it breaks */
async function rest(lived: Lived): Promise<readonly string[]> {
  const { world, life, breaches, story } = lived;
  story.rest();
  // What requests of dead processes do comes before the rest.
  while (lived.isAdrift()) await lived.rest();
  let approvals = 0;
  const convergence = convergenceOf(lived);
  for (let left = convergence; left > 0 && breaches.length === 0; left -= 1) {
    const { outcome } = await lived.rest();
    if (!outcome || outcome.stops.length === 0) continue;
    // Somebody looks at what is held back, and says that it is right.
    left = convergence + 1;
    approvals += 1;
    let approved = 0;
    for (const { name } of syncsOf(life)) approved += await world.store.approve(name);
    if (approved === 0 || approvals > mostApprovals)
      return [`law 8: ${outcome.stops.map(({ what, connection }) => `${what} at ${connection}`)} cannot be approved`];
  }
  if (breaches.length > 0) return [];
  return [...(await found(lived)), ...(await writesAfterRest(lived))];
}

async function found(lived: Lived): Promise<readonly string[]> {
  const { world, life, cycles } = lived;
  const isTroubled = life.steps.some(
    (step) => ['trouble', 'job', 'two at once'].includes(step.do) || ('death' in step && step.death),
  );
  const aside = await setAside(lived);
  const waiting = await underReview(lived);
  const isExcused = (said: string) =>
    [...aside].some((one) => one.split(' ').every((word) => said.includes(word))) ||
    [...waiting].some((id) => said.includes(id));
  const edits: Edit[] = [];
  for (const edit of world.edits) if (!(await isOwnLoss(lived, edit))) edits.push(edit);
  const said = (law: string, all: readonly string[]) => all.map((one) => `${law}: ${one}`);
  return [
    ...said(
      'law 1',
      (await disagreements(world, entity)).filter((one) => !isExcused(one)),
    ),
    ...(await overlooked(lived)),
    ...lived.doubles(),
    ...said('law 4', await lostEdits({ ...world, edits })),
    ...said('law 5', await clearedBySilence(world, entity)),
    ...(isTroubled ? [] : said('law 11', needlessWrites(world))),
    ...(cycles.some(({ isAlone }) => !isAlone) ? [] : said('law 10', await unexplained(world, entity))),
    ...(await leftToDo(lived)),
    ...(await unfounded(lived)),
    ...(await overturned(lived)),
    ...(await lostEntries(lived)),
    ...(await lostTags(lived)),
    ...(await writtenUnsettled(lived)),
    ...(await deletedOverEdit(lived, aside)),
    ...(await lostDeletes(lived, aside)),
    ...unguarded(lived),
    ...floods(lived),
    ...(await againstTheRule(lived)),
    ...cycles.flatMap((cycle) => falseCounts(life, cycle)),
    ...(await falseSum(lived)),
    ...(await drift(lived)),
  ];
}

/**
 * What was typed in a record that a person then deleted there is that person's own loss; so is what somebody typed over before
 * it was shown, or before it was known whose record that is, or where nothing counts, in a field of which nothing was known yet.
 */
async function isOwnLoss(lived: Lived, edit: Edit): Promise<boolean> {
  const { world, life, people } = lived;
  const { connection, entity: ofEntity, externalId, path, cycle } = edit;
  const isHere = (one: Pick<Edit, 'connection' | 'externalId'>) =>
    one.connection === connection && one.externalId === externalId;
  if (people.turns.some((turn) => turn.what === 'gone' && isHere(turn))) return true;
  const later = world.edits.find((one) => isHere(one) && one.path === path && one.cycle > cycle);
  if (!later) return false;
  if (!wasShown(lived, edit, later.cycle)) return true;
  const aggregate = await world.recordOf(connection, ofEntity, externalId);
  const link = aggregate?.links.find(isHere);
  if (link !== undefined && cycleOf(link.run) > later.cycle) return true;
  return directionOf(life, connection) === 'write' && !(await wasKnown(lived, aggregate, later));
}

/** Whether what was typed was shown to a process that did not die, up to the end of that cycle. What was there before may look the same. */
function wasShown({ world, life, cycles, people: { deeds } }: Lived, edit: Edit, until: number): boolean {
  const { connection, entity: ofEntity, externalId, path, to, cycle } = edit;
  const isMeanwhile = deeds.some(
    (deed) =>
      deed.isMeanwhile &&
      deed.connection === connection &&
      deed.externalId === externalId &&
      deed.path === path &&
      deed.cycle === cycle,
  );
  // What a job between two cycles is shown counts as shown to the first of them.
  const first = isMeanwhile || life.steps.some((step) => step.do === 'job') ? cycle : cycle + 1;
  const died = new Set(cycles.flatMap(({ number, isAlone, outcome }) => (isAlone && !outcome ? [number] : [])));
  return Array.from({ length: Math.max(0, until - first + 1) }, (_, index) => first + index).some(
    (number) => !died.has(number) && world.showedTo(number, connection, ofEntity, externalId, path, to),
  );
}

/** Whether something canonical was known of the field of an edit before the cycle after which it was typed. */
async function wasKnown({ world, cycles }: Lived, aggregate: Aggregate | undefined, edit: Edit): Promise<boolean> {
  // Rounds share a run with those before them: when something was learnt in one, nobody can tell.
  if (!aggregate || cycles.some(({ isRound }) => isRound)) return false;
  const history = await world.store.history(aggregate.record.id);
  const slots = fieldAt(edit.entity, edit.path).viewOf ?? [edit.path];
  return slots.some((slot) => (learntIn(aggregate, history, slot) ?? Infinity) < edit.cycle);
}

/** Breaches of law 1: work that is left though nothing stands in its way. */
async function leftToDo({ world }: Lived): Promise<readonly string[]> {
  const standing = await world.store.standing();
  const isAsked = standing.some(({ reviews, waitingConflicts }) => reviews + waitingConflicts > 0);
  return standing.flatMap(({ connection, pending, openIntents, dead }) =>
    // What is set aside may still have a create without an answer: it is looked up for as long as it takes.
    !isAsked && (pending > 0 || openIntents > dead)
      ? [`law 1: ${connection} has ${pending} pending and ${openIntents} creates without an answer, ${dead} set aside`]
      : [],
  );
}

async function writesAfterRest(lived: Lived): Promise<readonly string[]> {
  const told: string[] = [];
  for (const more of [1, 2])
    for (const { connection, verb, externalId, values } of (await lived.rest()).writes)
      told.push(`law 2: rest ${more}: ${connection} ${verb} ${externalId}: ${Object.keys(values).join(' ')}`);
  return told;
}

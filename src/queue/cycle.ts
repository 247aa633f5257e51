import type { Failure } from '../../jobs/failure.ts';
import { matchJob } from '../../jobs/match.ts';
import { retryReferences } from '../engine/awaited.ts';
import { judgeDepartures } from '../engine/deletion.ts';
import {
  type Counts,
  type EngineContext,
  noCounts,
  type Problem,
  type RunOptions,
  type SyncOutcome,
} from '../engine/engine.ts';
import { leftOut } from '../engine/forgotten.ts';
import { guardWrites, stopsNow } from '../engine/guard.ts';
import { holdersElsewhere } from '../engine/holders.ts';
import { idsPerPage } from '../engine/known-ids.ts';
import type { Stop } from '../engine/stop.ts';
import { reviewUnsupported } from '../engine/unsupported.ts';
import type { Entity } from '../model/values.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Hands } from './hands.ts';
import { inProcess } from './in-process.ts';
import { addBesides, type Besides, type PassEnd, type PushPass, pushAll, pushPages } from './push-all.ts';
import { grantCycle } from './wanted.ts';
import { windowOf } from './window.ts';

/** Companies before the people who belong to them, people before their leads: references find their targets. */
const rank: Readonly<Record<Entity, number>> = { account: 0, contact: 1, lead: 2 };

/** Syncs in the order in which they are best run. */
export function inOrder(syncs: readonly SyncPolicy[]): readonly SyncPolicy[] {
  return [...syncs].sort((a, b) => rank[a.entity] - rank[b.entity]);
}

/** Rounds of listing again and pushing again while creates are without an answer. */
const lookupRounds = 2;

/**
 * One full cycle of one sync: pull all members, decide who is who, push all members. A member that
 * fails does not stop the others, and nothing is written to it in this run: without its full listing a create might be
 * a duplicate. Deletes are carried on only in a run in which every member was read. Creates whose answer was lost are
 * looked up in a fresh listing before the cycle ends. Where a guard stops, nothing is written to any member.
 *
 * @param hands what reads and writes at the CRMs. Default: this process
 */
export async function runCycle(
  context: EngineContext,
  sync: SyncPolicy,
  options: RunOptions,
  hands: Hands = inProcess(context),
): Promise<SyncOutcome> {
  const { store, clock } = context;
  const { run, signal, detour, onProgress = () => {} } = options;
  const startedAt = clock.now();
  const counts: Record<string, Counts> = Object.fromEntries(sync.members.map((m) => [m.connection, noCounts()]));
  const problems = new Map<string, Problem>();
  const besides: Besides = {};
  const stops: Stop[] = [];
  const abort = signal ? { signal } : {};

  const fail = ({ connection, code, message }: Failure) => {
    const problem = { sync: sync.name, connection, code, message };
    if (problems.has(connection)) return;
    problems.set(connection, problem);
    context.log.error({ sync: sync.name, connection, run, code }, 'member failed');
    onProgress({ step: 'problem', problem });
  };

  const pulled = new Set<string>();
  const pullMember = async (connection: string) => {
    const ofMember = counts[connection]!;
    // A second reading in the same run is for looking up, and counts nothing twice.
    const isLookup = pulled.has(connection);
    const tally = isLookup ? noCounts() : ofMember;
    pulled.add(connection);
    const onPage = (read: number, total: number | undefined) => onProgress({ step: 'pull', connection, read, total });
    const order = { sync: sync.name, connection, run, isLookup };
    const { stop, error } = await hands.pull(order, { counts: tally, ...abort, onPage });
    if (error) {
      fail(error);
      return;
    }
    if (stop) stops.push(stop);
    onProgress({ step: 'pulled', connection, counts: ofMember });
  };

  const match = async () => {
    const onDecided = (decided: number) => onProgress({ step: 'match', decided });
    const { confirmed, conflicts } = await matchJob(context, { sync: sync.name, run }, onDecided);
    for (const [connection, found] of confirmed) counts[connection]!.created += found;
    for (const [connection, found] of conflicts) counts[connection]!.conflicts += found;
  };

  /** Looks at what has left a CRM where only other syncs read it. @returns canonical ids of those about whom nothing could be said */
  const lookElsewhere = async (): Promise<ReadonlySet<string>> => {
    const unread = new Set<string>();
    for (const { sync: reader, connection, records } of await holdersElsewhere(context, sync)) {
      const ids = [...records.keys()];
      for (let from = 0; from < ids.length; from += idsPerPage) {
        const some = ids.slice(from, from + idsPerPage);
        const order = {
          sync: reader,
          connection,
          run,
          records: some.map((id) => ({ externalId: id, hintedAt: clock.now() })),
        };
        const { error, later, unclear } = await hands.look(order, { counts: noCounts(), ...abort });
        for (const id of error ? some : [...later, ...unclear]) unread.add(records.get(id) as string);
      }
    }
    return unread;
  };

  const pushMember = async (connection: string): Promise<PassEnd> => {
    const pass: PushPass = {
      sync,
      connection,
      run,
      counts: counts[connection]!,
      unread: new Set(problems.keys()),
      ...(options.pastGuards && { pastGuards: true }),
      ...abort,
      onWritten: (written) => onProgress({ step: 'push', connection, written }),
    };
    if (!detour) return await pushAll(context, hands, pass);
    const end = await pushPages(hands, pass, () => detour.due(connection));
    if (!end.error) await detour.end(connection, counts[connection]!);
    return end;
  };

  await store.beginRun({ id: run, sync: sync.name, startedAt });
  if (!detour) await grantCycle(store, sync.name);
  await store.forgetHarm(sync.name, [run, (await windowOf(store, sync.name))?.run ?? run]);
  await enqueueForNewMembers(context, sync);
  await reviewUnsupported(context, sync, run);
  await Promise.all(sync.members.map(({ connection }) => pullMember(connection)));
  signal?.throwIfAborted();
  await match();
  await retryReferences(context, sync);
  signal?.throwIfAborted();
  if (stops.length === 0) {
    if (detour) await detour.begin();
    else if (problems.size === 0)
      for (const [connection, found] of await judgeDepartures(context, sync, run, await lookElsewhere()))
        counts[connection]!.conflicts += found;
    stops.push(...(await guardWrites(context, sync, run, detour?.removals)));
  }
  for (const stop of stops) onProgress({ step: 'stopped', stop });

  const mayWrite = stops.length === 0 || options.pastGuards === true;
  let writable = sync.members
    .filter(({ direction }) => mayWrite && direction !== 'read')
    .map(({ connection }) => connection);
  for (let round = 0; writable.length > 0; round += 1) {
    const open = writable.filter((connection) => !problems.has(connection));
    const ends = await Promise.all(open.map(async (connection) => ({ connection, end: await pushMember(connection) })));
    signal?.throwIfAborted();
    // Edits came in since the guard has counted, more than it would have let pass.
    if (ends.some(({ end }) => end.guarded > 0)) stops.push(...(await stopsNow(context, sync, run)));
    const unanswered: string[] = [];
    for (const { connection, end } of ends) {
      if (end.error && end.error.code !== 'outcome_unknown') fail(end.error);
      else if (end.lookups > 0 || end.error) unanswered.push(connection);
      if (end.failure) fail(end.failure);
      addBesides(besides, connection, end);
    }
    writable = unanswered.filter((connection) => !problems.has(connection));
    if (writable.length === 0) break;
    if (round === lookupRounds) {
      for (const connection of writable) fail(stillUnanswered(connection));
      break;
    }
    await clock.sleep(context.settleMs, signal);
    await Promise.all(writable.map(pullMember));
    await match();
  }
  const { waiting, pending, unsupported, unanswered } = await standing(context, sync);
  for (const { connection, direction } of sync.members)
    if (mayWrite && direction !== 'read' && !problems.has(connection)) {
      const left = pending.get(connection) ?? 0;
      onProgress({ step: 'pushed', connection, counts: counts[connection]!, waiting: left });
    }
  for (const { connection } of sync.members) {
    counts[connection]!.unsupported = unsupported.get(connection) ?? 0;
    counts[connection]!.failed += unanswered.get(connection) ?? 0;
  }
  const needed = stops.length > 0 || Object.values(waiting).some((count) => count > 0);
  const state = problems.size > 0 ? 'failed' : needed ? 'waiting' : 'done';
  const [problem] = problems.values();
  await store.endRun(run, sync.name, {
    endedAt: clock.now(),
    outcome: state,
    counts: JSON.stringify(counts),
    ...(problem ? { error: problem.message } : {}),
  });
  return {
    sync: sync.name,
    durationMs: clock.now() - startedAt,
    counts,
    besides,
    problems: [...problems.values()],
    stops,
    waiting,
    state,
  };
}

function stillUnanswered(connection: string): Failure {
  const message = `${connection}: creates are still without an answer; the next run looks them up again before it sends anything`;
  return { connection, code: 'outcome_unknown', message };
}

/** When a sync has gained a member, all its records become pending there: no edit would ever bring them. */
async function enqueueForNewMembers(context: EngineContext, sync: SyncPolicy): Promise<void> {
  const { store, clock } = context;
  const key = `members of ${sync.name}`;
  const now = JSON.stringify(sync.members);
  if ((await store.remembered(key)) === now) return;
  const sources = sync.members.filter(({ direction }) => direction !== 'write').map(({ connection }) => connection);
  for (const { connection, direction } of sync.members)
    if (direction !== 'read') await store.enqueueUnlinked(connection, sync.entity, sources, clock.now());
  await store.remember(key, now);
}

/** What waits at the members of a sync, for a person or for its turn, and what their APIs cannot do. */
async function standing(context: EngineContext, sync: SyncPolicy) {
  const waiting = { reviews: 0, conflicts: 0, quarantined: 0, dead: 0 };
  const pending = new Map<string, number>();
  const unsupported = new Map<string, number>();
  const unanswered = new Map<string, number>();
  const names = new Set(sync.members.map(({ connection }) => connection));
  for (const row of await context.store.standing()) {
    if (row.entity !== sync.entity || !names.has(row.connection)) continue;
    waiting.reviews += row.reviews;
    waiting.conflicts += row.waitingConflicts;
    waiting.quarantined += row.quarantined;
    waiting.dead += row.dead;
    pending.set(row.connection, row.pending);
    unsupported.set(row.connection, row.unsupported);
    unanswered.set(row.connection, row.openIntents);
  }
  // Who was forgotten is not taken in: that is told, and is no failure.
  for (const name of names)
    unsupported.set(name, (unsupported.get(name) ?? 0) + (await leftOut(context.store, name, sync.entity)));
  return { waiting, pending, unsupported, unanswered };
}

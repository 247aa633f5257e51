import path from 'node:path';
import type { Command } from 'commander';
import type { App, Surroundings } from '../app.ts';
import type { Config } from '../config/config.ts';
import { didYouMean, listed } from '../config/words.ts';
import { CrmError } from '../connector/errors.ts';
import {
  type Counts,
  type Detour,
  type EngineContext,
  noCounts,
  type RunOptions,
  type SyncOutcome,
  sum,
} from '../engine/engine.ts';
import type { PlannedWrites } from '../engine/planned-writes.ts';
import { expireLogs } from '../queue/retention.ts';
import { BusyError, withSyncLease } from '../queue/sync-lease.ts';
import { StoreError } from '../store/errors.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { type ExitStatus, exit, FailedError, failureOf, UsageError } from './failure.ts';
import { surroundings } from './logs.ts';
import { type Display, displayOn, silentDisplay } from './progress.ts';
import { outcomeLines } from './report.ts';
import type { Session } from './session.ts';
import { count, counted, withoutName, wrapped } from './table.ts';

/** `concordat sync`: one full cycle of every sync, or of those that are named. */
export function addSync(program: Command, session: Session): void {
  program
    .command('sync')
    .description('Run one full cycle: pull all members, merge, push all. Then exit.')
    .argument('[names...]', 'syncs to run; all without a name')
    .option('--plan <file>', 'carry out the plan in FILE and nothing else; what has changed since is left as it is')
    .addHelpText(
      'after',
      `
Examples:
  concordat sync
  concordat sync people
  concordat plan --out monday.json && concordat sync --plan monday.json
  */5 * * * *  concordat sync --json >> sync.log        # in a crontab

Exit status: 0 done; 1 a member could not do its part; 2 usage or configuration;
3 done, but some records need a person (concordat status shows which).`,
    )
    .action(async (names: readonly string[], { plan }: { readonly plan?: string }) => {
      await sync(session, names, plan);
    });
}

/** How the cycles of a command differ from the usual ones. */
interface CycleOptions extends Pick<RunOptions, 'pastGuards'> {
  /** What the cycle of a sync does instead of writing everything. Then what points to others goes first. */
  readonly detour?: (sync: SyncPolicy, run: string) => Detour;
}

/** What one `concordat sync` did. */
export interface SyncReport {
  readonly runId: string;
  readonly durationMs: number;
  readonly outcomes: readonly SyncOutcome[];
  /** By sync and connection: what was written for syncs that did not run, because others point to their records. */
  readonly besides: SyncOutcome['besides'];
}

async function sync(session: Session, names: readonly string[], planFile: string | undefined): Promise<void> {
  const config = await session.loadConfig();
  const plan = planFile === undefined ? undefined : await readPlan(session, planFile);
  const chosen = syncsNamed(config, plan && names.length === 0 ? plan.syncs : names);
  const app = await openAppFor(session, config);
  try {
    const display = session.isJson ? silentDisplay : displayOn(session.io.stdout, app.context.clock.now);
    const context = plan ? plan.bind(app.context) : app.context;
    const report = await runSyncs({ ...app, context }, chosen, session, display);
    if (session.isJson) session.printJson({ ...reportDocument(report), ...(plan && { plan: plan.standing() }) });
    session.print(
      ...outcomeLines(report.outcomes, session.io),
      ...besidesLines(report),
      ...(plan ? planLines(plan.standing(), session) : []),
    );
    session.status = statusOf(report.outcomes);
    const isRefused = plan !== undefined && plan.standing().refused.length > 0;
    if (isRefused && session.status === exit.done) session.status = exit.needsPerson;
    if (!session.io.signal.aborted) await expireLogs(app.context, config.retentionMs);
  } finally {
    await app.close();
  }
}

/** A plan that is to be carried out. */
interface Plan {
  readonly syncs: readonly string[];
  bind(context: EngineContext): EngineContext;
  standing(): PlanStanding;
}

/** What has become of a plan: writes made, not made because the world has moved, and not needed any more. */
type PlanStanding = Pick<PlannedWrites, 'done' | 'refused' | 'left'>;

async function readPlan({ io }: Session, file: string): Promise<Plan> {
  const { readPlanFile } = await import('./plan-file.ts');
  const { onlyPlanned, PlannedWrites } = await import('../engine/planned-writes.ts');
  const { syncs, writes } = readPlanFile(path.resolve(io.directory, file));
  const planned = new PlannedWrites(writes);
  return {
    syncs,
    bind: (context) => onlyPlanned(context, planned),
    standing: () => ({ done: planned.done, refused: planned.refused, left: planned.left }),
  };
}

const mostRefusedShown = 20;

function planLines({ done, refused, left }: PlanStanding, { io }: Session): readonly string[] {
  const width = Math.min(io.stdout.columns, 100);
  return [
    '',
    ...refused
      .slice(0, mostRefusedShown)
      .flatMap(({ connection, action, entity, record, reason }) =>
        wrapped(`not made: ${action} at ${connection} of ${entity} ${record}: ${reason}`, width),
      ),
    ...(refused.length > mostRefusedShown ? [`… and ${count(refused.length - mostRefusedShown)} more`] : []),
    ...wrapped(
      `plan: ${counted(done, 'write')} made, ${count(refused.length)} refused, ${count(left)} not needed any more`,
      width,
    ),
  ];
}

/** Opens everything; what is wrong with the database file is told, not thrown as a mistake of ours. */
export async function openAppFor(
  session: Session,
  config: Config,
  around: Surroundings = surroundings(session),
): Promise<App> {
  const { openApp } = await import('../app.ts');
  try {
    return await openApp(config, around);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof StoreError) throw error;
    const message = withoutName(error.message, config.sqliteFile);
    throw new FailedError(`database ${config.sqliteFile} cannot be opened: ${message}`, { cause: error });
  }
}

/** Runs syncs one after another. One that fails does not stop the others; an abort does. */
export async function runSyncs(
  app: App,
  syncs: readonly SyncPolicy[],
  session: Session,
  display: Display,
  options: CycleOptions = {},
): Promise<SyncReport> {
  const { inOrder } = await import('../queue/cycle.ts');
  const { context } = app;
  const runId = context.newId();
  const startedAt = context.clock.now();
  const outcomes: SyncOutcome[] = [];
  for (const policy of options.detour ? inOrder(syncs).toReversed() : inOrder(syncs)) {
    if (session.io.signal.aborted) break;
    display.begin(policy);
    outcomes.push(await runOne(app, policy, runId, session, display, options));
    display.end();
  }
  return { runId, durationMs: context.clock.now() - startedAt, ...withBesides(outcomes) };
}

/** Counts what was written for another sync in that sync, if it ran as well; what is left belongs to syncs that did not. */
function withBesides(outcomes: readonly SyncOutcome[]): Pick<SyncReport, 'outcomes' | 'besides'> {
  const besides: Record<string, Record<string, Counts>> = {};
  for (const { besides: its } of outcomes)
    for (const [name, byConnection] of Object.entries(its)) besides[name] = together(besides[name], byConnection);
  const ran = new Set(outcomes.map(({ sync: name }) => name));
  return {
    outcomes: outcomes.map((one) => ({ ...one, counts: together(one.counts, besides[one.sync]) })),
    besides: Object.fromEntries(Object.entries(besides).filter(([name]) => !ran.has(name))),
  };
}

function together(
  some: Readonly<Record<string, Counts>> = {},
  more: Readonly<Record<string, Counts>> = {},
): Record<string, Counts> {
  const names = new Set([...Object.keys(some), ...Object.keys(more)]);
  return Object.fromEntries([...names].map((name) => [name, sum(some[name], more[name])]));
}

async function runOne(
  app: App,
  policy: SyncPolicy,
  run: string,
  session: Session,
  display: Display,
  { detour, ...options }: CycleOptions,
): Promise<SyncOutcome> {
  const { context } = app;
  const startedAt = context.clock.now();
  const counts: Record<string, Counts> = Object.fromEntries(policy.members.map((m) => [m.connection, noCounts()]));
  const { runCycle } = await import('../queue/cycle.ts');
  try {
    return await withSyncLease(
      context,
      policy.name,
      session.io.signal,
      (signal) =>
        runCycle(context, policy, {
          ...options,
          ...(detour && { detour: detour(policy, run) }),
          run,
          signal,
          onProgress: (progress) => {
            // The cycle goes on counting in the same object, so that what a broken one did is told as well.
            if ('counts' in progress) counts[progress.connection] = progress.counts;
            display.show(progress);
          },
        }),
      (holder) => session.warn(`${policy.name}: ${holder} is running this sync; waiting for it`),
    );
  } catch (error) {
    const outcome = failedOutcome(policy, context.clock.now() - startedAt, counts, error, session);
    // A database that is locked now would be waited for once more.
    const isLocked = error instanceof StoreError && error.code === 'database_locked';
    if (!isLocked && !(error instanceof BusyError)) await endBrokenRun(app, outcome, run);
    return outcome;
  }
}

/** A cycle that threw has not written its own end. */
async function endBrokenRun({ context }: App, { sync, counts, problems }: SyncOutcome, run: string): Promise<void> {
  const [problem] = problems;
  try {
    await context.store.endRun(run, sync, {
      endedAt: context.clock.now(),
      outcome: 'failed',
      counts: JSON.stringify(counts),
      ...(problem ? { error: problem.message } : {}),
    });
  } catch {
    // The store may be what broke the run: what is told about the run matters more than this note about it.
    context.log.warn({ sync, run }, 'the end of the run could not be written down');
  }
}

function failedOutcome(
  policy: SyncPolicy,
  durationMs: number,
  counts: Readonly<Record<string, Counts>>,
  error: unknown,
  session: Session,
): SyncOutcome {
  const problem = (connection: string, code: string, message: string): SyncOutcome => ({
    sync: policy.name,
    durationMs,
    counts,
    besides: {},
    problems: [{ sync: policy.name, connection, code, message }],
    stops: [],
    waiting: { reviews: 0, conflicts: 0, quarantined: 0, dead: 0 },
    state: 'failed',
  });
  if (session.io.signal.aborted) return problem('', 'aborted', `${policy.name}: stopped before it was done`);
  if (error instanceof BusyError) return problem('', error.code, error.message);
  if (error instanceof CrmError) return problem(error.connection, error.code, error.message);
  const { code, lines } = failureOf(error);
  session.log.debug({ sync: policy.name, stack: error instanceof Error ? error.stack : undefined }, 'sync failed');
  return problem('', code, `${policy.name}: ${lines.join('; ')}`);
}

/** The contract of `sync --json` (design.md §11), and what besides is worth knowing. */
export function reportDocument({ runId, durationMs, outcomes, besides }: SyncReport) {
  return {
    runId,
    durationMs: Math.round(durationMs),
    syncs: Object.fromEntries(outcomes.map(({ sync: name, counts }) => [name, counts])),
    besides,
    states: Object.fromEntries(outcomes.map(({ sync: name, state }) => [name, state])),
    problems: outcomes.flatMap(({ problems }) => problems),
    stops: outcomes.flatMap(({ stops }) => stops),
    waiting: Object.fromEntries(outcomes.map(({ sync: name, waiting }) => [name, waiting])),
  };
}

/** What was written for syncs that did not run. */
function besidesLines({ besides }: SyncReport): readonly string[] {
  const lines = Object.entries(besides).flatMap(([name, its]) =>
    Object.entries(its).map(
      ([connection, { created, updated, failed }]) =>
        `${name}/${connection}: ${count(created)} created, ${count(updated)} updated, ${count(failed)} failed, because other records point there`,
    ),
  );
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What the syncs together mean for the exit status. */
export function statusOf(outcomes: readonly SyncOutcome[]): ExitStatus {
  if (outcomes.some(({ state }) => state === 'failed')) return exit.failed;
  return outcomes.some(({ state }) => state === 'waiting') ? exit.needsPerson : exit.done;
}

/** The syncs of these names, in the order of the file; all of them for no name. @throws UsageError */
export function syncsNamed(config: Config, names: readonly string[]): readonly SyncPolicy[] {
  const known = config.syncs.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const told = unknown.map((name) => `there is no sync "${name}"${didYouMean(name, known)}`);
    throw new UsageError(`${told.join('; ')}; known: ${listed(known, 'and')}`);
  }
  return names.length === 0 ? config.syncs : config.syncs.filter(({ name }) => names.includes(name));
}

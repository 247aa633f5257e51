import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { decisionsOf } from '../engine/decision.ts';
import { moment } from '../engine/in-words.ts';
import type { PlannedChange } from '../engine/rehearsal.ts';
import type { RevertOrder } from '../queue/revert.ts';
import type { RunRow, Store } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { changeLines } from './change-lines.ts';
import { exit, FailedError, UsageError } from './failure.ts';
import { onCopy } from './on-copy.ts';
import { PlannedChanges } from './planned-changes.ts';
import { displayOn, readingOnly, silentDisplay } from './progress.ts';
import { outcomeLines, problemLines, stopLines } from './report.ts';
import { RevertFindings } from './revert-findings.ts';
import type { Session } from './session.ts';
import { openAppFor, reportDocument, runSyncs, type SyncReport, statusOf } from './sync.ts';
import { count, counted, wrapped } from './table.ts';
import { checkConnection, recordsMeant } from './which-records.ts';

interface RevertOptions {
  readonly record?: string;
  readonly connection?: string;
  readonly deleteCreated?: true;
  readonly plan?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly show: number;
}

/** So many runs are named where nobody knows the one that was asked for. */
const runsNamed = 10;
/** So many changes are told at most by `--json`. */
const mostTold = 1_000;

/** `concordat revert`: puts back what a run replaced. */
export function addRevert(program: Command, session: Session): void {
  program
    .command('revert')
    .description('Take a run back: put back the values that it replaced, at every CRM, as ordinary writes.')
    .argument('<run>', 'the id of the run: concordat explain and sync --json tell it')
    .option('--record <which>', 'only in this record: CONNECTION:EXTERNALID, e-mail or canonical id')
    .option('--connection <name>', 'only values that came from this connection, and what was made there')
    .option('--delete-created', 'delete what the run made, where the CRM can and nobody has edited it there since')
    .option('--plan', 'only show what would be written; nothing is')
    .option('--dry-run', 'the same as --plan')
    .option('--show <number>', 'how many changes are shown', wholeNumber, 10)
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
It reads all members first. A value that was edited since stays, and so does one that waits for a person.
What is written goes by the guards of the sync: above a limit nothing is written before concordat approve.
What was deleted by the run is not made again, and links that it found stay; both are told.

Examples:
  concordat revert 0198c5f0-7a1e-7c3b-9d55-3f0a8e2b4c61 --plan
  concordat revert 0198c5f0-7a1e-7c3b-9d55-3f0a8e2b4c61 --record showroom:42
  concordat revert 0198c5f0-7a1e-7c3b-9d55-3f0a8e2b4c61 --delete-created --yes

Exit status: as that of sync: 0 done; 1 a member could not do its part; 2 usage or configuration;
3 a guard has stopped it, or some records need a person.`,
    )
    .action(async (run: string, options: RevertOptions) => await revert(session, run, options));
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}

/** A run and what of it is to be taken back. */
interface Target {
  readonly runs: readonly RunRow[];
  readonly syncs: readonly SyncPolicy[];
  readonly order: Pick<RevertOrder, 'of' | 'recordIds' | 'connection' | 'deletesCreated'>;
}

async function revert(session: Session, run: string, options: RevertOptions): Promise<void> {
  const config = await session.loadConfig();
  checkConnection(config.connections.keys(), options.connection);
  const isPlan = options.plan === true || options.dryRun === true;
  const asks = !session.isJson && isConversation(session.io);
  if (!isPlan && !options.yes && !asks)
    throw new UsageError('say --yes to take the run back, or --plan to see what that would do; nothing was done');
  if (!existsSync(config.sqliteFile)) throw new UsageError('there are no runs yet: nothing was ever synced');
  if (isPlan || !options.yes) {
    const hasWork = await preview(session, config, run, options, isPlan);
    if (isPlan || !hasWork) return;
    const ask = await askAtTerminal('Revert');
    if (!(await ask.confirm('Write this?', false))) throw new FailedError('nothing was done');
  }
  const app = await openAppFor(session, config);
  try {
    const target = await targetOf(app, config, run, options);
    const { report, findings } = await carryOut(app, target, session, {});
    if (session.isJson) session.printJson({ ...reportDocument(report), of: run, ...findings.document() });
    session.print(...outcomeLines(report.outcomes, session.io), ...findings.lines(session.io));
    session.status = statusOf(report.outcomes);
    const hasFailed = report.outcomes.some(({ counts }) => Object.values(counts).some(({ failed }) => failed > 0));
    if (hasFailed && session.status === exit.done) session.status = exit.needsPerson;
  } finally {
    await app.close();
  }
}

/** Shows what would be done. @returns whether there is anything to do */
async function preview(
  session: Session,
  config: Config,
  run: string,
  options: RevertOptions,
  isAsked: boolean,
): Promise<boolean> {
  return await onCopy(session, config, async (app, folder) => {
    const { rehearsal } = await import('../engine/rehearsal.ts');
    const changes = new PlannedChanges(path.join(folder, 'changes'));
    let many = 0;
    try {
      const target = await targetOf(app, config, run, options);
      const context = rehearsal(app.context, app.context.clock.now(), (change) => {
        many += 1;
        changes.add({ sync: '', ...change });
      });
      const { report, findings } = await carryOut({ ...app, context }, target, session, { pastGuards: true });
      const { outcomes } = report;
      if (session.isJson) {
        const told = await first(changes, mostTold);
        session.printJson({ ...reportDocument(report), of: run, changes: told, ...findings.document() });
      }
      session.print(
        '',
        ...wrapped(titleOf(target), Math.min(session.io.stdout.columns, 100)),
        ...(await first(changes, options.show)).flatMap((change) => [
          '',
          ...changeLines(change, widthOf(session), session.io),
        ]),
        ...(many > options.show ? ['', `… and ${count(many - options.show)} more (--show ${many} shows them)`] : []),
        ...problemLines(outcomes, session.io),
        ...stopLines(outcomes, session.io, 'A guard would stop this before the first write'),
        ...findings.lines(session.io, 'to be '),
        '',
        many === 0 ? 'Nothing to write.' : `${counted(many, 'change')} planned; nothing was written.`,
      );
      if (isAsked) session.status = statusOf(outcomes);
      return many > 0 || findings.putBack.fields > 0;
    } finally {
      changes.close();
    }
  });
}

function widthOf({ io }: Session): number {
  return Math.min(io.stdout.columns, 100);
}

function titleOf({ runs, order }: Target): string {
  return `Run ${order.of} of ${moment(runs[0]!.startedAt)} UTC (${runs.map(({ sync }) => sync).join(', ')}), taken back:`;
}

async function first(changes: PlannedChanges, most: number): Promise<readonly PlannedChange[]> {
  const found: PlannedChange[] = [];
  for await (const { sync: _, ...change } of changes.all()) {
    if (found.length >= most) break;
    found.push(change);
  }
  return found;
}

/** Runs the cycles of the syncs concerned, each of which takes back its part. */
async function carryOut(
  app: App,
  { runs, syncs, order }: Target,
  session: Session,
  options: { readonly pastGuards?: boolean },
): Promise<{ readonly report: SyncReport; readonly findings: RevertFindings }> {
  const { revertDetour } = await import('../queue/revert.ts');
  const findings = new RevertFindings(order.of);
  const whole: RevertOrder = { ...order, ...options, signal: session.io.signal, ...findings.listener };
  for (const sync of syncs) await findings.lookUp(app.context, sync, runs, whole);
  const shown = session.isJson ? silentDisplay : displayOn(session.io.stdout, app.context.clock.now);
  const display = options.pastGuards ? readingOnly(shown) : shown;
  const report = await runSyncs(app, syncs, session, display, {
    ...options,
    detour: (sync, run) => revertDetour(app.context, sync, run, whole),
  });
  return { report, findings };
}

/** @throws UsageError when there is no such run, or nobody like that */
async function targetOf(app: App, config: Config, run: string, options: RevertOptions): Promise<Target> {
  const { context } = app;
  const runs = await context.store.runsNamed([run]);
  if (runs.length === 0) throw new UsageError(await unknownText(context.store, run));
  const names = runs.map(({ sync }) => sync);
  if (names.every((name) => name.startsWith(decisionsOf)))
    throw new UsageError(
      `run ${run} is a decision of a person: take another value with concordat conflicts, or undo a merge with split and the other way round`,
    );
  const syncs = config.syncs.filter(({ name }) => names.includes(name));
  if (syncs.length === 0)
    throw new UsageError(`run ${run} was one of ${names.join(', ')}, which is not configured any more`);
  const { record, connection, deleteCreated: deletesCreated = false } = options;
  const meant = record === undefined ? undefined : await recordsMeant(context, record);
  return {
    runs,
    syncs,
    order: {
      of: run,
      deletesCreated,
      ...(meant && { recordIds: new Set(meant.map((one) => one.record.id)) }),
      ...(connection !== undefined && { connection }),
    },
  };
}

async function unknownText(store: Store, run: string): Promise<string> {
  const last = await store.runs(runsNamed);
  const lines = last.map(({ id, sync, startedAt }) => `  ${id}  ${moment(startedAt)}  ${sync}`);
  return [`there is no run "${run}" in the log; the last ones (UTC):`, ...lines].join('\n');
}

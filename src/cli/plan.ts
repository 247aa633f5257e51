import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { App } from '../app.ts';
import { didYouMean, listed } from '../config/words.ts';
import type { Doubt } from '../engine/doubts.ts';
import type { PlannedChange } from '../engine/rehearsal.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { changeLines } from './change-lines.ts';
import { doubtLines } from './doubt-lines.ts';
import { UsageError } from './failure.ts';
import { onCopy } from './on-copy.ts';
import { type ChangeOfSync, PlannedChanges } from './planned-changes.ts';
import { type Display, displayOn, readingOnly, silentDisplay } from './progress.ts';
import { problemLines, stopLines } from './report.ts';
import type { Session } from './session.ts';
import { reportDocument, runSyncs, type SyncReport, statusOf, syncsNamed } from './sync.ts';
import { count, counted, duration, table } from './table.ts';

interface PlanOptions {
  readonly show: number;
  readonly connection?: string;
  readonly record?: string;
  readonly out?: string;
  readonly force?: true;
}

const actions = ['create', 'update', 'delete', 'link', 'hold'] as const satisfies readonly PlannedChange['action'][];

/** `concordat plan`: what a sync would do, without writing anything to any CRM or to the database. */
export function addPlan(program: Command, session: Session): void {
  program
    .command('plan')
    .description('Read all members and show what sync would do, field by field. Writes nothing anywhere.')
    .argument('[names...]', 'syncs to plan; all without a name')
    .option('--show <number>', 'how many changes are shown', wholeNumber, 10)
    .option('--connection <name>', 'only changes at this connection')
    .option('--record <which>', 'only changes of this record: CONNECTION:EXTERNALID or its canonical id')
    .option('--out <file>', 'write the whole plan to FILE, as --json prints it, for concordat sync --plan FILE')
    .option('--force', 'replace FILE where it exists')
    .addHelpText(
      'after',
      `
What it does: ${actions.join(', ')}; link: two records are one; hold: a person has to say whether they are.
Values are shown: they may be personal data. It works on a copy of the database that is removed afterwards.

Examples:
  concordat plan
  concordat plan people --connection site --show 50
  concordat plan --record site:42
  concordat plan --out monday.json && concordat sync --plan monday.json

Exit status: as that of sync: 0 done; 1 a member could not be read; 2 usage or configuration;
3 a guard would stop the sync, or some records need a person.`,
    )
    .action(async (names: readonly string[], options: PlanOptions) => await plan(session, names, options));
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}

async function plan(session: Session, names: readonly string[], options: PlanOptions): Promise<void> {
  const config = await session.loadConfig();
  const chosen = syncsNamed(config, names);
  const connections = [...config.connections.keys()];
  const { connection, out, force = false } = options;
  if (connection !== undefined && !connections.includes(connection))
    throw new UsageError(
      `there is no connection "${connection}"${didYouMean(connection, connections)}; known: ${listed(connections, 'and')}`,
    );
  const target = out === undefined ? undefined : path.resolve(session.io.directory, out);
  if (target !== undefined) refuseTarget(target, force);
  await onCopy(session, config, async (app, folder) => {
    const changes = new PlannedChanges(path.join(folder, 'changes'));
    try {
      const report = await rehearse(app, chosen, session, changes);
      const doubted = await linksInDoubt(app, chosen);
      const outside = await countAllOutside(app, chosen);
      const asides = { outside, doubted };
      if (target !== undefined) await writeTo(target, document(report, asides, changes));
      if (session.isJson) await print(session, document(report, asides, changes));
      else session.print(...(await planLines(report, chosen, asides, changes, options, session)));
      session.status = statusOf(report.outcomes);
    } finally {
      changes.close();
    }
  });
}

/** Runs the syncs on the copy; what they would do is in `changes` afterwards. */
async function rehearse(
  app: App,
  chosen: readonly SyncPolicy[],
  session: Session,
  changes: PlannedChanges,
): Promise<SyncReport> {
  const { foundByRun, rehearsal } = await import('../engine/rehearsal.ts');
  const shown = readingOnly(session.isJson ? silentDisplay : displayOn(session.io.stdout, app.context.clock.now));
  let sync = '';
  const display: Display = {
    ...shown,
    begin(policy) {
      sync = policy.name;
      shown.begin(policy);
    },
  };
  const context = rehearsal(app.context, app.context.clock.now(), (change) => changes.add({ sync, ...change }));
  const report = await runSyncs({ ...app, context }, chosen, session, display, { pastGuards: true });
  for await (const change of foundByRun(context, chosen, report.runId)) changes.add(change);
  return report;
}

/** By sync, how many records are outside its set; syncs of all records are left out. */
async function countAllOutside({ context }: App, chosen: readonly SyncPolicy[]): Promise<Outside> {
  const { countOutside } = await import('../engine/plan-reasons.ts');
  const counts: Record<string, number> = {};
  for (const sync of chosen)
    if (Object.keys(sync.where).length > 0) counts[sync.name] = await countOutside(context, sync);
  return counts;
}

type Outside = Readonly<Record<string, number>>;

/** Links that rest on evidence which does not count any more. */
async function linksInDoubt({ context }: App, chosen: readonly SyncPolicy[]): Promise<readonly Doubt[]> {
  const { findDoubts } = await import('../engine/doubts.ts');
  return await findDoubts(context, chosen);
}

/** What a plan tells besides what would be done. */
interface Asides {
  readonly outside: Outside;
  readonly doubted: readonly Doubt[];
}

/** The plan as JSON (design.md §11), piece by piece: it may be larger than what fits into memory. */
async function* document(
  report: SyncReport,
  { outside, doubted }: Asides,
  changes: PlannedChanges,
): AsyncIterable<string> {
  const { syncs, ...rest } = reportDocument(report);
  const head = {
    ...rest,
    ...(Object.keys(outside).length > 0 && { outside }),
    ...(doubted.length > 0 && { doubted }),
  };
  yield `{${members(head).join(',')},"syncs":{`;
  let before = '';
  for (const [sync, counts] of Object.entries(syncs)) {
    yield `${before}${JSON.stringify(sync)}:{`;
    before = '';
    for (const [connection, its] of Object.entries(counts)) {
      yield `${before}${JSON.stringify(connection)}:{${members(its).join(',')},"changes":[`;
      before = '';
      for await (const change of changes.all())
        if (change.sync === sync && change.connection === connection) {
          yield `${before}${JSON.stringify(changeDocument(change))}`;
          before = ',\n';
        }
      yield ']}';
      before = ',';
    }
    yield '}';
    before = ',';
  }
  yield '}}\n';
}

function members(object: object): readonly string[] {
  return Object.entries(object).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
}

function changeDocument({ action, entity, canonicalId, externalId, known, reason, fields }: ChangeOfSync) {
  const told = Object.entries(fields).map(([path, { from, to, reason }]) => [path, { from: from ?? null, to, reason }]);
  return {
    action,
    entity,
    canonicalId: canonicalId ?? null,
    externalId: externalId ?? null,
    known,
    reason,
    fields: Object.fromEntries(told) as Record<string, unknown>,
  };
}

async function print({ io }: Session, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    io.stdout.write(piece);
    await io.stdout.flushed();
  }
}

/** Refuses a file that is there, but for one that `--force` may replace. @throws UsageError */
function refuseTarget(target: string, force: boolean): void {
  if (!existsSync(path.dirname(target)))
    throw new UsageError(`the folder ${path.dirname(target)} does not exist; create it first`);
  if (existsSync(target) && !force)
    throw new UsageError(`${target}: exists already; name another file, or let --force replace it`);
}

/** Readable by its owner alone: it holds what the records hold. */
async function writeTo(target: string, pieces: AsyncIterable<string>): Promise<void> {
  rmSync(target, { force: true });
  const handle = openSync(target, 'wx', 0o600);
  try {
    for await (const piece of pieces) writeSync(handle, piece);
  } finally {
    closeSync(handle);
  }
}

async function planLines(
  { outcomes, durationMs }: SyncReport,
  syncs: readonly SyncPolicy[],
  { outside, doubted }: Asides,
  changes: PlannedChanges,
  options: PlanOptions,
  { io }: Session,
): Promise<readonly string[]> {
  const width = Math.min(io.stdout.columns, 100);
  const rows = outcomes.flatMap(({ sync, counts }) =>
    Object.entries(counts).map(([connection, { read, conflicts, unsupported }]) => [
      sync,
      connection,
      read,
      ...actions.map((action) => changes.count(sync, connection, action)),
      conflicts,
      unsupported,
    ]),
  );
  const titles = ['sync', 'connection', 'read', ...actions, 'conflicts', 'unsupp.'];
  const always = titles.length - actions.length - 2;
  const isShown = (column: number) => column < always || rows.some((row) => row[column] !== 0);
  const shownTitles = titles.filter((_, column) => isShown(column));
  const cells = rows.map((row) =>
    row.filter((_, column) => isShown(column)).map((cell) => (typeof cell === 'number' ? count(cell) : cell)),
  );
  const total = syncs.flatMap(({ name, members: all }) =>
    all.flatMap(({ connection }) => actions.map((action) => changes.count(name, connection, action))),
  );
  const many = total.reduce((sum, one) => sum + one, 0);
  return [
    '',
    ...table(shownTitles, cells),
    ...Object.entries(outside).flatMap(([sync, records]) =>
      records === 0 ? [] : ['', `${sync}: ${counted(records, 'record')} outside its set (where), written nowhere.`],
    ),
    ...doubtLines(doubted, width),
    ...problemLines(outcomes, io),
    ...stopLines(outcomes, io, 'A guard would stop this before the first write'),
    ...(await chosenLines(changes, options, width, io)),
    '',
    many === 0
      ? `Nothing to do. Planned in ${duration(durationMs)}; nothing was written.`
      : `${counted(many, 'change')} planned in ${duration(durationMs)}; nothing was written.`,
  ];
}

/** The first changes that are asked for, and how many more there are. */
async function chosenLines(
  changes: PlannedChanges,
  { show, connection, record }: PlanOptions,
  width: number,
  io: Session['io'],
): Promise<readonly string[]> {
  const lines: string[] = [];
  let more = 0;
  let shown = 0;
  for await (const change of changes.all()) {
    if (connection !== undefined && change.connection !== connection) continue;
    if (record !== undefined && !isOf(change, record)) continue;
    shown += 1;
    if (shown > show) more += 1;
    else lines.push('', ...changeLines(change, width, io));
  }
  const isChosen = connection !== undefined || record !== undefined;
  if (isChosen && shown === 0) lines.push('', 'None of the changes is about that.');
  if (more > 0 && show > 0) lines.push('', `… and ${count(more)} more (--show ${shown} shows them)`);
  return lines;
}

function isOf({ canonicalId, connection, externalId, known }: PlannedChange, record: string): boolean {
  return canonicalId === record || known.includes(record) || `${connection}:${externalId}` === record;
}

import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { App } from '../app.ts';
import type { AuditOutcome, Drift, DriftKind, Tally } from '../engine/audit.ts';
import { ownerOf } from '../engine/lease.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { type ExitStatus, exit, FailedError } from './failure.ts';
import { displayOn, silentDisplay } from './progress.ts';
import { problemText } from './report.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted, duration, table, wrapped } from './table.ts';

interface AuditArguments {
  /** Examples of each sort of drift. */
  readonly show: number;
  readonly values?: true;
}

/** What each sort of drift means, and what follows. */
const meanings: Readonly<Record<DriftKind, string>> = {
  edited: 'fields that show another value than noted: somebody has edited them since; the next sync takes it in',
  unwritten: 'fields that lack the canonical value though no write is waiting: please report it',
  vanished: 'linked records that the CRM does not show; the next sync decides whether they were deleted',
  unknown: 'records that the CRM shows and that are not known; the next sync takes them in',
  lacking: 'records that should be there though no write is waiting: please report it',
};

const driftKinds = Object.keys(meanings) as readonly DriftKind[];

/** `concordat audit`: reads everything afresh, and shows where CRMs, shadows and canonical records disagree. */
export function addAudit(program: Command, session: Session): void {
  program
    .command('audit')
    .description('Read everything afresh and show, field by field, where CRMs and database disagree. Changes nothing.')
    .option('--show <number>', 'how many examples of each sort of drift are shown', wholeNumber, 20)
    .option('--values', 'show the values too: they may be personal data')
    .addHelpText(
      'after',
      `
What it tells apart:
${driftKinds.flatMap((kind) => wrapped(`${kind.padEnd(9)} ${meanings[kind]}`, 96, '  ')).join('\n')}
What waits for its turn or for a person is no drift: concordat status shows it.

Examples:
  concordat audit
  concordat audit --show 5 --values
  concordat audit --json | jq .drift

Exit status: 0 no drift; 1 a member could not be read; 2 usage or configuration; 3 drift.`,
    )
    .action(async (options: AuditArguments) => {
      await audit(session, options);
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}

/** What one `concordat audit` found. */
interface Findings {
  readonly durationMs: number;
  readonly outcomes: readonly AuditOutcome[];
  /** The first of each sort. */
  readonly examples: readonly Example[];
}

interface Example extends Drift {
  readonly sync: string;
  readonly entity: SyncPolicy['entity'];
}

async function audit(session: Session, options: AuditArguments): Promise<void> {
  const config = await session.loadConfig();
  if (!existsSync(config.sqliteFile))
    throw new FailedError(
      `there is no database ${config.sqliteFile}: nothing was ever synced, so there is nothing to compare; run concordat sync first`,
    );
  const app = await openAppFor(session, config);
  try {
    const findings = await compareAll(app, session, options);
    if (session.isJson) session.printJson(documentOf(findings));
    session.print(...reportLines(findings, session));
    session.status = statusOf(findings);
  } finally {
    await app.close();
  }
}

async function compareAll(
  { config, context }: App,
  session: Session,
  { show, values }: AuditArguments,
): Promise<Findings> {
  const { auditSync } = await import('../engine/audit.ts');
  const { inOrder } = await import('../queue/cycle.ts');
  const display = session.isJson ? silentDisplay : displayOn(session.io.stdout, context.clock.now);
  const startedAt = context.clock.now();
  const outcomes: AuditOutcome[] = [];
  const examples = new Map<DriftKind, Example[]>(driftKinds.map((kind) => [kind, []]));
  for (const sync of inOrder(config.syncs)) {
    await warnIfRunning(context, sync, session);
    display.begin(sync);
    const outcome = await auditSync(context, sync, {
      signal: session.io.signal,
      onProgress: display.show.bind(display),
      onDrift: ({ expected, found, ...drift }) => {
        const shown = examples.get(drift.kind)!;
        if (shown.length >= show) return;
        const told = values && drift.path !== undefined ? { expected, found } : {};
        shown.push({ ...drift, ...told, sync: sync.name, entity: sync.entity });
      },
    });
    display.end();
    outcomes.push(outcome);
  }
  return { durationMs: context.clock.now() - startedAt, outcomes, examples: [...examples.values()].flat() };
}

/** What another process is just about to write looks like drift. */
async function warnIfRunning({ store, isAlive }: App['context'], { name }: SyncPolicy, session: Session) {
  const holder = await store.leaseHolder(`sync:${name}`);
  if (holder !== undefined && isAlive(ownerOf(holder)))
    session.warn(`${name}: another process is running this sync; what it has not finished may show as drift`);
}

function statusOf({ outcomes }: Findings): ExitStatus {
  if (outcomes.some(({ problems }) => problems.length > 0)) return exit.failed;
  return driftKinds.some((kind) => total(outcomes, kind) > 0) ? exit.needsPerson : exit.done;
}

function total(outcomes: readonly AuditOutcome[], what: keyof Tally): number {
  return outcomes.reduce(
    (sum, { tallies }) => sum + Object.values(tallies).reduce((inner, tally) => inner + tally[what], 0),
    0,
  );
}

function documentOf({ durationMs, outcomes, examples }: Findings): Record<string, unknown> {
  return {
    durationMs: Math.round(durationMs),
    drift: driftKinds.reduce((sum, kind) => sum + total(outcomes, kind), 0),
    syncs: Object.fromEntries(outcomes.map(({ sync, tallies }) => [sync, tallies])),
    problems: outcomes.flatMap(({ problems }) => problems),
    examples: examples.map((example) => ({
      ...example,
      // A value of which nothing is known would be left out by JSON.
      ...('found' in example ? { expected: example.expected ?? null, found: example.found ?? null } : {}),
    })),
  };
}

function reportLines({ durationMs, outcomes, examples }: Findings, { io }: Session): string[] {
  const width = Math.min(io.stdout.columns, 100);
  const title = (text: string) => ['', io.stdout.style('bold', text)];
  const rows = outcomes.flatMap(({ sync, tallies }) =>
    Object.entries(tallies).map(([connection, tally]) => [
      sync,
      connection,
      ...(['read', 'unusable', ...driftKinds] as const).map((key) => count(tally[key])),
    ]),
  );
  const problems = outcomes.flatMap((outcome) => outcome.problems);
  const kinds = driftKinds.filter((kind) => total(outcomes, kind) > 0);
  return [
    '',
    ...table(['sync', 'connection', 'read', 'unusable', ...driftKinds], rows),
    ...(problems.length === 0
      ? []
      : ['', io.stdout.style('red', 'Problems: about these members the audit tells less')]),
    ...problems.flatMap((problem) => wrapped(problemText(problem), width, '  ')),
    ...kinds.flatMap((kind) => {
      const shown = examples.filter((example) => example.kind === kind);
      const more = total(outcomes, kind) - shown.length;
      return [
        ...title(kind),
        ...wrapped(meanings[kind], width, '  '),
        ...shown.flatMap((example) => wrapped(`- ${exampleText(example)}`, width, '  ')),
        ...(more > 0 ? [`  … and ${count(more)} more (--show)`] : []),
      ];
    }),
    '',
    summary(outcomes, kinds, durationMs),
  ];
}

function exampleText({ sync, entity, connection, externalId, recordId, path, ...values }: Example): string {
  const where = externalId === undefined ? connection : `${connection}:${externalId}`;
  const told = 'found' in values ? `: ${inWords(values.found)}, expected ${inWords(values.expected)}` : '';
  return `${sync}: ${where} (${[entity, recordId].filter((word) => word !== undefined).join(' ')})${path === undefined ? '' : ` ${path}`}${told}`;
}

function inWords(value: Drift['found']): string {
  return value === undefined ? 'nothing known' : JSON.stringify(value);
}

function summary(outcomes: readonly AuditOutcome[], kinds: readonly DriftKind[], durationMs: number): string {
  const read = `${counted(total(outcomes, 'read'), 'record')} read in ${duration(durationMs)}`;
  if (kinds.length > 0) return `${read}: ${kinds.map((kind) => `${count(total(outcomes, kind))} ${kind}`).join(', ')}`;
  return outcomes.some(({ problems }) => problems.length > 0)
    ? `${read}: no drift in what could be read`
    : `${read}: no drift`;
}

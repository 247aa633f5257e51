import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../config/config.ts';
import type { Counts } from '../engine/engine.ts';
import { moment } from '../engine/in-words.ts';
import type { Run } from '../engine/stands.ts';
import type { Store } from '../store/store.ts';
import type { Session } from './session.ts';
import { openAppFor, syncsNamed } from './sync.ts';
import { count, counted, duration, withoutName, wrapped } from './table.ts';

interface RunsOptions {
  readonly last: number;
  readonly sync?: string;
}

/** `concordat runs`: what ran, when, and what came of it. */
export function addRuns(program: Command, session: Session): void {
  program
    .command('runs')
    .description('List the last runs: what ran, when, how it ended, what it wrote where, and the id that revert takes.')
    .option('--last <number>', 'how many, newest first', wholeNumber, 20)
    .option('--sync <name>', 'only those of one sync: its cycles, rounds of webhooks, and decisions of people')
    .addHelpText(
      'after',
      `
A run whose end is not known is under way, or its process died: the next one goes on where it was.
How long runs are kept: store.retention.

Examples:
  concordat runs
  concordat runs --sync people --last 5
  concordat runs --json | jq -r '.runs[0].id'`,
    )
    .action(async (options: RunsOptions) => {
      const config = await session.loadConfig();
      const runs = await lastRuns(session, config, options);
      if (session.isJson) session.printJson({ runs });
      session.print(...(runs.length === 0 ? ['No runs yet: concordat sync'] : runs.flatMap(linesIn(session))));
    });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 to 999999.');
  return Number(text);
}

async function lastRuns(session: Session, config: Config, { last, sync }: RunsOptions): Promise<readonly Run[]> {
  if (sync !== undefined) syncsNamed(config, [sync]);
  // Asking what ran must not create a database.
  if (!existsSync(config.sqliteFile)) return [];
  const { toRun } = await import('../engine/stands.ts');
  const app = await openAppFor(session, config);
  try {
    const { store } = app.context;
    return (await (sync === undefined ? store.runs(last) : runsAbout(store, sync, last))).map(toRun);
  } finally {
    await app.close();
  }
}

/** The runs that concern one sync, however they came about. */
async function runsAbout(store: Store, sync: string, last: number) {
  const { decisionsOf } = await import('../engine/decision.ts');
  const { hintsOf } = await import('../queue/hints.ts');
  const names = [sync, `${hintsOf}${sync}`, `${decisionsOf}${sync}`];
  const found = await Promise.all(names.map((name) => store.runsOf(name, last)));
  return found
    .flat()
    .sort((a, b) => b.startedAt - a.startedAt)
    .slice(0, last);
}

/** @returns what tells one run in lines: its id and its end, and below it what it did at each connection */
function linesIn({ io }: Session): (run: Run) => readonly string[] {
  const width = Math.min(io.stdout.columns, 100);
  return (run) => [
    `${run.id}  ${moment(run.startedAt)}  ${run.sync}: ${endText(run)}`,
    ...deedsOf(run).flatMap((text) => wrapped(text, width, '    ')),
    ...(run.end?.error === undefined ? [] : wrapped(withoutName(run.end.error, run.sync), width, '    ')),
  ];
}

function endText({ startedAt, end }: Run): string {
  if (!end) return 'running, or its process died';
  const took = duration(end.endedAt - startedAt);
  if (end.outcome === 'failed') return `failed after ${took}`;
  return `done in ${took}${end.outcome === 'waiting' ? ', a person is needed' : ''}`;
}

/** What is worth telling of a run; what it read, and found unchanged, is not. */
const told = [
  'created',
  'updated',
  'deleted',
  'conflicts',
  'quarantined',
  'failed',
] as const satisfies readonly (keyof Counts)[];

/** `room: 3 created, 1 updated`, for each connection at which something happened. */
function deedsOf({ end }: Run): readonly string[] {
  const byConnection = (end?.counts ?? {}) as Readonly<Record<string, Partial<Counts>>>;
  return Object.entries(byConnection).flatMap(([connection, counts]) => {
    const deeds = told.flatMap((key) => {
      const number = counts[key] ?? 0;
      if (number === 0) return [];
      return key === 'conflicts' ? counted(number, 'conflict') : `${count(number)} ${key}`;
    });
    return deeds.length === 0 ? [] : `${connection}: ${deeds.join(', ')}`;
  });
}

import type { Counts, Problem, SyncOutcome } from '../engine/engine.ts';
import { exampleText, heldText, limitText } from './held.ts';
import type { Io } from './io.ts';
import { count, counted, duration, table, withoutName, wrapped } from './table.ts';

const columns = [
  ['read', 'read'],
  ['created', 'created'],
  ['updated', 'updated'],
  ['deleted', 'deleted'],
  ['unchanged', 'unchanged'],
  ['conflicts', 'conflicts'],
  ['quarantined', 'quarant.'],
  ['unsupported', 'unsupp.'],
  ['failed', 'failed'],
] as const satisfies readonly (readonly [keyof Counts, string])[];
/** Shown also where all are zero; the others only take room then. */
const always: readonly (keyof Counts)[] = ['read', 'created', 'updated', 'unchanged'];

/** The end of `concordat sync`, for people: counts, problems with what to do next, and what waits for a person. */
export function outcomeLines(outcomes: readonly SyncOutcome[], io: Io): string[] {
  const rows = outcomes.flatMap(({ sync, counts }) =>
    Object.entries(counts).map(([name, its]) => ({ sync, name, its })),
  );
  const shown = columns.filter(([key]) => always.includes(key) || rows.some(({ its }) => its[key] > 0));
  const titles = ['connection', ...shown.map(([, title]) => title)];
  const cells = ({ name, its }: (typeof rows)[number]) => [name, ...shown.map(([key]) => count(its[key]))];
  const whole = table(
    ['sync', ...titles],
    rows.map((row) => [row.sync, ...cells(row)]),
  );
  const isWide = whole.some((line) => line.length > io.stdout.columns);
  const lines = isWide
    ? [...Map.groupBy(rows, ({ sync }) => sync)].flatMap(([sync, its]) => [sync, ...table(titles, its.map(cells))])
    : whole;
  const width = Math.min(io.stdout.columns, 100);
  return [
    ...(rows.length === 0 ? [] : ['', ...lines]),
    ...problemLines(outcomes, io),
    ...stopLines(
      outcomes,
      io,
      outcomes.some(({ stops }) => stops.some(({ isLate }) => isLate))
        ? 'Stopped while it wrote: more had come in meanwhile than it may write'
        : 'Stopped before the first write',
    ),
    ...waitingLines(outcomes, width),
    '',
    ...outcomes.map(({ sync, state, durationMs, stops }) => {
      const isStopped = stops.length > 0;
      const how = {
        done: `${io.stdout.style('green', 'done')} in ${duration(durationMs)}`,
        waiting: isStopped
          ? `${io.stdout.style('yellow', 'stopped by a guard')} after ${duration(durationMs)}`
          : `done in ${duration(durationMs)}, ${io.stdout.style('yellow', 'a person is needed')}`,
        failed: `${io.stdout.style('red', 'failed')} after ${duration(durationMs)}`,
      }[state];
      return `${sync}: ${how}`;
    }),
  ];
}

/** `SYNC/CONNECTION: what went wrong`; a problem of no one connection names its sync itself. */
export function problemText({ sync, connection, message }: Problem): string {
  return connection === '' ? message : `${sync}/${connection}: ${withoutName(message, connection)}`;
}

/** What went wrong for whole members, each with what to do next. */
export function problemLines(outcomes: readonly SyncOutcome[], io: Io): string[] {
  const problems = outcomes.flatMap((outcome) => outcome.problems);
  if (problems.length === 0) return [];
  const width = Math.min(io.stdout.columns, 100);
  return [
    '',
    io.stdout.style('red', 'Problems'),
    ...problems.flatMap((problem) => [
      ...wrapped(problemText(problem), width, '  '),
      ...wrapped(`→ ${nextStep(problem.code)}`, width, '    '),
    ]),
  ];
}

/** What guards stopped, with a few of the records and what to do. */
export function stopLines(outcomes: readonly SyncOutcome[], io: Io, title: string): string[] {
  const stops = outcomes.flatMap((outcome) => outcome.stops);
  if (stops.length === 0) return [];
  const width = Math.min(io.stdout.columns, 100);
  return [
    '',
    io.stdout.style('yellow', title),
    ...stops.flatMap((stop) => [
      ...wrapped(`${stop.sync}/${heldText(stop)}; ${limitText(stop.allowed, stop.of)}`, width, '  '),
      ...wrapped(exampleText(stop.connection, stop.examples), width, '    '),
    ]),
    ...wrapped(
      '→ if this is right: concordat approve, then sync again; if not, put it right in the CRM and sync again',
      width,
      '    ',
    ),
  ];
}

function waitingLines(outcomes: readonly SyncOutcome[], width: number): string[] {
  const sum = (key: keyof SyncOutcome['waiting']) => outcomes.reduce((total, { waiting }) => total + waiting[key], 0);
  const [reviews, conflicts, quarantined, dead] = [sum('reviews'), sum('conflicts'), sum('quarantined'), sum('dead')];
  const lines = [
    reviews > 0 ? `${counted(reviews, 'record')} whose identity is unclear: not linked until someone decides` : '',
    conflicts > 0 ? `${counted(conflicts, 'conflict')} that nobody but a person may settle` : '',
    quarantined > 0
      ? `${counted(quarantined, 'record')} that could not be used (quarantine): to be corrected in the CRM`
      : '',
    dead > 0
      ? `${counted(dead, 'record')} that a CRM does not take (dead letters): an edit of the record revives it, or concordat retry`
      : '',
  ].filter((line) => line !== '');
  return lines.length === 0
    ? []
    : [
        '',
        'Waiting for a person (concordat status shows which)',
        ...lines.flatMap((line) => wrapped(line, width, '  ')),
      ];
}

const goesOn = 'nothing is lost: the next sync goes on from where this one stopped';
const nextSteps: Readonly<Record<string, string>> = {
  auth: 'check the credentials of this connection: concordat check',
  retryable: 'the next sync tries again; if this stays, ask whoever runs that CRM',
  outcome_unknown: 'nothing to do: the next sync looks first and repeats nothing by guess',
  malformed_reply: 'is baseUrl right? concordat check; nothing was deleted on this evidence',
  busy: 'wait for the other one, or stop it',
  database_locked: goesOn,
  database_full: goesOn,
  database_readonly: goesOn,
  database_io: goesOn,
  database_damaged: 'put a backup in its place: docs/restore.md',
  aborted: 'run it again: what was done stays done',
};

function nextStep(code: string): string {
  return nextSteps[code] ?? 'see the log: --log-level info; if it stays, please report it';
}

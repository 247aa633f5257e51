import type { Config } from '../config/config.ts';
import type { Decision } from '../engine/decision.ts';
import type { EngineContext } from '../engine/engine.ts';
import type { Forecast } from '../engine/forecast.ts';
import type { Entity } from '../model/values.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { changeLines } from './change-lines.ts';
import { FailedError, UsageError } from './failure.ts';
import type { Io } from './io.ts';
import { onCopy } from './on-copy.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted, wrapped } from './table.ts';

/** Options of every command that decides who is who. */
export interface DecideOptions {
  readonly dryRun?: true;
  readonly yes?: true;
}

/** A decision that a command is about to take. */
export interface Deciding<End extends Decision> {
  readonly entity: Entity;
  /** Over the store, or over a copy. @throws DecisionError */
  readonly decide: (context: EngineContext) => Promise<End>;
  /** What it does, in a sentence for people. */
  readonly words: (end: End) => string;
}

/** So many changes of a preview are shown. */
const mostShown = 20;

/**
 * Shows what a decision would lead to, asks, and carries it out; with `--yes` without asking, with `--dry-run` without
 * carrying it out.
 * @returns what was done; undefined: nothing
 */
export async function decideByCommand<End extends Decision>(
  session: Session,
  config: Config,
  { dryRun, yes }: DecideOptions,
  deciding: Deciding<End>,
): Promise<End | undefined> {
  const isAsked = !session.isJson && isConversation(session.io);
  if (!dryRun && !yes && !isAsked)
    throw new UsageError('say --yes to carry it out, or --dry-run to see what would follow; nothing was done');
  if (dryRun || !yes) {
    const expected = await foresee(session, config, deciding);
    if (session.isJson) session.printJson({ dryRun: true, ...expected });
    session.print(...forecastLines(expected, deciding, session.io));
    if (dryRun) return undefined;
    const ask = await askAtTerminal('Decide');
    if (!(await ask.confirm('Do this?', false))) throw new FailedError('nothing was done');
  }
  const app = await openAppFor(session, config);
  try {
    const end = await orRefused(() => deciding.decide(app.context));
    if (session.isJson) session.printJson({ decided: end });
    session.print(...doneLines(deciding.words(end), end, session.io));
    return end;
  } finally {
    await app.close();
  }
}

/** What would follow from a decision, tried out over a copy of the database. */
export async function foresee<End extends Decision>(
  session: Session,
  config: Config,
  { entity, decide }: Deciding<End>,
): Promise<Forecast<End>> {
  const { forecast } = await import('../engine/forecast.ts');
  return await onCopy(session, config, async (app) => orRefused(() => forecast(app.context, entity, decide)));
}

/** A decision that cannot be taken is a fault of the command line. @throws UsageError, FailedError */
export async function orRefused<T>(work: () => Promise<T>): Promise<T> {
  const { DecisionError } = await import('../engine/decision.ts');
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DecisionError)) throw error;
    const message = `${error.message}; nothing was changed`;
    throw error.code === 'busy'
      ? new FailedError(message, { cause: error })
      : new UsageError(message, { cause: error });
  }
}

/** A preview for people. */
export function forecastLines<End extends Decision>(
  { end, changes, unknown }: Forecast<End>,
  { words }: Pick<Deciding<End>, 'words'>,
  io: Io,
  width = Math.min(io.stdout.columns, 100),
): readonly string[] {
  const more = changes.length - mostShown;
  return [
    ...wrapped(words(end), width),
    ...changes.slice(0, mostShown).flatMap((change) => ['', ...changeLines(change, width, io)]),
    ...(more > 0 ? ['', `… and ${count(more)} more (--json --dry-run lists them)`] : []),
    ...unknown.flatMap(({ connection, message }) => [
      '',
      ...wrapped(`${connection} did not answer, so that what follows there is not known: ${message}`, width),
    ]),
    '',
    changes.length === 0
      ? 'Nothing would be written because of it.'
      : `The next sync would make ${counted(changes.length, 'write')} because of it.`,
  ];
}

/** What was done, and when the CRMs get to know of it. */
export function doneLines(words: string, { touched, isOpen }: Decision, { stdout }: Io): readonly string[] {
  const next =
    touched.length === 0 && !isOpen
      ? []
      : ['The next cycle writes what follows: concordat sync, or a worker that runs.'];
  return [words, ...next].flatMap((line) => wrapped(line, Math.min(stdout.columns, 100)));
}

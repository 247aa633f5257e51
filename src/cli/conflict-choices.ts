import { existsSync } from 'node:fs';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import type { Choice } from '../engine/settle.ts';
import type { ConflictFilter } from '../store/store.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { settledLines } from './conflict-lines.ts';
import { FailedError, UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted, wrapped } from './table.ts';
import { checkConnection, recordsMeant } from './which-records.ts';

/** Which conflicts are meant, in a person's words. */
export interface FilterOptions {
  readonly waiting?: true;
  readonly field?: string;
  readonly connection?: string;
  readonly record?: string;
  readonly run?: string;
}

/** Of those that were left alone so many are named. */
const mostNamed = 20;

/** @throws UsageError when there is no record like that */
export async function filterOf({ context }: App, options: FilterOptions): Promise<ConflictFilter> {
  const { waiting, field, connection, record, run } = options;
  return {
    ...(waiting && { state: 'waiting' }),
    ...(field !== undefined && { path: field }),
    ...(connection !== undefined && { connection }),
    ...(run !== undefined && { run }),
    ...(record !== undefined && {
      recordIds: (await recordsMeant(context, record)).map((aggregate) => aggregate.record.id),
    }),
  };
}

/** @throws UsageError for what is neither a side nor a connection */
function choiceOf(config: Config, whose: string): Choice {
  if (whose === 'winner' || whose === 'loser') return { take: whose };
  checkConnection(['winner', 'loser', ...config.connections.keys()], whose);
  return { takeFrom: whose };
}

/** Settles one conflict with a value that some CRM has. */
export async function take(session: Session, id: number, whose: string): Promise<void> {
  const config = await session.loadConfig();
  const choice = choiceOf(config, whose);
  await settle(session, config, id, async () => choice);
}

/** Settles one conflict with a value that is typed. */
export async function set(session: Session, id: number, typed: string): Promise<void> {
  await settle(session, await session.loadConfig(), id, async ({ context }) => {
    const { typedValue } = await import('../engine/settle.ts');
    const conflict = await context.store.conflict(id);
    return { set: conflict ? await typedValue(context, conflict, typed) : null };
  });
}

async function settle(
  session: Session,
  config: Config,
  id: number,
  choose: (app: App) => Promise<Choice>,
): Promise<void> {
  const { SettleError, settleConflict } = await import('../engine/settle.ts');
  const app = existsSync(config.sqliteFile) ? await openAppFor(session, config) : undefined;
  try {
    if (!app) throw new UsageError(`there is no conflict ${id}: nothing was ever synced`);
    const settled = await settleConflict(app.context, id, await choose(app));
    const { entity, recordId: canonicalId, path: field } = settled.conflict;
    const { from = null, to, pending } = settled;
    if (session.isJson) session.printJson({ settled: { id, entity, canonicalId, field, from, to, pending } });
    session.print(...settledLines({ entity, canonicalId, field, known: [] }, settled, session.io.stdout));
  } catch (error) {
    if (error instanceof SettleError) throw new UsageError(`${error.message}; nothing was changed`, { cause: error });
    throw error;
  } finally {
    await app?.close();
  }
}

/**
 * Settles all chosen conflicts with one side's values. Where a field was edited since, it stays. What people's choices have
 * added to the log is passed over: it tells of the same fields once more.
 */
export async function takeAll(session: Session, options: FilterOptions, whose: string, isSure: boolean): Promise<void> {
  const config = await session.loadConfig();
  const choice = choiceOf(config, whose);
  checkConnection(config.connections.keys(), options.connection);
  const { waiting, field, connection, record, run } = options;
  if ([waiting, field, connection, record, run].every((one) => one === undefined))
    throw new UsageError('say which: --run, --field, --connection, --record or --waiting; nothing was changed');
  const asks = !isSure && !session.isJson && isConversation(session.io);
  if (!isSure && !asks) throw new UsageError('say --yes to settle all of them; nothing was changed');
  const { listConflicts } = await import('../engine/conflict-list.ts');
  const { byPerson, SettleError, settleConflict } = await import('../engine/settle.ts');
  if (!existsSync(config.sqliteFile)) throw new UsageError('there are no conflicts: nothing was ever synced');
  const app = await openAppFor(session, config);
  try {
    const filter = await filterOf(app, options);
    const chosen = async function* () {
      for await (const conflict of listConflicts(app.context, filter)) if (conflict.rule !== byPerson) yield conflict;
    };
    if (asks) {
      let many = 0;
      for await (const _ of chosen()) many += 1;
      const ask = await askAtTerminal('Conflicts');
      const isMeant = await ask.confirm(`Settle ${counted(many, 'conflict')} with the value of ${whose}?`, false);
      if (!isMeant) throw new FailedError('nothing was changed');
    }
    const run = app.context.newId();
    const done = { settled: 0, left: 0, why: [] as string[] };
    for await (const { id } of chosen()) {
      session.io.signal.throwIfAborted();
      try {
        await settleConflict(app.context, id, choice, run);
        done.settled += 1;
      } catch (error) {
        if (!(error instanceof SettleError)) throw error;
        done.left += 1;
        if (done.left <= mostNamed) done.why.push(error.message);
      }
    }
    if (session.isJson) session.printJson(done);
    const width = Math.min(session.io.stdout.columns, 100);
    session.print(
      ...done.why.flatMap((why) => wrapped(`left: ${why}`, width)),
      ...wrapped(
        `${counted(done.settled, 'conflict')} settled, ${count(done.left)} left as they are. The next sync writes what follows: concordat sync`,
        width,
      ),
    );
  } finally {
    await app.close();
  }
}

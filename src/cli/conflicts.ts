import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { App } from '../app.ts';
import type { ToldConflict } from '../engine/conflict-list.ts';
import type { Choice } from '../engine/settle.ts';
import type { ConflictFilter } from '../store/store.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { conflictLines, settledLines, suggestionLines } from './conflict-lines.ts';
import { settleOneByOne } from './conflict-talk.ts';
import { UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { checkConnection, recordsMeant } from './which-records.ts';

interface ListOptions {
  readonly waiting?: true;
  readonly field?: string;
  readonly connection?: string;
  readonly record?: string;
  readonly run?: string;
  readonly show?: number;
  readonly settle?: true;
}

/** How many are shown where nobody says how many. */
const mostShown = 20;

/** `concordat conflicts`: values that two sides gave one field, and what a person makes of them. */
export function addConflicts(program: Command, session: Session): void {
  const conflicts = program
    .command('conflicts')
    .description('Show fields that two CRMs changed to different values, both values, and what decided; settle them.')
    .option('--waiting', 'only those that wait for a person')
    .option('--field <path>', 'only those in this field')
    .option('--connection <name>', 'only those that this connection won or lost')
    .option('--record <which>', 'only those of this record: CONNECTION:EXTERNALID, e-mail or canonical id')
    .option('--run <id>', 'only those of this run')
    .option('--show <number>', `how many are shown; default ${mostShown}, with --json all`, wholeNumber)
    .option('--settle', 'go through those that wait, one after the other (at a terminal)')
    .addHelpText(
      'after',
      `
Those that wait come first, then the newest. The values are shown: they may be personal data.
To settle one, also one that a rule has settled, by the number in front of it:

  concordat conflicts take 12 loser
  concordat conflicts take 12 showroom
  concordat conflicts set 12 "Head of Sales"

The value becomes that of the record; the next sync writes it to every CRM.`,
    )
    .action(async (options: ListOptions) => await list(session, options));
  conflicts
    .command('take')
    .description('Settle a conflict with the value of one side, or with what another connection holds.')
    .argument('<id>', 'the number of the conflict', wholeNumber)
    .argument('<whose>', 'winner, loser, or the name of a connection')
    .action(async (id: number, whose: string) => await take(session, id, whose));
  conflicts
    .command('set')
    .description('Settle a conflict with a value of your own; an empty one empties the field.')
    .argument('<id>', 'the number of the conflict', wholeNumber)
    .argument('<value>', 'as you would type it; several tags with commas between them')
    .action(async (id: number, value: string) => await set(session, id, value));
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

async function list(session: Session, options: ListOptions): Promise<void> {
  const { waiting, field, connection, record, run, settle = false } = options;
  const config = await session.loadConfig();
  checkConnection(config.connections.keys(), connection);
  if (settle && (session.isJson || !isConversation(session.io)))
    throw new UsageError('--settle asks, which takes a terminal; elsewhere: concordat conflicts take ID WHOSE');
  if (!existsSync(config.sqliteFile)) {
    if (session.isJson) session.printJson({ conflicts: [], suggestions: [] });
    session.print('No conflicts: nothing was ever synced. concordat sync');
    return;
  }
  const { listConflicts, suggestOwners } = await import('../engine/conflict-list.ts');
  const app = await openAppFor(session, config);
  try {
    const which: ConflictFilter = {
      ...((waiting || settle) && { state: 'waiting' }),
      ...(field !== undefined && { path: field }),
      ...(connection !== undefined && { connection }),
      ...(run !== undefined && { run }),
      ...(record !== undefined && {
        recordIds: (await recordsMeant(app.context, record)).map((aggregate) => aggregate.record.id),
      }),
    };
    const found = listConflicts(app.context, which);
    const suggestions = () => suggestOwners(app.context);
    if (settle) await settleOneByOne(app.context, found, session.io, await askAtTerminal('Conflicts'));
    else if (session.isJson) await printDocument(session, found, options.show, await suggestions());
    else await printLines(session, found, options.show ?? mostShown);
    session.print(...suggestionLines(await suggestions(), session.io.stdout));
  } finally {
    await app.close();
  }
}

/** Piece by piece: the log may be larger than what fits into memory. */
async function printDocument(
  { io }: Session,
  found: AsyncIterable<ToldConflict>,
  most: number | undefined,
  suggestions: readonly unknown[],
): Promise<void> {
  io.stdout.write('{"conflicts":[');
  let shown = 0;
  for await (const conflict of found) {
    if (shown === most) break;
    io.stdout.write(`${shown === 0 ? '' : ','}\n${JSON.stringify(conflict)}`);
    shown += 1;
    await io.stdout.flushed();
  }
  io.stdout.line(`],\n"suggestions":${JSON.stringify(suggestions)}}`);
}

async function printLines(session: Session, found: AsyncIterable<ToldConflict>, most: number): Promise<void> {
  const { stdout } = session.io;
  let shown = 0;
  let state: ToldConflict['state'] | undefined;
  for await (const conflict of found) {
    if (shown === most) {
      session.print('', `There are more: --show ${most * 5} shows them.`);
      return;
    }
    if (conflict.state !== state) {
      const title = conflict.state === 'waiting' ? 'Waiting for a person' : 'Settled';
      session.print(...(shown === 0 ? [] : ['']), stdout.style('bold', title));
    }
    session.print('', ...conflictLines(conflict, stdout));
    state = conflict.state;
    shown += 1;
  }
  if (shown === 0) session.print('No conflicts.');
}

async function take(session: Session, id: number, whose: string): Promise<void> {
  const config = await session.loadConfig();
  const isSide = whose === 'winner' || whose === 'loser';
  if (!isSide && !config.connections.has(whose))
    checkConnection(['winner', 'loser', ...config.connections.keys()], whose);
  await settle(session, id, async () => (isSide ? { take: whose } : { takeFrom: whose }));
}

async function set(session: Session, id: number, typed: string): Promise<void> {
  await settle(session, id, async ({ context }) => {
    const { typedValue } = await import('../engine/settle.ts');
    const conflict = await context.store.conflict(id);
    return { set: conflict ? await typedValue(context, conflict, typed) : null };
  });
}

async function settle(session: Session, id: number, choose: (app: App) => Promise<Choice>): Promise<void> {
  const config = await session.loadConfig();
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

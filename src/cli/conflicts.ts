import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { ToldConflict } from '../engine/conflict-list.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { type FilterOptions, filterOf, set, take, takeAll } from './conflict-choices.ts';
import { conflictLines, suggestionLines } from './conflict-lines.ts';
import { settleOneByOne } from './conflict-talk.ts';
import { UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { checkConnection } from './which-records.ts';

interface ListOptions extends FilterOptions {
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
  concordat conflicts take all showroom --run 0198c5f0-7a1e-7c3b-9d55-3f0a8e2b4c61

The value becomes that of the record; the next sync writes it to every CRM.`,
    )
    .action(async (options: ListOptions) => await list(session, options));
  conflicts
    .command('take')
    .description('Settle a conflict with the value of one side, or with what another connection holds.')
    .argument(
      '<id>',
      'the number of the conflict; all: all that --run, --field, --connection, --record, --waiting choose',
      which,
    )
    .argument('<whose>', 'winner, loser, or the name of a connection')
    .option('--yes', 'with all: do not ask')
    .action(async (id: number | 'all', whose: string, { yes = false }: { yes?: boolean }) => {
      if (id === 'all') await takeAll(session, conflicts.opts<ListOptions>(), whose, yes);
      else await take(session, id, whose);
    });
  conflicts
    .command('set')
    .description('Settle a conflict with a value of your own; an empty one empties the field.')
    .argument('<id>', 'the number of the conflict', wholeNumber)
    .argument('<value>', 'as you would type it; several tags with commas between them')
    .action(async (id: number, value: string) => await set(session, id, value));
}

function which(text: string): number | 'all' {
  return text === 'all' ? text : wholeNumber(text);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

async function list(session: Session, options: ListOptions): Promise<void> {
  const { settle = false } = options;
  const config = await session.loadConfig();
  checkConnection(config.connections.keys(), options.connection);
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
    const filter = await filterOf(app, settle ? { ...options, waiting: true } : options);
    const found = listConflicts(app.context, filter);
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

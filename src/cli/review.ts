import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { didYouMean, listed } from '../config/words.ts';
import type { EngineContext } from '../engine/engine.ts';
import type { ReviewFilter } from '../engine/reviews.ts';
import type { Verdict } from '../engine/settle-review.ts';
import { type Entity, entities } from '../model/values.ts';
import type { OpenReview } from '../store/store.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { type DecideOptions, decideByCommand, orRefused } from './decide.ts';
import { exit, UsageError } from './failure.ts';
import { reviewLines } from './review-lines.ts';
import { settleOneByOne } from './review-talk.ts';
import { deciding } from './review-verdict.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted } from './table.ts';
import { checkConnection } from './which-records.ts';

interface ListOptions {
  readonly entity?: string;
  readonly connection?: string;
  readonly show?: number;
  readonly list?: true;
}

interface SettleOptions extends DecideOptions {
  readonly entity?: string;
}

/** How many are shown where nobody says how many. */
const mostShown = 10;

/** `concordat review`: records of which only a person can say who they are. */
export function addReview(program: Command, session: Session): void {
  const review = program
    .command('review')
    .description('Show records that may be somebody known, side by side with whom they may be, and settle them.')
    .option('--entity <entity>', `only ${listed(entities, 'or')}s`)
    .option('--connection <name>', 'only records of this connection')
    .option('--show <number>', `how many are shown; default ${mostShown}, with --json all`, wholeNumber)
    .option('--list', 'only show them, ask nothing')
    .addHelpText(
      'after',
      `
At a terminal it asks about one after the other. Elsewhere it lists them, and they are settled by name:

  concordat review link ITEM room:7        it is the same as room:7
  concordat review keep-apart ITEM         it is none of them, for ever; the next sync decides without them
  concordat review create ITEM             it is somebody of its own, none of them, for ever
  concordat review skip ITEM               not now: it stays unlinked, and is shown last

ITEM is what stands in front of it, or CONNECTION:EXTERNALID. --dry-run shows what would be written where;
--yes asks nothing. The next cycle writes what follows, that of a worker or of concordat sync. A link is
taken back by concordat split, two people who are one become it by concordat merge.

Exit status: 0 settled, or nothing waits; 2 there is no such item; 3 some wait.`,
    )
    .action(async (options: ListOptions) => await list(session, options));
  const settling = (command: Command, says: (names: readonly string[]) => Say) =>
    command
      .option('--dry-run', 'only show what would be written where')
      .option('--yes', 'do not ask')
      .action(async () => {
        const [item = '', ...names] = command.args;
        await settle(session, item, says(names), command.optsWithGlobals<SettleOptions>());
      });
  settling(
    review
      .command('link')
      .description('It is the same as this record.')
      .argument('<item>', 'the item')
      .argument('<which>', 'canonical id, or CONNECTION:EXTERNALID'),
    ([which]) => ({ say: 'link', which: which! }),
  );
  settling(
    review
      .command('keep-apart')
      .description('It is none of those whom it may be, for ever. The next sync decides without them.')
      .argument('<item>', 'the item')
      .argument('[which...]', 'only these of them: canonical ids, or CONNECTION:EXTERNALID'),
    (which) => ({ say: 'keep-apart', which }),
  );
  settling(review.command('create').description('It is somebody of its own.').argument('<item>', 'the item'), () => ({
    say: 'create',
  }));
  settling(
    review.command('skip').description('Not now: it stays unlinked, and is shown last.').argument('<item>', 'the item'),
    () => ({ say: 'skip' }),
  );
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, 0 or more.');
  return Number(text);
}

/** What a person has said, with names as they were typed. */
type Say =
  | { readonly say: 'link'; readonly which: string }
  | { readonly say: 'keep-apart'; readonly which: readonly string[] }
  | { readonly say: 'create' | 'skip' };

async function list(session: Session, options: ListOptions): Promise<void> {
  const config = await session.loadConfig();
  checkConnection(config.connections.keys(), options.connection);
  const which: ReviewFilter = { entity: entityOf(options.entity), connection: options.connection };
  if (!existsSync(config.sqliteFile)) {
    if (session.isJson) session.printJson({ reviews: [] });
    session.print('No reviews: nothing was ever synced. concordat sync');
    return;
  }
  const { openReviews, readReview } = await import('../engine/reviews.ts');
  const app = await openAppFor(session, config);
  try {
    const { context } = app;
    const open = await openReviews(context, which);
    const isAsked = !session.isJson && !options.list && options.show === undefined && isConversation(session.io);
    if (isAsked && open.length > 0) {
      await settleOneByOne(session, config, context, open, await askAtTerminal('Reviews'));
      return;
    }
    const most = options.show ?? (session.isJson ? open.length : mostShown);
    const items = [];
    for (const review of open.slice(0, most)) items.push((await readReview(context, review)) ?? []);
    const shown = items.flat();
    if (session.isJson) session.printJson({ reviews: shown, open: open.length });
    session.print(...shown.flatMap((item) => [...reviewLines(item, session.io.stdout), '']));
    if (open.length === 0) session.print('No reviews: nobody waits for a person to say who they are.');
    else session.print(`${counted(open.length, 'review')}${restText(open.length - shown.length)}.`);
    if (open.length > 0) session.status = exit.needsPerson;
  } finally {
    await app.close();
  }
}

function restText(more: number): string {
  return more > 0 ? `; ${count(more)} not shown (--show ${more + mostShown})` : '';
}

/** @throws UsageError */
function entityOf(name: string | undefined): Entity | undefined {
  const entity = entities.find((one) => one === name);
  if (name === undefined || entity) return entity;
  throw new UsageError(`there is no entity "${name}"${didYouMean(name, entities)}; known: ${listed(entities, 'and')}`);
}

async function settle(session: Session, item: string, say: Say, options: SettleOptions): Promise<void> {
  const config = await session.loadConfig();
  const entity = entityOf(options.entity);
  if (!existsSync(config.sqliteFile)) throw new UsageError(`there is no open review ${item}: nothing was ever synced`);
  const { findReview } = await import('../engine/reviews.ts');
  const app = await openAppFor(session, config);
  let review: OpenReview;
  let verdict: Verdict;
  try {
    review = await orRefused(() => findReview(app.context, item, { entity }));
    verdict = await verdictOf(app.context, review, say);
  } finally {
    await app.close();
  }
  const yes = say.say === 'skip' ? { yes: true as const } : {};
  await decideByCommand(
    session,
    config,
    { ...options, ...yes },
    await deciding(review, verdict, say.say === 'link' ? say.which : ''),
  );
}

/** @throws UsageError where a name is nobody's, or is that of a record which is unlinked itself */
async function verdictOf(context: EngineContext, review: OpenReview, say: Say): Promise<Verdict> {
  const idOf = async (which: string) => await linkedId(context, review.entity, which);
  if (say.say === 'link') return { say: 'link', recordId: await idOf(say.which) };
  if (say.say !== 'keep-apart') return { say: say.say };
  if (say.which.length === 0) return { say: 'keep-apart' };
  return { say: 'keep-apart', recordIds: await Promise.all(say.which.map(idOf)) };
}

/** The canonical id of the one record that a person means. @throws UsageError */
export async function linkedId(context: EngineContext, entity: Entity, which: string): Promise<string> {
  const { findRecord } = await import('../engine/find-record.ts');
  const { records, aside } = await findRecord(context, entity, which);
  const [record, ...others] = records;
  if (record && others.length === 0) return record.record.id;
  if (record)
    throw new UsageError(
      `several ${entity}s fit ${which}: ${records.map((one) => one.record.id).join(', ')}; nothing was changed`,
    );
  if (aside.length > 0)
    throw new UsageError(
      `${which} is unlinked itself: settle it first (concordat review create ${which}); nothing was changed`,
    );
  throw new UsageError(`there is no ${entity} ${which}; nothing was changed`);
}

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { didYouMean, listed } from '../config/words.ts';
import { absence } from '../connector/connector.ts';
import type { Erasure, Target } from '../engine/forget.ts';
import { type Entity, entities } from '../model/values.ts';
import type { CrmId, Traces } from '../store/store.ts';
import { askAtTerminal, isConversation } from './ask.ts';
import { exit, FailedError, UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { counted, wrapped } from './table.ts';

interface ForgetOptions {
  readonly yes?: true;
  readonly undo?: true;
  readonly entity?: string;
}

/** `concordat forget`: removes for good what is known of a person, and does not learn it again. */
export function addForget(program: Command, session: Session): void {
  program
    .command('forget')
    .description('Erase a person: removes all that is known, for good, and takes nothing in again. Asks first.')
    .argument('<which>', 'canonical id, e-mail address, CONNECTION:EXTERNALID, or an external id alone')
    .option('-e, --entity <entity>', `${listed(entities)}; where several fit`)
    .option('-y, --yes', 'do not ask')
    .option('--undo', 'let somebody in again who was forgotten, named by one of the same keys')
    .addHelpText(
      'after',
      `
Values, links, history, conflicts, waiting writes and whatever else is known of the record go, and the
database file is written anew, so that no byte of it is left there or in later backups. Kept are hashes
of its ids, addresses and numbers, with a key of this database: a CRM that still has the person does not
bring them back. Such records are left out; status and sync tell how many (unsupported).

Nothing is deleted at any CRM: the result says where the person still is. Backups and plan files made
before hold what they held.

Examples:
  concordat forget showroom:42
  concordat forget anna@example.com --entity contact --yes --json
  concordat forget --undo anna@example.com

Exit status: 0 forgotten; 1 not now, or not wholly; 2 nothing or several fit (they are listed), or not asked.`,
    )
    .action(async (which: string, options: ForgetOptions) => await forgetOne(session, which, options));
}

async function forgetOne(session: Session, which: string, options: ForgetOptions): Promise<void> {
  const entity = entities.find((one) => one === options.entity);
  if (options.entity !== undefined && !entity)
    throw new UsageError(
      `there is no entity "${options.entity}"${didYouMean(options.entity, entities)}; known: ${listed(entities, 'and')}`,
    );
  const config = await session.loadConfig();
  if (!existsSync(config.sqliteFile)) throw new UsageError('nothing is known of anybody: there is no database');
  const app = await openAppFor(session, config);
  try {
    if (options.undo) return await letIn(session, app, which);
    const [target, ...others] = await targetsOf(app, which, entity);
    if (!target) await wipeAgain(session, app, which);
    else if (others.length > 0) tellSeveral(session, which, [target, ...others]);
    else await erase(session, app, target, options.yes === true);
  } finally {
    await app.close();
  }
}

/** Somebody who may be meant, with the words by which they can be told from others. */
type Candidate = Target & { readonly entity: Entity; readonly links: readonly string[] };

async function targetsOf({ context }: App, which: string, wanted: Entity | undefined): Promise<readonly Candidate[]> {
  const { findRecord } = await import('../engine/find-record.ts');
  const candidates: Candidate[] = [];
  for (const entity of entities.filter((one) => wanted === undefined || one === wanted)) {
    const { records, aside } = await findRecord(context, entity, which);
    for (const { record, links } of records) candidates.push({ entity, recordId: record.id, links: links.map(nameOf) });
    for (const { connection, externalId, state } of aside)
      if (state === 'unmatched') candidates.push({ entity, connection, externalId, links: [] });
  }
  return candidates;
}

function nameOf({ connection, externalId }: Pick<CrmId, 'connection' | 'externalId'>): string {
  return `${connection}:${externalId}`;
}

function tellSeveral(session: Session, which: string, candidates: readonly Candidate[]): void {
  session.status = exit.usage;
  const matches = candidates.map((one) => ({
    entity: one.entity,
    which: 'recordId' in one ? one.recordId : nameOf(one),
    links: one.links,
  }));
  if (session.isJson) session.printJson({ matches });
  session.print(
    `${matches.length} records fit "${which}"; nothing was removed. Say which one:`,
    ...matches.map((one) => `  concordat forget ${one.which} --entity ${one.entity}    ${one.links.join(' ')}`),
  );
}

async function erase(session: Session, app: App, target: Candidate, isAgreed: boolean): Promise<void> {
  const { forget, previewForgetting } = await import('../engine/forget.ts');
  const preview = await previewForgetting(app.context, target);
  if (!isAgreed) {
    session.print(...previewLines(preview, session));
    if (!isConversation(session.io) || session.isJson)
      throw new UsageError('nothing was removed: say --yes to have it done without being asked');
    const ask = await askAtTerminal('concordat forget');
    if (!(await ask.confirm('Remove all of it? It cannot be brought back', false)))
      throw new DOMException('stopped by you', 'AbortError');
  }
  const { erasure, isWiped } = await alone(session, app, () => forget(app.context, target));
  if (session.isJson)
    session.printJson({ ...erasure, isWiped, remaining: erasure.remaining.map((one) => remainder(app, one)) });
  session.print(...erasedLines(app, erasure, session));
  if (!isWiped) failUnwiped();
}

/** Runs beside no sync and no round of any sync: what they read at a CRM would otherwise come in behind our back. */
async function alone<T>(session: Session, { context, config }: App, work: () => Promise<T>): Promise<T> {
  const { BusyError, withAllLeases } = await import('../queue/sync-lease.ts');
  const onWait = (sync: string, holder: string) => session.warn(`${sync}: ${holder} is at it; waiting for it`);
  const names = config.syncs.map(({ name }) => name);
  try {
    return await withAllLeases(context, names, session.io.signal, work, onWait);
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    throw new FailedError(error.message, { cause: error });
  }
}

function failUnwiped(): never {
  throw new FailedError(
    'it is removed, but another process was reading the database all the time, so that old bytes of it are left in the log: run the same command again',
  );
}

/** Nobody fits any more: perhaps because it was done, and only the wiping was not. */
async function wipeAgain(session: Session, { context }: App, which: string): Promise<void> {
  const { wasForgotten } = await import('../engine/forget.ts');
  const { store } = context;
  if (!(await wasForgotten(context, which)))
    throw new UsageError(
      `nobody is known by "${which}": give CONNECTION:EXTERNALID, an e-mail address or the canonical id`,
    );
  const isWiped = await store.wipe();
  if (session.isJson) session.printJson({ isForgotten: true, isWiped });
  session.print('Forgotten already. The database file was written anew.');
  if (!isWiped) failUnwiped();
}

async function letIn(session: Session, { context }: App, which: string): Promise<void> {
  const { marksNamed } = await import('../engine/forget.ts');
  const people = await context.store.unforget(await marksNamed(context, which));
  if (people === 0) throw new UsageError(`nobody was forgotten who was known by "${which}"`);
  if (session.isJson) session.printJson({ letIn: people });
  session.print(
    `${counted(people, 'record')} may come in again: the next sync takes in what the CRMs still have. What was removed stays removed.`,
  );
}

const traceTexts: Readonly<Record<keyof Traces, string>> = {
  records: 'canonical record',
  links: 'link',
  history: 'row of history',
  conflicts: 'conflict',
  pending: 'waiting write',
  intents: 'create under way',
  unmatched: 'unmatched record',
  reviews: 'review',
  quarantined: 'record in quarantine',
  hints: 'hint of a webhook',
  notes: 'note of guards and decisions',
  keys: 'key of matching',
};

function tracesText(traces: Traces): string {
  const found = (Object.keys(traceTexts) as (keyof Traces)[]).filter((key) => traces[key] > 0);
  return listed(
    found.map((key) => counted(traces[key], traceTexts[key])),
    'and',
  );
}

function previewLines(erasure: Erasure, { io }: Session): string[] {
  const { entity, canonicalIds, traces, fields, remaining, others } = erasure;
  const width = Math.min(io.stdout.columns, 100);
  return [
    `To be removed: ${entity} ${canonicalIds.join(' ')}`,
    ...wrapped(tracesText(traces), width, '  '),
    ...wrapped(`fields: ${fields.join(', ') || 'none'}`, width, '  '),
    ...wrapped(`still there afterwards: ${remaining.map(nameOf).join(' ') || 'nowhere'}`, width, '  '),
    ...othersLines(others, width),
  ];
}

function othersLines(others: readonly string[], width: number): string[] {
  if (others.length === 0) return [];
  const text = `known under one of the same addresses or numbers, and not meant: ${others.join(' ')}`;
  return wrapped(text, width, '  ');
}

function erasedLines(
  app: App,
  { entity, canonicalIds, traces, remaining, others }: Erasure,
  { io }: Session,
): string[] {
  const width = Math.min(io.stdout.columns, 100);
  return [
    `Forgotten: ${entity} ${canonicalIds.join(' ')}`,
    ...wrapped(`removed: ${tracesText(traces)}`, width, '  '),
    ...othersLines(others, width),
    remaining.length === 0 ? 'No CRM is known to have it.' : 'Nothing was deleted at a CRM. It is still there:',
    ...remaining.flatMap((one) => {
      const { which, how } = remainder(app, one);
      return wrapped(`${which}: ${how}`, width, '  ');
    }),
    ...wrapped('Backups and plan files made before still hold it; so does what a CRM has logged.', width),
  ];
}

/** A record that is still at a CRM, and how it is deleted there. */
function remainder({ config }: App, one: CrmId): { readonly which: string; readonly how: string } {
  const { connection, entity, externalId } = one;
  const { definition } = config.connections.get(connection) ?? {};
  const ability = definition?.capabilities[entity]?.delete;
  const why = ability ? absence(ability) : 'no longer configured';
  if (!definition || !ability || !('via' in ability) || why !== undefined)
    return { which: nameOf(one), how: `a person deletes it there (${why ?? 'not by the API'})` };
  const operation = definition.operations.find(({ id }) => id === ability.via.at(-1));
  const parameter = operation?.parameters.find(({ in: place }) => place === 'path');
  const flag = parameter ? ` --param ${parameter.name}=${externalId}` : '';
  return { which: nameOf(one), how: `delete it there, or: concordat call ${connection} ${operation?.id}${flag}` };
}

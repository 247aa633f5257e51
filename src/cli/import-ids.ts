import { createReadStream } from 'node:fs';
import path from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { capabilitiesWith } from '../config/abilities.ts';
import type { Config, ConnectionConfig } from '../config/config.ts';
import { didYouMean, listed } from '../config/words.ts';
import { absence } from '../connector/connector.ts';
import { CrmError } from '../connector/errors.ts';
import { type Counts, noCounts } from '../engine/engine.ts';
import type { ImportTally } from '../engine/import-ids.ts';
import { type Entity, entities, withArticle } from '../model/values.ts';
import { BusyError, withSyncLease } from '../queue/sync-lease.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { exit, FailedError, UsageError } from './failure.ts';
import { type IdList, readIdList } from './id-list.ts';
import { displayOn, silentDisplay } from './progress.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted, duration, wrapped } from './table.ts';

/** How many ids of each kind that a person has to look at are listed for people. */
const mostListed = 20;

/** `concordat import-ids`: makes ids known that no listing shows. */
export function addImportIds(program: Command, session: Session): void {
  program
    .command('import-ids')
    .description('Make the records of a list of ids known, for a CRM that cannot list them.')
    .argument('<connection>', 'name of a connection in the configuration')
    .argument('<file>', 'the ids, one on each line; - reads them from stdin')
    .option('-e, --entity <entity>', `${listed(entities)}; not needed where only one is synced there`)
    .addHelpText(
      'after',
      `
The file is text with one id on each line. Blank lines and lines that start with # are passed over; an id
that is given twice is read once. It is checked as a whole before anything is asked.

Each record is read by its id and taken in, as a sync takes in what it reads. Nothing is written to any
CRM, and nothing follows from what the list does not name. Records that may be somebody we know wait: the
next sync reads all members first, then decides who is who, and writes. An import may be repeated, and
never runs beside a sync of the same records.

Examples:
  concordat import-ids chat ids.txt && concordat sync
  tail -n +2 contacts.csv | cut -d, -f1 | concordat import-ids chat - --entity contact

Exit status: 0 done; 1 the CRM could not be asked; 2 usage, configuration or the file;
3 done, but some ids are not known there, or their records cannot be used.`,
    )
    .action(async (connection: string, file: string, { entity }: { entity?: string }) => {
      await importFile(session, connection, file, entity);
    });
}

/** What an import is about. */
interface Subject {
  readonly connection: string;
  readonly entity: Entity;
  /** The syncs that bring this entity to this connection: none of them may run meanwhile. */
  readonly syncs: readonly SyncPolicy[];
  /** The one whose rules hold for what comes in. */
  readonly sync: SyncPolicy;
}

/** What an import did. */
interface Findings {
  readonly runId: string;
  readonly durationMs: number;
  readonly counts: Counts;
  readonly tally: ImportTally;
}

async function importFile(session: Session, name: string, file: string, entity: string | undefined): Promise<void> {
  const config = await session.loadConfig();
  const subject = subjectOf(config, name, entity);
  const ids = await idsIn(session, file);
  const app = await openAppFor(session, config);
  try {
    const findings = await run(app, subject, ids, session);
    if (session.isJson) session.printJson(documentOf(subject, ids, findings));
    session.print(...reportLines(subject, ids, findings, session));
    if (needsPerson(findings)) session.status = exit.needsPerson;
  } finally {
    await app.close();
  }
}

/** @throws UsageError saying what is wrong with what was asked for, and what there is */
function subjectOf({ connections, syncs }: Config, name: string, wanted: string | undefined): Subject {
  const connection = connections.get(name);
  if (!connection) {
    const known = [...connections.keys()];
    throw new UsageError(`there is no connection "${name}"${didYouMean(name, known)}; known: ${listed(known, 'and')}`);
  }
  const ofConnection = syncs.filter(({ members }) => members.some((member) => member.connection === name));
  const synced = entities.filter((entity) => ofConnection.some((sync) => sync.entity === entity));
  const entity = entityOf(name, synced, wanted);
  const missing = cannotRead(connection, entity);
  if (missing !== undefined) throw new UsageError(`${name} cannot read ${withArticle(entity)} by its id: ${missing}`);
  const concerned = ofConnection.filter((sync) => sync.entity === entity);
  const isRead = ({ members }: SyncPolicy) =>
    members.some((member) => member.connection === name && member.direction !== 'write');
  return { connection: name, entity, syncs: concerned, sync: concerned.find(isRead) ?? concerned[0]! };
}

function entityOf(connection: string, synced: readonly Entity[], wanted: string | undefined): Entity {
  const [only, ...others] = synced;
  if (only === undefined) throw new UsageError(`${connection} is in no sync: its records would go nowhere`);
  if (wanted === undefined) {
    if (others.length === 0) return only;
    throw new UsageError(`ids of what? ${connection} syncs ${listed(synced, 'and')}: say --entity ${listed(synced)}`);
  }
  const found = entities.find((entity) => entity === wanted);
  if (found === undefined)
    throw new UsageError(
      `there is no entity "${wanted}"${didYouMean(wanted, entities)}; known: ${listed(entities, 'and')}`,
    );
  if (!synced.includes(found))
    throw new UsageError(`${connection} is in no sync of ${found}s; its syncs are of ${listed(synced, 'and')}`);
  return found;
}

/** @returns why records cannot be read by their id there */
function cannotRead({ definition, options }: ConnectionConfig, entity: Entity): string | undefined {
  const read = capabilitiesWith(definition, options)[entity]?.read;
  if (!read) return `no ${entity} there`;
  return 'by' in read && read.by === 'search' ? (read.note ?? 'it only searches') : absence(read);
}

/** @throws UsageError when the file cannot be read, or is no list of ids */
async function idsIn({ io }: Session, file: string): Promise<IdList> {
  const isStdin = file === '-';
  const stream: Readable = isStdin ? io.stdin : createReadStream(path.resolve(io.directory, file));
  try {
    return await readIdList(addAbortSignal(io.signal, stream), isStdin ? 'stdin' : file);
  } catch (error) {
    io.signal.throwIfAborted();
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error;
    throw new UsageError(`${file}: cannot be read (${String(error.code)})`);
  }
}

async function run({ context }: App, subject: Subject, ids: IdList, session: Session): Promise<Findings> {
  const { importIds, noTally } = await import('../engine/import-ids.ts');
  const { connection, sync, syncs } = subject;
  const { clock } = context;
  const startedAt = clock.now();
  const runId = context.newId();
  const [counts, tally] = [noCounts(), noTally()];
  const display = session.isJson ? silentDisplay : displayOn(session.io.stdout, clock.now);
  const members = sync.members.filter((member) => member.connection === connection);
  display.begin({ ...sync, name: 'import-ids', members });
  const work = async (signal: AbortSignal) => {
    const onPage = () => display.show({ step: 'pull', connection, read: tally.asked, total: ids.size });
    await importIds(context, { sync, connection, ids: ids.keys(), run: runId, counts, tally, signal, onPage });
    display.show({ step: 'pulled', connection, counts });
  };
  const withLeases = async (names: readonly string[], signal: AbortSignal): Promise<void> => {
    const [first, ...rest] = names;
    if (first === undefined) return await work(signal);
    await withSyncLease(
      context,
      first,
      signal,
      (held) => withLeases(rest, held),
      (holder) => session.warn(`${first}: ${holder} is running this sync; waiting for it`),
    );
  };
  try {
    await withLeases(
      syncs.map(({ name }) => name),
      session.io.signal,
    );
  } catch (error) {
    if (error instanceof BusyError) throw new FailedError(error.message, { cause: error });
    if (!(error instanceof CrmError)) throw error;
    throw new FailedError(
      `${error.message}; stopped after ${count(tally.asked)} of ${counted(ids.size, 'id')}: what was read is kept, and the same list may be imported again`,
      { cause: error },
    );
  } finally {
    display.end();
  }
  return { runId, durationMs: clock.now() - startedAt, counts, tally };
}

function needsPerson({ counts, tally }: Findings): boolean {
  return counts.quarantined + tally.missing.length + tally.refused.length > 0;
}

function documentOf({ connection, entity, sync }: Subject, ids: IdList, findings: Findings): Record<string, unknown> {
  const { runId, durationMs, counts, tally } = findings;
  const { known, taken, waiting, missing, refused } = tally;
  return {
    runId,
    durationMs: Math.round(durationMs),
    sync: sync.name,
    connection,
    entity,
    ids: ids.size,
    known,
    taken,
    waiting,
    quarantined: counts.quarantined,
    missing: missing.map((id) => ({ line: ids.get(id) ?? null, id })),
    refused: refused.map(({ externalId, reason }) => ({ line: ids.get(externalId) ?? null, id: externalId, reason })),
  };
}

function reportLines(
  { connection, entity, sync }: Subject,
  ids: IdList,
  findings: Findings,
  { io }: Session,
): readonly string[] {
  const { durationMs, counts, tally } = findings;
  const { known, taken, waiting, missing, refused } = tally;
  const width = Math.min(io.stdout.columns, 100);
  const sums = [
    [taken, 'taken in'],
    [known, 'known before'],
    [waiting, 'to be matched by the next sync'],
    [counts.quarantined, 'in quarantine (concordat status says why)'],
  ] as const;
  const told = sums.flatMap(([sum, words]) => (sum > 0 ? [`${count(sum)} ${words}`] : []));
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0
      ? []
      : [
          '',
          ...wrapped(`${title}: ${counted(lines.length, 'id')}`, width),
          ...lines.slice(0, mostListed).flatMap((line) => wrapped(line, width, '  ')),
          ...(lines.length > mostListed
            ? [`  … and ${count(lines.length - mostListed)} more (--json lists them)`]
            : []),
        ];
  const at = (id: string) => (ids.has(id) ? `line ${count(ids.get(id)!)}: ${id}` : id);
  return [
    '',
    ...wrapped(
      `${counted(ids.size, 'id')} of ${entity}s asked of ${connection} in ${duration(durationMs)}: ${told.length > 0 ? told.join(', ') : 'nothing was there'}`,
      width,
    ),
    ...list(
      `Not there, so that nothing was done about them`,
      missing.map((id) => at(id)),
    ),
    ...list(
      `Refused by the CRM, so that nothing was done about them`,
      refused.map(({ externalId, reason }) => `${at(externalId)}: ${reason}`),
    ),
    ...(taken + waiting > 0 ? ['', `The next sync matches and writes: concordat sync ${sync.name}`] : []),
  ];
}

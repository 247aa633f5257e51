import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import type { Entity } from '../model/values.ts';
import {
  type AsideClass,
  type Checkpoint,
  type ConflictRow,
  type DeadLetter,
  noStanding,
  type QuarantineRow,
  type ReviewRow,
  type RunEnd,
  type RunRow,
  type Standing,
} from '../store/store.ts';
import { exampleText, type HeldSet, heldSets, heldText } from './held.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted, duration, table, withoutName, wrapped } from './table.ts';

/** How many runs, and how many records of each kind that needs a person, are listed for people. */
const mostRuns = 10;
const mostListed = 20;
/** How many records of each kind are read, for each connection: the document of `--json` ends there. */
const mostTold = 1_000;

/** `concordat status`: where things stand, and what needs a person. */
export function addStatus(program: Command, session: Session): void {
  program
    .command('status')
    .description('Show connections, last runs, lag, pending writes, and what needs a person.')
    .addHelpText('after', '\nExamples:\n  concordat status\n  concordat status --json | jq .reviews')
    .action(async () => {
      const config = await session.loadConfig();
      const standing = await standingOf(session, config);
      if (session.isJson) session.printJson(standing);
      session.print(...statusLines(standing, session));
    });
}

/** A connection as it stands, with what is set aside there by reason. */
interface Stand extends Standing {
  readonly lagMs: number | null;
  readonly connector: string;
  readonly reasons: readonly Pick<AsideClass, 'what' | 'reason' | 'count'>[];
}

interface Run extends Omit<RunRow, 'end'> {
  /** Null while it runs, or when the process died. */
  readonly end: (Omit<RunEnd, 'counts'> & { readonly counts: unknown }) | null;
}

interface Stands {
  readonly store: string;
  readonly connections: readonly Stand[];
  readonly runs: readonly Run[];
  readonly held: readonly HeldSet[];
  readonly reviews: readonly ReviewRow[];
  readonly conflicts: readonly Omit<ConflictRow, 'winner' | 'loser'>[];
  readonly quarantine: readonly QuarantineRow[];
  readonly deadLetters: readonly DeadLetter[];
}

async function standingOf(session: Session, config: Config): Promise<Stands> {
  // Asking how things stand must not create a database.
  if (!existsSync(config.sqliteFile))
    return {
      store: config.sqliteFile,
      connections: pairsOf(config).map((pair) => nothing(config, pair)),
      runs: [],
      held: [],
      reviews: [],
      conflicts: [],
      quarantine: [],
      deadLetters: [],
    };
  const app = await openAppFor(session, config);
  try {
    return await read(app);
  } finally {
    await app.close();
  }
}

async function read({ config, context: { store, clock } }: App): Promise<Stands> {
  const known = await store.standing();
  const aside = await store.setAside(mostTold);
  const pairs = pairsOf(config);
  const connections = await Promise.all(
    pairs.map(async (pair) => {
      const standing = known.find((one) => one.connection === pair.connection && one.entity === pair.entity);
      const checkpoint: Checkpoint | undefined = await store.checkpoint(pair.connection, pair.entity);
      const lagMs = checkpoint?.complete ? clock.now() - checkpoint.complete.startedAt : null;
      const reasons = aside
        .filter(({ connection, entity }) => connection === pair.connection && entity === pair.entity)
        .map(({ what, reason, count }) => ({ what, reason, count }));
      return { ...nothing(config, pair), ...standing, lagMs, reasons };
    }),
  );
  const entities = [...new Set(pairs.map(({ entity }) => entity))];
  const ofPairs = async <Row>(rows: (connection: string, entity: Entity, limit: number) => Promise<readonly Row[]>) =>
    (await Promise.all(pairs.map(({ connection, entity }) => rows(connection, entity, mostTold)))).flat();
  const waiting = await store.conflicts(mostTold, 'waiting');
  return {
    store: config.sqliteFile,
    connections,
    runs: (await store.runs(mostRuns)).map(toRun),
    held: await heldSets(store),
    reviews: (await Promise.all(entities.map((entity) => store.openReviews(entity)))).flat(),
    conflicts: waiting.map(({ winner: _winner, loser: _loser, ...conflict }) => conflict),
    quarantine: await ofPairs(store.quarantined),
    deadLetters: await ofPairs(store.deadLetters),
  };
}

/** The counts of a run are JSON in the store. */
function toRun({ end, ...run }: RunRow): Run {
  return { ...run, end: end ? { ...end, counts: JSON.parse(end.counts) as unknown } : null };
}

/** Every (connection, entity) that some sync concerns. */
function pairsOf(config: Config): { connection: string; entity: Entity }[] {
  const pairs = config.syncs.flatMap(({ entity, members }) =>
    members.map(({ connection }) => ({ connection, entity })),
  );
  return [...new Map(pairs.map((pair) => [`${pair.connection} ${pair.entity}`, pair])).values()];
}

function nothing(config: Config, pair: { connection: string; entity: Entity }): Stand {
  const connector = config.connections.get(pair.connection)?.definition.name ?? '';
  return { ...noStanding(pair.connection, pair.entity), connector, lagMs: null, reasons: [] };
}

function statusLines(stands: Stands, session: Session): string[] {
  const { stdout } = session.io;
  const width = Math.min(stdout.columns, 100);
  const title = (text: string) => ['', stdout.style('bold', text)];
  const { connections, runs, held, reviews, conflicts, quarantine, deadLetters } = stands;
  const classes = connections.flatMap((one) => one.reasons.map((reason) => reasonText(one, reason)));
  const shown = countColumns.filter(
    ([key]) => key === 'links' || key === 'pending' || connections.some((one) => one[key] > 0),
  );
  const rows = connections.map((one) => [
    one.connection,
    one.entity,
    one.lagMs === null ? 'never' : `${duration(Math.max(one.lagMs, 0))} ago`,
    ...shown.map(([key]) => count(one[key])),
  ]);
  const list = (lines: readonly string[]) => lines.slice(0, mostListed).flatMap((line) => wrapped(line, width, '  '));
  const more = (all: readonly unknown[]) =>
    all.length > mostListed ? [`  … and ${count(all.length - mostListed)} more (--json lists them)`] : [];
  return [
    ...table(['connection', 'entity', 'read', ...shown.map(([, name]) => name)], rows),
    ...(connections.some(({ openIntents }) => openIntents > 0)
      ? wrapped('unanswered: creates without an answer; the next sync looks for them before it sends anything', width)
      : []),
    ...title('Last runs'),
    ...(runs.length === 0 ? ['  none yet: concordat sync'] : runs.flatMap((run) => wrapped(runLine(run), width, '  '))),
    ...(held.length === 0 ? [] : title('Stopped by a guard: concordat approve lets it be written')),
    ...held.flatMap((set) => [
      ...wrapped(`${set.sync}/${heldText(set)}`, width, '  '),
      ...wrapped(exampleText(set.connection, set.examples), width, '    '),
    ]),
    ...(classes.length === 0 ? [] : title('Set aside, by reason')),
    ...list(classes),
    ...more(classes),
    ...(reviews.length === 0 ? [] : title('Reviews: is this the same one?')),
    ...list(
      reviews.map(
        ({ connection, entity, externalId, reason, candidates }) =>
          `${connection}:${externalId} (${entity}): ${reason}; candidates: ${candidates.map(({ recordId }) => recordId).join(', ') || 'none'}`,
      ),
    ),
    ...more(reviews),
    ...(conflicts.length === 0 ? [] : title('Conflicts that wait for a person')),
    ...list(conflicts.map(({ entity, recordId, path, rule }) => `${entity} ${recordId}: ${path} (rule: ${rule})`)),
    ...more(conflicts),
    ...(quarantine.length === 0 ? [] : title('Quarantine: records that could not be used')),
    ...list(
      quarantine.map(
        ({ connection, entity, externalId, reason }) =>
          `${connection}:${externalId ?? '(no id)'} (${entity}): ${reason}`,
      ),
    ),
    ...more(quarantine),
    ...(deadLetters.length === 0
      ? []
      : title('Dead letters: records that a CRM did not take; concordat retry takes them back')),
    ...list(
      deadLetters.map(
        ({ connection, entity, recordId, message }) => `${connection}, ${entity} ${recordId}: ${message}`,
      ),
    ),
    ...more(deadLetters),
  ];
}

const countColumns = [
  ['links', 'linked'],
  ['pending', 'pending'],
  ['dead', 'dead'],
  ['unsupported', 'not possible'],
  ['quarantined', 'quarantine'],
  ['reviews', 'reviews'],
  ['waitingConflicts', 'conflicts'],
  ['openIntents', 'unanswered'],
] as const satisfies readonly (readonly [keyof Standing, string])[];

/** What the error codes of dead letters mean, in words. */
const codeWords: Readonly<Record<string, string>> = {
  rejected: 'the CRM does not take the record',
  retryable: 'the CRM failed at the record again and again',
  outcome_unknown: 'the CRM answered a create as done, or not at all, and does not show the record',
};

/** One class of what is set aside: `site, contact: 3 dead letters: rejected (the CRM does not take the record)`. */
function reasonText({ connection, entity }: Stand, { what, reason, count: many }: Stand['reasons'][number]): string {
  const where = `${connection}, ${entity}`;
  switch (what) {
    case 'dead': {
      const words = codeWords[reason];
      return `${where}: ${counted(many, 'dead letter')}: ${reason}${words === undefined ? '' : ` (${words})`}`;
    }
    case 'unsupported':
      return `${where}: ${counted(many, 'write')} not possible: ${withoutName(reason, connection)}`;
    case 'quarantined':
      return `${where}: ${counted(many, 'record')} in quarantine: ${reason}`;
  }
}

function runLine({ sync, startedAt, end }: Run): string {
  const at = new Date(startedAt).toISOString().slice(0, 19).replace('T', ' ');
  if (!end) return `${at}  ${sync}: running, or its process died`;
  const took = duration(end.endedAt - startedAt);
  if (end.outcome === 'failed')
    return `${at}  ${sync}: failed after ${took}${end.error ? ` – ${withoutName(end.error, sync)}` : ''}`;
  return `${at}  ${sync}: done in ${took}${end.outcome === 'waiting' ? ', a person is needed' : ''}`;
}

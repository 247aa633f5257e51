import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { asideText, heldText, moment } from '../engine/in-words.ts';
import type { Run, Stand, Stands } from '../engine/stands.ts';
import type { Standing } from '../store/store.ts';
import { exampleText } from './held.ts';
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

/** The document of `--json`. */
interface StatusDocument extends Stands {
  /** Absolute path of the database file. */
  readonly store: string;
  readonly connections: readonly (Stand & { readonly connector: string })[];
}

async function standingOf(session: Session, config: Config): Promise<StatusDocument> {
  const stands = await read(session, config);
  const connections = stands.connections.map((one) => ({
    ...one,
    connector: config.connections.get(one.connection)?.definition.name ?? '',
  }));
  return { store: config.sqliteFile, ...stands, connections };
}

async function read(session: Session, config: Config): Promise<Stands> {
  const { noStands, readStands } = await import('../engine/stands.ts');
  // Asking how things stand must not create a database.
  if (!existsSync(config.sqliteFile)) return noStands(config.syncs);
  const app = await openAppFor(session, config);
  try {
    return await readStands(app.context, { runs: mostRuns, records: mostTold });
  } finally {
    await app.close();
  }
}

function statusLines(stands: StatusDocument, session: Session): string[] {
  const { stdout } = session.io;
  const width = Math.min(stdout.columns, 100);
  const title = (text: string) => ['', stdout.style('bold', text)];
  const { connections, runs, held, reviews, conflicts, quarantine, deadLetters } = stands;
  const classes = connections.flatMap((one) =>
    one.reasons.map((reason) => `${one.connection}, ${one.entity}: ${asideText({ ...one, ...reason })}`),
  );
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
    ...connections.flatMap(({ connection, entity, openHints, oldestHintMs }) =>
      oldestHintMs === null
        ? []
        : wrapped(
            `${connection}, ${entity}: ${counted(openHints, 'hint')} of webhooks not looked at yet, the first of them for ${duration(Math.max(oldestHintMs, 0))}`,
            width,
          ),
    ),
    ...connections.flatMap(({ connection, entity, forgotten }) =>
      forgotten === 0
        ? []
        : wrapped(
            `${connection}, ${entity}: ${counted(forgotten, 'record')} left out, of people who were forgotten; concordat forget --undo WHICH lets one in again`,
            width,
          ),
    ),
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
    ...(reviews.length === 0 ? [] : title('Reviews: is this the same one? concordat review shows and settles them')),
    ...list(
      reviews.map(
        ({ connection, entity, externalId, reason, candidates }) =>
          `${connection}:${externalId} (${entity}): ${reason}; candidates: ${candidates.map(({ recordId }) => recordId).join(', ') || 'none'}`,
      ),
    ),
    ...more(reviews),
    ...(conflicts.length === 0 ? [] : title('Conflicts that wait for a person: concordat conflicts')),
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
  ['openHints', 'hints'],
] as const satisfies readonly (readonly [keyof Standing | 'openHints', string])[];

function runLine({ sync, startedAt, end }: Run): string {
  const at = moment(startedAt);
  if (!end) return `${at}  ${sync}: running, or its process died`;
  const took = duration(end.endedAt - startedAt);
  if (end.outcome === 'failed')
    return `${at}  ${sync}: failed after ${took}${end.error ? ` – ${withoutName(end.error, sync)}` : ''}`;
  return `${at}  ${sync}: done in ${took}${end.outcome === 'waiting' ? ', a person is needed' : ''}`;
}

import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { OpenConnection } from '../app.ts';
import { capabilitiesWith } from '../config/abilities.ts';
import type { Config, ConnectionConfig } from '../config/config.ts';
import { absence } from '../connector/connector.ts';
import { CrmError } from '../connector/errors.ts';
import type { Entity } from '../model/values.ts';
import { StoreError } from '../store/errors.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { exit } from './failure.ts';
import { surroundings } from './logs.ts';
import { probe, trouble } from './probe.ts';
import type { Session } from './session.ts';
import { withoutName, wrapped } from './table.ts';

/** `concordat check`: is everything set up? Reads one page of each CRM and changes nothing. */
export function addCheck(program: Command, session: Session): void {
  program
    .command('check')
    .description('Check configuration, credentials, reachability, capabilities and the database. Changes nothing.')
    .addHelpText(
      'after',
      '\nExamples:\n  concordat check\n  concordat check --config staging.yaml --json\n\nExit status: 0 all well; 1 something is not; 2 the configuration has faults.',
    )
    .action(async () => {
      const config = await session.loadConfig();
      const findings = await findingsOf(session, config);
      if (session.isJson) session.printJson({ ok: findings.every(({ ok }) => ok), checks: findings });
      session.print(...findings.flatMap((finding) => findingLines(finding, session)));
      if (findings.some(({ ok }) => !ok)) session.status = exit.failed;
    });
}

/** One line of the result. */
interface Finding {
  readonly ok: boolean;
  readonly what: 'configuration' | 'database' | 'connection' | 'sync';
  /** Of the connection, or `SYNC/CONNECTION`. */
  readonly name: string;
  readonly message: string;
  /** What to do, where something is wrong. */
  readonly next?: string;
  /** What a member cannot do; no fault. */
  readonly unsupported?: readonly string[];
}

async function findingsOf(session: Session, config: Config): Promise<Finding[]> {
  const counted = `${config.connections.size} connections, ${config.syncs.length} syncs`;
  const connections = await Promise.all(
    [...config.connections.values()].map((connection) =>
      probed(session, connection, writtenEntities(config, connection.name)),
    ),
  );
  return [
    { ok: true, what: 'configuration', name: session.configFile, message: counted },
    await databaseFinding(config.sqliteFile),
    ...connections.flat(),
    ...config.syncs.flatMap((sync) => sync.members.map((member) => memberFinding(config, sync, member))),
  ];
}

async function databaseFinding(file: string): Promise<Finding> {
  const finding = { what: 'database', name: file } as const;
  const folder = path.dirname(file);
  try {
    const exists = await stat(file).then(
      () => true,
      () => false,
    );
    // SQLite keeps two more files beside the database, so that the folder must be writable too.
    await access(folder, constants.W_OK);
    if (!exists) return { ...finding, ok: true, message: 'does not exist yet; the first sync creates it' };
    await access(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return {
      ...finding,
      ok: false,
      message: `cannot be written (${code})`,
      next: `let this user write ${folder}, or change store.sqlite`,
    };
  }
  try {
    const { checkFile } = await import('../store/sqlite/file.ts');
    checkFile(file);
    return { ...finding, ok: true, message: 'sound, and writable' };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isDamaged = error instanceof StoreError && error.code === 'database_damaged';
    const next = isDamaged ? 'put a backup in its place: docs/restore.md' : 'is store.sqlite the right file?';
    return { ...finding, ok: false, message: withoutName(error.message, file), next };
  }
}

/** The entities that some sync writes at a connection. */
function writtenEntities({ syncs }: Config, name: string): readonly Entity[] {
  const writing = syncs.filter(({ members }) =>
    members.some(({ connection, direction }) => connection === name && direction !== 'read'),
  );
  return [...new Set(writing.map(({ entity }) => entity))];
}

/** Whether a connection answers, and, if it does, whether options fit what the CRM shows. */
async function probed(
  session: Session,
  config: ConnectionConfig,
  written: readonly Entity[],
): Promise<readonly Finding[]> {
  const finding = { what: 'connection', name: config.name } as const;
  const { openConnection } = await import('../app.ts');
  const connection = openConnection(config, surroundings(session));
  try {
    const { ok, message, next } = await probe(connection, session.io.signal);
    const first = { ...finding, ok, message, ...(next !== undefined && { next }) };
    if (!ok) return [first];
    const looks = await Promise.all(written.map((entity) => optionFindings(connection, entity, session.io.signal)));
    return [first, ...looks.flat().map((look) => ({ ...finding, ...look }))];
  } finally {
    await connection.close();
  }
}

async function optionFindings({ connector, config }: OpenConnection, entity: Entity, signal: AbortSignal) {
  try {
    return (await connector.checkOptions?.(entity, signal)) ?? [];
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return [trouble(error, config)];
  }
}

function memberFinding(
  config: Config,
  sync: SyncPolicy,
  { connection, direction }: SyncPolicy['members'][number],
): Finding {
  const its = config.connections.get(connection);
  const able = its && capabilitiesWith(its.definition, its.options)[sync.entity];
  const needed = ['list', 'read', 'create', 'update', 'delete'] as const;
  const wanted = needed.filter((ability) => {
    if (ability === 'list' || ability === 'read') return direction !== 'write';
    if (ability === 'delete') return direction !== 'read' && sync.deletes === 'propagate';
    return direction !== 'read';
  });
  const unsupported = wanted.flatMap((ability) => {
    const reason = able ? absence(able[ability]) : 'no such entity';
    return reason === undefined ? [] : [`${ability}: ${reason}`];
  });
  const message =
    unsupported.length === 0 ? `${direction}: everything it needs` : `${direction}, without ${unsupported.join('; ')}`;
  return { ok: true, what: 'sync', name: `${sync.name}/${connection}`, message, unsupported };
}

function findingLines({ ok, what, name, message, next }: Finding, session: Session): string[] {
  const { stdout } = session.io;
  const mark = ok ? stdout.style('green', 'ok   ') : stdout.style('red', 'FAIL ');
  const width = Math.min(stdout.columns, 100);
  const [first = '', ...rest] = wrapped(`${what} ${name}: ${message}`, width - 5);
  return [
    mark + first,
    ...rest.map((line) => `     ${line}`),
    ...(next === undefined ? [] : wrapped(`→ ${next}`, width, '     ')),
  ];
}

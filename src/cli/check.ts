import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { OpenConnection } from '../app.ts';
import { capabilitiesWith } from '../config/abilities.ts';
import type { Config, ConnectionConfig } from '../config/config.ts';
import { absence } from '../connector/connector.ts';
import { AuthError, CrmError, GoneError, MalformedReplyError } from '../connector/errors.ts';
import type { Operation } from '../connector/operation.ts';
import type { Entity } from '../model/values.ts';
import { StoreError } from '../store/errors.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { exit } from './failure.ts';
import { surroundings } from './logs.ts';
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
  const { name, definition, baseUrl } = config;
  const finding = { what: 'connection', name } as const;
  const operation = definition.operations.find(({ id }) => id === definition.probe.operation);
  if (!operation)
    throw new RangeError(
      `${definition.name}: the probe names the operation "${definition.probe.operation}", which there is not`,
    );
  let connection: OpenConnection | undefined;
  try {
    const { openConnection } = await import('../app.ts');
    connection = openConnection(config, surroundings(session));
    const reply = await connection.http.call(operation, { params: definition.probe.params, signal: session.io.signal });
    const isKnownShape = operation.reply?.safeParse(reply.body).success ?? true;
    if (!isKnownShape)
      return [
        {
          ...finding,
          ok: false,
          message: `${baseUrl} answers, but not as ${definition.title} does (${operation.id}, ${operation.source})`,
          next: 'is baseUrl the address of this CRM’s API?',
        },
      ];
    const { connector } = connection;
    const looks = await Promise.all(written.map((entity) => connector.checkOptions?.(entity, session.io.signal) ?? []));
    const message = `${definition.title} answers at ${baseUrl}, the credentials are good`;
    return [{ ...finding, ok: true, message }, ...looks.flat().map((look) => ({ ...finding, ...look }))];
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    if (error instanceof GoneError && definition.probe.findsNothing)
      return [
        {
          ...finding,
          ok: true,
          message: `${definition.title} answers at ${baseUrl}, and knows no record that cannot be`,
        },
      ];
    const message = withoutName(error.message, name);
    return [{ ...finding, ok: false, message, next: advice(error, config, operation) }];
  } finally {
    await connection?.close();
  }
}

/** What to do about a connection that does not work. */
function advice(error: CrmError, { name, credentials, baseUrl }: ConnectionConfig, operation: Operation): string {
  if (error instanceof AuthError && error.status === 403)
    return `the credentials are known but lack a permission: give them the scope or role for ${operation.method} ${operation.path} (${operation.summary})`;
  if (error instanceof AuthError)
    return credentials.kind === 'token'
      ? `the token is refused: set connections.${name}.token to one that is valid`
      : `the client id or secret is refused: were they rotated, or the API application disabled? See connections.${name}.oauth`;
  if (error instanceof MalformedReplyError || error.status === 404)
    return `is ${baseUrl} the address of this CRM’s API?`;
  return `is ${baseUrl} right, and reachable from here?`;
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

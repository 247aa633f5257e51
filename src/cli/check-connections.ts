import type { OpenConnection } from '../app.ts';
import { capabilitiesWith } from '../config/abilities.ts';
import type { Config, ConnectionConfig } from '../config/config.ts';
import { absence } from '../connector/connector.ts';
import { CrmError } from '../connector/errors.ts';
import type { Entity } from '../model/values.ts';
import { clockToleranceMs } from '../sync/conflict.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { bad, doubtful, type Finding, good } from './finding.ts';
import { surroundings } from './logs.ts';
import { probe, trouble, wellText } from './probe.ts';
import type { Session } from './session.ts';
import { count, duration } from './table.ts';

/** Whether each CRM is there, takes the credentials, shows its records, fits the options, and has the right time. */
export async function checkConnections(session: Session, config: Config): Promise<readonly Finding[]> {
  const all = [...config.connections.values()].map((connection) => checkConnection(session, config, connection));
  return (await Promise.all(all)).flat();
}

async function checkConnection(session: Session, config: Config, its: ConnectionConfig): Promise<readonly Finding[]> {
  const { name } = its;
  const { signal } = session.io;
  const { openConnection } = await import('../app.ts');
  // One request at a time: a listing that is looked into must not run ahead.
  const connection = openConnection({ ...its, concurrent: 1 }, { ...surroundings(session), readOnly: true });
  try {
    const { ok, message, next = '', isOddShape, clockAheadMs } = await probe(connection, signal);
    if (!ok && !isOddShape) return [bad('connection', name, message, next)];
    const listings: Finding[] = [];
    for (const entity of entitiesOf(config, name, 'read'))
      listings.push(...(await checkListing(connection, entity, signal)));
    // A listing bears with odd records, and not with what is no listing.
    if (!ok && !listings.some((listing) => listing.ok)) return [bad('connection', name, message, next)];
    const findings = [good('connection', name, wellText(its)), ...listings];
    for (const entity of entitiesOf(config, name, 'write'))
      findings.push(...(await checkOptions(connection, entity, signal)));
    return [...findings, ...checkClock(name, clockAheadMs)];
  } finally {
    await connection.close();
  }
}

/** The entities that some sync reads, or writes, at a connection. */
function entitiesOf({ syncs }: Config, name: string, direction: 'read' | 'write'): readonly Entity[] {
  const concerned = syncs.filter(({ members }) =>
    members.some((member) => member.connection === name && [direction, 'both'].includes(member.direction)),
  );
  return [...new Set(concerned.map(({ entity }) => entity))];
}

/** Looks at the first page of a listing. What may be written cannot be told without writing. */
async function checkListing(
  { connector, config }: OpenConnection,
  entity: Entity,
  signal: AbortSignal,
): Promise<Finding[]> {
  if (absence(connector.capabilities[entity]?.list ?? { absent: 'entity' }) !== undefined) return [];
  try {
    for await (const { records, bad: unusable } of connector.list(entity, signal)) {
      if (unusable.length === 0) break;
      const message = `${count(unusable.length)} of the first ${count(unusable.length + records.length)} ${entity}s cannot be used: ${unusable[0]!.reason}`;
      return [
        doubtful(
          'connection',
          config.name,
          message,
          'a sync sets these aside, and goes on: concordat status lists them',
        ),
      ];
    }
    return [good('connection', config.name, `shows its ${entity}s`)];
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return [troubled(error, config, `cannot list its ${entity}s: `)];
  }
}

async function checkOptions(
  { connector, config }: OpenConnection,
  entity: Entity,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    const looks = (await connector.checkOptions?.(entity, signal)) ?? [];
    return looks.map((look) => ({ what: 'connection', name: config.name, ...look }));
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return [troubled(error, config, `the options for ${entity}s cannot be looked at: `)];
  }
}

function troubled(error: CrmError, config: ConnectionConfig, what: string): Finding {
  const { message, next = '' } = trouble(error, config);
  return bad('connection', config.name, `${what}${message}`, next);
}

function checkClock(name: string, aheadMs: number | undefined): Finding[] {
  if (aheadMs === undefined) return [];
  const off = Math.abs(aheadMs);
  // One that is further off lets an older edit win by `newest`.
  if (off <= clockToleranceMs) return [good('clock', name, 'agrees with ours')];
  const message = `is ${duration(off)} ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`;
  const next =
    'set this machine’s clock (NTP), or tell the vendor: where conflicts are decided by newest, a wrong clock wins';
  return [doubtful('clock', name, message, next)];
}

/** What each member of each sync can do of what it is there for. */
export function checkMembers(config: Config): readonly Finding[] {
  return config.syncs.flatMap((sync) => sync.members.map((member) => checkMember(config, sync, member)));
}

function checkMember(
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
  return { ...good('sync', `${sync.name}/${connection}`, message), unsupported };
}

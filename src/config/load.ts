import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Entity } from '../model/values.ts';
import type { MatchRule, SyncPolicy } from '../sync/policy.ts';
import { checkRules } from './check.ts';
import type { Config, ConnectionConfig, Credentials } from './config.ts';
import { Faults } from './faults.ts';
import { formsOf, turningsOf } from './forms.ts';
import type { Registry } from './parts.ts';
import { byPosition, ConfigError, type ConfigProblem } from './problems.ts';
import { type ConnectionData, type FileData, fileSchema, type SyncData } from './schema.ts';
import { ConfigSource, type Environment } from './source.ts';
import { sourceOf } from './webhooks.ts';

export interface Loaded {
  readonly config: Config;
  /** What works and should be looked at, in the order of the file. */
  readonly warnings: readonly ConfigProblem[];
  /** What is good to know of it, in that order, too. */
  readonly notes: readonly ConfigProblem[];
}

/** Evidence used where a sync does not say; design.md §8. */
const defaultMatch: Readonly<Record<Entity, readonly MatchRule[]>> = {
  contact: ['xref', 'email', 'phone'],
  account: ['xref', 'email', 'phone', 'domain', 'name'],
  lead: ['xref'],
};

/**
 * Reads and checks a configuration file.
 * @param file as the person named it; relative to `directory`
 * @throws ConfigError with every fault of the file
 */
export async function loadConfig(
  file: string,
  env: Environment,
  registry: Registry,
  directory = process.cwd(),
): Promise<Loaded> {
  let text: string;
  try {
    text = await readFile(path.resolve(directory, file), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const message = `cannot be read (${code}): expected a configuration file; --config FILE names another, examples/concordat.yaml is one to start from`;
    throw new ConfigError([{ file, position: undefined, path: '', message }]);
  }
  return parseConfig(file, text, env, registry, directory);
}

/** Checks the text of a configuration file. @throws ConfigError with every fault of the text, and nothing else. */
export function parseConfig(
  file: string,
  text: string,
  env: Environment,
  registry: Registry,
  directory = process.cwd(),
): Loaded {
  const source = new ConfigSource(file, text, env);
  const faults = new Faults(source);
  if (source.data === undefined) throw new ConfigError(faults.problems);
  const parsed = fileSchema.safeParse(source.data);
  if (!parsed.success) faults.addIssues(parsed.error.issues);
  checkRules(source, registry, faults);
  if (!parsed.success || faults.problems.length > 0) throw new ConfigError(faults.problems);
  const config = resolved(path.resolve(directory, file), parsed.data, registry);
  return { config, warnings: faults.warnings.sort(byPosition), notes: faults.notes.sort(byPosition) };
}

function resolved(file: string, data: FileData, registry: Registry): Config {
  return {
    file,
    sqliteFile: path.resolve(path.dirname(file), data.store.sqlite ?? ''),
    retentionMs: data.store.retention,
    redisUrl: data.queue.redis || undefined,
    connections: new Map(
      Object.entries(data.connections).map(([name, connection]) => [name, connectionOf(name, connection, registry)]),
    ),
    syncs: Object.entries(data.syncs).map(([name, sync]) => policyOf(name, sync)),
    webhooks: {
      listen: data.webhooks.listen,
      sources: new Map(Object.entries(data.webhooks.secrets).map(([name, source]) => [name, sourceOf(source)])),
    },
    dashboard: {
      listen: data.dashboard.listen,
      password: data.dashboard.password,
      readPassword: data.dashboard.readPassword,
    },
  };
}

function connectionOf(name: string, data: ConnectionData, registry: Registry): ConnectionConfig {
  const definition = registry.get(data.connector);
  if (!definition) throw new RangeError(`connector "${data.connector}" passed the checks without being known`);
  return {
    name,
    definition,
    baseUrl: data.baseUrl.replace(/\/+$/, ''),
    allowPlainHttp: data.allowPlainHttp,
    credentials: credentialsOf(data),
    options: definition.options.parse(data.options),
    forms: formsOf(data.transforms),
    turnings: turningsOf(data.values, data.transforms),
    requestsPerSecond: data.rateLimit.perSecond,
    concurrent: data.rateLimit.concurrent,
    timeoutMs: data.timeout,
  };
}

function credentialsOf({ token, oauth }: ConnectionData): Credentials {
  if (!oauth) return { kind: 'token', token: token ?? '' };
  const { clientId, clientSecret, tokenUrl, scope, grantType, bodyForm } = oauth;
  return {
    kind: 'oauth',
    clientId,
    clientSecret,
    tokenUrl,
    ...(scope === undefined ? {} : { scope }),
    ...(grantType === undefined ? {} : { grantType }),
    ...(bodyForm === undefined ? {} : { bodyForm }),
  };
}

function policyOf(name: string, data: SyncData): SyncPolicy {
  return {
    name,
    entity: data.entity,
    members: Object.entries(data.members).map(([connection, direction]) => ({ connection, direction })),
    match: data.match ?? defaultMatch[data.entity],
    conflicts: data.conflicts,
    owners: { ...data.owners, ...ownersIn(data.fields) },
    fields: Object.fromEntries(
      Object.entries(data.fields).map(([path, { from, to }]) => [path, { ...(from && { from }), ...(to && { to }) }]),
    ),
    defaults: data.defaults,
    where: data.where,
    deletes: data.deletes,
    limits: data.limits,
    schedule: data.schedule,
  };
}

function ownersIn(fields: SyncData['fields']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([path, { owner }]): [string, string][] =>
      owner === undefined ? [] : [[path, owner]],
    ),
  );
}

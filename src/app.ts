import { randomUUIDv7 } from 'node:crypto';
import type { Config, ConnectionConfig } from './config/config.ts';
import { bearer, clientCredentials } from './connector/auth.ts';
import { type Clock, systemClock } from './connector/clock.ts';
import type { Connector } from './connector/connector.ts';
import { createHttp, type HttpClient, type HttpEvent } from './connector/http-client.ts';
import { turned } from './connector/turned.ts';
import type { EngineContext, Log } from './engine/engine.ts';
import { isOwnerAlive, nameOwner } from './owner.ts';
import { openSqliteStore } from './store/sqlite.ts';

/** What an app takes from outside; each part has a default that is the real thing. */
export interface Surroundings {
  readonly log: Log;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  readonly newId?: () => string;
  /** Nothing is ever written to a CRM: what would be throws `WithheldError`. Default false. */
  readonly readOnly?: boolean;
  /** One attempt at a CRM. */
  readonly onHttp?: (event: HttpEvent) => void;
}

/** A configured CRM that is ready to be called. */
export interface OpenConnection {
  readonly config: ConnectionConfig;
  readonly http: HttpClient;
  readonly connector: Connector;
  close(): Promise<void>;
}

/** Everything that runs: connections, store, and what the engine needs. */
export interface App {
  readonly config: Config;
  readonly connections: ReadonlyMap<string, OpenConnection>;
  readonly context: EngineContext;
  /** Waits for the requests that are under way, then closes the store. */
  close(): Promise<void>;
}

/**
 * How long after an unanswered create a listing without the record proves nothing. No API states how long it may go on
 * working on a request that it did not answer; a cycle waits this long before it looks, so that it cannot be minutes.
 */
const settleMs = 5_000;

/** Makes one connection ready. Sends nothing yet. */
export function openConnection(config: ConnectionConfig, surroundings: Surroundings): OpenConnection {
  const { name, definition, credentials, concurrent } = config;
  const { clock = systemClock, random = Math.random, readOnly = false, onHttp } = surroundings;
  const auth =
    credentials.kind === 'token'
      ? bearer(credentials.token)
      : clientCredentials({ ...credentials, connection: name, timeoutMs: config.timeoutMs }, clock);
  const http = createHttp({
    connection: name,
    baseUrl: config.baseUrl,
    auth,
    clock,
    random,
    timeoutMs: config.timeoutMs,
    rateLimit: { perSecond: config.requestsPerSecond, concurrent },
    allowPlainHttp: config.allowPlainHttp,
    readOnly,
    errorMessage: definition.errorMessage,
    ...(onHttp ? { log: onHttp } : {}),
  });
  const created = definition.create({ connection: name, http, clock, options: config.options, concurrent });
  const { turnings = {} } = config;
  const connector = Object.keys(turnings).length === 0 ? created : turned(created, turnings);
  return { config, http, connector, close: () => http.close() };
}

/** Wires everything that a configuration names. Opens (or creates) the database file. */
export async function openApp(config: Config, surroundings: Surroundings): Promise<App> {
  const { log, clock = systemClock, random = Math.random, newId = randomUUIDv7 } = surroundings;
  const store = await openSqliteStore(config.sqliteFile);
  const connections = new Map(
    [...config.connections].map(([name, connection]) => [name, openConnection(connection, surroundings)]),
  );
  const context: EngineContext = {
    store,
    connections: new Map(
      [...connections].map(
        ([
          name,
          {
            http,
            connector,
            config: { concurrent, forms = {} },
          },
        ]) => [name, { name, connector, concurrent, forms, held: () => http.held() }],
      ),
    ),
    syncs: config.syncs,
    clock,
    newId,
    random,
    log,
    owner: nameOwner(),
    isAlive: isOwnerAlive,
    settleMs,
  };
  return {
    config,
    connections,
    context,
    async close() {
      await Promise.all([...connections.values()].map((connection) => connection.close()));
      await store.close();
    },
  };
}

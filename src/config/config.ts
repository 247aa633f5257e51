import type { ClientCredentials } from '../connector/auth.ts';
import type { ConnectorDefinition } from '../connector/connector.ts';
import type { SyncPolicy } from '../sync/policy.ts';

/** A configuration file, checked and with every default filled in (design.md §11). */
export interface Config {
  /** Absolute path of the file. */
  readonly file: string;
  /** Absolute path of the database file. */
  readonly sqliteFile: string;
  /** How long history, settled conflicts and ended runs are kept, milliseconds. Undefined: for ever. */
  readonly retentionMs: number | undefined;
  /** Undefined: jobs run inside the process. */
  readonly redisUrl: string | undefined;
  readonly connections: ReadonlyMap<string, ConnectionConfig>;
  /** In the order of the file. */
  readonly syncs: readonly SyncPolicy[];
  readonly webhooks: WebhooksConfig;
  readonly dashboard: DashboardConfig;
}

export interface ConnectionConfig {
  readonly name: string;
  readonly definition: ConnectorDefinition;
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly allowPlainHttp: boolean;
  readonly credentials: Credentials;
  /** As the connector's own schema parsed them. */
  readonly options: unknown;
  readonly requestsPerSecond: number | undefined;
  /** Requests that may be under way at once. */
  readonly concurrent: number;
  readonly timeoutMs: number;
}

export type Credentials =
  | { readonly kind: 'token'; readonly token: string }
  | ({ readonly kind: 'oauth' } & Pick<
      ClientCredentials,
      'clientId' | 'clientSecret' | 'tokenUrl' | 'scope' | 'grantType' | 'bodyForm'
    >);

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface WebhooksConfig {
  readonly listen: Address;
  /** By connection: `whsec_…`. */
  readonly secrets: ReadonlyMap<string, string>;
}

interface DashboardConfig {
  readonly listen: Address;
  /** Undefined: there is no dashboard. */
  readonly password: string | undefined;
}

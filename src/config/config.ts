import type { ClientCredentials } from '../connector/auth.ts';
import type { ConnectorDefinition } from '../connector/connector.ts';
import type { Turnings } from '../connector/turned.ts';
import type { Entity } from '../model/values.ts';
import type { Forms } from '../sync/forms.ts';
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
  /** How fields are written to it, by entity. Default: as they are. */
  readonly forms?: Readonly<Partial<Record<Entity, Forms>>>;
  /** What is turned at its edge. Default: nothing. */
  readonly turnings?: Turnings;
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
  /** By connection; one that is not named sends no webhooks. */
  readonly sources: ReadonlyMap<string, WebhookSource>;
}

/** How the webhooks of a connection are known to be its own, and what their bodies look like; docs/webhooks.md. */
export interface WebhookSource {
  readonly proof: WebhookProof;
  /** Header with the id under which a delivery is repeated, in lower case. Standard Webhooks have one of their own. */
  readonly deliveryHeader: string | undefined;
  readonly body: WebhookBody;
}

/** Names of headers are in lower case. */
export type WebhookProof =
  | {
      readonly scheme: 'standard';
      /** `whsec_…` */
      readonly secret: string;
    }
  | {
      readonly scheme: 'hmac';
      readonly secret: string;
      readonly header: string;
      /** Before the signature, such as `sha256=`. */
      readonly prefix: string;
      readonly algorithm: 'sha256' | 'sha512';
      readonly encoding: 'hex' | 'base64';
    }
  | {
      readonly scheme: 'token';
      readonly secret: string;
      readonly header: string;
      /** Before the token, such as `Bearer `. */
      readonly prefix: string;
    };

/** Where things stand in a body: keys from the outside in. Undefined: as in the generic form. */
export interface WebhookBody {
  readonly events: readonly string[] | undefined;
  readonly entity: readonly string[] | undefined;
  readonly id: readonly string[] | undefined;
  readonly type: readonly string[] | undefined;
  readonly delivery: readonly string[] | undefined;
  /** The sender's words for entities, in lower case; undefined: events about these are none of ours. */
  readonly words: ReadonlyMap<string, Entity | undefined>;
  /** Of an event that does not say. */
  readonly defaultEntity: Entity | undefined;
}

interface DashboardConfig {
  readonly listen: Address;
  /** Undefined: there is no dashboard. */
  readonly password: string | undefined;
  /** Who knows this one may look and not act. */
  readonly readPassword: string | undefined;
}

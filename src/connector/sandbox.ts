import type { Entity } from '../model/values.ts';

/** Switches that make a sandbox misbehave; all off by default, changed at any time. */
export interface Faults {
  /** Answers the next n matching requests with this status (and Retry-After, seconds, when given). */
  status?: { code: number; times: number; retryAfterSecs?: number; only?: RequestFilter };
  /** Cuts the connection of the next n matching requests: before the CRM acts, or after it did. */
  cut?: { when: 'before' | 'after'; times: number; only?: RequestFilter };
  /** Answers the next n matching requests with status 200 and no data in it. */
  garble?: { how: 'html' | 'truncated' | 'contentType' | 'empty'; times: number; only?: RequestFilter };
  /** Delay of every answer, milliseconds. */
  latencyMs?: number;
  /** Tokens that are refused from now on with 401. */
  refuseToken?: boolean;
  /** The OAuth client is refused from now on: no new tokens. */
  refuseClient?: boolean;
}

type RequestFilter = (request: SeenRequest) => boolean;

/** A request as the sandbox saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Operation id, undefined when no documented operation matches. */
  readonly operation: string | undefined;
}

/** Client credentials of a sandbox whose vendor uses OAuth. */
export interface SandboxOAuth {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** How many tokens were given out since the start. */
  issued(): number;
  /** Every token given out so far is refused from now on. */
  revokeTokens(): void;
}

/** A CRM as a small program on loopback: stateful, with its vendor's rules and quirks. */
export interface Sandbox {
  readonly connector: string;
  /** Base URL, for the configuration. */
  readonly url: string;
  /** Bearer token that it accepts. */
  readonly token: string;
  /** Undefined where the vendor knows static tokens only. */
  readonly oauth?: SandboxOAuth;
  readonly faults: Faults;
  /** Every request since the start or the last `forget()`, oldest first. */
  readonly requests: readonly SeenRequest[];
  forgetRequests(): void;
  /** What a person at that CRM sees and does, behind the API's back. Records are in the vendor's wire shape. */
  readonly people: {
    all(entity: Entity): readonly Readonly<Record<string, unknown>>[];
    add(entity: Entity, wire: Readonly<Record<string, unknown>>): string;
    edit(entity: Entity, externalId: string, change: Readonly<Record<string, unknown>>): void;
    remove(entity: Entity, externalId: string): void;
  };
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  readonly token?: string;
  /** How long an OAuth token is good, seconds. Default 3600. */
  readonly tokenLifeSecs?: number;
  /** Largest page that the CRM gives, however many are asked for. Default 100. */
  readonly maxPage?: number;
  /** Seed of generated ids and stamps. */
  readonly seed?: number;
}

export type StartSandbox = (options?: SandboxOptions) => Promise<Sandbox>;

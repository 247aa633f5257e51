import type { Clock } from '../connector/clock.ts';
import type { Connector } from '../connector/connector.ts';
import type { Held } from '../connector/http.ts';
import type { Entity } from '../model/values.ts';
import type { NewHeld, PendingRow, Store } from '../store/store.ts';
import type { Forms } from '../sync/forms.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Stop } from './stop.ts';

/** A configured CRM as the engine sees it. */
export interface Connection {
  readonly name: string;
  readonly connector: Connector;
  /** Writes that may be under way at once. */
  readonly concurrent: number;
  /** How fields are written to it, by entity. Default: as they are. */
  readonly forms?: Readonly<Partial<Record<Entity, Forms>>>;
  /** Why nothing is sent to it at the moment, where that is known; undefined while calls are sent. */
  readonly held?: () => Held | undefined;
}

/** Everything the engine needs from outside. A simulator hands in its own clock, ids and connectors. */
export interface EngineContext {
  readonly store: Store;
  readonly connections: ReadonlyMap<string, Connection>;
  /** All configured syncs: a change seen by one may concern the members of another. */
  readonly syncs: readonly SyncPolicy[];
  readonly clock: Clock;
  /** A new UUIDv7. */
  readonly newId: () => string;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Log;
  /** Names this process in leases. */
  readonly owner: string;
  /** Whether the process of that name may still be running; only a sure "no" lets its leases be taken before they end. */
  readonly isAlive: (owner: string) => boolean;
  /**
   * How long after an unanswered create a listing that lacks the record is no proof yet, milliseconds: the CRM may
   * still be at work, or its index may lag.
   */
  readonly settleMs: number;
}

/** A structured log: a constant message, the data in fields. Ids only, never values. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What a run did at one member; design.md §11. The write counts are what was written to it. */
export interface Counts {
  read: number;
  created: number;
  updated: number;
  deleted: number;
  unchanged: number;
  conflicts: number;
  quarantined: number;
  unsupported: number;
  failed: number;
}

/** Fresh counts, all zero, to be counted up. */
export function noCounts(): Counts {
  return {
    read: 0,
    created: 0,
    updated: 0,
    deleted: 0,
    unchanged: 0,
    conflicts: 0,
    quarantined: 0,
    unsupported: 0,
    failed: 0,
  };
}

/** Both together. */
export function sum(some: Counts = noCounts(), more: Counts = noCounts()): Counts {
  const counts = { ...some };
  for (const key of Object.keys(more) as (keyof Counts)[]) counts[key] += more[key];
  return counts;
}

/** Something that went wrong for a whole member. Without personal data. */
export interface Problem {
  readonly sync: string;
  readonly connection: string;
  readonly code: string;
  readonly message: string;
}

/** How one sync's cycle ended. */
export interface SyncOutcome {
  readonly sync: string;
  readonly durationMs: number;
  readonly counts: Readonly<Record<string, Counts>>;
  /**
   * By sync and connection: what was written for other syncs, because records of this one point to theirs, which were not
   * there yet. Counted nowhere else.
   */
  readonly besides: Readonly<Record<string, Readonly<Record<string, Counts>>>>;
  readonly problems: readonly Problem[];
  /** What guards stopped: nothing was written to any member. */
  readonly stops: readonly Stop[];
  /** What waits for a person, over all members. */
  readonly waiting: {
    readonly reviews: number;
    readonly conflicts: number;
    readonly quarantined: number;
    readonly dead: number;
  };
  /** `failed`: a member could not do its part. `waiting`: done, but a person is needed. */
  readonly state: 'done' | 'failed' | 'waiting';
}

/** What a display may show while a sync runs. */
export type Progress =
  | { readonly step: 'pull'; readonly connection: string; readonly read: number; readonly total: number | undefined }
  | { readonly step: 'pulled'; readonly connection: string; readonly counts: Counts }
  | { readonly step: 'match'; readonly decided: number }
  | { readonly step: 'push'; readonly connection: string; readonly written: number }
  /** `waiting`: writes that are still to come. */
  | { readonly step: 'pushed'; readonly connection: string; readonly counts: Counts; readonly waiting: number }
  | { readonly step: 'problem'; readonly problem: Problem }
  | { readonly step: 'stopped'; readonly stop: Stop };

/**
 * What a cycle does instead of writing everything that is pending: it reads all members, decides who is who, and then turns
 * off to write some records, under the same guards.
 */
export interface Detour {
  /** Called once, when everybody has been read and matched and nothing has stopped the cycle. */
  begin(): Promise<void>;
  /** What is to be deleted at a connection, which the guards count. */
  removals(connection: string): readonly NewHeld[];
  /** What is to be pushed to a connection, in pages. */
  due(connection: string): AsyncIterable<readonly Pick<PendingRow, 'recordId' | 'attempts'>[]>;
  /** Called for each connection that may be written to, when its pushes have ended. */
  end(connection: string, counts: Counts): Promise<void>;
}

export interface RunOptions {
  readonly run: string;
  readonly detour?: Detour;
  /** For a rehearsal: guards tell what they would stop, and stop nothing. Default false. */
  readonly pastGuards?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

import type { Entity, Values } from '../model/values.ts';
import type { Where } from './condition.ts';

/** A connection's part in a sync. */
interface Member {
  readonly connection: string;
  /** `read`: only learnt from. `write`: only written to. */
  readonly direction: 'read' | 'write' | 'both';
}

/** Kinds of evidence that two records are one; design.md §8. */
export const matchRules = ['xref', 'email', 'phone', 'name', 'domain'] as const;
export type MatchRule = (typeof matchRules)[number];

/** A guard's limit: absolute, or a share (0–1) of the records that a member has, but never fewer than `atLeast`. */
export type Limit = { readonly count: number } | { readonly share: number; readonly atLeast: number };

/** How many of `records` a limit lets pass. */
export function allowedBy(limit: Limit, records: number): number {
  return 'count' in limit ? limit.count : Math.max(limit.atLeast, Math.floor(limit.share * records + 1e-9));
}

/** When the worker runs full cycles of a sync; already checked. */
export interface Schedule {
  /** Cron pattern. */
  readonly pattern: string;
  /** IANA name. Undefined: that of the machine. */
  readonly timeZone?: string;
  /** A cycle begins up to this much later, by chance. Undefined: by the interval. */
  readonly jitterMs?: number;
}

/** Which way one field goes. */
export interface FieldRule {
  /** The members whose edits of it count. Undefined: all that are read. */
  readonly from?: readonly string[];
  /** The members to which it is written. Undefined: all that are written to. */
  readonly to?: readonly string[];
}

/** A configured sync: an entity, its members in their order of rank, and the rules. */
export interface SyncPolicy {
  readonly name: string;
  readonly entity: Entity;
  readonly members: readonly Member[];
  readonly match: readonly MatchRule[];
  /** `newest`, `manual`, or connections by rank. */
  readonly conflicts: 'newest' | 'manual' | readonly string[];
  /** Field path → the connection whose value wins a conflict. */
  readonly owners: Readonly<Record<string, string>>;
  /** Field path → which way it goes, where that is not the way of the members. */
  readonly fields: Readonly<Record<string, FieldRule>>;
  /** Connection → values that go with a create there in fields of which nothing is known. They stay that CRM's own. */
  readonly defaults: Readonly<Record<string, Values>>;
  /** Which canonical records are written to members: its set. What leaves it stays where it is, and is not written to. */
  readonly where: Where;
  readonly deletes: 'ignore' | 'propagate';
  readonly limits: { readonly deletes: Limit; readonly overwrites: Limit; readonly blankings: Limit };
  /** Undefined: the worker's own. */
  readonly schedule: Schedule | undefined;
}

import type { Entity, Value } from '../model/values.ts';

/** Two values for one field of a record, and what became of them. */
export interface ConflictRow {
  readonly entity: Entity;
  readonly recordId: string;
  readonly path: string;
  readonly winner: { readonly connection: string; readonly value: Value };
  readonly loser: { readonly connection: string; readonly value: Value };
  /** What decided, in words: `conflict: owner`, `conflict: newest as seen`, `conflict: manual` … */
  readonly rule: string;
  readonly at: number;
  readonly run: string;
  /** At most one `waiting` per (record, path); a new one about another losing value leaves it settled. */
  readonly state: 'settled' | 'waiting';
}

/** A conflict with the number by which a person names it; grows with time. */
export interface NumberedConflict extends ConflictRow {
  readonly number: number;
}

/** Which conflicts are meant; what is left out is any. */
export interface ConflictFilter {
  readonly state?: ConflictRow['state'];
  readonly path?: string;
  /** Of the winning or the losing side. */
  readonly connection?: string;
  readonly recordIds?: readonly string[];
  readonly run?: string;
}

/** What a person has made of a conflict. */
export interface DecidedConflict extends Pick<ConflictRow, 'winner' | 'loser' | 'rule'> {
  readonly number: number;
}

/** How often a connection has won a field by one rule. */
export interface Wins {
  readonly entity: Entity;
  readonly path: string;
  readonly connection: string;
  readonly count: number;
}

/** A record in which a run has changed something. */
export interface TouchedRecord {
  readonly recordId: string;
  /** Grows; for paging. */
  readonly position: number;
}

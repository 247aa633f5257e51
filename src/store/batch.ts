import type { Entity, Origin, Origins, Values } from '../model/values.ts';
import type { ApartPair, MovedLink, NewMerged } from './decision-rows.ts';
import type {
  Checkpoint,
  ConflictRow,
  DecidedConflict,
  EndedDeparture,
  HistoryRow,
  LinkRow,
  NewDeparture,
  NewUnmatched,
  PendingFailure,
  PendingKey,
  QuarantineRow,
  ReviewRow,
} from './rows.ts';

/** What one transaction writes: what became of some records, and what was learnt on the way. */
export interface Batch {
  readonly run: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly entity: Entity;
  /** When given: refuse if identity keys were added since it was read. */
  readonly identityEpoch?: number;
  /** Links that leave their records: each stands in `links` as a new one of another. One that is not as it was read throws `StaleError`. */
  readonly moved?: readonly MovedLink[];
  /** New records; each with at least one link in `links`. */
  readonly creates?: readonly RecordCreate[];
  /** New records that are what one CRM shows, and nothing else: nearly all of a first pull. */
  readonly births?: readonly Birth[];
  readonly updates?: readonly RecordUpdate[];
  /**
   * New ones (`version` undefined) are made, also where an external id was another record's until it was gone; those that
   * were read are changed. One that has been made, or changed, by others since throws `StaleError`.
   */
  readonly links?: readonly LinkRow[];
  /**
   * Become (or stay) pending, fresh: attempts 0, state `waiting`. One that was `unsupported` counts as that too, until it
   * is known better: it was not possible when it was last tried.
   */
  readonly pending?: readonly PendingKey[];
  /** Become (or stay) pending, state `unsupported`, unless the record's version has moved past `version`. */
  readonly unsupported?: readonly (PendingKey & Pick<PendingFailure, 'message'> & { readonly version: number })[];
  /** No longer pending where their state is `unsupported`; rows of another state stay. */
  readonly supported?: readonly PendingKey[];
  /** No longer pending, unless the record's version has moved past `version`. */
  readonly done?: readonly (PendingKey & { readonly version: number })[];
  readonly history?: readonly HistoryRow[];
  readonly conflicts?: readonly ConflictRow[];
  /** Conflicts that a person has decided: settled, and told in this way from now on. One that is not there throws `StaleError`. */
  readonly decided?: readonly DecidedConflict[];
  /** Waiting conflicts that solved themselves. */
  readonly settledConflicts?: readonly { readonly recordId: string; readonly path: string }[];
  /** Replaced by (connection, entity, external id or position). */
  readonly quarantine?: readonly QuarantineRow[];
  /** External ids that are fine again. */
  readonly released?: readonly { readonly connection: string; readonly externalId: string }[];
  /** Replaced by (connection, external id); each has a link. What is `missed` replaces nothing that is `confirmed`. */
  readonly departures?: readonly NewDeparture[];
  /** No longer open, unless their state has become another one. */
  readonly endedDepartures?: readonly EndedDeparture[];
  /** Inserted or replaced, with their claims, by (connection, entity, external id). */
  readonly unmatched?: readonly NewUnmatched[];
  /** Unmatched records that were linked or became records of their own. */
  readonly matched?: readonly { readonly connection: string; readonly externalId: string }[];
  /** Opened, or replaced when one is open for the same (connection, external id). A settled one stays as it is. */
  readonly reviews?: readonly ReviewRow[];
  /** Open reviews of these are closed as no longer needed. */
  readonly closedReviews?: readonly { readonly connection: string; readonly externalId: string }[];
  readonly endedIntents?: readonly PendingKey[];
  /** From now on these are not one, whatever they show. This and the next three make decisions about identity stale. */
  readonly apart?: readonly ApartPair[];
  /** They may be one again. */
  readonly notApart?: readonly ApartPair[];
  readonly merged?: readonly NewMerged[];
  /** Canonical ids of records that were merged and are records of their own again. */
  readonly unmerged?: readonly string[];
  readonly checkpoint?: Checkpoint;
}

export interface RecordCreate {
  readonly id: string;
  readonly values: Values;
  readonly origins: Origins;
  /** Hashes under which matching finds it: integers below 2^52. */
  readonly keys: readonly number[];
}

/** A record born of one link: its values are `bornValues` of the shadow, so that they need not be kept twice. */
export interface Birth {
  /** Live; its `recordId` is the new record's id. */
  readonly link: LinkRow;
  /** The link's shadow as JSON, where that has been made already. */
  readonly shadow?: string | undefined;
  /** Of all its values. */
  readonly origin: Origin;
  /** As in `RecordCreate`. */
  readonly keys: readonly number[];
  /** Connections at which it becomes pending. */
  readonly pending: Iterable<string>;
}

export interface RecordUpdate {
  readonly id: string;
  /** The version that was read; another one in the store throws `StaleError`. */
  readonly version: number;
  readonly values: Values;
  readonly origins: Origins;
  /** Keys to add. Old keys stay: they find a person under a former address, and candidates are verified by value. */
  readonly keys: readonly number[];
  readonly state?: 'live' | 'tombstone';
}

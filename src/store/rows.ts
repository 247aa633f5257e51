import type { Entity, Origin, Origins, Value, Values } from '../model/values.ts';

export type * from './conflict-rows.ts';

/*
 * What the store keeps, as it is handed in and out. Times are epoch milliseconds of our clock, but for `modifiedAt`,
 * which is the CRM's. Ids of records are canonical ids; external ids are texts of the CRM.
 */

/** A canonical record with everything that is linked to it. */
export interface Aggregate {
  readonly record: RecordRow;
  /** In no particular order; links that are `gone` included. */
  readonly links: readonly LinkRow[];
}

export interface RecordRow {
  readonly id: string;
  readonly entity: Entity;
  /** Starts at 1, grows by one with every commit that writes the record. */
  readonly version: number;
  readonly values: Values;
  readonly origins: Origins;
  readonly state: 'live' | 'tombstone';
}

/** (connection, external id) ↔ canonical id; unique in both directions among links that are `live`. */
export interface LinkRow {
  readonly connection: string;
  readonly entity: Entity;
  readonly externalId: string;
  readonly recordId: string;
  /** Of the wire record as last seen in a listing or a reply; '' when it is to be looked at again. */
  readonly fingerprint: string;
  /** What the CRM was last known to hold: the base of the three-way merge. */
  readonly shadow: Values;
  /** By path, the canonical value we last wrote where the CRM may hold it in another form (trimmed, shortened …). */
  readonly sent: Values;
  /** What a write was to leave that has been sent and not been answered yet, by path. */
  readonly underway: Values | undefined;
  /** What our last write replaced, by path, until the CRM shows something else: a listing that lags may still show it. */
  readonly replaced: Values | undefined;
  readonly locator: string | undefined;
  readonly modifiedAt: number | undefined;
  /** `gone`: somebody deleted it there. `removed`: we did. */
  readonly state: 'live' | 'gone' | 'removed';
  /**
   * When we last wrote to the CRM's record, or began the look that last brought news of it, epoch milliseconds: a
   * listing begun before that is no news about it.
   */
  readonly writtenAt: number | undefined;
  /** Why the two are one: `first seen`, `created`, `cross-reference`, `same e-mail and name` …; the run in which that was decided. */
  readonly evidence: string;
  readonly run: string;
  /** How often it has been changed, as it was read; undefined: it is new. */
  readonly version?: number;
}

/** What the store knows about an external id, at the price of one look-up. */
export interface Known {
  readonly fingerprint: string;
  /** `gone`: it was linked, and the record was deleted there. */
  readonly state: 'linked' | 'gone' | 'unmatched';
  /** Of the link: small, growing, never given out again. 0 for an unmatched record. */
  readonly number: number;
}

/** A live link in few words. */
export interface LinkNumber {
  readonly number: number;
  readonly externalId: string;
  readonly recordId: string;
  readonly writtenAt: number | undefined;
}

/** How a record came to be linked. */
export interface FoundLink extends Pick<LinkRow, 'connection' | 'entity' | 'externalId' | 'recordId' | 'evidence'> {
  /** As in `LinkNumber`. */
  readonly number: number;
}

/** A linked record that its CRM does not show any more, or a gone one that it shows again. */
export interface NewDeparture {
  readonly connection: string;
  readonly externalId: string;
  /** In which this was first seen. */
  readonly run: string;
  /**
   * Since when it may have been gone: when the last complete scan before the one that first missed it had ended. Of one
   * that is shown again: when the scan began that did. Of one that we erase: when we sent that. Epoch milliseconds.
   */
  readonly missedAt: number;
  /**
   * `missed`: not in one complete scan. `confirmed`: its link is gone. `shown`: it is gone, and was shown again. The others:
   * we have sent a delete, and its answer is not known. `erasing`: a person has told us to delete it there and nowhere else.
   * `removing`: it was deleted elsewhere.
   */
  readonly state: 'missed' | 'confirmed' | 'shown' | 'erasing' | 'removing';
}

/** A departure that is over, in the state in which it was seen. */
export type EndedDeparture = Pick<NewDeparture, 'connection' | 'externalId' | 'state'>;

export interface DepartureRow extends NewDeparture {
  /** Of the link. */
  readonly number: number;
  readonly entity: Entity;
  readonly recordId: string;
}

/** What a guard counts: records that a CRM does not show any more, deletes, and writes over values that a CRM holds. */
export type Guarded = 'absence' | 'delete' | 'overwrite' | 'blanking';

/** What a write may do to a record of a CRM that a guard counts. */
export type Harm = Exclude<Guarded, 'absence'>;

/** Harm that a run has done to a record, or is about to do. */
export interface HarmDone {
  readonly what: Harm;
  readonly recordId: string;
}

/** One write (or absence) that a guard holds back. */
export interface NewHeld {
  readonly connection: string;
  readonly recordId: string;
  readonly what: Guarded;
  /** Hash of what would be written: an approval holds for this alone. */
  readonly mark: string;
  /** It follows from what a person has approved already. */
  readonly isApproved?: boolean;
}

export interface HeldRow extends Omit<NewHeld, 'isApproved'> {
  readonly sync: string;
  readonly at: number;
  readonly approved: boolean;
}

export interface PendingKey {
  readonly connection: string;
  readonly recordId: string;
}

/** (connection, canonical id) whose canonical values differ from the shadow. */
export interface PendingRow extends PendingKey {
  /** Grows; for paging. */
  readonly position: number;
  readonly attempts: number;
}

export interface PendingFailure {
  readonly attempts: number;
  /** Epoch milliseconds before which it is not tried again. */
  readonly notBefore: number;
  /** `dead`: rejected, waits for an edit or a person. `unsupported`: the API cannot do it. */
  readonly state: 'waiting' | 'dead' | 'unsupported';
  readonly code: string;
  /** Without personal data. */
  readonly message: string;
  /** The CRM's words, for a person's eyes only. */
  readonly detail?: string;
}

/** A pending row of one record, with everything that is known about it. */
export interface PendingWrite extends PendingKey, Pick<PendingFailure, 'state' | 'attempts' | 'notBefore'> {
  /** Since when the connection lacks something of the record. */
  readonly since: number;
  /** Why the last attempt did not get through; undefined before there was one. */
  readonly failure: Pick<PendingFailure, 'code' | 'message' | 'detail'> | undefined;
}

/** A record that a CRM did not take. Without the CRM's own words: they may hold personal data. */
export interface DeadLetter extends PendingKey, Pick<PendingFailure, 'attempts' | 'code' | 'message'> {
  readonly entity: Entity;
}

/** What became of a pending row that is not simply waiting its turn. */
export type AsideState = Exclude<PendingFailure['state'], 'waiting'>;

/** Which writes that were set aside are meant; what is left out is any. */
export interface AsideFilter {
  readonly state: AsideState;
  readonly connection?: string;
  readonly recordIds?: readonly string[];
  readonly code?: string;
}

/** What was set aside at a connection for one reason. */
export interface AsideClass {
  readonly connection: string;
  readonly entity: Entity;
  /** `dead`, `unsupported`: writes. `quarantined`: wire records. */
  readonly what: AsideState | 'quarantined';
  /** Of dead letters the error code; else the reason in words, which holds no values. */
  readonly reason: string;
  readonly count: number;
}

/** One value of one field replaced by another. */
export interface HistoryRow {
  readonly recordId: string;
  readonly path: string;
  readonly from: Value | undefined;
  /** Where the replaced value had come from. */
  readonly fromOrigin: Origin | undefined;
  readonly to: Value;
  readonly origin: Origin;
}

export interface QuarantineRow {
  readonly connection: string;
  readonly entity: Entity;
  /** Undefined when the wire record had none. */
  readonly externalId: string | undefined;
  readonly reason: string;
  readonly at: number;
}

export interface NewUnmatched {
  readonly connection: string;
  readonly entity: Entity;
  readonly externalId: string;
  readonly fingerprint: string;
  readonly values: Values;
  readonly xrefs: readonly { readonly system: string; readonly id: string }[];
  readonly locator: string | undefined;
  readonly modifiedAt: number | undefined;
  /** The run in which it was written. */
  readonly run: string;
  /** The canonical records that it may be. */
  readonly claims: readonly Claim[];
}

/** An unmatched record may be this canonical record. */
export interface Claim {
  readonly recordId: string;
  /** Larger is stronger. */
  readonly strength: number;
}

/** A claim, seen from the record that is claimed. */
export interface ClaimRow extends Claim {
  readonly connection: string;
  readonly externalId: string;
}

export interface UnmatchedRow extends NewUnmatched {
  /** What it showed when it was first seen. */
  readonly first: Values;
  /** Grows; for paging. */
  readonly position: number;
}

/** A wire record whose identity only a person can settle. */
export interface ReviewRow {
  readonly entity: Entity;
  readonly connection: string;
  readonly externalId: string;
  /** Canonical ids it may be, each with the evidence in words. */
  readonly candidates: readonly { readonly recordId: string; readonly evidence: string }[];
  readonly reason: string;
  readonly at: number;
  readonly run: string;
}

/** A review that is open. */
export interface OpenReview extends ReviewRow {
  /** When a person last left it for later; undefined: never since it was opened, or since what it asks has changed. */
  readonly skippedAt: number | undefined;
}

/** A create that has been started and is not yet confirmed; never expires by time. */
export interface IntentRow extends PendingKey {
  readonly entity: Entity;
  /** When the request was last sent (or was about to be). */
  readonly at: number;
  readonly run: string;
  /** What we sent, to recognise the record by when it has no other mark. */
  readonly values: Values;
  /** What was sent before that, in creates that were not answered either, latest first. */
  readonly earlier?: readonly Values[];
  /** The id of what it has made, where the CRM told that before all of it was done. */
  readonly externalId?: string;
}

/** Where the scans of one connection and entity stand. Times are epoch milliseconds. */
export interface Checkpoint {
  readonly connection: string;
  readonly entity: Entity;
  /** The scan under way or the last one. */
  readonly run: string;
  readonly startedAt: number;
  /** Records read so far in it. */
  readonly read: number;
  /** Start, end and size of the last scan that was complete. */
  readonly complete: { readonly startedAt: number; readonly endedAt: number; readonly read: number } | undefined;
}

export interface NewRun {
  /** One id for everything that one command or schedule started; a row per (id, sync). */
  readonly id: string;
  readonly sync: string;
  readonly startedAt: number;
}

export interface RunEnd {
  readonly endedAt: number;
  /** `done`, `failed` (a member could not be reached …) or `waiting` (done, but a person is needed). */
  readonly outcome: 'done' | 'failed' | 'waiting';
  /** JSON text: counts per connection. */
  readonly counts: string;
  readonly error?: string;
}

export interface RunRow extends NewRun {
  /** Undefined while it runs, or when the process died. */
  readonly end: RunEnd | undefined;
}

export interface Standing {
  readonly connection: string;
  readonly entity: Entity;
  readonly links: number;
  readonly pending: number;
  readonly dead: number;
  readonly unsupported: number;
  readonly quarantined: number;
  readonly reviews: number;
  readonly waitingConflicts: number;
  readonly openIntents: number;
}

/** What a CRM says has happened to one of its records; a hint, never a fact. */
export interface Hint {
  readonly entity: Entity;
  readonly externalId: string;
  readonly what: 'changed' | 'deleted';
}

/** What one webhook brought. */
export interface Delivery {
  readonly connection: string;
  /** Under which the sender repeats it; undefined: the sender gives none. */
  readonly id: string | undefined;
  readonly hints: readonly Hint[];
  /** When it came. */
  readonly at: number;
}

/** A hint that no round has finished with. */
export interface HintRow extends Hint {
  readonly connection: string;
  /** Grows, and is never given out again. */
  readonly position: number;
  readonly at: number;
}

/** How many hints of a connection wait. */
export interface OpenHints {
  readonly connection: string;
  readonly entity: Entity;
  readonly count: number;
  /** When the first of them came. */
  readonly oldestAt: number;
}

/** Until when what is kept for a time is forgotten, epoch milliseconds each. */
export interface Expiry {
  /** Of history, settled conflicts and ended runs; undefined: they are kept for ever. */
  readonly logs: number | undefined;
  /** Of the ids of deliveries. */
  readonly deliveries: number;
}

/** A lease: who may do something that only one may do at once. */
export interface LeaseRow {
  readonly name: string;
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

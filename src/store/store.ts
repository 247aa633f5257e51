import type { Entity, Origin, Origins, Value, Values } from '../model/values.ts';

/**
 * The store's interface. It is asynchronous and works page by page and record by record, so that a database server can
 * stand behind it as well as a file. Every `commit` is one transaction; none is held open over an `await`. Two writers
 * are kept apart by versions: a commit that was decided on old facts throws `StaleError` and changes nothing.
 */
export interface Store {
  /** Opens a run; everything written afterwards names it. */
  beginRun(run: NewRun): Promise<void>;
  endRun(id: string, sync: string, end: RunEnd): Promise<void>;
  /** Newest first. */
  runs(limit: number): Promise<readonly RunRow[]>;

  /**
   * Those of the external ids that are known: linked (a `gone` link has the fingerprint ''), or waiting unmatched. One
   * statement for a whole page; this is the only thing asked for an unchanged record (law 9).
   */
  known(connection: string, entity: Entity, externalIds: readonly string[]): Promise<ReadonlyMap<string, Known>>;
  /** The records that these external ids are linked to, each with all its links, by external id. */
  linked(connection: string, entity: Entity, externalIds: readonly string[]): Promise<ReadonlyMap<string, Aggregate>>;
  /** Records by canonical id; unknown ids are left out. */
  aggregates(ids: readonly string[]): Promise<ReadonlyMap<string, Aggregate>>;
  /** Canonical ids of live records that hold one of these identity keys, at most `limitPerKey` (+1, to show that there are more) each. */
  candidates(
    entity: Entity,
    keys: readonly number[],
    limitPerKey: number,
  ): Promise<ReadonlyMap<number, readonly string[]>>;
  /** Grows with every commit that adds identity keys: what `Batch.identityEpoch` is compared with. */
  identityEpoch(entity: Entity): Promise<number>;
  /** All live records of an entity in pages, by canonical id, starting behind `after`. */
  records(entity: Entity, after: string | undefined, limit: number): Promise<readonly Aggregate[]>;

  /** Writes everything in one transaction, or nothing. @throws StaleError */
  commit(batch: Batch): Promise<void>;

  /** Wire records that wait for a decision who they are, by page, oldest first. */
  unmatched(entity: Entity, after: number, limit: number): Promise<readonly UnmatchedRow[]>;
  /** The claims that unmatched records (of all connections) make on these records, by canonical id. */
  claims(recordIds: readonly string[]): Promise<ReadonlyMap<string, readonly ClaimRow[]>>;

  /** Records whose turn it is to be written to `connection`: state `waiting`, `notBefore` passed, in order, starting behind `after`. */
  pending(
    connection: string,
    entity: Entity,
    now: number,
    after: number,
    limit: number,
  ): Promise<readonly PendingRow[]>;
  /** Notes why a pending row was not done; it stays pending. */
  defer(connection: string, recordId: string, failure: PendingFailure): Promise<void>;
  /** Records that were set aside at a connection (state `dead`), in order. */
  deadLetters(connection: string, entity: Entity, limit: number): Promise<readonly DeadLetter[]>;
  /** Makes every live record that is linked to one of `sources` and not to `connection` pending there. Returns how many. */
  enqueueUnlinked(connection: string, entity: Entity, sources: readonly string[], at: number): Promise<number>;

  /** Takes the lease `name` unless another owner holds it past `now`. Taking it again prolongs it. */
  lease(name: string, owner: string, now: number, until: number): Promise<boolean>;
  release(name: string, owner: string): Promise<void>;
  /** Who holds the lease `name`, or held it last without releasing it. */
  leaseHolder(name: string): Promise<string | undefined>;

  /** Writes down that a create is about to be sent. Durable when it returns. One per (connection, record); writing it again renews `at`. */
  beginIntent(intent: IntentRow): Promise<void>;
  intents(connection: string, entity: Entity): Promise<readonly IntentRow[]>;

  /** Where the scans of (connection, entity) stand. */
  checkpoint(connection: string, entity: Entity): Promise<Checkpoint | undefined>;

  openReviews(entity: Entity): Promise<readonly ReviewRow[]>;
  /** Conflicts that wait for a person, of these records. */
  waitingConflicts(recordIds: readonly string[]): Promise<readonly ConflictRow[]>;
  /** Newest first; all of them, or those that wait alone. */
  conflicts(limit: number, only?: 'waiting'): Promise<readonly ConflictRow[]>;
  history(recordId: string): Promise<readonly HistoryRow[]>;
  quarantined(connection: string, entity: Entity, limit: number): Promise<readonly QuarantineRow[]>;
  /** Counts for `status`, per connection and entity. */
  standing(): Promise<readonly Standing[]>;

  /** A remembered setting, e.g. the members a sync had when it last ran. */
  remembered(key: string): Promise<string | undefined>;
  remember(key: string, value: string): Promise<void>;

  close(): Promise<void>;
}

/** The facts under a commit have changed since they were read: read again, decide again. */
export class StaleError extends Error {
  override readonly name = 'StaleError';
  readonly code = 'stale';
}

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
  /** Of the wire record as last seen in a listing or a reply. */
  readonly fingerprint: string;
  /** What the CRM was last known to hold: the base of the three-way merge. */
  readonly shadow: Values;
  /** By path, the canonical value we last wrote where the CRM may hold it in another form (trimmed, shortened …). */
  readonly sent: Values;
  /** What a write was to leave that has been sent and not been answered yet, by path. */
  readonly underway: Values | undefined;
  readonly locator: string | undefined;
  readonly modifiedAt: number | undefined;
  readonly state: 'live' | 'gone';
  /**
   * When we last wrote to the CRM's record, or began the look that last brought news of it, epoch milliseconds: a
   * listing begun before that is no news about it.
   */
  readonly writtenAt: number | undefined;
  /** Why the two are one: `created`, `xref`, `email`, `phone and name` …; the run in which that was decided. */
  readonly evidence: string;
  readonly run: string;
}

/** What the store knows about an external id, at the price of one look-up. */
export interface Known {
  readonly fingerprint: string;
  readonly state: 'linked' | 'unmatched';
}

export interface Batch {
  readonly run: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly entity: Entity;
  /** When given: refuse if identity keys were added since it was read. */
  readonly identityEpoch?: number;
  /** New records; each with at least one link in `links`. */
  readonly creates?: readonly RecordCreate[];
  /** New records that are what one CRM shows, and nothing else: nearly all of a first pull. */
  readonly births?: readonly Birth[];
  readonly updates?: readonly RecordUpdate[];
  /** Inserted or replaced by (connection, entity, external id). An entry for an external id that is live and linked to another record throws `StaleError`. */
  readonly links?: readonly LinkRow[];
  /** Become (or stay) pending, fresh: attempts 0, state `waiting`. */
  readonly pending?: readonly PendingKey[];
  /** No longer pending, unless the record's version has moved past `version`. */
  readonly done?: readonly (PendingKey & { readonly version: number })[];
  readonly history?: readonly HistoryRow[];
  readonly conflicts?: readonly ConflictRow[];
  /** Waiting conflicts that solved themselves. */
  readonly settledConflicts?: readonly { readonly recordId: string; readonly path: string }[];
  /** Replaced by (connection, entity, external id or position). */
  readonly quarantine?: readonly QuarantineRow[];
  /** External ids that are fine again. */
  readonly released?: readonly { readonly connection: string; readonly externalId: string }[];
  /** Inserted or replaced, with their claims, by (connection, entity, external id). */
  readonly unmatched?: readonly NewUnmatched[];
  /** Unmatched records that were linked or became records of their own. */
  readonly matched?: readonly { readonly connection: string; readonly externalId: string }[];
  /** Opened, or replaced when one is open for the same (connection, external id). A settled one stays as it is. */
  readonly reviews?: readonly ReviewRow[];
  /** Open reviews of these are closed as no longer needed. */
  readonly closedReviews?: readonly { readonly connection: string; readonly externalId: string }[];
  readonly endedIntents?: readonly PendingKey[];
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

/** A record that a CRM did not take. Without the CRM's own words: they may hold personal data. */
export interface DeadLetter extends PendingKey, Pick<PendingFailure, 'attempts' | 'code' | 'message'> {
  readonly entity: Entity;
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

export interface ConflictRow {
  readonly entity: Entity;
  readonly recordId: string;
  readonly path: string;
  readonly winner: { readonly connection: string; readonly value: Value };
  readonly loser: { readonly connection: string; readonly value: Value };
  /** Which rule decided, or `manual`. */
  readonly rule: string;
  readonly at: number;
  readonly run: string;
  /** At most one `waiting` per (record, path); a new one about another losing value leaves it settled. */
  readonly state: 'settled' | 'waiting';
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

/** A create that has been started and is not yet confirmed; never expires by time. */
export interface IntentRow extends PendingKey {
  readonly entity: Entity;
  /** When the request was last sent (or was about to be). */
  readonly at: number;
  readonly run: string;
  /** What we sent, to recognise the record by when it has no other mark. */
  readonly values: Values;
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

import type { Entity } from '../model/values.ts';
import type { Batch } from './batch.ts';
import type { ApartPair, CrmName, EvidenceCount, MergedRow } from './decision-rows.ts';
import type { ForgettingStore } from './forgetting.ts';
import type {
  Aggregate,
  AsideClass,
  AsideFilter,
  Checkpoint,
  ClaimRow,
  ConflictFilter,
  ConflictRow,
  DeadLetter,
  Delivery,
  DepartureRow,
  Expiry,
  FoundLink,
  Guarded,
  HarmDone,
  HeldRow,
  HintRow,
  HistoryRow,
  IntentRow,
  Known,
  LeaseRow,
  LinkNumber,
  NewHeld,
  NewRun,
  NumberedConflict,
  OpenHints,
  OpenReview,
  PendingFailure,
  PendingRow,
  PendingWrite,
  QuarantineRow,
  RunEnd,
  RunRow,
  Standing,
  TouchedRecord,
  UnmatchedRow,
  Wins,
} from './rows.ts';

export type * from './batch.ts';
export type * from './decision-rows.ts';
export type * from './forgetting.ts';
export type * from './rows.ts';

/**
 * The store's interface. It is asynchronous and works page by page and record by record, so that a database server can
 * stand behind it as well as a file. Every `commit` is one transaction; none is held open over an `await`. Two writers
 * are kept apart by versions: a commit that was decided on old facts throws `StaleError` and changes nothing.
 */
export interface Store extends ForgettingStore {
  /** Opens a run; everything written afterwards names it. */
  beginRun(run: NewRun): Promise<void>;
  endRun(id: string, sync: string, end: RunEnd): Promise<void>;
  /** Newest first. */
  runs(limit: number): Promise<readonly RunRow[]>;
  /** Those of one sync, newest first. */
  runsOf(sync: string, limit: number): Promise<readonly RunRow[]>;
  /** The runs of these ids that are still kept; one id may be that of several syncs. */
  runsNamed(ids: readonly string[]): Promise<readonly RunRow[]>;

  /**
   * Those of the external ids that are known: linked, linked once and gone (with the fingerprint ''), or waiting unmatched. One
   * statement for a whole page; this is the only thing asked for an unchanged record (law 9).
   */
  known(connection: string, entity: Entity, externalIds: readonly string[]): Promise<ReadonlyMap<string, Known>>;
  /** The records that these external ids are linked to, each with all its links, by external id. */
  linked(connection: string, entity: Entity, externalIds: readonly string[]): Promise<ReadonlyMap<string, Aggregate>>;
  /** How many live links a connection has, and the highest number of a link. */
  linkCount(connection: string, entity: Entity): Promise<{ readonly live: number; readonly last: number }>;
  /** Live links of a connection in the order of their numbers, starting behind `after`. */
  liveLinks(connection: string, entity: Entity, after: number, limit: number): Promise<readonly LinkNumber[]>;
  /** Records that we deleted at a connection between two times (epoch milliseconds), in order, starting behind `after`. */
  removedLinks(
    connection: string,
    entity: Entity,
    between: { readonly from: number; readonly until: number },
    after: number,
    limit: number,
  ): Promise<readonly LinkNumber[]>;
  /** Live links that a run has found or made, in the order of their numbers, starting behind `after`. Looks at all links. */
  linksOf(run: string, after: number, limit: number): Promise<readonly FoundLink[]>;
  /** How many live links of an entity rest on which evidence, by connection. Looks at all links. */
  evidence(entity: Entity): Promise<readonly EvidenceCount[]>;
  /** Some of the live links of a connection that rest on this evidence, in the order of their numbers. Looks at all links. */
  linksBy(connection: string, entity: Entity, evidence: string, limit: number): Promise<readonly FoundLink[]>;
  /** Departures at a connection in the order of their links' numbers, starting behind `after`. */
  departures(connection: string, entity: Entity, after: number, limit: number): Promise<readonly DepartureRow[]>;
  /** Records by canonical id; unknown ids are left out. */
  aggregates(ids: readonly string[]): Promise<ReadonlyMap<string, Aggregate>>;
  /** Canonical ids of records that hold one of these identity keys and are live or, deleted, still at some CRM, at most `limitPerKey` (+1, to show that there are more) each. */
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
  /**
   * As `pending`, but only records that `connection` has: what would be updated or deleted there, not created.
   * @param now undefined: also those that are to rest
   */
  pendingLinked(
    connection: string,
    entity: Entity,
    after: number,
    limit: number,
    now?: number,
  ): Promise<readonly PendingRow[]>;
  /** As `pending`, but only these records. */
  pendingAmong(
    connection: string,
    entity: Entity,
    now: number,
    recordIds: readonly string[],
  ): Promise<readonly PendingRow[]>;
  /** Notes why a pending row was not done; it stays pending. Does nothing if the record's version has moved past `version`. */
  defer(connection: string, recordId: string, failure: PendingFailure & { readonly version: number }): Promise<void>;
  /** Records that were set aside at a connection (state `dead`), in order. */
  deadLetters(connection: string, entity: Entity, limit: number): Promise<readonly DeadLetter[]>;
  /** Those of these records that are pending at a connection, by canonical id, whatever their state. */
  pendingOf(
    connection: string,
    entity: Entity,
    recordIds: readonly string[],
  ): Promise<ReadonlyMap<string, PendingFailure['state']>>;
  /** What is pending of one record at these connections. */
  pendingWrites(recordId: string, connections: readonly string[]): Promise<readonly PendingWrite[]>;
  /**
   * Makes writes that were set aside wait their turn again, fresh; one with an open intent keeps its attempts, so that
   * a create which may have left something behind is tried once, not all over again.
   * @returns what was taken back, as `setAside` tells it
   */
  takeBack(which: AsideFilter): Promise<readonly AsideClass[]>;
  /** Makes every live record that is linked to one of `sources` and not to `connection` pending there. Returns how many. */
  enqueueUnlinked(connection: string, entity: Entity, sources: readonly string[], at: number): Promise<number>;

  /** Takes the lease `name` unless another owner holds it past `now`. Taking it again prolongs it. */
  lease(name: string, owner: string, now: number, until: number): Promise<boolean>;
  release(name: string, owner: string): Promise<void>;
  /** Who holds the lease `name`, or held it last without releasing it. */
  leaseHolder(name: string): Promise<string | undefined>;
  /** The leases whose names begin with `prefix`, also those that have run out, by name. */
  leases(prefix: string): Promise<readonly LeaseRow[]>;

  /** Writes down that a create is about to be sent. Durable when it returns. One per (connection, record); writing it again renews `at`. */
  beginIntent(intent: IntentRow): Promise<void>;
  /**
   * As `beginIntent`, but only where nothing stands against a create there: the record has this version and no link at the
   * connection, but for one that we removed; no intent of it is open there; no unmatched record claims to be it; and of
   * nobody is it open whether he has left that connection.
   * @returns whether it was written
   */
  beginFirstIntent(intent: IntentRow, version: number): Promise<boolean>;
  /** Notes that a create which is not confirmed was sent, or failed, at this time. One that another process has ended stays ended. */
  renewIntent(connection: string, recordId: string, at: number): Promise<void>;
  /** Notes the id of what a create has made that is not finished. Durable when it returns. One that has ended stays ended. */
  noteMade(connection: string, recordId: string, externalId: string): Promise<void>;
  intents(connection: string, entity: Entity): Promise<readonly IntentRow[]>;
  /** The one of this record; undefined when none is open. */
  intent(connection: string, recordId: string): Promise<IntentRow | undefined>;

  /** Where the scans of (connection, entity) stand. */
  checkpoint(connection: string, entity: Entity): Promise<Checkpoint | undefined>;

  /**
   * Puts what webhooks brought into the inbox, all in one transaction, unless their ids are known: those of the same
   * connection that were taken within the last days (see `expire`) or stand before them in the list. Every hint gets a
   * position of its own, also when the same record is named again. Durable when it returns, like an intent: it survives
   * the death of the process and, where the disk keeps what it says it has written, the loss of power.
   * @returns for each delivery, in order, what became of it
   */
  receive(deliveries: readonly Delivery[]): Promise<readonly ('stored' | 'repeated')[]>;
  /** Open hints of a connection, oldest first. */
  hints(connection: string, entity: Entity, limit: number): Promise<readonly HintRow[]>;
  /** Takes hints out of the inbox; those that are not there any more are left out. */
  endHints(positions: readonly number[]): Promise<void>;
  /** Where hints are open; a connection and entity without any is not named. Reads an index of all that are open. */
  openHints(): Promise<readonly OpenHints[]>;

  /** Those of the external ids that wait for a decision who they are, by external id. */
  unmatchedOf(
    connection: string,
    entity: Entity,
    externalIds: readonly string[],
  ): Promise<ReadonlyMap<string, UnmatchedRow>>;

  /** Oldest first; those that a person has left for later come last. */
  openReviews(entity: Entity): Promise<readonly OpenReview[]>;
  /** Leaves a review for later; nothing happens when it is not open any more. */
  skipReview(connection: string, entity: Entity, externalId: string, at: number): Promise<void>;
  /** Whether people have kept anybody apart, or merged anybody: nearly always not. */
  isAnyDecided(): Promise<boolean>;
  /** Whom people have kept these records of CRMs apart from; each is the `one` of its pairs. */
  apartOf(entity: Entity, ofThese: readonly CrmName[]): Promise<readonly ApartPair[]>;
  /** By canonical id, the records into which those of these were merged that were. */
  survivors(recordIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All canonical records that people have merged into others, oldest first. */
  merged(): Promise<readonly MergedRow[]>;
  /** Conflicts that wait for a person, of these records. */
  waitingConflicts(recordIds: readonly string[]): Promise<readonly ConflictRow[]>;
  /** Newest first; all of them, or those that wait alone. */
  conflicts(limit: number, only?: 'waiting'): Promise<readonly ConflictRow[]>;
  /** All conflicts of one record that are kept, oldest first. */
  conflictsOf(recordId: string): Promise<readonly ConflictRow[]>;
  /** Newest first, starting before the number `before`. */
  conflictPage(which: ConflictFilter, before: number | undefined, limit: number): Promise<readonly NumberedConflict[]>;
  /** The conflict of that number; undefined when there is none. */
  conflict(number: number): Promise<NumberedConflict | undefined>;
  /** Who has won by a rule how often, by field, those who won most first. */
  wins(rule: string): Promise<readonly Wins[]>;
  /** What replaced what in a record, oldest first. */
  history(recordId: string): Promise<readonly HistoryRow[]>;
  /**
   * Records that may hold a value of a run, or have had one replaced in it, in order, starting behind `after`. Looks at all
   * records.
   */
  touchedBy(run: string, after: number, limit: number): Promise<readonly TouchedRecord[]>;
  /** Wire records that could not be used when they were last seen, by external id. */
  quarantined(connection: string, entity: Entity, limit: number): Promise<readonly QuarantineRow[]>;
  /** Counts for `status`, per connection and entity. */
  standing(): Promise<readonly Standing[]>;
  /** What is set aside and why, by connection, entity and sort, the largest class first; at most `limit` classes. */
  setAside(limit: number): Promise<readonly AsideClass[]>;

  /** What guards hold back, by sync, connection and sort; all of it or that of one sync. */
  held(sync?: string): Promise<readonly HeldRow[]>;
  /** Replaces what a guard holds at a connection, but keeps approved rows that are named in `rows` with the same mark. */
  hold(sync: string, connection: string, what: Guarded, rows: readonly NewHeld[], at: number): Promise<void>;
  /** Approves what is held back now, as it is. @returns how many were approved */
  approve(sync: string): Promise<number>;
  /** The records that a run of a sync has done harm to at a connection. */
  harmed(sync: string, run: string, connection: string): Promise<readonly HarmDone[]>;
  /**
   * Counts a record among those that a run of a sync does harm to at a connection, once; what is approved (see `hold`) is
   * not counted.
   * @param mark as in `NewHeld`
   * @param allowed how many records a run may harm in this way there
   * @returns whether the harm may be done
   */
  countHarm(
    harm: HarmDone & {
      readonly sync: string;
      readonly run: string;
      readonly connection: string;
      readonly mark: string;
    },
    allowed: number,
  ): Promise<boolean>;
  /** Forgets the harm that runs of a sync have done, but for these runs. */
  forgetHarm(sync: string, but: readonly string[]): Promise<void>;

  /** A remembered setting, e.g. the members a sync had when it last ran. */
  remembered(key: string): Promise<string | undefined>;
  remember(key: string, value: string): Promise<void>;

  /**
   * Removes history, settled conflicts, ended runs and ids of deliveries from before a time, a few in each transaction,
   * so that others can write in between. The origins of current values stay, and so do the last run of each sync and
   * hints that are open.
   * @returns how many rows went; a very large backlog takes several calls
   */
  expire(before: Expiry): Promise<number>;

  close(): Promise<void>;
}

/** How a connection stands of which nothing is known. */
export function noStanding(connection: string, entity: Entity): Standing {
  return {
    connection,
    entity,
    links: 0,
    pending: 0,
    dead: 0,
    unsupported: 0,
    quarantined: 0,
    reviews: 0,
    waitingConflicts: 0,
    openIntents: 0,
  };
}

/** The facts under a commit have changed since they were read: read again, decide again. */
export class StaleError extends Error {
  override readonly name = 'StaleError';
  readonly code = 'stale';
}

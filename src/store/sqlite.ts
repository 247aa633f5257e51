import Sqlite, { type Database } from 'better-sqlite3';
import { openAside } from './sqlite/aside.ts';
import { openAsideClasses } from './sqlite/aside-classes.ts';
import { openDecisions } from './sqlite/decisions.ts';
import { openDepartures } from './sqlite/departures.ts';
import { type Disk, noDisk, openDisk } from './sqlite/disk.ts';
import { entityNumber } from './sqlite/encoding.ts';
import { explaining, isPassing } from './sqlite/faults.ts';
import { openFile } from './sqlite/file.ts';
import { openForgetting } from './sqlite/forgetting.ts';
import { openHarm } from './sqlite/harm.ts';
import { openHeld } from './sqlite/held.ts';
import { openIdentity } from './sqlite/identity.ts';
import { openInbox } from './sqlite/inbox.ts';
import { openIntents } from './sqlite/intents.ts';
import { openLinks } from './sqlite/links.ts';
import { openLogs } from './sqlite/logs.ts';
import { openNames } from './sqlite/names.ts';
import { openPending } from './sqlite/pending.ts';
import { openRecords, type RecordNumber } from './sqlite/records.ts';
import { openRetention } from './sqlite/retention.ts';
import { openRuns } from './sqlite/runs.ts';
import { openStanding } from './sqlite/standing.ts';
import { openTogether } from './sqlite/together.ts';
import { openUnmatched } from './sqlite/unmatched.ts';
import { type Aggregate, type Batch, type Birth, type Known, type LeaseRow, StaleError, type Store } from './store.ts';

export interface SqliteStoreOptions {
  /** How long to wait for another process that is writing, milliseconds. Default 10,000. */
  readonly busyTimeoutMs?: number;
  /** Whether what must outlive a loss of power waits for the disk. Default true; false for a file that nobody keeps. */
  readonly waitsForDisk?: boolean;
}

/**
 * Opens or creates the store in an SQLite file (mode 0600, as its -wal and -shm). Several processes may have it open.
 * @param file path of the file, or `:memory:` for one that ends with the process
 * Every method, and opening it, throws `StoreError` when the file is damaged, locked for too long, full or not to be written.
 * @throws Error with a message for people: the folder is missing, the file is no database, another program's, or newer than we are
 */
export async function openSqliteStore(file: string, options: SqliteStoreOptions = {}): Promise<Store> {
  const { busyTimeoutMs = 10_000, waitsForDisk = file !== ':memory:' } = options;
  return storeOver(openFile(file, busyTimeoutMs), waitsForDisk ? openDisk(file) : noDisk, file);
}

/** The store over a database that `openFile` has opened. It closes the database with itself. */
export function storeOver(database: Database, disk: Disk, file: string): Store {
  return explaining(sqliteStore(database, disk), file);
}

function sqliteStore(database: Database, disk: Disk): Store {
  const names = openNames(database);
  const links = openLinks(database, names);
  const records = openRecords(database, names, links);
  const identity = openIdentity(database);
  const pending = openPending(database, names);
  const unmatched = openUnmatched(database, names);
  const logs = openLogs(database, names);
  const aside = openAside(database, names);
  const decisions = openDecisions(database, names);
  const asideClasses = openAsideClasses(database, names);
  const runs = openRuns(database, names);
  const intents = openIntents(database, names);
  const inbox = openInbox(database, names);
  const departures = openDepartures(database, names);
  const held = openHeld(database, names);
  const harm = openHarm(database, names);
  const standing = openStanding(database, names);
  const lease = database.prepare<{ name: string; owner: string; now: number; until: number }>(`
    INSERT INTO lease (name, owner, until) VALUES (:name, :owner, :until)
    ON CONFLICT DO UPDATE SET owner = :owner, until = :until WHERE lease.owner = :owner OR lease.until <= :now`);
  const release = database.prepare<[string, string]>('DELETE FROM lease WHERE name = ? AND owner = ?');
  const leases = database.prepare<[string, string], LeaseRow>(
    'SELECT name, owner, until FROM lease WHERE name >= ? AND name < ? ORDER BY name',
  );
  const leaseHolder = database.prepare<[string], string>('SELECT owner FROM lease WHERE name = ?').pluck();
  const remembered = database.prepare<[string], string>('SELECT value FROM setting WHERE key = ?').pluck();
  const remember = database.prepare<[string, string]>('INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)');

  // Takes the writer's place at once, so that nothing read inside can be stale at the end.
  const transaction = database.transaction((action: () => unknown): unknown => action()).immediate;
  const write = <Result>(action: () => Result): Result => {
    try {
      return transaction(action) as Result;
    } catch (error) {
      names.forget();
      identity.forget();
      records.forget();
      throw asStale(error);
    }
  };

  const together = openTogether(write, disk);
  const expire = openRetention(database, write);

  const bear = (births: readonly Birth[], { entity, at }: Batch, created: Map<string, RecordNumber>): void => {
    const pairs: number[] = [];
    const waiting = new Map<string, number[]>();
    const numbers = records.bear(entity, births);
    for (const [index, { link, shadow, keys, pending: connections }] of births.entries()) {
      const number = numbers[index]!;
      created.set(link.recordId, { number, entity: entityNumber(entity) });
      links.put(link, number, shadow);
      for (const key of keys) pairs.push(key, number);
      for (const connection of connections) {
        const others = waiting.get(connection);
        if (others === undefined) waiting.set(connection, [number]);
        else others.push(number);
      }
    }
    identity.addNew(pairs);
    for (const [connection, those] of waiting) pending.putNew(connection, entity, those, at);
  };

  const apply = (batch: Batch): void => {
    const { entity, at } = batch;
    if (batch.identityEpoch !== undefined && batch.identityEpoch !== identity.epoch(entity))
      throw new StaleError(`${entity}: identity keys were added since epoch ${batch.identityEpoch} was read`);

    const created = new Map<string, RecordNumber>();
    const unlinked = new Set<string>();
    const known = new Map<string, RecordNumber>();
    const recordOf = (id: string): RecordNumber => {
      let record = created.get(id) ?? known.get(id);
      if (record === undefined) {
        record = records.number(id);
        known.set(id, record);
      }
      return record;
    };
    let keysAdded = false;

    for (const link of batch.moved ?? []) {
      const { number } = records.number(link.from);
      records.settle(number);
      links.detach(link, entity, number);
    }
    for (const create of batch.creates ?? []) {
      const number = records.create(entity, create);
      created.set(create.id, { number, entity: entityNumber(entity) });
      unlinked.add(create.id);
      identity.addNew(create.keys.flatMap((key) => [key, number]));
      keysAdded ||= create.keys.length > 0;
    }
    if (batch.births !== undefined && batch.births.length > 0) bear(batch.births, batch, created);
    const written = new Set(created.keys());
    const keys: number[] = [];
    for (const update of batch.updates ?? []) {
      records.update(update);
      written.add(update.id);
      for (const key of update.keys) keys.push(key, recordOf(update.id).number);
    }
    keysAdded = identity.add(keys) || keysAdded;
    for (const link of batch.links ?? []) {
      const { number } = recordOf(link.recordId);
      if (!written.has(link.recordId)) records.settle(number);
      if (link.version === undefined) links.put(link, number);
      else links.change(link, number, link.version);
      unlinked.delete(link.recordId);
    }
    for (const id of unlinked) throw new RangeError(`store: new record ${id} has no link; nothing was written`);
    keysAdded ||= batch.births?.some(({ keys }) => keys.length > 0) ?? false;
    if (decide(batch, recordOf) || keysAdded) identity.seal(entity);

    for (const { connection, recordId } of batch.pending ?? []) pending.put(connection, recordOf(recordId), at);
    for (const { connection, recordId, version } of batch.done ?? [])
      pending.remove(connection, recordOf(recordId), version);
    for (const row of batch.unsupported ?? []) pending.putUnsupported(row.connection, recordOf(row.recordId), row, at);
    for (const { connection, recordId } of batch.supported ?? [])
      pending.removeUnsupported(connection, recordOf(recordId));
    for (const { connection, recordId } of batch.endedIntents ?? [])
      intents.remove(connection, recordOf(recordId).number);

    for (const row of batch.history ?? []) logs.addHistory(row, recordOf(row.recordId).number);
    for (const row of batch.conflicts ?? []) logs.addConflict(row, recordOf(row.recordId).number);
    for (const row of batch.decided ?? []) logs.decideConflict(row, batch);
    for (const { recordId, path } of batch.settledConflicts ?? []) logs.settleConflict(recordOf(recordId).number, path);

    for (const row of batch.departures ?? [])
      departures.put(links.number(row.connection, entity, row.externalId), entity, row);
    for (const { connection, externalId, state } of batch.endedDepartures ?? [])
      departures.remove(links.number(connection, entity, externalId), state);

    for (const row of batch.unmatched ?? []) unmatched.put(row, (recordId) => recordOf(recordId).number);
    for (const { connection, externalId } of batch.matched ?? []) unmatched.remove(connection, entity, externalId);
    for (const { connection, externalId } of batch.released ?? []) aside.release(connection, entity, externalId);
    setAside(batch);
    if (batch.checkpoint !== undefined) runs.putCheckpoint(batch.checkpoint);
  };

  /** @returns whether anything was decided about who is who */
  const decide = (batch: Batch, recordOf: (id: string) => RecordNumber): boolean => {
    const { entity, at, run, apart = [], notApart = [], merged = [], unmerged = [] } = batch;
    for (const pair of apart) decisions.putApart(pair, entity, { at, run });
    for (const pair of notApart) decisions.removeApart(pair, entity);
    for (const row of merged)
      decisions.putMerged(recordOf(row.recordId).number, recordOf(row.survivorId).number, { ...row, at, run });
    for (const recordId of unmerged) decisions.removeMerged(recordOf(recordId).number);
    return [apart, notApart, merged, unmerged].some((rows) => rows.length > 0);
  };

  const setAside = ({ quarantine = [], reviews = [], closedReviews = [], entity, run, checkpoint }: Batch): void => {
    const start = (checkpoint?.read ?? 0) * 1000;
    quarantine.forEach((row, index) => {
      aside.quarantine(row, start + index, run);
    });
    if (checkpoint?.complete?.startedAt === checkpoint?.startedAt && checkpoint !== undefined)
      aside.releaseNameless(checkpoint);
    for (const review of reviews) aside.openReview(review);
    for (const { connection, externalId } of closedReviews) aside.closeReview(connection, entity, externalId);
  };

  return {
    beginRun: async (run) => write(() => runs.begin(run)),
    endRun: async (id, sync, end) => write(() => runs.end(id, sync, end)),
    runs: async (limit) => runs.newest(limit),
    runsOf: async (sync, limit) => runs.newestOf(sync, limit),
    runsNamed: async (ids) => runs.named(ids),

    known: async (connection, entity, externalIds) => {
      const found = new Map<string, Known>();
      let live = 0;
      for (const [id, fingerprint, number] of links.known(connection, entity, externalIds)) {
        found.set(id, { fingerprint: fingerprint ?? '', state: fingerprint === null ? 'gone' : 'linked', number });
        if (fingerprint !== null) live++;
      }
      if (live === externalIds.length) return found;
      for (const [id, fingerprint] of unmatched.fingerprints(connection, entity, externalIds))
        if (found.get(id)?.state !== 'linked') found.set(id, { fingerprint, state: 'unmatched', number: 0 });
      return found;
    },
    linked: async (connection, entity, externalIds) => {
      const pairs = links.recordsOf(connection, entity, externalIds);
      const found = records.byNumbers([...new Set(pairs.map(([, number]) => number))]);
      return new Map(pairs.map(([externalId, number]) => [externalId, found.get(number) as Aggregate]));
    },
    linkCount: async (connection, entity) => links.count(connection, entity),
    liveLinks: async (connection, entity, after, limit) => links.live(connection, entity, after, limit),
    removedLinks: async (connection, entity, between, after, limit) =>
      links.removed(connection, entity, between, after, limit),
    linksOf: async (run, after, limit) => links.ofRun(run, after, limit),
    evidence: async (entity) => links.evidence(entity),
    linksBy: async (connection, entity, evidence, limit) => links.by(connection, entity, evidence, limit),
    departures: async (connection, entity, after, limit) => departures.page(connection, entity, after, limit),
    aggregates: async (ids) => records.byIds(ids),
    candidates: async (entity, keys, limitPerKey) => identity.candidates(entity, keys, limitPerKey),
    identityEpoch: async (entity) => identity.epoch(entity),
    records: async (entity, after, limit) => records.page(entity, after, limit),

    commit: async (batch) => await together.now(() => apply(batch)),

    unmatched: async (entity, after, limit) => unmatched.page(entity, after, limit),
    claims: async (recordIds) => unmatched.claimsOn(recordIds),

    pending: async (connection, entity, now, after, limit) => pending.due(connection, entity, now, after, limit),
    pendingLinked: async (connection, entity, after, limit, now = Number.MAX_SAFE_INTEGER) =>
      pending.dueLinked(connection, entity, now, after, limit),
    pendingAmong: async (connection, entity, now, recordIds) => pending.dueAmong(connection, entity, now, recordIds),
    defer: async (connection, recordId, failure) =>
      write(() => pending.defer(connection, records.number(recordId), failure)),
    deadLetters: async (connection, entity, limit) => pending.dead(connection, entity, limit),
    pendingOf: async (connection, entity, recordIds) => pending.ofRecords(connection, entity, recordIds),
    pendingWrites: async (recordId, connections) => pending.ofRecord(recordId, connections),
    takeBack: async (which) => write(() => asideClasses.takeBack(which)),
    enqueueUnlinked: async (connection, entity, sources, at) =>
      write(() => pending.enqueueUnlinked(connection, entity, sources, at)),

    lease: async (name, owner, now, until) =>
      await together.run(() => lease.run({ name, owner, now, until }).changes === 1),
    release: async (name, owner) => {
      await together.run(() => release.run(name, owner));
    },
    leaseHolder: async (name) => leaseHolder.get(name),
    leases: async (prefix) => leases.all(prefix, `${prefix}\u{10ffff}`),

    beginIntent: async (intent) =>
      // A create that is sent and forgotten is a duplicate to come: this one write waits for the disk.
      await together.run(() => intents.put(intent, records.number(intent.recordId).number), true),
    beginFirstIntent: async (intent, version) => await together.run(() => intents.putFirst(intent, version), true),
    renewIntent: async (connection, recordId, at) =>
      write(() => intents.renew(connection, records.number(recordId).number, at)),
    noteMade: async (connection, recordId, externalId) =>
      await together.run(() => intents.made(connection, records.number(recordId).number, externalId), true),
    intent: async (connection, recordId) => intents.of(connection, recordId),
    intents: async (connection, entity) => intents.open(connection, entity),
    checkpoint: async (connection, entity) => runs.checkpoint(connection, entity),

    // Who is told that it was taken does not send it again: this waits for the disk as well.
    receive: async (deliveries) => {
      const received = write(() => inbox.receive(deliveries));
      await disk.written();
      return received;
    },
    hints: async (connection, entity, limit) => inbox.page(connection, entity, limit),
    endHints: async (positions) => write(() => inbox.end(positions)),
    openHints: async () => inbox.open(),

    unmatchedOf: async (connection, entity, externalIds) => unmatched.of(connection, entity, externalIds),
    openReviews: async (entity) => aside.openReviews(entity),
    skipReview: async (connection, entity, externalId, at) =>
      write(() => aside.skipReview(connection, entity, externalId, at)),
    isAnyDecided: async () => decisions.isAnyDecided(),
    apartOf: async (entity, ofThese) => decisions.apartOf(entity, ofThese),
    survivors: async (recordIds) => decisions.survivors(recordIds),
    merged: async () => decisions.merged(),
    waitingConflicts: async (recordIds) => logs.waitingConflicts(recordIds),
    conflicts: async (limit, only) => logs.conflicts(limit, only),
    conflictsOf: async (recordId) => logs.conflictsOf(recordId),
    conflictPage: async (which, before, limit) => logs.conflictPage(which, before, limit),
    conflict: async (number) => logs.conflict(number),
    wins: async (rule) => logs.wins(rule),
    history: async (recordId) => logs.history(recordId),
    touchedBy: async (run, after, limit) => logs.touchedBy(run, after, limit),
    quarantined: async (connection, entity, limit) => aside.quarantined(connection, entity, limit),
    standing: async () => standing(),
    setAside: async (limit) => asideClasses.all(limit),

    held: async (sync) => held.all(sync),
    hold: async (sync, connection, what, rows, at) =>
      write(() => {
        const numbered = rows.map(
          ({ recordId, mark, isApproved = false }) => [records.number(recordId).number, mark, isApproved] as const,
        );
        held.replace(sync, connection, what, numbered, at);
      }),
    approve: async (sync) => write(() => held.approve(sync)),
    harmed: async (sync, run, connection) => harm.of(sync, run, connection),
    countHarm: async (row, allowed) => write(() => harm.count(row, records.number(row.recordId).number, allowed)),
    forgetHarm: async (sync, but) => write(() => harm.forget(sync, but)),

    remembered: async (key) => remembered.get(key),
    remember: async (key, value) => {
      remember.run(key, value);
    },

    expire,
    ...openForgetting(database, names, identity, write),

    close: async () => {
      together.flush();
      await disk.close();
      try {
        // Not worth waiting for, and nothing is lost without it: the next process that closes the store tidies up.
        database.pragma('busy_timeout = 0');
        write(identity.tidy);
      } catch (error) {
        if (!isPassing(error)) throw error;
      } finally {
        database.close();
      }
    },
  };
}

/** What the schema calls unique and is not any more was written by somebody else after we had looked. */
function asStale(error: unknown): unknown {
  if (error instanceof Sqlite.SqliteError && /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(error.code))
    return new StaleError(`another writer was first (${error.message})`, { cause: error });
  return error;
}

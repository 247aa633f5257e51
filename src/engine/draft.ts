import type { CrmRecord } from '../connector/connector.ts';
import { fieldAt, slotOf } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { isEmpty, type Origin, type Origins, type Value, type Values } from '../model/values.ts';
import type { Aggregate, Batch, Birth, ConflictRow, HistoryRow, LinkRow, MovedLink } from '../store/store.ts';
import { direction, isLearntFrom, isLearntFromInPart } from '../sync/direction.ts';
import { type Forms, hasTemplates } from '../sync/forms.ts';
import { identityKeys, identityPaths } from '../sync/identity.ts';
import { type Conflict, merge } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Absorbed, Arrival } from './arrival.ts';
import { Contests } from './contests.ts';
import type { EngineContext } from './engine.ts';
import { unknownFingerprint } from './fingerprint.ts';
import { connectionNamed, kindsOf, writeTargets } from './participation.ts';
import { latest, stillUnderway } from './underway.ts';
import { batchOf, newWork, type Work, workOn } from './work.ts';

/**
 * Collects what becomes of some records, and turns it into one batch for the store. Everything that changes a canonical
 * record goes through here: pages of a pull, decisions of matching, answers of writes.
 */
export class Draft {
  readonly #context: EngineContext;
  readonly #sync: SyncPolicy;
  readonly #run: string;
  readonly #at: number;
  readonly #works = new Map<string, Work>();
  /** Keys are asked for several times on a record's way, and cost the parsing of its phone numbers. */
  readonly #keys = new Map<Values, readonly number[]>();
  /** Connections at which a record that is born at one is lacking. */
  readonly #others = new Map<string, Set<string>>();
  readonly #births: Birth[] = [];
  /** Known to a member that is only written to: they have no values of their own, but can be recognised. */
  readonly #strangers: { readonly link: LinkRow; readonly keys: readonly number[] }[] = [];
  #firstSeen: Origin | undefined;
  readonly #history: HistoryRow[] = [];
  readonly #contests: Contests;
  readonly #moved: MovedLink[] = [];

  constructor(context: EngineContext, sync: SyncPolicy, run: string) {
    this.#context = context;
    this.#sync = sync;
    this.#run = run;
    this.#at = context.clock.now();
    this.#contests = new Contests(context, sync, run, this.#at);
  }

  /** Takes a record as read from the store under work, unless it already is. */
  adopt({ record, links }: Aggregate): void {
    if (this.#works.has(record.id)) return;
    this.#works.set(record.id, workOn({ record, links }));
  }

  /** The record as it stands in this draft. @throws RangeError when it was not adopted. */
  current(recordId: string): Pick<Readonly<Work>, 'values' | 'links' | 'state'> {
    return this.#work(recordId);
  }

  #work(recordId: string): Work {
    const work = this.#works.get(recordId);
    if (!work) throw new RangeError(`record ${recordId} is not in this draft`);
    return work;
  }

  /**
   * Makes a canonical record of a wire record that is nobody else's. It is not under work in this draft.
   * @returns its canonical id
   */
  bear(arrival: Arrival): string {
    const { connection, record, text, fingerprint, shownIn } = arrival;
    const { newId } = this.#context;
    // Not all that it shows is the record's.
    if (this.#counts(connection) && this.#countsInPart(connection)) {
      const id = this.found();
      this.absorb(id, { ...arrival, evidence: 'first seen' });
      return id;
    }
    const id = newId();
    const link = this.#newLink(id, connection, record, fingerprint, 'first seen');
    const keys = this.keysOf(connection, record.values);
    if (this.#counts(connection)) {
      const origin = this.#originOf(connection, record, shownIn);
      this.#births.push({ link, shadow: text, origin, keys, pending: this.#othersThan(link) });
    } else this.#strangers.push({ link, keys });
    return id;
  }

  /** Where a record with this one link is lacking. */
  #othersThan(link: LinkRow): ReadonlySet<string> {
    let others = this.#others.get(link.connection);
    if (!others) {
      others = writeTargets(this.#context.syncs, this.#sync.entity, [link]);
      // What is born here is what its only CRM shows.
      others.delete(link.connection);
      this.#others.set(link.connection, others);
    }
    return others;
  }

  /** One object for all records of a page without a stamp of their own: the store writes each origin once. */
  #originOf(connection: string, record: CrmRecord, shownIn: string | undefined): Origin {
    if (record.modifiedAt !== undefined || shownIn !== undefined)
      return this.#seen(connection, record, 'first seen', shownIn);
    this.#firstSeen ??= this.#seen(connection, record, 'first seen');
    return this.#firstSeen;
  }

  /** Merges what a CRM shows into the canonical record, and notes it as what that CRM holds. */
  absorb(recordId: string, arrival: Arrival): Absorbed {
    const work = this.#work(recordId);
    const { connection, record, written } = arrival;
    const before = work.links.find((link) => link.connection === connection && link.externalId === record.externalId);
    const base = written?.base ?? before ?? arrival.base ?? { shadow: {}, sent: {} };
    const merged = merge({
      entity: this.#sync.entity,
      policy: this.#sync,
      canonical: work,
      base,
      theirs: record.values,
      seen: this.#seen(connection, record, '', arrival.shownIn),
      counts: this.#counts(connection),
      cleared: arrival.cleared,
      forms: this.#forms(connection),
      ruledOut: (slot) => (isLearntFrom(this.#sync, connection, slot) ? undefined : direction),
      context: this.#kinds(connection),
    });

    const changed = Object.keys(merged.canonical.origins).some(
      (path) => merged.canonical.origins[path] !== work.origins[path],
    );
    const logged = this.#counts(connection) ? this.#contests.overrule(work, merged.canonical.values, connection) : 0;
    const isNews = changed || merged.conflicts.length > 0;
    if (isNews && work.state === 'tombstone' && before?.state === 'live' && this.#counts(connection))
      this.#revive(work, merged.canonical, connection);
    work.values = merged.canonical.values;
    work.origins = merged.canonical.origins;
    work.recordChanged ||= changed;
    for (const replaced of merged.replaced) this.#history.push({ recordId, ...replaced });
    this.#contests.log(recordId, merged.conflicts);

    const { entity } = this.#sync;
    const other = Object.keys(record.values).filter(
      (path) => !equal(fieldAt(entity, path).kind, record.values[path], before?.shadow[path], this.#kinds(connection)),
    );
    if (!before || other.some((path) => identityPaths.has(path))) {
      const known = before ? new Set(this.keysOf(connection, before.shadow)) : undefined;
      for (const key of this.keysOf(connection, record.values)) if (!known?.has(key)) work.keys.add(key);
    }

    const underway = stillUnderway(merged.base.underway, arrival, before, this.#context);
    const link: LinkRow = {
      ...(before ?? this.#newLink(recordId, connection, record, arrival.fingerprint, arrival.evidence ?? 'matched')),
      // Looked at once more, until it is known whether what is under way will land.
      fingerprint: underway ? unknownFingerprint : arrival.fingerprint,
      shadow: merged.base.shadow,
      sent: merged.base.sent,
      underway,
      replaced: written ? written.replaced : other.length > 0 ? undefined : before?.replaced,
      locator: record.locator ?? before?.locator,
      modifiedAt: record.modifiedAt,
      writtenAt: latest(written?.at ?? arrival.lookedAt, before?.writtenAt),
      state: 'live',
    };
    if (before) work.links.splice(work.links.indexOf(before), 1, link);
    else work.links.push(link);
    // One that is back may lack what came in while it was gone.
    if (before?.state !== 'live') work.joined.add(connection);
    if (before) work.changedLinks.delete(before);
    work.changedLinks.add(link);
    if (written || other.length > 0) work.stirred.add(connection);
    if (!this.#counts(connection) || this.#countsInPart(connection))
      work.isWitnessed ||= !written && other.some((path) => this.#isOnlyHeld(path, record.values, work.values));
    const conflicts = merged.conflicts.length + logged;
    return { news: changed || conflicts > 0, conflicts };
  }

  /** A person has edited what was deleted elsewhere: the edit wins, and the log tells what the delete would have taken. */
  #revive(work: Work, after: Pick<Work, 'values' | 'origins'>, connection: string): void {
    this.#contests.reviveAgainstDelete(work, after, connection);
    work.state = 'live';
    work.recordChanged = true;
  }

  /** Puts a value into the record by a person's word, not by what a CRM shows: it is written wherever it is lacking. */
  put(recordId: string, path: string, value: Value, origin: Origin): void {
    const work = this.#work(recordId);
    const [from, fromOrigin] = [work.values[path], work.origins[path]];
    work.values = { ...work.values, [path]: value };
    work.origins = { ...work.origins, [path]: origin };
    work.recordChanged = true;
    // Also by its origin alone: whoever looked before must not take for done what is to be written now.
    if (!equal(fieldAt(this.#sync.entity, path).kind, from, value))
      this.#history.push({ recordId, path, from, fromOrigin, to: value, origin });
    const link = work.links.find(({ state }) => state === 'live');
    if (link && identityPaths.has(path))
      for (const key of this.keysOf(link.connection, work.values)) work.keys.add(key);
  }

  /** A record of its own, with nothing in it yet. @returns its canonical id */
  found(): string {
    const id = this.#context.newId();
    this.#works.set(id, newWork(id));
    return id;
  }

  /**
   * Gives a record the values that a decision leaves it with. What is replaced goes to the history.
   * @param conflicts what lost in it
   */
  assume(recordId: string, values: Values, origins: Origins, conflicts: readonly Conflict[] = []): void {
    const work = this.#work(recordId);
    for (const [path, to] of Object.entries(values)) {
      const [from, fromOrigin] = [work.values[path], work.origins[path]];
      if (from !== undefined && origins[path] !== fromOrigin)
        this.#history.push({ recordId, path, from, fromOrigin, to, origin: origins[path]! });
    }
    work.values = values;
    work.origins = origins;
    work.recordChanged = true;
    const link = work.links.find(({ state }) => state === 'live');
    for (const key of link ? this.keysOf(link.connection, values) : []) work.keys.add(key);
    this.#contests.log(recordId, conflicts);
  }

  /** Takes a link from one record to another, both under work. @param evidence why it is the other's */
  move(link: LinkRow, to: string, evidence: string): void {
    const [from, work] = [this.#work(link.recordId), this.#work(to)];
    from.links.splice(from.links.indexOf(link), 1);
    from.changedLinks.delete(link);
    const { version = 0, ...its } = link;
    const moved: LinkRow = { ...its, recordId: to, evidence, run: this.#run };
    work.links.push(moved);
    work.changedLinks.add(moved);
    work.joined.add(link.connection);
    from.recordChanged = true;
    work.recordChanged = true;
    for (const key of this.keysOf(link.connection, link.shadow)) work.keys.add(key);
    this.#moved.push({ connection: link.connection, externalId: link.externalId, from: link.recordId, version });
  }

  /** Makes a tombstone a record again: the person was entered anew while it was still at some CRM. */
  unbury(recordId: string): void {
    const work = this.#work(recordId);
    work.state = 'live';
    work.recordChanged = true;
  }

  /** Makes a record a tombstone: it is deleted wherever deletes travel to. */
  bury(recordId: string): void {
    const work = this.#work(recordId);
    work.state = 'tombstone';
    work.recordChanged = true;
  }

  /**
   * Ends conflicts that waited for a person where somebody has decided by typing, on either side. To be called before
   * `batch` wherever records arrive.
   */
  async reviseConflicts(): Promise<void> {
    await this.#contests.revise(this.#works.values());
  }

  /**
   * Notes that a write is about to be sent: until it is answered, what it was to leave may be seen at any moment.
   * @param underway what it is to leave; undefined: it was refused, and nothing is under way
   * @param writtenAt of the last write that may have been carried out
   */
  setUnderway(recordId: string, link: LinkRow, underway: Values | undefined, writtenAt: number | undefined): void {
    const work = this.#work(recordId);
    const changed: LinkRow = { ...link, underway, fingerprint: unknownFingerprint, writtenAt };
    work.links.splice(work.links.indexOf(link), 1, changed);
    work.changedLinks.add(changed);
  }

  /**
   * Logs what a CRM holds of a record that is deleted there, and nobody could learn, because edits there do not count.
   * @param known what the log says of the record so far: nothing is said twice
   * @returns how many values that were
   */
  mourn(recordId: string, link: LinkRow, known: readonly ConflictRow[]): number {
    return this.#contests.mourn(this.#work(recordId), link, known);
  }

  /** Notes that the record is not at the CRM any more: somebody (`gone`) or we (`removed`) deleted it there. */
  loseLink(recordId: string, link: LinkRow, state: 'gone' | 'removed'): void {
    const work = this.#work(recordId);
    const lost: LinkRow = { ...link, state, fingerprint: unknownFingerprint, writtenAt: this.#at };
    work.links.splice(work.links.indexOf(link), 1, lost);
    work.changedLinks.add(lost);
    work.stirred.add(link.connection);
  }

  /** The hashes under which matching finds a record that shows these values at a connection. */
  keysOf(connection: string, values: Values): readonly number[] {
    let keys = this.#keys.get(values);
    if (!keys) {
      keys = identityKeys(this.#sync.entity, values, this.#sync.match, this.#kinds(connection));
      this.#keys.set(values, keys);
    }
    return keys;
  }

  /** Everything so far as one batch. Also says which members have something to be written now, and which have not. */
  batch(): Batch {
    const strangers = this.#strangers.map(({ link, keys }) => ({
      id: link.recordId,
      values: {},
      origins: {},
      keys,
    }));
    const drafted = batchOf(this.#context, this.#sync.entity, this.#works.values(), this.#contests.agreed);
    return {
      ...drafted,
      run: this.#run,
      at: this.#at,
      entity: this.#sync.entity,
      moved: this.#moved,
      creates: [...strangers, ...(drafted.creates ?? [])],
      births: this.#births,
      links: [...this.#strangers.map(({ link }) => link), ...(drafted.links ?? [])],
      history: this.#history,
      conflicts: this.#contests.conflicts,
      settledConflicts: this.#contests.agreed,
    };
  }

  #newLink(recordId: string, connection: string, record: CrmRecord, fingerprint: string, evidence: string): LinkRow {
    return {
      connection,
      entity: this.#sync.entity,
      externalId: record.externalId,
      recordId,
      fingerprint,
      shadow: record.values,
      sent: {},
      underway: undefined,
      replaced: undefined,
      locator: record.locator,
      modifiedAt: record.modifiedAt,
      writtenAt: undefined,
      state: 'live',
      evidence,
      run: this.#run,
    };
  }

  #seen(connection: string, record: CrmRecord, rule: string, run = this.#run): Origin {
    return {
      connection,
      run,
      at: this.#at,
      rule,
      ...(record.modifiedAt === undefined ? {} : { modifiedAt: record.modifiedAt }),
    };
  }

  /** Whether what a connection shows enters the canonical record: not for one that is only written to. */
  #counts(connection: string): boolean {
    return this.#sync.members.some((member) => member.connection === connection && member.direction !== 'write');
  }

  /** Whether some of what a connection shows does not enter the canonical record. */
  #countsInPart(connection: string): boolean {
    return isLearntFromInPart(this.#sync, connection) || hasTemplates(this.#forms(connection));
  }

  /** Whether a CRM holds something in a field of which nothing canonical is known. */
  #isOnlyHeld(path: string, held: Values, canonical: Values): boolean {
    return !isEmpty(held[path]) && canonical[slotOf(this.#sync.entity, path, canonical)] === undefined;
  }

  #forms(connection: string): Forms | undefined {
    return connectionNamed(this.#context, connection).forms?.[this.#sync.entity];
  }

  #kinds(connection: string): KindContext {
    return kindsOf(connectionNamed(this.#context, connection));
  }
}

import type { Clock } from '../../src/connector/clock.ts';
import type {
  CrmRecord,
  NewRecord,
  Page,
  ReadReply,
  RecordChange,
  SearchFor,
  WriteReply,
} from '../../src/connector/connector.ts';
import { scan } from '../../src/connector/listing.ts';
import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import type { Entity, Values } from '../../src/model/values.ts';
import { FakeCrm } from '../worlds/fake-crm.ts';
import type { SimSpec, SimVerb, Trouble } from './life.ts';
import { errorOf, happens, isAfterwards, isOpen } from './trouble.ts';

/** What stands in the index at a moment. */
interface Entry {
  readonly at: number;
  readonly id: string;
  /** Undefined: deleted. */
  readonly record: CrmRecord | undefined;
}

interface Armed {
  readonly verb: SimVerb;
  skip: number;
  times: number;
  readonly what: Trouble;
}

/** A listing that came to its end. */
interface Listing {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly read: number;
  /** It ended before its end, and nobody could see that. */
  readonly isShort: boolean;
}

/** More calls than any cycle of so small a world can need. */
const tooManyCalls = 3_000;

/**
 * A CRM of a simulated life: a fake one whose clock is its own, whose listings are paged over an index that lags behind and are
 * read with the real scan, and whose calls go wrong as the life says.
 */
export class SimCrm extends FakeCrm {
  readonly sim: SimSpec;
  /** Called when the engine creates a record, before it is there. */
  onCreate: (values: Values) => void = () => {};
  /** Called when the engine deletes a record, before it is gone. */
  onDelete: (externalId: string, values: Values) => void = () => {};
  /** Called when something has changed, whoever did it: what a webhook could say. */
  onChange: (externalId: string, what: 'changed' | 'deleted') => void = () => {};
  /** Complete listings, newest last: when each was asked for, when it ended, and how many records it showed. */
  readonly listings: Listing[] = [];
  /** When the last listing was asked for, if it broke off. */
  brokenOff: number | undefined;
  /** Troubles that happened since they were armed. */
  readonly suffered: string[] = [];
  callsLeft = tooManyCalls;

  readonly #own: Clock;
  readonly #dice: SeededIds;
  readonly #index = new Map<Entity, Entry[]>();
  /** Whether a create may have been done of which nobody knows. */
  #isInDoubt = false;
  /** Canonical id → our record here. */
  readonly #ofOurs = new Map<string, string>();
  #shortListings = 0;
  readonly #deleted: { readonly entity: Entity; readonly id: string; readonly values: Values }[] = [];
  #armed: Armed[] = [];

  /** @param clock ours; the CRM's own is `skewMs` ahead of it */
  constructor(spec: SimSpec, clock: Clock, random: SeededIds) {
    super(spec, { now: () => clock.now() + spec.skewMs, sleep: (ms) => clock.sleep(ms) }, random);
    this.sim = spec;
    const { contact } = this.capabilities;
    const search = { via: ['search'], by: ['email' as const] };
    if (spec.searches && contact) Object.assign(this.capabilities, { contact: { ...contact, search } });
    this.#own = clock;
    this.#dice = random;
  }

  // What people do.

  override enter(entity: Entity, values: Values, under?: string): string {
    const id = super.enter(entity, values, under);
    this.#note(entity, id);
    return id;
  }

  override type(entity: Entity, id: string, values: Values): Values {
    const held = super.type(entity, id, values);
    this.#note(entity, id);
    return held;
  }

  override drop(entity: Entity, id: string): void {
    if (this.ids(entity).includes(id)) this.#deleted.push({ entity, id, values: this.holds(entity, id) });
    super.drop(entity, id);
    this.#note(entity, id);
  }

  /** Brings back the record that was deleted last and that `isIt` knows. @returns its id; undefined when there is none. */
  restore(entity: Entity, isIt: (values: Values) => boolean, as: 'same id' | 'new id'): string | undefined {
    const last = this.#deleted.findLastIndex((one) => one.entity === entity && isIt(one.values));
    const [found] = last < 0 ? [] : this.#deleted.splice(last, 1);
    return found && this.enter(entity, found.values, as === 'same id' ? found.id : undefined);
  }

  // What the life arms.

  arm(trouble: Armed): void {
    if (happens(trouble.what, trouble.verb)) this.#armed.push({ ...trouble });
  }

  /**
   * A new cycle begins.
   * @param isCalm nothing that is still armed happens any more
   * @param isInDoubt whether a create may have been done of which nobody knows
   */
  begin(isCalm: boolean, isInDoubt: boolean): void {
    if (isCalm) this.#armed = [];
    this.#isInDoubt = isInDoubt;
    this.suffered.length = 0;
    this.callsLeft = tooManyCalls;
  }

  // What the engine does.

  override async *list(entity: Entity, signal?: AbortSignal): AsyncIterable<Page> {
    const startedAt = this.#own.now();
    const salt = this.sim.shuffles ? this.#dice.integer(1_000_000) : 0;
    let read = 0;
    let lastPage: readonly CrmRecord[] = [];
    /** Rows that it shows and no more, where it ends early. */
    let endsAt: number | undefined;
    const fetch = async (offset: number, limit: number) => {
      this.#reach('list');
      const trouble = this.#next('list');
      if (trouble === 'ends early') {
        // A page further on still begins with the last row of the one before.
        const left = offset + Math.max(Math.min(offset, 1), this.#dice.integer(limit));
        if (this.#mayEndEarly()) endsAt = left;
      } else if (trouble && trouble !== 'page repeats') throw errorOf(trouble, 'list', this.spec.name);
      this.calls.list += 1;
      this.before('list', undefined, {});
      const rows = inOrder(this.#indexed(entity), salt);
      const total = this.sim.counts ? { total: rows.length } : {};
      if (trouble !== 'page repeats' || lastPage.length === 0)
        lastPage = rows.slice(0, endsAt).slice(offset, offset + limit);
      return { items: lastPage, ...total };
    };
    const pages = scan({
      connection: this.spec.name,
      operation: 'list',
      pageSize: Math.max(2, this.spec.pageSize),
      ahead: this.spec.concurrent,
      fetch,
      idOf: (item) => (item as CrmRecord).externalId,
      decode: (item) => item as CrmRecord,
      signal,
    });
    try {
      for await (const page of pages) {
        for (const record of page.records) this.shows(entity, record);
        read += page.records.length;
        yield { ...page, bad: read === page.records.length ? this.bad : [] };
      }
    } catch (error) {
      this.brokenOff = startedAt;
      throw error;
    }
    this.brokenOff = undefined;
    const isShort = endsAt !== undefined && !this.sim.counts;
    if (isShort) this.#shortListings += 1;
    this.listings.push({ startedAt, endedAt: this.#own.now(), read, isShort });
  }

  override async read(entity: Entity, externalId: string): Promise<ReadReply> {
    this.#reach('read');
    const trouble = this.#next('read');
    if (trouble) throw errorOf(trouble, 'read', this.spec.name);
    if (this.spec.reads === 'id') return await super.read(entity, externalId);
    this.calls.read += 1;
    this.before('read', externalId, {});
    const record = this.#indexed(entity).get(externalId);
    if (!record || this.#dice.integer(3) === 0) return { state: 'unknown' };
    this.shows(entity, record);
    return { state: 'found', record };
  }

  override async search(entity?: Entity, wanted?: SearchFor): Promise<readonly CrmRecord[]> {
    this.#reach('read');
    const trouble = this.#next('read');
    if (trouble) throw errorOf(trouble, 'read', this.spec.name);
    const found = this.found(entity!, wanted!.email!);
    for (const record of found) this.shows(entity!, record);
    return found;
  }

  /** What a search by e-mail finds by now. */
  found(entity: Entity, email: string): readonly CrmRecord[] {
    const plain = (text: unknown) => String(text).trim().toLowerCase();
    return [...this.#indexed(entity).values()].filter(({ values }) => plain(values['email.primary']) === plain(email));
  }

  override async create(entity: Entity, record: NewRecord): Promise<WriteReply> {
    return await this.#write('create', entity, undefined, async () => {
      const { canonicalId, values } = record;
      const before = this.sim.knowsOurIds ? this.#ofOurs.get(canonicalId) : undefined;
      if (before !== undefined && this.ids(entity).includes(before))
        return await this.update(entity, before, { canonicalId, changes: values, known: {} });
      this.onCreate(values);
      const reply = super.create(entity, record);
      this.#ofOurs.set(canonicalId, this.ids(entity).at(-1)!);
      return await reply;
    });
  }

  override async update(entity: Entity, externalId: string, change: RecordChange): Promise<WriteReply> {
    return await this.#write('update', entity, externalId, () => super.update(entity, externalId, change));
  }

  override async delete(entity: Entity, externalId: string): Promise<void> {
    await this.#write('delete', entity, undefined, () => {
      if (this.ids(entity).includes(externalId)) this.onDelete(externalId, this.holds(entity, externalId));
      return super.delete(entity, externalId);
    });
  }

  async #write<Reply>(
    verb: 'create' | 'update' | 'delete',
    entity: Entity,
    externalId: string | undefined,
    act: () => Promise<Reply>,
  ): Promise<Reply> {
    this.#reach(verb);
    const trouble = this.#next(verb);
    if (trouble && verb === 'create' && isOpen(trouble)) this.#isInDoubt = true;
    if (trouble && !isAfterwards(trouble)) throw errorOf(trouble, verb, this.spec.name);
    const reply = act();
    if (externalId !== undefined) this.#note(entity, externalId);
    await reply;
    if (trouble) throw errorOf(trouble, verb, this.spec.name);
    return reply;
  }

  #reach(verb: SimVerb): void {
    this.callsLeft -= 1;
    if (this.callsLeft < 0)
      throw new RangeError(`${this.spec.name}: one cycle has made ${tooManyCalls} calls, the last a ${verb}`);
  }

  /** What goes wrong with this call. */
  #next(verb: SimVerb): Trouble | undefined {
    for (const armed of this.#armed) {
      if (armed.verb !== verb) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      if (armed.times === 0) continue;
      armed.times -= 1;
      this.suffered.push(`${verb}: ${armed.what}`);
      return armed.what;
    }
    return undefined;
  }

  /**
   * A listing without a count that ends early looks like the truth. What nobody could tell from it is not asked for: whether
   * a create was done, and, where no record can be looked up by its id, more than once what is gone.
   */
  #mayEndEarly(): boolean {
    if (this.sim.counts) return true;
    return !this.#isInDoubt && (this.spec.reads === 'id' || this.#shortListings === 0);
  }

  #note(entity: Entity, id: string): void {
    this.onChange(id, this.ids(entity).includes(id) ? 'changed' : 'deleted');
    const entries = this.#index.get(entity) ?? [];
    this.#index.set(entity, entries);
    entries.push({
      at: this.#own.now(),
      id,
      record: this.ids(entity).includes(id) ? this.shown(entity, id) : undefined,
    });
  }

  /** What listings and searches know by now. */
  #indexed(entity: Entity): ReadonlyMap<string, CrmRecord> {
    const until = this.#own.now() - this.sim.lagMs;
    const found = new Map<string, CrmRecord>();
    for (const { at, id, record } of this.#index.get(entity) ?? []) {
      if (at > until) break;
      if (record) found.set(id, record);
      else found.delete(id);
    }
    return found;
  }
}

/** By age, or, with a salt, in another order that stays the same for the length of a scan. */
function inOrder(index: ReadonlyMap<string, CrmRecord>, salt: number): readonly CrmRecord[] {
  const place = (id: string) => {
    const number = Number(id.slice(id.lastIndexOf('-') + 1));
    return salt === 0 ? number : Math.imul(number + salt, 0x9e3779b1) >>> 0;
  };
  return [...index.values()].sort((a, b) => place(a.externalId) - place(b.externalId));
}

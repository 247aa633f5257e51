import { slotOf } from '../model/entities.ts';
import type { Values } from '../model/values.ts';
import type { ConflictRow, LinkRow } from '../store/store.ts';
import type { Conflict } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { editOverDelete, type HeldInVain, heldInVain, isOver } from './disputes.ts';
import type { EngineContext } from './engine.ts';
import { connectionNamed, kindsOf } from './participation.ts';
import type { Work } from './work.ts';

const always = () => true;

/** Collects, for one batch, what the conflict log has to tell of records under work, and which of its conflicts are over. */
export class Contests {
  readonly #context: EngineContext;
  readonly #sync: SyncPolicy;
  readonly #run: string;
  readonly #at: number;
  readonly #conflicts: ConflictRow[] = [];
  readonly #agreed: { recordId: string; path: string }[] = [];

  /** @param at epoch milliseconds */
  constructor(context: EngineContext, sync: SyncPolicy, run: string, at: number) {
    this.#context = context;
    this.#sync = sync;
    this.#run = run;
    this.#at = at;
  }

  /** What is new in the log. */
  get conflicts(): readonly ConflictRow[] {
    return this.#conflicts;
  }

  /** Contested fields on which all agree by now. */
  get agreed(): readonly { readonly recordId: string; readonly path: string }[] {
    return this.#agreed;
  }

  /** Logs what lost. */
  log(recordId: string, lost: readonly Conflict[]): void {
    for (const conflict of lost)
      this.#conflicts.push({ entity: this.#sync.entity, recordId, at: this.#at, run: this.#run, ...conflict });
  }

  /**
   * Logs what members whose edits do not count lose to values of which nothing was known before.
   * @param isNew whether the log does not say so already
   * @returns how many values
   */
  overrule(
    work: Work,
    values: Values,
    connection: string,
    links: readonly LinkRow[] = work.links,
    isNew: (lost: HeldInVain) => boolean = always,
  ): number {
    const held = heldInVain(this.#sync, links, work.values, values, (name) => this.#manner(name));
    const lost = held.filter(isNew);
    this.log(
      work.id,
      lost.map(({ path, value, loser, rule }) => ({
        ...{ path, loser, rule },
        winner: { connection, value },
        state: 'settled',
      })),
    );
    return lost.length;
  }

  /** Logs what a delete would have taken, where an edit brings the record back. @param after the record with the edit in it */
  reviveAgainstDelete(work: Work, { values, origins }: Pick<Work, 'values' | 'origins'>, connection: string): void {
    const deletedAt = work.links.find(({ state }) => state === 'gone')?.connection ?? connection;
    const edited = Object.entries(values).filter(([path]) => origins[path] !== work.origins[path]);
    this.log(
      work.id,
      edited.map(([path, value]) => ({
        path,
        winner: { connection, value },
        loser: { connection: deletedAt, value: null },
        rule: editOverDelete,
        state: 'settled',
      })),
    );
  }

  /**
   * Logs what a CRM holds of a record that is deleted there, and nobody could learn, because edits there do not count.
   * @param known what the log says of the record so far: nothing is said twice
   * @returns how many values that were
   */
  mourn(work: Work, link: LinkRow, known: readonly ConflictRow[]): number {
    const by = work.links.find((one) => one.state === 'gone')?.connection ?? link.connection;
    const held = Object.keys(link.shadow).map((path) => slotOf(this.#sync.entity, path, work.values));
    const emptied = Object.fromEntries(held.map((slot) => [slot, null]));
    const nameOf = ({ path, loser }: Pick<ConflictRow, 'path' | 'loser'>) =>
      JSON.stringify([path, loser.connection, loser.value]);
    const said = new Set(known.map(nameOf));
    return this.overrule(work, { ...emptied, ...work.values }, by, [link], (one) => !said.has(nameOf(one)));
  }

  /**
   * Ends conflicts that waited for a person where the losing side shows the canonical value now. What a third CRM shows
   * ends nothing.
   */
  async revise(works: Iterable<Work>): Promise<void> {
    if (this.#sync.conflicts !== 'manual') return;
    const changed = new Map(
      [...works].filter(({ changedLinks }) => changedLinks.size > 0).map((work) => [work.id, work]),
    );
    if (changed.size === 0) return;
    for (const conflict of await this.#context.store.waitingConflicts([...changed.keys()])) {
      const { values, links } = changed.get(conflict.recordId)!;
      if (isOver(conflict, values, links, (name) => this.#manner(name)))
        this.#agreed.push({ recordId: conflict.recordId, path: conflict.path });
    }
  }

  #manner(name: string) {
    const connection = connectionNamed(this.#context, name);
    return { forms: connection.forms?.[this.#sync.entity], context: kindsOf(connection) };
  }
}

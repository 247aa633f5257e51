import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import { type Bed, type CrmName, crmNames, type Kept, keptEntities, members } from './bed.ts';
import { changeOf, type FieldName, fieldsAt, idIn, isNamedOnly, newWire, valueIn, type Wire, whoIn } from './fields.ts';
import type { Oracle } from './oracle.ts';
import type { Pens } from './pens.ts';

/** A record at a CRM, as a person picks it from a list. */
interface Picked {
  readonly crm: CrmName;
  readonly entity: Kept;
  readonly who: string;
  readonly id: string;
  readonly wire: Wire;
}

/** What a command that ended by itself has certainly seen of each field: `crm/id/field` → value. */
export type Known = ReadonlyMap<string, string | null>;

/** The people of a life: they enter, edit, merge and delete at random, by hand, behind the backs of the APIs. */
export class People {
  readonly #bed: Bed;
  readonly #oracle: Oracle;
  readonly #pens: Pens;
  readonly #random: SeededIds;
  #known: Known = new Map();
  /** The same, and what commands have written that ended by themselves: they have heard that it was done. */
  #answered: Known = new Map();
  /** Second records that people entered, as `crm/id`. */
  readonly #doubles = new Set<string>();

  constructor(bed: Bed, oracle: Oracle, pens: Pens, random: SeededIds) {
    this.#bed = bed;
    this.#oracle = oracle;
    this.#pens = pens;
    this.#random = random;
  }

  /** What every CRM shows now, of what people edit. */
  snapshot(): Known {
    const shown = new Map<string, string | null>();
    for (const { crm, entity, id, wire } of this.#everything())
      for (const field of fieldsAt(crm, entity)) shown.set(place(crm, id, field), valueIn(crm, entity, wire, field));
    return shown;
  }

  /**
   * A command has ended in order: what stood there from its beginning to its end is known to it.
   * @param isOver false where it still runs: what it has written may not have been answered yet
   */
  learn(before: Known, isOver = true): void {
    const now = this.snapshot();
    const typed = new Set(this.#oracle.edits.map((edit) => placed(edit.crm, edit.externalId, edit.field, edit.value)));
    const stood = ([key, value]: [string, string | null]) => before.get(key) === value;
    this.#known = new Map([...now].filter(stood));
    this.#answered = new Map(
      [...now].filter(([key, value]) => stood([key, value]) || (isOver && !typed.has(`${key}\n${value}`))),
    );
  }

  /** Does one thing. @param isSyncing whether a command is at work */
  act(isSyncing: boolean): void {
    const dice = this.#random.integer(100);
    if (dice < 20) this.#enter(isSyncing);
    else if (dice < 70) this.#edit();
    else if (dice < 77) this.#enterTwice();
    else if (dice < 84) this.#merge();
    else this.#remove();
  }

  /** The first records of a life. */
  enterMany(count: number): void {
    for (let n = 0; n < count; n += 1) this.#enter(false);
  }

  /** Every double that is left is merged. */
  mergeAll(): void {
    while (this.#merge());
  }

  #enter(isSyncing: boolean): void {
    const entity: Kept = this.#random.integer(3) === 0 ? 'account' : 'contact';
    const number = this.#oracle.token();
    const who = `${entity === 'account' ? 'Harbour' : this.#random.integer(4) === 0 ? 'Lone' : 'Marlow'}${number}`;
    const values = { street: `${number} Elm Street`, city: `Town${number}` };
    const first = this.#oneOf(members[entity])!;
    // Often two CRMs know somebody before anybody syncs them. While a command is between its listing of the one and that
    // of the other, no API could tell it.
    const isTwice = this.#random.integer(3) === 0 && !isSyncing && !isNamedOnly(who);
    const others = isTwice ? members[entity].filter((crm) => crm !== first).slice(0, 1) : [];
    for (const crm of [first, ...others]) this.#enterAt(crm, entity, who, values);
  }

  #enterAt(crm: CrmName, entity: Kept, who: string, values: Readonly<Record<string, string>>): string {
    const { people } = this.#bed.crms[crm];
    const home = crm === 'room' && entity === 'contact' && this.#random.integer(3) === 0 ? this.#home() : undefined;
    const id = people.add(entity, {
      ...newWire(crm, entity, who, values),
      ...(home === undefined ? {} : { accounts: [{ id: home.id }] }),
    });
    if (home !== undefined) this.#oracle.homes.set(id, home.id);
    const within = home === undefined ? '' : ` within ${home.who}`;
    this.#oracle.entries.push({ at: this.#oracle.tick(), who, entity, crm, externalId: id });
    this.#oracle.tell(`somebody enters ${who} at ${crm}${within} (${id})`);
    for (const field of fieldsAt(crm, entity))
      if (values[field] !== undefined)
        this.#oracle.edits.push({
          at: this.#oracle.tick(),
          who,
          entity,
          crm,
          externalId: id,
          field,
          value: values[field],
        });
    return id;
  }

  #home(): Picked | undefined {
    return this.#oneOf(this.#at('room', 'account').filter((one) => this.#isFree(one)));
  }

  #edit(): void {
    const picked = this.#oneOf(this.#everything().filter((one) => this.#isFree(one)));
    if (!picked) return;
    const { crm, entity, who, id, wire } = picked;
    const field = this.#oneOf(fieldsAt(crm, entity))!;
    const before = valueIn(crm, entity, wire, field);
    // What no command has seen there and is emptied again was never there, as far as anybody can know.
    const empties =
      before !== null && this.#known.get(place(crm, id, field)) === before && this.#random.integer(6) === 0;
    const value = empties ? null : `${field} ${this.#oracle.token()}`;
    this.#bed.crms[crm].people.edit(entity, id, changeOf(crm, entity, field, value));
    this.#oracle.edits.push({ at: this.#oracle.tick(), who, entity, crm, externalId: id, field, value });
    this.#oracle.tell(
      `somebody ${value === null ? `empties ${field}` : `makes ${field} "${value}"`} of ${who} at ${crm}`,
    );
  }

  /** A second record for somebody whom that CRM has already. */
  #enterTwice(): void {
    const picked = this.#oneOf(this.#everything().filter((one) => this.#isFree(one) && this.#isKnown(one)));
    if (!picked || isNamedOnly(picked.who) || this.#twins(picked).length > 1) return;
    const id = this.#enterAt(picked.crm, picked.entity, picked.who, {});
    this.#doubles.add(`${picked.crm}/${id}`);
  }

  /** A second record that a person entered goes again. One that a command made would be its fault, and stays. */
  #merge(): boolean {
    const second = this.#oneOf(
      this.#everything().filter((one) => this.#doubles.has(`${one.crm}/${one.id}`) && this.#isFree(one)),
    );
    if (!second) return false;
    this.#take(second, 'merge');
    return true;
  }

  #remove(): void {
    const picked = this.#oneOf(this.#everything().filter((one) => this.#isFree(one) && this.#isKnown(one)));
    if (picked && this.#twins(picked).length === 1) this.#take(picked, 'delete');
  }

  #take({ crm, entity, who, id, wire }: Picked, why: 'delete' | 'merge'): void {
    this.#bed.crms[crm].people.remove(entity, id);
    const values = fieldsAt(crm, entity).map((field) => [field, valueIn(crm, entity, wire, field)] as const);
    this.#oracle.removals.push({
      at: this.#oracle.tick(),
      who,
      entity,
      crm,
      externalId: id,
      why,
      held: Object.fromEntries(values),
      unread: values.flatMap(([field, value]) => (this.#known.get(place(crm, id, field)) === value ? [] : field)),
      unanswered: values.flatMap(([field, value]) =>
        this.#answered.get(place(crm, id, field)) === value ? [] : field,
      ),
    });
    this.#oracle.tell(`somebody ${why === 'merge' ? 'merges the two of' : 'deletes'} ${who} at ${crm} (${id} goes)`);
    for (const [contact, home] of this.#oracle.homes) if (home === id) this.#oracle.homes.delete(contact);
    this.#oracle.homes.delete(id);
  }

  /** Whether a command that ended in order has seen the record. */
  #isKnown({ crm, entity, id }: Picked): boolean {
    return this.#known.has(place(crm, id, fieldsAt(crm, entity)[0]!));
  }

  #isFree({ crm, entity, wire }: Picked): boolean {
    return !this.#pens.isUnderPen(this.#bed, crm, entity, wire);
  }

  #twins({ crm, entity, who }: Picked): readonly Picked[] {
    return this.#at(crm, entity).filter((one) => one.who === who);
  }

  #at(crm: CrmName, entity: Kept): readonly Picked[] {
    const known = new Set(this.#oracle.everybody(entity));
    return this.#bed
      .seen(crm, entity)
      .map((wire) => ({ crm, entity, who: whoIn(crm, entity, wire), id: idIn(crm, wire), wire }))
      .filter(({ who }) => known.has(who));
  }

  #everything(): readonly Picked[] {
    return crmNames.flatMap((crm) =>
      keptEntities.filter((entity) => members[entity].includes(crm)).flatMap((entity) => this.#at(crm, entity)),
    );
  }

  #oneOf<T>(list: readonly T[]): T | undefined {
    return list[this.#random.integer(list.length)];
  }
}

function place(crm: CrmName, id: string, field: FieldName): string {
  return `${crm}/${id}/${field}`;
}

function placed(crm: CrmName, id: string, field: FieldName, value: string | null): string {
  return `${place(crm, id, field)}\n${value}`;
}

import type { Entity } from '../../../src/model/values.ts';
import type { Bed } from './bed.ts';
import { abilities, kinds, type Name } from './crms.ts';
import {
  change,
  changePersons,
  type Field,
  fresh,
  isNamedOnly,
  noted,
  type Seen,
  seen,
  slotsOf,
  type Typed,
  tagged,
  tagsIn,
  take,
  timesIn,
  type Wire,
} from './vendors.ts';
import { directionOf, type Filled, membersOf, type WireAct, type WireLife } from './wire-life.ts';

/** One field that a person changed, or filled in a new record. `at` orders everything that people do. */
export interface Deed {
  readonly at: number;
  readonly crm: Name;
  readonly entity: Entity;
  readonly who: number;
  readonly id: string;
  readonly field: Field;
  /** As the CRM holds it. */
  readonly value: Typed;
  /** It came with a new record. */
  readonly isEntry: boolean;
}

/** A record that a person took away, with what it held then. */
export interface Removal {
  readonly at: number;
  readonly crm: Name;
  readonly entity: Entity;
  readonly who: number;
  readonly id: string;
  readonly held: Readonly<Partial<Record<Field, Typed>>>;
}

/** A tag that a person added or took away. */
export interface Tagging {
  readonly at: number;
  readonly crm: Name;
  readonly who: number;
  readonly id: string;
  readonly tag: string;
  readonly isThere: boolean;
}

/** What a person wrote down at one CRM for which no other has a place. */
export interface Note {
  readonly crm: Name;
  readonly who: number;
  readonly id: string;
  readonly note: string;
  /** In how many places of the record it stands. */
  readonly times: number;
}

/** Fields that people do not empty: what stands there is not shown as empty, or cannot be empty elsewhere. */
const neverEmptied: ReadonlySet<Field> = new Set(['status', 'stage', 'source']);

/** The people of a life: they act at their CRMs, behind the backs of the APIs, and everything that they did is remembered here. */
export class Clerks {
  readonly deeds: Deed[] = [];
  readonly removals: Removal[] = [];
  readonly entries: { readonly at: number; readonly crm: Name; readonly entity: Entity; readonly who: number }[] = [];
  readonly taggings: Tagging[] = [];
  readonly notes: Note[] = [];
  /** Person → companies into which somebody put that person. */
  readonly houses = new Map<number, Set<number>>();
  /** Ids of leads that a person made at a CRM without a listing. */
  readonly leadIds = new Map<Name, Set<string>>();
  /** Ids that were made known: `crm id`. */
  readonly imported = new Set<string>();
  readonly #life: WireLife;
  readonly #bed: Bed;
  #moment = 0;
  /** What everybody has seen: `crm entity id field` → value. */
  #known: ReadonlyMap<string, unknown> = new Map();

  constructor(life: WireLife, bed: Bed) {
    this.#life = life;
    this.#bed = bed;
  }

  /** Everything of an entity that people see at a CRM. */
  all(crm: Name, entity: Entity): readonly Seen[] {
    return seen(this.#bed.sandboxes.get(crm)!, crm, entity);
  }

  of(crm: Name, entity: Entity, who: number): readonly Seen[] {
    return this.all(crm, entity).filter((one) => one.who === who && (entity !== 'lead' || this.isLead(one)));
  }

  /** Whether what people see as a lead's record is one: where a lead is its contact, a mark tells. */
  isLead({ crm, wire }: Seen): boolean {
    return kinds[crm] !== 'upgradechat' || wire.isProspective === true;
  }

  slots(one: Pick<Seen, 'crm' | 'entity' | 'within'>): ReturnType<typeof slotsOf> {
    return slotsOf(one, this.#bed.stageIds.get(one.crm));
  }

  /** What every CRM shows now. */
  snapshot(): ReadonlyMap<string, unknown> {
    const shown = new Map<string, unknown>();
    for (const { name } of this.#life.crms)
      for (const entity of ['account', 'contact', 'lead'] as const) {
        if (abilities[kinds[name]][entity] === undefined) continue;
        for (const one of this.all(name, entity)) {
          shown.set(`${name} ${entity} ${one.id}`, true);
          for (const [field, slot] of Object.entries(this.slots(one)))
            shown.set(place(one, field), slot.read(one.wire));
          for (const tag of tagsIn(one) ?? []) shown.set(place(one, `#${tag}`), true);
        }
      }
    return shown;
  }

  /** A cycle has ended in order: what stood there from its beginning to its end has been seen. */
  learn(before: ReadonlyMap<string, unknown>): void {
    const now = this.snapshot();
    this.#known = new Map([...before].filter(([key, value]) => now.get(key) === value));
  }

  /** @returns false: there is nothing that it could be done to */
  act(act: WireAct): boolean {
    if (!membersOf(this.#life, entityOf(act)).includes(act.crm) || !this.#life.entities.includes(entityOf(act)))
      return false;
    // Nobody works in a CRM that is there to be written to.
    const isServed = directionOf(this.#life, act.crm, 'contact') === 'write';
    if (
      isServed &&
      entityOf(act) !== 'account' &&
      !(act.do === 'enter' && this.#moment < 100 && this.#known.size === 0)
    )
      return false;
    switch (act.do) {
      case 'enter':
        return this.#enter(act);
      case 'lead':
        return this.#makeLead(act);
      case 'remove':
        return this.#remove(act);
      default: {
        const [one] = this.of(act.crm, act.do === 'edit' ? act.entity : 'contact', act.who);
        return one !== undefined && this.#alter(act, one);
      }
    }
  }

  #alter(act: WireAct & { do: 'edit' | 'tag' | 'untag' | 'note' }, one: Seen): boolean {
    const { crm, who } = act;
    const { id } = one;
    if (act.do === 'edit') return this.#edit(one, act.field, act.to);
    if (act.do === 'note') {
      const what = noted(one, act.note);
      if (what) this.#change(one, what);
      if (what) this.notes.push({ crm, who, id, note: act.note, times: timesIn(this.#again(one).wire, act.note) });
      return what !== undefined;
    }
    const tags = tagsIn(one);
    const tag = act.do === 'tag' ? act.tag : tags?.find((it) => this.#known.has(place(one, `#${it}`)));
    if (tags === undefined || tag === undefined) return false;
    this.#change(one, tagged(one, tag, act.do === 'tag'));
    this.taggings.push({ at: this.#tick(), crm, who, id, tag, isThere: act.do === 'tag' });
    return true;
  }

  #enter({ crm, entity, who, values, house }: WireAct & { do: 'enter' }): boolean {
    const isAnywhere = this.#life.crms.some(
      ({ name }) => membersOf(this.#life, entity).includes(name) && this.of(name, entity, who).length > 0,
    );
    // A server that clears what a write leaves out empties a record that a create of ours finds, before anybody has seen it.
    const { upgradechat } = this.#life.crms.find(({ name }) => name === crm)!.traits;
    if (upgradechat?.absent === 'cleared') return false;
    const isBack = this.removals.some((one) => one.entity === entity && one.who === who);
    // By a name alone nobody is recognised. And who has been deleted somewhere does not come back in these lives.
    if (isBack || this.of(crm, entity, who).length > 0 || (isAnywhere && entity === 'contact' && isNamedOnly(who)))
      return false;
    const sandbox = this.#bed.sandboxes.get(crm)!;
    const [home] =
      house === undefined || !this.#life.entities.includes('account') || !membersOf(this.#life, 'account').includes(crm)
        ? []
        : this.of(crm, 'account', house);
    if (home && kinds[crm] === 'alpha')
      changePersons(sandbox, home.id, (persons) => [...persons, fresh(crm, entity, who, true)]);
    else
      sandbox.people.add(entity, {
        ...fresh(crm, entity, who),
        ...(home && { accounts: [{ id: home.id }] }),
        ...(kinds[crm] === 'alpha' && { crmStatus: 'PROSPECT' }),
      });
    if (home) this.houses.set(who, (this.houses.get(who) ?? new Set()).add(home.who!));
    const [one] = this.of(crm, entity, who);
    this.entries.push({ at: this.#tick(), crm, entity, who });
    this.#fill(one!, values);
    return true;
  }

  /** Types into a new record; what a CRM puts there by itself counts as typed, for nobody can tell. */
  #fill(one: Seen, values: Filled): void {
    let now = one;
    for (const [field, value] of Object.entries(values) as [Field, string][]) {
      const slot = this.slots(now)[field];
      if (!slot || !this.#mayType(now, field)) continue;
      this.#change(now, slot.typed(now.wire, value));
      now = this.#again(now);
    }
    for (const field of Object.keys(this.slots(now)) as Field[]) {
      const value = this.slots(now)[field]!.read(now.wire);
      if (value !== null) this.#note(now, field, value, true);
    }
  }

  #makeLead({ crm, who, values }: WireAct & { do: 'lead' }): boolean {
    if (
      !this.#life.entities.includes('lead') ||
      this.removals.some((one) => one.who === who && one.entity === 'contact')
    )
      return false;
    if (membersOf(this.#life, 'lead').some((name) => this.of(name, 'lead', who).some((one) => isOneNow(one))))
      return false;
    const contact = this.of(crm, 'contact', who).find(({ within }) => within === undefined);
    if (!contact) return false;
    const sandbox = this.#bed.sandboxes.get(crm)!;
    if (kinds[crm] === 'conecrm')
      sandbox.people.add('lead', { subject: `Deal of ${who}`, contact: { id: contact.id } });
    else if (kinds[crm] === 'alpha') {
      this.#change(contact, { crmStatus: 'LEAD' });
      this.#note(contact, 'status', 'LEAD');
    } else this.#change(contact, { isProspective: true });
    const one = this.of(crm, 'lead', who).find((it) => isOneNow(it))!;
    if (kinds[crm] === 'upgradechat') this.leadIds.set(crm, (this.leadIds.get(crm) ?? new Set()).add(one.id));
    this.entries.push({ at: this.#tick(), crm, entity: 'lead', who });
    this.#fill(one, values);
    return true;
  }

  #remove({ crm, entity, who }: WireAct & { do: 'remove' }): boolean {
    const [one] = this.of(crm, entity, who);
    // With a company its contact persons would go, too.
    if (one && this.all(crm, 'contact').some(({ within }) => within === one.id)) return false;
    // What nobody has seen yet was never there, as far as anybody can know.
    if (!one || !this.#known.has(`${crm} ${entity} ${one.id}`)) return false;
    const held = Object.fromEntries(
      Object.entries(this.slots(one)).map(([field, slot]) => [field, slot.read(one.wire)]),
    ) as Removal['held'];
    take(this.#bed.sandboxes.get(crm)!, one);
    this.removals.push({ at: this.#tick(), crm, entity, who, id: one.id, held });
    return true;
  }

  #edit(one: Seen, field: Field, to: Typed): boolean {
    const slot = this.slots(one)[field];
    const held = slot?.read(one.wire);
    if (!slot || held === to || !this.#mayType(one, field)) return false;
    if (to === null && !this.#mayEmpty(one, field)) return false;
    this.#change(one, slot.typed(one.wire, to));
    this.#note(one, field, to);
    return true;
  }

  /**
   * A second address belongs to somebody with a first. Where nothing is listed, our create has to name an address by which
   * an unknown record may be found, and the list that it names replaces the one there: nobody could know of a second.
   */
  #mayType({ crm, id, who, wire }: Seen, field: Field): boolean {
    if (field !== 'second') return true;
    if (isNamedOnly(who!)) return false;
    return kinds[crm] !== 'upgradechat' || typeof wire.contactXRef === 'string' || this.imported.has(`${crm} ${id}`);
  }

  /** Only what everybody has seen can be seen to be empty, and only where the CRM shows what is empty. */
  #mayEmpty(one: Seen, field: Field): boolean {
    const { treepl, alpha, upgradechat } = this.#life.crms.find(({ name }) => name === one.crm)!.traits;
    if ([treepl, alpha, upgradechat].some((habits) => habits?.omitsNull)) return false;
    if (neverEmptied.has(field) || (field === 'second' && upgradechat)) return false;
    return this.#known.has(place(one, field));
  }

  #note({ crm, entity, who, id }: Seen, field: Field, value: Typed, isEntry = false): void {
    this.deeds.push({ at: this.#tick(), crm, entity, who: who!, id, field, value, isEntry });
  }

  #change(one: Seen, what: Wire): void {
    change(this.#bed.sandboxes.get(one.crm)!, one, what);
  }

  #again({ crm, entity, id }: Seen): Seen {
    return this.all(crm, entity).find((one) => one.id === id)!;
  }

  #tick(): number {
    this.#moment += 1;
    return this.#moment;
  }
}

/** The entity that an act is about. */
function entityOf(act: WireAct): Entity {
  if (act.do === 'lead') return 'lead';
  return 'entity' in act ? act.entity : 'contact';
}

/** Alpha shows as leads those who have that status now. */
function isOneNow({ crm, wire }: Seen): boolean {
  return kinds[crm] !== 'alpha' || wire.crmStatus === 'LEAD';
}

function place({ crm, entity, id }: Seen, what: string): string {
  return `${crm} ${entity} ${id} ${what}`;
}

import { isEmpty, type Value, type Values } from '../../src/model/values.ts';
import { emailOf } from '../worlds/generated.ts';
import type { World } from '../worlds/world.ts';
import type { SimCrm } from './crm.ts';
import type { Act, Edit } from './life.ts';

const entity = 'contact';

/** What a person left at a CRM: one field of one record. */
export interface Deed {
  readonly connection: string;
  readonly externalId: string;
  readonly path: string;
  /** As the CRM holds it. */
  readonly value: Value;
  /** Number of the last cycle that had begun. */
  readonly cycle: number;
  /** It was typed while that cycle ran. */
  readonly isMeanwhile: boolean;
  /** It came with a record that was new there. */
  readonly isEntry: boolean;
}

/** A record that a person made, deleted or brought back. */
export interface Turn {
  readonly what: 'here' | 'gone';
  readonly connection: string;
  readonly externalId: string;
  readonly who: number;
  /** For `gone`: whether we knew the record. */
  readonly isKnown: boolean;
  /** Whether the person is in some CRM in a record of which we did not know. */
  readonly isSeenElsewhere: boolean;
  readonly cycle: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What people are told when they act. */
export interface Moment {
  readonly world: World;
  readonly cycle: number;
  /** Whether a cycle runs. */
  readonly isMeanwhile: boolean;
  /** Whether a request of a dead process may still arrive. */
  readonly isAdrift: boolean;
  /** Whether we knew a record before this moment. */
  isKnown(connection: string, externalId: string): boolean;
}

/** The people of a life: they act at their CRMs, and everything that they did is remembered here. */
export class People {
  readonly deeds: Deed[] = [];
  readonly turns: Turn[] = [];
  readonly #crms: ReadonlyMap<string, SimCrm>;
  /** One edit of one field between two looks: what a person overtypes before anyone has seen it is nobody's loss. */
  readonly #touched = new Set<string>();

  constructor(crms: ReadonlyMap<string, SimCrm>) {
    this.#crms = crms;
  }

  /** Everybody has looked: what was typed before may be typed over. */
  looked(): void {
    this.#touched.clear();
  }

  /** The records of a person at a CRM, the oldest first. */
  recordsOf(crm: SimCrm, who: number): readonly string[] {
    return crm.ids(entity).filter((id) => addressOf(crm.holds(entity, id)) === emailOf(who).toLowerCase());
  }

  /** @returns false: there is nothing that it could be done to */
  act(deed: Act, moment: Moment): boolean {
    const crm = this.#crms.get(deed.crm)!;
    const here = this.recordsOf(crm, deed.who);
    // A CRM that lists nothing shows what we know there: who is entered anew, nobody would ever learn of.
    const isUnseen = (id: string | undefined) => id === undefined || !moment.isKnown(deed.crm, id);
    if (!crm.sim.lists && (!['edit', 'delete'].includes(deed.do) || isUnseen(here[0]))) return false;
    switch (deed.do) {
      case 'edit':
        return this.#edit(crm, here[0], deed, moment);
      case 'enter':
        // A request of a dead process may still make the same person: nobody could tell.
        if (moment.isAdrift || here.length > 1) return false;
        this.#appear(crm, moment.world.enter(deed.crm, entity, deed.values), deed.who, moment);
        return true;
      case 'delete':
        if (here[0] === undefined) return false;
        this.#vanish(crm, here[0], deed.who, moment);
        return true;
      case 'restore': {
        if (here.length > 0 || moment.isAdrift) return false;
        const id = crm.restore(entity, (values) => addressOf(values) === emailOf(deed.who).toLowerCase(), deed.as);
        if (id !== undefined) this.#appear(crm, id, deed.who, moment);
        return id !== undefined;
      }
      case 'merge': {
        const [older, newer] = here;
        if (older === undefined || moment.isAdrift) return false;
        if (newer !== undefined) this.#vanish(crm, deed.stays === 'older' ? newer : older, deed.who, moment);
        else this.#rename(crm, older, deed.who, moment);
        return true;
      }
      default:
        return deed satisfies never;
    }
  }

  #edit(crm: SimCrm, id: string | undefined, { path, to }: Edit, moment: Moment): boolean {
    const { name } = crm.spec;
    const { world } = moment;
    if (id === undefined || !crm.paths(entity).includes(path)) return false;
    const key = `${name} ${id} ${path}`;
    if (this.#touched.has(key)) return false;
    const held = crm.holds(entity, id)[path]!;
    const earlier = world.edits.findLast(
      (one) => one.connection === name && one.externalId === id && one.path === path,
    );
    if (earlier && !world.everShowed(name, entity, id, path, earlier.to)) return false;
    // Where empty fields are left out, nobody can see that one was cleared; nor where nobody ever saw what was there.
    if (isEmpty(to) && (crm.spec.showsEmptyAs === 'absent' || !world.everShowed(name, entity, id, path, held)))
      return false;
    this.#touched.add(key);
    const value = Array.isArray(to) && Array.isArray(held) ? [...held.slice(1), ...to] : to;
    world.edit(name, entity, id, { [path]: value });
    const now = crm.holds(entity, id)[path]!;
    if (JSON.stringify(now) !== JSON.stringify(held)) this.#note(name, id, { [path]: now }, moment, false);
    return true;
  }

  #appear(crm: SimCrm, id: string, who: number, moment: Moment): void {
    this.#turn('here', crm, id, who, moment);
    // What is empty at first sight says nothing.
    const filled = Object.entries(crm.holds(entity, id)).filter(([, value]) => !isEmpty(value));
    this.#note(crm.spec.name, id, Object.fromEntries(filled), moment, true);
  }

  /** The CRM gives a record another id. What people left in it is in it still, and nobody has typed anything. */
  #rename(crm: SimCrm, id: string, who: number, moment: Moment): void {
    this.#vanish(crm, id, who, moment);
    const isIt = (values: Values) => addressOf(values) === emailOf(who).toLowerCase();
    const externalId = crm.restore(entity, isIt, 'new id')!;
    this.#turn('here', crm, externalId, who, moment);
    // Empty in a record that is new there says nothing: nobody could tell it from one that was entered anew.
    const own = this.deeds.filter((deed) => deed.connection === crm.spec.name && deed.externalId === id);
    const left = own.filter(({ path }) => !isEmpty(own.findLast((deed) => deed.path === path)!.value));
    this.deeds.push(...left.map((deed) => ({ ...deed, externalId })));
  }

  #vanish(crm: SimCrm, id: string, who: number, moment: Moment): void {
    this.#turn('gone', crm, id, who, moment);
    crm.drop(entity, id);
  }

  #turn(what: Turn['what'], crm: SimCrm, externalId: string, who: number, { world, cycle, isKnown }: Moment): void {
    const connection = crm.spec.name;
    const at = world.clock.now();
    const isSeenElsewhere = [...this.#crms].some(([name, other]) =>
      this.recordsOf(other, who).some((id) => id !== externalId && !isKnown(name, id)),
    );
    this.turns.push({
      what,
      connection,
      externalId,
      who,
      isKnown: isKnown(connection, externalId),
      isSeenElsewhere,
      cycle,
      at,
    });
  }

  #note(
    connection: string,
    externalId: string,
    values: Values,
    { cycle, isMeanwhile }: Moment,
    isEntry: boolean,
  ): void {
    for (const [path, value] of Object.entries(values))
      this.deeds.push({ connection, externalId, path, value, cycle, isMeanwhile, isEntry });
  }
}

/** The address by which a person is recognised, whatever a CRM has made of its spelling. */
export function addressOf(values: Values): string {
  return String(values['email.primary']).trim().toLowerCase();
}

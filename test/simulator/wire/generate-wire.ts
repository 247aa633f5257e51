import { type SeededIds, seededIds } from '../../../src/connector/seeded-ids.ts';
import type { Entity } from '../../../src/model/values.ts';
import type { Death } from '../../worlds/deaths.ts';
import { kinds, type Name, owners, sources, stages, statuses, type Traits, type WireCrm } from './crms.ts';
import { type Field, fieldsOf, type Typed } from './vendors.ts';
import {
  type Filled,
  membersOf,
  type WireAct,
  type WireLife,
  type WireStep,
  type WireTrouble,
  wireTroubles,
} from './wire-life.ts';

const people = 6;
const houses = 3;

/** The same seed gives the same life. */
export function generateWireLife(seed: number): WireLife {
  return new Dice(seed).life();
}

class Dice {
  readonly #seed: number;
  readonly #dice: SeededIds;
  #lastToken = 0;
  /** Who was entered where, and who was made a lead, so far. */
  readonly #entered = new Map<Name, number[]>();
  readonly #leads: { readonly crm: Name; readonly who: number }[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#dice = seededIds(seed * 7_919);
  }

  life(): WireLife {
    const crms = this.#crms();
    const names = crms.map(({ name }) => name);
    const entities = (['account', 'contact', 'lead'] as const).filter(
      (entity) => membersOf({ crms }, entity).length > 1 && (entity === 'contact' || !this.#oneIn(4)),
    );
    const deletes = this.#oneIn(2) ? 'propagate' : 'ignore';
    const world = { seed: this.#seed, crms, entities, deletes } as const;
    const direction = this.#pick(['read', 'write'] as const);
    // Who can only be written to must be able to take something in that somebody else shows.
    const oneWay = names.filter((name) => direction === 'read' || kinds[name] !== 'alpha');
    return {
      ...world,
      conflicts: this.#oneIn(3) ? this.#shuffled(names) : 'newest',
      ...(this.#oneIn(3) && names.length > 2 && { oneWay: { crm: this.#pick(oneWay), direction } }),
      steps: this.#steps(names, entities),
    };
  }

  #crms(): readonly WireCrm[] {
    const count = 2 + this.#dice.integer(3);
    const wanted = this.#shuffled(['site', 'showroom', 'office', 'chat'] as const).slice(0, count);
    // Now and then two of one kind.
    const chosen: Name[] = wanted.map((name) => (this.#oneIn(4) ? this.#pick(twins[name]) : name));
    const twin = this.#pick(Object.values(twins).flat());
    if (count < 4 && this.#oneIn(3) && !chosen.includes(twin)) chosen.push(twin);
    // Somebody has to be able to make a person of one who is entered elsewhere.
    if (chosen.every((name) => kinds[name] === 'alpha')) chosen.push('site');
    return chosen.map((name) => ({ name, traits: this.#traits(name) }));
  }

  #traits(name: Name): Traits {
    const some = () => this.#oneIn(3);
    switch (kinds[name]) {
      case 'treepl':
        return {
          treepl: {
            trims: some(),
            lowerCasesEmail: some(),
            emptyIsNull: some(),
            refusesUnknown: some(),
            uniqueEmail: some(),
            omitsNull: this.#oneIn(6),
          },
        };
      case 'conecrm': {
        const lead = this.#oneIn(3) ? { queryEntities: { lead: null } } : {};
        return { options: lead };
      }
      case 'alpha':
        return {
          alpha: {
            trims: some(),
            lowerCasesTags: some(),
            nextActionReplaces: this.#oneIn(2),
            missesWhatIsNotThere: some(),
            oneShape: this.#oneIn(6),
            omitsNull: this.#oneIn(6),
          },
          options: { contactPersons: this.#pick(['all', 'companies']) },
        };
      case 'upgradechat': {
        const clears = this.#oneIn(4);
        return {
          upgradechat: {
            absent: clears ? 'cleared' : 'kept',
            unknownId: some() ? 'insert' : 'refuse',
            trims: some(),
            lowerCasesEmail: some(),
            emptyIsNull: some(),
            omitsNull: this.#oneIn(6),
            replies: some() ? 'envelope' : 'bare',
          },
          options: { update: clears ? 'whole' : this.#pick(['changed', 'whole']) },
        };
      }
    }
  }

  #steps(names: readonly Name[], entities: readonly Entity[]): readonly WireStep[] {
    const steps: WireStep[] = [];
    const at = (entity: Entity) =>
      names.filter((name) => membersOf({ crms: [{ name, traits: {} }] }, entity).length > 0);
    const trouble = () => {
      for (let more = this.#dice.integer(3); more > 0; more -= 1) steps.push(this.#trouble(names));
    };
    const act = () => this.#act(names, entities, at);
    if (entities.includes('account'))
      for (let who = 0; who < houses; who += 1) {
        const first = this.#pick(at('account'));
        steps.push(this.#entry(first, 'account', who));
        if (this.#oneIn(3)) steps.push(this.#entry(this.#pick(at('account')), 'account', who));
      }
    for (let who = 0; who < people; who += 1) {
      if (this.#oneIn(6)) continue;
      steps.push(this.#entry(this.#pick(names), 'contact', who));
      if (this.#oneIn(2)) steps.push(this.#entry(this.#pick(names), 'contact', who));
    }
    if (entities.includes('lead'))
      for (let more = this.#dice.integer(3); more > 0; more -= 1) steps.push(this.#lead(at('lead')));
    if (this.#oneIn(2)) steps.push({ do: 'import' });
    trouble();
    steps.push({ do: 'sync', ...this.#death() });
    if (this.#oneIn(2)) steps.push(...this.#unshown(names));
    for (let round = 1 + this.#dice.integer(4); round > 0; round -= 1) {
      for (let acts = this.#dice.integer(4); acts > 0; acts -= 1) steps.push(act());
      if (this.#oneIn(3))
        steps.push({ do: 'meanwhile', skip: this.#dice.integer(22), act: this.#moving(names) ?? act() });
      if (this.#oneIn(4)) steps.push({ do: 'import' });
      trouble();
      steps.push({ do: 'sync', ...this.#death() });
      // Rest in between, so that what comes next is known to have been seen.
      if (this.#oneIn(3)) steps.push({ do: 'sync' }, { do: 'sync' });
    }
    return steps;
  }

  #act(names: readonly Name[], entities: readonly Entity[], at: (entity: Entity) => readonly Name[]): WireAct {
    const dice = this.#dice.integer(20);
    const who = this.#dice.integer(people);
    const crm = this.#pick(names);
    if (dice < 2) return this.#entry(crm, 'contact', who);
    if (dice < 3) return this.#entry(crm, 'contact', people + this.#dice.integer(people));
    if (dice < 5 && entities.includes('lead')) return this.#lead(at('lead'));
    if (dice < 6) return { do: 'remove', crm, entity: 'contact', who };
    if (dice < 7 && entities.includes('account'))
      return this.#oneIn(2)
        ? { do: 'remove', crm: this.#pick(at('account')), entity: 'account', who: this.#dice.integer(houses) }
        : this.#entry(this.#pick(at('account')), 'account', this.#dice.integer(houses));
    if (dice < 9) return { do: 'tag', crm, who, tag: `tag ${this.#token()}` };
    if (dice < 10) return { do: 'untag', crm, who };
    if (dice < 12) return { do: 'note', crm, who, note: `note${this.#token()}` };
    if (dice < 14 && entities.includes('account'))
      return this.#edit(this.#pick(at('account')), 'account', this.#dice.integer(houses));
    const converted = this.#leads.find((one) => kinds[one.crm] === 'alpha');
    if (dice < 15 && converted)
      return { do: 'edit', ...converted, entity: 'contact', field: 'status', to: this.#value('status') };
    if (dice < 16 && entities.includes('lead')) return this.#edit(this.#pick(at('lead')), 'lead', who);
    return this.#edit(crm, 'contact', who);
  }

  /** Somebody moves from one of the lists that are read one after the other to another one. */
  #moving(names: readonly Name[]): WireAct | undefined {
    const lists = names.filter((name) => kinds[name] === 'alpha');
    if (lists.length === 0 || this.#oneIn(2)) return undefined;
    const crm = this.#pick(lists);
    const who = this.#pick(this.#entered.get(crm) ?? [0]);
    return { do: 'edit', crm, entity: 'contact', who, field: 'status', to: this.#value('status') };
  }

  #entry(crm: Name, entity: 'contact' | 'account', who: number): WireAct {
    const house = entity === 'contact' && this.#oneIn(2) ? { house: this.#dice.integer(houses) } : {};
    if (entity === 'contact') this.#entered.set(crm, [...(this.#entered.get(crm) ?? []), who]);
    return { do: 'enter', crm, entity, who, values: this.#values(fieldsOf(crm, entity)), ...house };
  }

  #lead(among: readonly Name[]): WireAct {
    const crm = this.#pick(among);
    const who = this.#pick(this.#entered.get(crm) ?? [0]);
    this.#leads.push({ crm, who });
    return { do: 'lead', crm, who, values: this.#values(fieldsOf(crm, 'lead')) };
  }

  #edit(crm: Name, entity: Entity, who: number): WireAct {
    const field = this.#pick(fieldsOf(crm, entity));
    return { do: 'edit', crm, entity, who, field, to: this.#oneIn(6) ? null : this.#value(field) };
  }

  #values(fields: readonly Field[]): Filled {
    return Object.fromEntries(fields.filter(() => this.#oneIn(2)).map((field) => [field, this.#value(field)]));
  }

  #value(field: Field): Typed & string {
    const token = this.#token();
    switch (field) {
      case 'street':
        return `${token} Elm Street`;
      case 'code':
        return String(10_000 + token);
      case 'status':
        return this.#pick(statuses);
      case 'owner':
        return this.#pick(Object.keys(owners));
      case 'stage':
        return this.#pick(Object.keys(stages));
      case 'source':
        return this.#pick(Object.keys(sources));
      case 'language':
        return this.#pick(['nl', 'fr', 'de', 'en']);
      case 'due':
        return new Date(Date.UTC(2026, 5, 1, 0, token)).toISOString();
      case 'website':
        return `https://www.house${token}.example/start`;
      case 'mobile':
        return `+316${10_000_000 + token}`;
      case 'second':
        return `second${token}@example.org`;
      default:
        return `${field} ${token}`;
    }
  }

  /** Where records are read one by one, all are known, and one of them is not shown for a while. */
  #unshown(names: readonly Name[]): readonly WireStep[] {
    const crm = names.find((name) => kinds[name] === 'upgradechat');
    if (crm === undefined) return [];
    const what = this.#pick(unshown);
    const trouble = {
      do: 'trouble',
      crm,
      of: 'one record',
      skip: this.#dice.integer(people),
      times: 100,
      what,
    } as const;
    return [{ do: 'import' }, { do: 'sync' }, { do: 'sync' }, trouble, { do: 'sync' }];
  }

  #trouble(names: readonly Name[]): WireStep {
    return {
      do: 'trouble',
      crm: this.#pick(names),
      of: this.#oneIn(2) ? 'reads' : 'writes',
      skip: this.#dice.integer(6),
      times: this.#pick([1, 1, 2, 4, 100]),
      what: this.#pick(wireTroubles),
    };
  }

  #death(): { readonly death?: Death } {
    if (!this.#oneIn(3)) return {};
    return {
      death: {
        of: this.#pick(['call', 'commit', 'write']),
        step: this.#dice.integer(this.#pick([4, 13, 151])),
        when: this.#pick(['before', 'after']),
      },
    };
  }

  #token(): number {
    this.#lastToken += 1;
    return this.#lastToken;
  }

  #oneIn(chances: number): boolean {
    return this.#dice.integer(chances) === 0;
  }

  #pick<T>(among: readonly T[]): T {
    return among[this.#dice.integer(among.length)]!;
  }

  #shuffled<T>(items: readonly T[]): readonly T[] {
    const left = [...items];
    return items.map(() => left.splice(this.#dice.integer(left.length), 1)[0]!);
  }
}

/** What may be the matter with one record alone. */
const unshown: readonly WireTrouble[] = ['500', 'html', 'truncated', 'empty', 'cut after'];

const twins: Readonly<Record<'site' | 'showroom' | 'office' | 'chat', readonly Name[]>> = {
  site: ['site', 'shop'],
  showroom: ['showroom', 'depot'],
  office: ['office', 'agency'],
  chat: ['chat'],
};

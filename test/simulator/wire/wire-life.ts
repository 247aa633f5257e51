import type { Entity } from '../../../src/model/values.ts';
import type { SyncPolicy } from '../../../src/sync/policy.ts';
import type { Death } from '../../worlds/deaths.ts';
import { policy } from '../../worlds/world.ts';
import { abilities, kinds, type Name, type WireCrm } from './crms.ts';
import type { Field, Typed } from './vendors.ts';

/** What goes wrong on the wire. */
export const wireTroubles = [
  'cut before',
  'cut after',
  'html',
  'truncated',
  'content type',
  'empty',
  '408',
  '429',
  '429 with Retry-After',
  '429 with a long Retry-After',
  '500',
  '503',
  'token refused',
] as const;
export type WireTrouble = (typeof wireTroubles)[number];

export type Filled = Readonly<Partial<Record<Field, string>>>;

/** Something that a person does at a CRM, behind the back of its API. People and companies are numbers. */
export type WireAct =
  | {
      readonly do: 'enter';
      readonly crm: Name;
      readonly entity: 'contact' | 'account';
      readonly who: number;
      readonly values: Filled;
      /** The company to which a new person belongs, where the CRM has it. */
      readonly house?: number;
    }
  | {
      readonly do: 'edit';
      readonly crm: Name;
      readonly entity: Entity;
      readonly who: number;
      readonly field: Field;
      readonly to: Typed;
    }
  | { readonly do: 'tag'; readonly crm: Name; readonly who: number; readonly tag: string }
  /** Takes away a tag that everybody has seen there. */
  | { readonly do: 'untag'; readonly crm: Name; readonly who: number }
  /** Writes down what no other CRM has a place for. */
  | { readonly do: 'note'; readonly crm: Name; readonly who: number; readonly note: string }
  | { readonly do: 'remove'; readonly crm: Name; readonly entity: 'contact' | 'account'; readonly who: number }
  /** Makes somebody a lead who is nowhere one yet. */
  | { readonly do: 'lead'; readonly crm: Name; readonly who: number; readonly values: Filled };

export type WireStep =
  | WireAct
  /** Somebody acts while the next cycle reads a listing there: before its request `skip` + 1 is answered. */
  | { readonly do: 'meanwhile'; readonly skip: number; readonly act: WireAct }
  /** `concordat import-ids` with all ids that a CRM without a listing has. */
  | { readonly do: 'import' }
  /** Until the next cycle is over. */
  | {
      readonly do: 'trouble';
      readonly crm: Name;
      /** `one record`: whenever that one is asked for by its id, from its first time on. */
      readonly of: 'reads' | 'writes' | 'one record';
      readonly skip: number;
      readonly times: number;
      readonly what: WireTrouble;
    }
  | { readonly do: 'sync'; readonly death?: Death };

/** A life over real connectors and the real HTTP client, as plain data. */
export interface WireLife {
  readonly seed: number;
  readonly crms: readonly WireCrm[];
  /** What is kept alike; each needs two CRMs that have it. */
  readonly entities: readonly Entity[];
  readonly deletes: SyncPolicy['deletes'];
  readonly conflicts: SyncPolicy['conflicts'];
  /** A CRM whose contacts are only read, or only written. */
  readonly oneWay?: { readonly crm: Name; readonly direction: 'read' | 'write' };
  readonly steps: readonly WireStep[];
}

const names: Readonly<Record<Entity, string>> = { account: 'companies', contact: 'people', lead: 'chances' };
const evidence: Readonly<Record<Entity, SyncPolicy['match']>> = {
  account: ['xref', 'email', 'domain', 'name'],
  contact: ['xref', 'email', 'phone'],
  lead: ['xref'],
};

/** The CRMs of a life that have an entity, in their order of rank. */
export function membersOf({ crms }: Pick<WireLife, 'crms'>, entity: Entity): readonly Name[] {
  return crms.map(({ name }) => name).filter((name) => abilities[kinds[name]][entity] !== undefined);
}

/** What a CRM is there for. */
export function directionOf({ oneWay }: WireLife, crm: Name, entity: Entity): 'read' | 'write' | 'both' {
  return entity === 'contact' && oneWay?.crm === crm ? oneWay.direction : 'both';
}

/** The syncs of a life, in the order in which they run: companies, people, leads. */
export function syncsOf(life: WireLife): readonly SyncPolicy[] {
  const { deletes, conflicts } = life;
  return (['account', 'contact', 'lead'] as const)
    .filter((entity) => life.entities.includes(entity) && membersOf(life, entity).length > 1)
    .map((entity) =>
      policy(
        membersOf(life, entity).map((connection) => ({
          connection,
          direction: directionOf(life, connection as Name, entity),
        })),
        {
          name: names[entity],
          entity,
          match: evidence[entity],
          deletes,
          conflicts:
            typeof conflicts === 'string'
              ? conflicts
              : conflicts.filter((name) => membersOf(life, entity).includes(name as Name)),
        },
      ),
    );
}

import type { Value, Values } from '../../src/model/values.ts';
import type { SyncPolicy } from '../../src/sync/policy.ts';
import type { Death } from '../worlds/deaths.ts';
import type { CrmSpec, Verb } from '../worlds/fake-crm.ts';

/**
 * One whole life of a world, as plain data: what its CRMs are like, and everything that happens to them, in order. The
 * same life is always lived the same way, and a life with some steps left out is a life too.
 */
export interface Life {
  readonly seed: number;
  readonly crms: readonly SimSpec[];
  readonly sync: SyncPolicy;
  /** CRMs that a second sync keeps alike, under the same rules; one of them is a member of the first sync too. */
  readonly others?: readonly string[];
  readonly steps: readonly Step[];
}

/** The syncs of a life, in the order in which they run. */
export function syncsOf({ sync, others }: Life): readonly SyncPolicy[] {
  if (!others) return [sync];
  const members = others.map((connection) => ({ connection, direction: 'both' as const }));
  return [sync, { ...sync, name: 'others', members }];
}

/** What a CRM is there for. */
export function directionOf(life: Life, connection: string): SyncPolicy['members'][number]['direction'] | undefined {
  const members = syncsOf(life).flatMap((sync) => sync.members);
  return members.find((member) => member.connection === connection)?.direction;
}

/** A CRM of a life. */
export interface SimSpec extends CrmSpec {
  /** How far its clock is ahead of ours, milliseconds. */
  readonly skewMs: number;
  /** How long its listings and searches go on showing the time before a change, milliseconds. */
  readonly lagMs: number;
  /** Whether its listings say how many records there are. */
  readonly counts: boolean;
  /** Whether it lists its records at all; one that does not reads them by id. */
  readonly lists: boolean;
  /** Whether it knows a record again by our id, so that a create may be sent twice. */
  readonly knowsOurIds: boolean;
  /** Whether it can be searched by e-mail. Default: not. */
  readonly searches?: boolean;
}

/** Something that a person does at a CRM. People are numbers: each is recognised everywhere by the address that nobody changes. */
export type Act =
  | { readonly do: 'enter'; readonly crm: string; readonly who: number; readonly values: Values }
  | { readonly do: 'edit'; readonly crm: string; readonly who: number; readonly path: string; readonly to: Value }
  | { readonly do: 'delete'; readonly crm: string; readonly who: number }
  /** Brings back what was deleted there last, as it was. */
  | { readonly do: 'restore'; readonly crm: string; readonly who: number; readonly as: 'same id' | 'new id' }
  /** Makes one record of two that are there for the same person, with the values of the one that stays; one alone gets another id. */
  | { readonly do: 'merge'; readonly crm: string; readonly who: number; readonly stays: 'older' | 'newer' };

export type Edit = Act & { readonly do: 'edit' };

/** What goes wrong with a call. What a verb cannot suffer from does not happen to it. */
export const troubles = [
  /** No connection: nothing was sent. */
  'refused',
  /** The connection broke, or time ran out, before the CRM had acted. */
  'reset',
  /** The same, after it had: the answer is lost. */
  'answer lost',
  /** 429. */
  'too many',
  /** 503, nothing done. */
  'unavailable',
  /** 500 after the work was done. */
  'failed late',
  /** 200 with HTML, or a body that was cut off. */
  'no data',
  /** 401. */
  'credentials refused',
  /** 400. */
  'rejected',
  /** A page of a listing comes again in the place of the next one. */
  'page repeats',
  /** A listing ends before its end. */
  'ends early',
] as const;
export type Trouble = (typeof troubles)[number];

export type Step =
  | Act
  /** A person edits while the next cycle runs: at a call of the engine, after `skip` calls of that kind. */
  | {
      readonly do: 'meanwhile';
      readonly at: Extract<Verb, 'list' | 'read' | 'update'>;
      /** The CRM that is called, the one of the edit if none is named. Another one only while it is listed: between a look and its write nobody could be seen. */
      readonly of?: string;
      readonly skip: number;
      readonly edit: Edit;
    }
  /** In the next cycle, `times` calls of that kind to that CRM go wrong, after `skip` that do not. */
  | {
      readonly do: 'trouble';
      readonly crm: string;
      readonly verb: SimVerb;
      readonly skip: number;
      readonly times: number;
      readonly what: Trouble;
    }
  /** A cycle of all syncs by a process of its own; it may die, and the next one starts from what is in the file. */
  | { readonly do: 'sync'; readonly restMs: number; readonly death?: Death }
  /**
   * The mail comes: what the CRMs have to say about what has changed since, most of it, some twice, some late, some lost,
   * in any order, and things that are not true (`mail` decides); then a round of all syncs by a process of its own.
   */
  | { readonly do: 'round'; readonly mail: number; readonly death?: Death }
  /** The same, beside a cycle. */
  | { readonly do: 'round beside'; readonly mail: number; readonly pace: number; readonly death?: Death }
  /** Two processes at once. */
  | { readonly do: 'two at once'; readonly pace: number; readonly death?: Death }
  /** A job about a person comes once more, or late. */
  | { readonly do: 'job'; readonly crm: string; readonly who: number }
  /** Somebody looks at what the guards hold back, and lets it be written. */
  | { readonly do: 'approve' };

export type SimVerb = Verb;

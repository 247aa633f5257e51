import type { CrmError } from '../connector/errors.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Counts } from './engine.ts';

/** What became of one pending (record, connection). */
export type Delivery =
  /** Written. */
  | { readonly state: 'created' | 'updated' | 'deleted' }
  /** Nothing to write (any more), or nobody's business (outside `where`, deleted there). */
  | { readonly state: 'settled' }
  /**
   * Waits: another worker has it, or a person must decide, or an unanswered create must be looked up first, or a listing
   * must tell whether the record is gone or there already, or a record that it points to must be there first, or the run
   * has done as much harm there as it may, or the plan that is carried out has no such write, or it is another sync's turn.
   */
  | {
      readonly state: 'waiting';
      readonly for: 'lease' | 'review' | 'lookup' | 'listing' | 'target' | 'guard' | 'plan' | 'sync';
    }
  /** The API cannot do it. */
  | { readonly state: 'unsupported' }
  /** This record was refused; set aside until it changes. */
  | { readonly state: 'rejected' }
  /** The connection failed; the record stays pending. */
  | { readonly state: 'failed'; readonly error: CrmError };

/** What a delivery needs besides the record. */
export interface Destination {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  readonly counts: Counts;
  /** By sync: what is written for other syncs, because the record points to theirs. Left out: it is counted here, too. */
  readonly besides?: Map<string, Counts>;
  /** Members whose listing failed in this run. */
  readonly unread?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
  /**
   * What writes rest upon. `listing`: every member was listed in this run. `look`: nothing is written over a record that
   * cannot be read just before, and nothing created where a search could not find it. Default: listing.
   */
  readonly restsUpon?: 'listing' | 'look';
  /** Harm is not counted. Default: it is. */
  readonly pastGuards?: boolean;
  /** How many records a connection had when the run began, by sync and connection; filled as it is needed. */
  readonly sizes?: Map<string, number>;
}

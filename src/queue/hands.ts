import type { LookPayload, LookResult } from '../../jobs/look.ts';
import type { PullPayload, PullResult } from '../../jobs/pull.ts';
import type { PushPayload, PushResult } from '../../jobs/push.ts';
import type { Counts } from '../engine/engine.ts';

/** What whoever hands out work gives along, and what never leaves this process. */
export interface Along {
  /** Counted up with what was done: on the way where that can be seen from here, else at the end. */
  readonly counts: Counts;
  readonly signal?: AbortSignal;
}

/**
 * The things of a cycle or a round that talk to a CRM. They may be done in this process or in another one: what is asked
 * holds ids only, and what comes back is plain data. Everything else (who is who, guards, what is pending) is done by
 * whoever asks, over the same store. Each rejects for faults of our own and with the reason of an aborted signal; what a
 * CRM does is in the results.
 */
export interface Hands {
  /** Reads all records of a member. @param onPage told where it can be seen from here */
  pull(
    order: PullPayload,
    along: Along & { readonly onPage?: (read: number, total: number | undefined) => void },
  ): Promise<PullResult>;
  /** Reads some records of a member by their ids. */
  look(order: LookPayload, along: Along): Promise<LookResult>;
  /** Brings some records to a member. @param onRecord told where it can be seen from here */
  push(order: PushPayload, along: Along & { readonly onRecord?: () => void }): Promise<PushResult>;
}

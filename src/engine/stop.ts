import type { Guarded } from '../store/store.ts';

/** What a guard has stopped: the sync writes nothing until a person approves, or the cause is gone. */
export interface Stop {
  readonly sync: string;
  readonly connection: string;
  readonly what: Guarded;
  /** Records concerned, those that are approved not counted. */
  readonly records: number;
  readonly allowed: number;
  /** Records linked at the connection. */
  readonly of: number;
  /** A few of them. */
  readonly examples: readonly Example[];
  /** It came while the sync wrote, because of news that came in then: what was within the limit had been written by then. */
  readonly isLate?: true;
}

/** A record that a guard holds, by both of its names. */
export interface Example {
  readonly recordId: string;
  /** At the connection concerned. */
  readonly externalId: string;
}

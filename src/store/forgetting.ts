import type { Entity } from '../model/values.ts';

/** A record of a CRM. */
export interface CrmId {
  readonly connection: string;
  readonly entity: Entity;
  readonly externalId: string;
}

/** Whom to forget. */
export interface Forgetting {
  /** Canonical ids. */
  readonly recordIds: readonly string[];
  /** Records of CRMs, linked to these or to nothing. */
  readonly crmIds: readonly CrmId[];
}

/** What of a person is in the store, or was, in rows. */
export interface Traces {
  readonly records: number;
  readonly links: number;
  readonly history: number;
  readonly conflicts: number;
  /** Writes that wait, or were set aside. */
  readonly pending: number;
  readonly intents: number;
  /** Wire records that wait for a decision who they are, with the reviews about them. */
  readonly unmatched: number;
  readonly reviews: number;
  readonly quarantined: number;
  /** What webhooks have said. */
  readonly hints: number;
  /** What guards count and hold, departures, decisions of people, claims. */
  readonly notes: number;
  /** Keys by which matching finds records. */
  readonly keys: number;
}

/** The part of the store that forgets for good. Marks are keyed hashes; what they are of cannot be read from them. */
export interface ForgettingStore {
  /** What would be removed. */
  tracesOf(whom: Forgetting): Promise<Traces>;
  /**
   * Removes every row about them and keeps the marks, in one transaction. Bytes of removed rows may still stand in the
   * file: `wipe` sees to these.
   * @param marks what they are to be known by; told apart from those of others by `person`, one of them
   * @returns what was removed
   */
  forget(whom: Forgetting, marks: readonly string[], person: string, at: number): Promise<Traces>;
  /**
   * Writes the file anew without anything that was removed, and empties its log.
   * @returns false when another process was reading all the time: the log still holds what it held
   */
  wipe(): Promise<boolean>;
  /** The key for hashing marks, hexadecimal; made at random when it is first asked for. */
  forgettingKey(): Promise<string>;
  isAnyForgotten(): Promise<boolean>;
  /** Those of these marks that are kept. */
  forgotten(marks: readonly string[]): Promise<ReadonlySet<string>>;
  /** Keeps nothing any more of whoever has one of these marks. @returns how many people that were */
  unforget(marks: readonly string[]): Promise<number>;
}

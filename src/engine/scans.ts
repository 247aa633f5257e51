import type { Entity } from '../model/values.ts';
import type { DepartureRow, IntentRow, Store } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Sightings } from './sightings.ts';

/** A scan under way: what its pages have in common. */
export interface Scan {
  readonly sync: SyncPolicy;
  readonly connection: string;
  readonly run: string;
  /** Before the first request was sent, epoch milliseconds. */
  readonly startedAt: number;
  /** External ids that were set aside before this scan and have not been seen in order yet. */
  readonly quarantined: Set<string>;
  /** External ids of unmatched records that this scan has shown: those from before, and those that it set aside itself. */
  readonly stillUnmatched: Set<string>;
  /** Position of the last unmatched record when it began: what came later was seen elsewhere, e.g. in a look, and has not vanished. */
  readonly lastUnmatched: number;
  /** Links that this scan has shown. */
  readonly seen: Sightings;
  /** Live links when it began. */
  readonly linksBefore: number;
  /** When the complete scan before it had ended; of a first one, when it began: until then all that it knows of was shown. */
  readonly shownUntil: number;
  /** What was open about departures when it began, by external id. */
  readonly departures: ReadonlyMap<string, DepartureRow>;
  /** External ids of gone records that it has shown. */
  readonly shownAgain: Set<string>;
  /** External ids of people who were forgotten that it has shown: left out. */
  readonly leftOut: Set<string>;
  /** Set for a look at single records, which is no scan. */
  readonly look?: LookNotes;
}

/** What a look leaves open, by external id. */
interface LookNotes {
  /** Nothing can be said about them at this moment. */
  readonly later: Set<string>;
  /** They read as they were before what we know, or as if they had come back: only a complete listing tells. */
  readonly old: Set<string>;
  /** Whether a new record may be what one of these creates of ours is making just now. */
  mayBeOurs(externalId: string, open: readonly IntentRow[]): boolean;
}

/** What a scan from end to end was: `partial` shows some records only, so that from what it does not show nothing follows. */
export type ScanKind = 'whole' | 'partial';

/** Writes down what the last scan of an entity at a connection was. */
export async function noteScan(store: Store, connection: string, entity: Entity, kind: ScanKind): Promise<void> {
  if ((await lastScan(store, connection, entity)) !== kind) await store.remember(keyOf(connection, entity), kind);
}

/** What the last scan that came to its end was. Undefined: there was none. */
export async function lastScan(store: Store, connection: string, entity: Entity): Promise<string | undefined> {
  return await store.remembered(keyOf(connection, entity));
}

function keyOf(connection: string, entity: Entity): string {
  return `scan of ${entity} at ${connection}`;
}

import { z } from 'zod';
import type { Counts, EngineContext } from '../src/engine/engine.ts';
import type { Stop } from '../src/engine/guard.ts';
import { syncNamed } from '../src/engine/participation.ts';
import { pull } from '../src/engine/pull.ts';

/** Read one member of one sync. Ids only. */
const pullPayload = z.strictObject({ sync: z.string(), connection: z.string(), run: z.string() });
export type PullPayload = z.output<typeof pullPayload>;

/** What a runner hands to a pull besides its payload. */
export interface PullHelpers {
  readonly counts: Counts;
  readonly signal?: AbortSignal;
  readonly onPage?: (read: number, total: number | undefined) => void;
  /** A second reading in the same run, to look up creates. */
  readonly isLookup?: boolean;
}

/**
 * Reads all records of a member and takes in what is new.
 * @returns what a guard stopped
 * @throws CrmError when the listing fails: the member did not do its part in this run.
 */
export async function pullJob(
  context: EngineContext,
  payload: PullPayload,
  helpers: PullHelpers,
): Promise<Stop | undefined> {
  const { sync, ...rest } = pullPayload.parse(payload);
  return await pull(context, { ...rest, ...helpers, sync: syncNamed(context, sync) });
}

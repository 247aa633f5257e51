import { z } from 'zod';
import { CrmError } from '../src/connector/errors.ts';
import type { Counts, EngineContext } from '../src/engine/engine.ts';
import { syncNamed } from '../src/engine/participation.ts';
import { pull } from '../src/engine/pull.ts';
import type { Stop } from '../src/engine/stop.ts';
import { asFailure, type Failure } from './failure.ts';

/** Read one member of one sync. Ids only. `isLookup`: a second reading in the same run, to look up creates. */
export const pullPayload = z.strictObject({
  sync: z.string(),
  connection: z.string(),
  run: z.string(),
  isLookup: z.boolean().default(false),
});
export type PullPayload = z.input<typeof pullPayload>;

/** What a runner hands to a pull besides its payload. */
export interface PullHelpers {
  /** Counted up as pages are taken in. */
  readonly counts: Counts;
  readonly signal?: AbortSignal;
  readonly onPage?: (read: number, total: number | undefined) => void;
}

/** How a pull ended. */
export interface PullResult {
  /** What a guard stopped. */
  readonly stop?: Stop;
  /** The listing failed: the member did not do its part in this run. */
  readonly error?: Failure;
}

/** Reads all records of a member and takes in what is new. */
export async function pullJob(context: EngineContext, payload: PullPayload, helpers: PullHelpers): Promise<PullResult> {
  const { sync, ...rest } = pullPayload.parse(payload);
  try {
    const stop = await pull(context, { ...rest, ...helpers, sync: syncNamed(context, sync) });
    return stop ? { stop } : {};
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return { error: asFailure(error) };
  }
}

import { z } from 'zod';
import type { Counts, EngineContext } from '../src/engine/engine.ts';
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
}

/** Reads all records of a member and takes in what is new. @throws CrmError when the listing fails: the member did not do its part in this run. */
export async function pullJob(context: EngineContext, payload: PullPayload, helpers: PullHelpers): Promise<void> {
  const { sync, ...rest } = pullPayload.parse(payload);
  await pull(context, { ...rest, ...helpers, sync: syncNamed(context, sync) });
}

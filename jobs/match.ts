import { z } from 'zod';
import type { EngineContext } from '../src/engine/engine.ts';
import { type Matched, matchUnmatched } from '../src/engine/match.ts';
import { syncNamed } from '../src/engine/participation.ts';

/** Decide who the unmatched records of a sync are. Ids only. */
const matchPayload = z.strictObject({
  sync: z.string(),
  run: z.string(),
  /** Of those that this run brought alone: the others are for a run that has listed every member. */
  isOwnOnly: z.boolean().default(false),
});
export type MatchPayload = z.input<typeof matchPayload>;

/** Runs after the pulls, so that no decision depends on which member was read first. */
export async function matchJob(
  context: EngineContext,
  payload: MatchPayload,
  onProgress?: (decided: number) => void,
): Promise<Matched> {
  const { sync, run, isOwnOnly } = matchPayload.parse(payload);
  return await matchUnmatched(context, syncNamed(context, sync), run, onProgress, isOwnOnly);
}

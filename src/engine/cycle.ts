import type { SyncPolicy } from '../sync/policy.ts';
import type { EngineContext, RunOptions, SyncOutcome } from './engine.ts';

/** One full cycle of one sync: pull all members, decide who is who, push all members. */
export async function runCycle(_context: EngineContext, _sync: SyncPolicy, _options: RunOptions): Promise<SyncOutcome> {
  throw new Error('not there yet');
}

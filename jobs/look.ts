import { z } from 'zod';
import { CrmError } from '../src/connector/errors.ts';
import type { Counts, EngineContext } from '../src/engine/engine.ts';
import { idsPerPage } from '../src/engine/known-ids.ts';
import { type Looked, look } from '../src/engine/look.ts';
import { syncNamed } from '../src/engine/participation.ts';
import { asFailure, type Failure } from './failure.ts';

/** Read some records of a member by their ids. Ids only. `hintedAt`: when it was first heard of, epoch milliseconds. */
export const lookPayload = z.strictObject({
  sync: z.string(),
  connection: z.string(),
  run: z.string(),
  records: z.array(z.strictObject({ externalId: z.string(), hintedAt: z.number() })).max(idsPerPage),
});
export type LookPayload = z.input<typeof lookPayload>;

/** What a runner hands to a look besides its payload. */
export interface LookHelpers {
  /** Counted up with what is read. */
  readonly counts: Counts;
  readonly signal?: AbortSignal;
}

/** What came of a look. */
export interface LookResult extends Looked {
  /** The CRM could not be asked: nothing is known about any of the records. */
  readonly error?: Failure;
}

/** Reads records by their ids and takes in what is new. Nothing follows from what is not there. */
export async function lookJob(context: EngineContext, payload: LookPayload, helpers: LookHelpers): Promise<LookResult> {
  const { sync, ...rest } = lookPayload.parse(payload);
  try {
    return await look(context, { ...rest, ...helpers, sync: syncNamed(context, sync) });
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return { later: [], unclear: [], error: asFailure(error) };
  }
}

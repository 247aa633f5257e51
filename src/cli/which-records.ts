import { didYouMean, listed } from '../config/words.ts';
import type { ExplainContext } from '../engine/explain.ts';
import { entities } from '../model/values.ts';
import type { Aggregate } from '../store/store.ts';
import { UsageError } from './failure.ts';

/**
 * The records that a person means, of any entity: by canonical id, CONNECTION:EXTERNALID, external id or e-mail address.
 * @throws UsageError when there are none
 */
export async function recordsMeant(context: ExplainContext, which: string): Promise<readonly Aggregate[]> {
  const { findRecord } = await import('../engine/find-record.ts');
  const found: Aggregate[] = [];
  for (const entity of entities) found.push(...(await findRecord(context, entity, which)).records);
  if (found.length > 0) return found;
  throw new UsageError(
    `there is no record "${which}": give CONNECTION:EXTERNALID, an e-mail address or the canonical id`,
  );
}

/** @throws UsageError for a connection that is not configured, with those that are */
export function checkConnection(known: Iterable<string>, name: string | undefined): void {
  const names = [...known];
  if (name === undefined || names.includes(name)) return;
  throw new UsageError(`there is no connection "${name}"${didYouMean(name, names)}; known: ${listed(names, 'and')}`);
}

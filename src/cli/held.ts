import type { Example } from '../engine/guard.ts';
import type { Guarded, Store } from '../store/store.ts';
import { count, counted } from './table.ts';

/** What one guard holds back at one member. */
export interface HeldSet {
  readonly sync: string;
  readonly connection: string;
  readonly what: Guarded;
  readonly records: number;
  readonly examples: readonly Example[];
}

/** Sums up what guards hold and nobody has approved, by sync, connection and sort. @param sync only of this one */
export async function heldSets(store: Store, sync?: string): Promise<readonly HeldSet[]> {
  // Loaded here, so that help and usage errors need not load the engine.
  const { examplesOf } = await import('../engine/guard.ts');
  const waiting = (await store.held(sync)).filter(({ approved }) => !approved);
  const groups = Map.groupBy(waiting, (row) => `${row.sync}\n${row.connection}\n${row.what}`);
  return await Promise.all(
    [...groups.values()].map(async (rows) => {
      const { sync: of, connection, what } = rows[0]!;
      return { sync: of, connection, what, records: rows.length, examples: await examplesOf(store, rows) };
    }),
  );
}

/** A few of the records, by their ids in the CRM: `for example site:17, site:23`. */
export function exampleText(connection: string, examples: readonly Example[]): string {
  return `for example ${examples.map(({ externalId }) => `${connection}:${externalId}`).join(', ')}`;
}

/** What is held, in words: `site: 12 records would be deleted`. */
export function heldText({ connection, what, records }: Pick<HeldSet, 'connection' | 'what' | 'records'>): string {
  const subject = `${connection}: ${counted(records, 'record')}`;
  const [one, many] = phrases[what];
  return `${subject} ${records === 1 ? one : many}`;
}

const phrases: Readonly<Record<Guarded, readonly [string, string]>> = {
  absence: ['that was there is not shown any more', 'that were there are not shown any more'],
  delete: ['would be deleted', 'would be deleted'],
  overwrite: ['would get other values over those it has', 'would get other values over those they have'],
  blanking: ['would have fields emptied', 'would have fields emptied'],
};

/** The limit beside what it was compared with: `at most 3 of 40 pass without a question`. */
export function limitText(allowed: number, of: number): string {
  return `at most ${count(allowed)} of ${count(of)} pass without a question`;
}

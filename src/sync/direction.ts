import type { SyncPolicy } from './policy.ts';

/** The rule by which a value loses that a member shows in a field in which its edits do not count. */
export const direction = 'direction';

type Fields = Pick<SyncPolicy, 'fields'>;

/** Whether the edits of a member that is read count in a field. @param slot of the canonical record: a view is none */
export function isLearntFrom({ fields }: Fields, connection: string, slot: string): boolean {
  return fields[slot]?.from?.includes(connection) ?? true;
}

/** Whether a field is written to a member that is written to. @param slot as above */
export function isWrittenTo({ fields }: Fields, connection: string, slot: string): boolean {
  return fields[slot]?.to?.includes(connection) ?? true;
}

/** Whether there is a field in which the edits of a member do not count. */
export function isLearntFromInPart({ fields }: Fields, connection: string): boolean {
  return Object.values(fields).some(({ from }) => from !== undefined && !from.includes(connection));
}

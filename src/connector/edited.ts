import { isDeepStrictEqual } from 'node:util';
import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import type { Entity, Values } from '../model/values.ts';
import type { RecordChange } from './connector.ts';
import { type CrmErrorFields, LookAgainError, RetryableError } from './errors.ts';

/**
 * For an update that reads the record once more to lay the change over it: somebody may have edited what is about to be
 * overwritten since the look that the change rests on, while a pause or a queue held the second read up (law 4).
 * @param now what the second read shows, in the form of `change.shown`
 * @throws LookAgainError nothing was sent
 */
export function refuseEdited(
  entity: Entity,
  { changes, known, shown }: RecordChange,
  now: Values,
  fields: CrmErrorFields,
): void {
  if (!shown) return;
  const edited = Object.keys(changes).filter((path) => {
    if (now[path] === undefined || isDeepStrictEqual(now[path], shown[path] ?? null)) return false;
    // A search may have shown the time before a write of ours.
    const { kind } = fieldAt(entity, path);
    return !equal(kind, now[path], known[path]) && !equal(kind, now[path], changes[path]);
  });
  if (edited.length === 0) return;
  const message = `${fields.connection}: ${edited.join(', ')} changed since the last look; nothing was sent`;
  throw new LookAgainError(new RetryableError(message, fields));
}

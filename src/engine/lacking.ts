import type { Values } from '../model/values.ts';
import { difference } from '../sync/difference.ts';
import type { Base } from '../sync/merge.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Connection } from './engine.ts';
import { kindsOf, writablePaths } from './participation.ts';

const nothing: ReadonlySet<string> = new Set();
const nothingHeld: Base = { shadow: {}, sent: {} };

/**
 * What a sync would write to a connection so that it holds a record as it should.
 * @param held what the connection is known to hold of it; undefined: it does not have the record
 * @param contested slots that wait for a person
 */
export function lackingAt(
  at: Connection,
  { entity }: SyncPolicy,
  values: Values,
  held: Base | undefined,
  contested: ReadonlySet<string> = nothing,
): Values {
  return difference({
    entity,
    values,
    base: held ?? nothingHeld,
    paths: writablePaths(at, entity, held ? 'update' : 'create'),
    contested,
    context: kindsOf(at),
  });
}

import { slotOf } from '../model/entities.ts';
import type { Values } from '../model/values.ts';
import { difference } from '../sync/difference.ts';
import { isWrittenTo } from '../sync/direction.ts';
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
  sync: SyncPolicy,
  values: Values,
  held: Base | undefined,
  contested: ReadonlySet<string> = nothing,
): Values {
  return difference({
    entity: sync.entity,
    values,
    base: held ?? nothingHeld,
    paths: writtenPaths(at, sync, values, held ? 'update' : 'create'),
    contested,
    forms: at.forms?.[sync.entity],
    context: kindsOf(at),
  });
}

/** The defaults that go with a create: of fields about which nothing is known, not even that they are empty. */
export function defaultsAt(at: Connection, sync: SyncPolicy, values: Values): Values {
  const defaults = sync.defaults[at.name];
  if (!defaults) return {};
  const paths = writtenPaths(at, sync, values, 'create');
  return Object.fromEntries(
    Object.entries(defaults).filter(
      ([path]) => paths.includes(path) && values[slotOf(sync.entity, path, values)] === undefined,
    ),
  );
}

/** The paths that a connection takes and the sync writes to it. */
function writtenPaths(at: Connection, sync: SyncPolicy, values: Values, sort: 'create' | 'update'): readonly string[] {
  const paths = writablePaths(at, sync.entity, sort);
  if (Object.keys(sync.fields).length === 0) return paths;
  return paths.filter((path) => isWrittenTo(sync, at.name, slotOf(sync.entity, path, values)));
}

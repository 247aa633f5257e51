import { fieldAt } from '../model/entities.ts';
import { equal, type KindContext, type KindName } from '../model/kinds.ts';
import { isReshaped } from '../model/reshape.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';
import { compareCompanies } from './companies.ts';
import { textOf } from './marks.ts';
import { compareNames, type NameVerdict } from './names.ts';

/**
 * Whether a record that nobody knows is what a create of ours has made, whose answer was lost.
 *
 * - `echo`: it shows what was sent.
 * - `edited`: it shows who was sent, and more of it as sent; a person has changed the rest since.
 * - `unclear`: only a person can tell. It has the name alone in common, or most things but the name.
 * - `none`: it is somebody else.
 */
export type OwnCreate = 'echo' | 'edited' | 'unclear' | 'none';

/** What many records have alike: that it is as sent says nothing. */
const commonKinds: ReadonlySet<KindName> = new Set(['boolean', 'option', 'country', 'region', 'language', 'tags']);

/**
 * Judges a record by what a create of ours had sent. To be asked about records alone that nobody knew when it was sent:
 * then a second person of that name would have had to turn up in the same moment. References hold canonical ids.
 */
export function judgeOwnCreate(entity: Entity, sent: Values, seen: Values, context: KindContext = {}): OwnCreate {
  const kindOf = (path: string) => fieldAt(entity, path).kind;
  const shown = Object.entries(sent).filter(([path, value]) => seen[path] !== undefined && !isEmpty(value));
  // A CRM may leave a reference out, but it does not point elsewhere.
  const isMoved = shown.some(([path, id]) => kindOf(path) === 'reference' && !isEmpty(seen[path]) && seen[path] !== id);
  if (!isMoved && isEchoOf(entity, shown, seen, context)) return 'echo';
  // Many leads share a title; what tells them apart is whose they are.
  if (isMoved && entity === 'lead') return 'none';

  const isAsSent = ([path, value]: readonly [string, Value]) =>
    !isEmpty(seen[path]) && isReshaped(kindOf(path), value, seen[path]!, context);
  const named = shown.filter(([path]) => isName(path));
  const names = named.length > 0 && named.every(isAsSent) ? 'same' : namesAgree(entity, sent, seen);
  const telling = shown.filter(([path]) => !isName(path) && !commonKinds.has(kindOf(path)));
  const asSent = telling.filter(isAsSent);
  const isReach = ([path]: readonly [string, Value]) => ['email', 'phone'].includes(kindOf(path));
  if (names === 'different') return 'none';
  if (names !== 'same' && names !== 'compatible') return asSent.length > telling.length / 2 ? 'unclear' : 'none';
  if (asSent.some(isReach)) return 'edited';
  const isReachedElsewhere = telling.some((one) => isReach(one) && !isEmpty(seen[one[0]]));
  return names === 'same' && asSent.length > 0 && !isReachedElsewhere ? 'edited' : 'unclear';
}

/** Whether every field that a record shows is as sent, or as a CRM may reshape it, and at least one is as sent. */
function isEchoOf(
  entity: Entity,
  shown: readonly (readonly [string, Value])[],
  seen: Values,
  context: KindContext,
): boolean {
  let asSent = false;
  for (const [path, value] of shown) {
    const { kind } = fieldAt(entity, path);
    if (kind === 'reference') continue;
    if (!isReshaped(kind, value, seen[path]!)) return false;
    asSent ||= kind !== 'boolean' && equal(kind, value, seen[path], context);
  }
  return asSent;
}

function isName(path: string): boolean {
  return path === 'name' || path === 'title' || path.startsWith('name.');
}

function namesAgree(entity: Entity, sent: Values, seen: Values): NameVerdict {
  if (entity === 'contact') return compareNames(sent, seen);
  if (entity === 'account') return compareCompanies(textOf(sent, 'name'), textOf(seen, 'name'));
  return textOf(sent, 'title') === '' || textOf(seen, 'title') === '' ? 'unknown' : 'different';
}

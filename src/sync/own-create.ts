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
 * - `unclear`: only a person can tell. It has the name alone in common, without an address that would speak against it,
 *   or most things but the name.
 * - `none`: it is somebody else.
 */
export type OwnCreate = 'echo' | 'edited' | 'unclear' | 'none';

/** A path that a record shows, and what was sent there. */
type Shown = readonly [path: string, sent: Value];

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

  const isEqual = ([path, value]: Shown) => equal(kindOf(path), value, seen[path], context);
  const isReach = ([path]: Shown) => ['email', 'phone'].includes(kindOf(path));
  const [named, others] = [shown.filter(isName), shown.filter((one) => !isName(one))];
  const telling = others.filter(([path]) => !commonKinds.has(kindOf(path)));
  const asSent = telling.filter(isEqual);
  const names = namesAgree(entity, sent, seen);
  // As the CRM may have written it: shortened, but also the shorter name of somebody else.
  const isReshapedName =
    named.length > 0 && named.every(([path, value]) => !isEmpty(seen[path]) && isReshaped('text', value, seen[path]!));
  if (names === 'different' && !isReshapedName) return 'none';
  if (asSent.some(isReach)) return names === 'same' || names === 'compatible' || isReshapedName ? 'edited' : 'unclear';
  const isReachedElsewhere = telling.some((one) => isReach(one) && !isEmpty(seen[one[0]]));
  if (names === 'same') {
    if (asSent.length > 0) return isReachedElsewhere ? 'unclear' : 'edited';
    return isReachedElsewhere ? 'none' : 'unclear';
  }
  if (isReachedElsewhere) return 'none';
  const isMostlyAsSent = asSent.length > telling.length / 2 || (isReshapedName && asSent.length > 0);
  return isMostlyAsSent ? 'unclear' : 'none';
}

/** Whether every field that a record shows is as sent, or as a CRM may reshape it, and at least one is as sent. */
function isEchoOf(entity: Entity, shown: readonly Shown[], seen: Values, context: KindContext): boolean {
  let asSent = false;
  for (const [path, value] of shown) {
    const { kind } = fieldAt(entity, path);
    if (kind === 'reference') continue;
    if (!isReshaped(kind, value, seen[path]!)) return false;
    asSent ||= kind !== 'boolean' && equal(kind, value, seen[path], context);
  }
  return asSent;
}

function isName([path]: Shown): boolean {
  return path === 'name' || path === 'title' || path.startsWith('name.');
}

function namesAgree(entity: Entity, sent: Values, seen: Values): NameVerdict {
  if (entity === 'contact') return compareNames(sent, seen);
  if (entity === 'account') return compareCompanies(textOf(sent, 'name'), textOf(seen, 'name'));
  const [ours, theirs] = [textOf(sent, 'title'), textOf(seen, 'title')];
  if (ours === '' || theirs === '') return 'unknown';
  return equal('text', ours, theirs) ? 'same' : 'different';
}

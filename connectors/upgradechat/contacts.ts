import type { NewRecord, WriteReply } from '../../src/connector/connector.ts';
import { AuthError, CrmError, RejectedError, UnknownOutcomeError } from '../../src/connector/errors.ts';
import { type Mapping, writeValues } from '../../src/connector/mapping.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal, normalise } from '../../src/model/kinds.ts';
import { isEmpty, type Value, type Values } from '../../src/model/values.ts';
import type { Crm } from './crm.ts';
import { changedKeys } from './records.ts';
import type { Wire } from './slots.ts';

/** What the first write of a contact holds, besides its name: the first of these that is filled. */
const REACHABLE = [['email.primary'], ['phone.primary', 'phone.mobile', 'phone.work', 'phone.home']];
const NAME = ['name.given', 'name.family'];

/**
 * Creates a contact in two writes. The server may match the first one with a contact that nobody could list to us
 * (upgradechat.md §7), so it holds no more than name and address. Then the contact is read, and only what is empty there
 * is filled. Where a match may replace lists, the option `firstWrite` keeps the first write from naming any (law 11).
 * @throws UnknownOutcomeError also when the contact was made but could not be completed: creating again finds it.
 */
export async function createContact(
  crm: Crm,
  mapping: Mapping,
  { canonicalId, values, shared = [], isRepeated = false, onMade }: NewRecord,
  signal: AbortSignal | undefined,
): Promise<WriteReply> {
  const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));
  const whole = crm.options.firstWrite === 'reference' ? {} : identity(filled, shared);
  let first = whole;
  const insert = async (named: Values) => {
    first = named;
    const body = changedKeys({}, writeValues(mapping, named), crm.rules, 'replace');
    return await crm.insert({ matchExisting: true, contactXRef: canonicalId, ...body }, canonicalId, signal);
  };
  // Somebody may have corrected the name of what the one before has made; a server that wants one has made nothing.
  const id = isRepeated
    ? await insert(nameless(whole)).catch((error: unknown) => {
        if (error instanceof RejectedError) return insert(whole);
        throw error;
      })
    : await insert(whole);
  await onMade?.(id);
  try {
    let wire: Wire | undefined = await crm.fetch(id, signal);
    const there = crm.decode(mapping, wire, id).values;
    const gaps = missing(mapping, filled, first, there);
    if (Object.keys(gaps).length > 0) wire = await crm.overwrite(id, wire, writeValues(mapping, gaps), false, signal);
    if (wire === undefined)
      throw new UnknownOutcomeError('it cannot be read', { connection: crm.connection, operation: 'GetContactInfo' });
    const record = crm.decode(mapping, wire, id);
    // What differs may be a person's, or the CRM's way of writing ours. The engine can tell, if it looks for itself.
    const others = Object.entries(filled).flatMap(([path, value]) =>
      isSame(path, value, record.values[path]) ? [] : path,
    );
    if (others.length === 0) return { externalId: id, record };
    const met = others.filter((path) => !(path in first) && !(path in gaps) && !isEmpty(there[path]));
    return { externalId: id, ...(met.length > 0 && { met }) };
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    // Final only where creating again finds this contact: for the engine, a final answer ends the attempt.
    const isFinal = error instanceof RejectedError || error instanceof AuthError;
    if (isFinal && crm.options.trustMatching) throw error;
    const { connection, operation, status, detail } = error;
    throw new UnknownOutcomeError(
      `${connection}: contact ${id} was made or found for ${canonicalId}, but not completed: ${error.message}`,
      {
        connection,
        ...(operation !== undefined && { operation }),
        ...(status !== undefined && { status }),
        ...(detail !== undefined && { detail }),
        cause: error,
      },
    );
  }
}

/** Name and one way to reach the person that nobody else has; all else there is where neither is known. */
function identity(values: Values, shared: readonly string[]): Values {
  const own = Object.fromEntries(Object.entries(values).filter(([path]) => !shared.includes(path)));
  const reach = REACHABLE.find((paths) => paths.some((path) => path in own)) ?? [];
  const paths = [...NAME, ...reach].filter((path) => path in own);
  return paths.length === 0 ? own : Object.fromEntries(paths.map((path) => [path, own[path] as Value]));
}

function nameless(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([path]) => !NAME.includes(path)));
}

/**
 * What is still to be written: what is empty there. Tags are added to those that are there. A yes or no is never empty:
 * where the contact holds nothing but what we sent, it is new, and its yes or no the server's own default.
 */
function missing(mapping: Mapping, wanted: Values, sent: Values, there: Values): Values {
  const gaps: Record<string, Value> = {};
  const isFlag = (path: string): boolean => fieldAt(mapping.entity, path).kind === 'boolean';
  const isNew = Object.keys(there).every((path) => path in sent || isFlag(path) || isEmpty(there[path]));
  for (const [path, value] of Object.entries(wanted)) {
    const seen = there[path];
    if (path in sent) continue;
    if (isEmpty(seen) || (isNew && isFlag(path) && !isSame(path, value, seen))) gaps[path] = value;
    else if (path === 'tags' && Array.isArray(seen)) {
      const known = new Set(seen.map((tag) => String(normalise('text', tag)).toLowerCase()));
      const more = [value].flat().filter((tag) => !known.has(String(normalise('text', String(tag))).toLowerCase()));
      if (more.length > 0) gaps[path] = [...seen, ...more.map(String)];
    }
  }
  return gaps;
}

function isSame(path: string, value: Value, seen: Value | undefined): boolean {
  return equal(fieldAt('contact', path).kind, value, seen);
}

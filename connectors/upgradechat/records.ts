import type { ListRule } from '../../mappings/upgradechat.ts';
import { type BadRecord, type CrmRecord, ownSystem, type Xref } from '../../src/connector/connector.ts';
import { type CrmErrorFields, MalformedReplyError } from '../../src/connector/errors.ts';
import { type FieldMapping, type Mapping, readValues } from '../../src/connector/mapping.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { isEmpty, type Value, type Values } from '../../src/model/values.ts';
import { isRefusal, refusal } from './errors.ts';
import type { UpgradechatOptions } from './options.ts';
import { contact, faultOf, heldKeys } from './schemas.ts';
import { laid, slotted, type Wire } from './slots.ts';

/**
 * What a 2xx holds: the body itself, or the `result` of an envelope (upgradechat.md §6).
 * @param isSafe whether the call may be repeated
 * @throws the class that an envelope with `success: false` stands for; MalformedReplyError for a bare reply where the
 * option promises an envelope.
 */
export function unwrapped(
  body: unknown,
  form: UpgradechatOptions['readReply'],
  fields: CrmErrorFields,
  isSafe: boolean,
): unknown {
  if (form === 'bare') return body;
  if (isRefusal(body)) throw refusal(body, fields, isSafe);
  if (isWire(body) && 'result' in body && !('contactId' in body)) return body.result;
  if (form === 'envelope')
    throw new MalformedReplyError(
      `${fields.connection}: ${fields.operation} was answered without a result; the option readReply promises an envelope`,
      fields,
    );
  return body;
}

/** Keys that say of an object that it is a contact; others of the documentation are too common. */
const TELLING = ['contactId', 'contactXRef', 'firstName', 'lastName', 'emailAddresses', 'phoneNumbers', 'companyName'];

/**
 * The contact in a read's reply: the object itself, or the one object in it that looks like a contact, with the keys
 * that `readPaths` names taken from where the CRM shows them. Undefined when there is none.
 */
export function contactIn(payload: unknown, readPaths: UpgradechatOptions['readPaths']): Wire | undefined {
  if (!isWire(payload)) return undefined;
  const found = looksLikeContact(payload) ? payload : only(Object.values(payload).filter(looksLikeContact));
  const moved = Object.entries(readPaths).flatMap(([key, path]): [string, unknown][] => {
    const value = path === undefined ? undefined : reach(payload, path.split('.'));
    return value === undefined ? [] : [[key, value]];
  });
  return found === undefined && moved.length === 0 ? undefined : { ...found, ...Object.fromEntries(moved) };
}

/** The id that a contact or a write's reply names, at its top or one level down; undefined when there is none. */
export function idIn(payload: unknown): string | undefined {
  const own = isWire(payload) ? (idText(payload.contactId) ?? idText(payload.id)) : idText(payload);
  if (own !== undefined || !isWire(payload)) return own;
  return only(Object.values(payload).flatMap((inner) => (isWire(inner) ? (idText(inner.contactId) ?? []) : [])));
}

/** An id as text: "0" is one, "" is none, an unsafe integer has lost digits. */
export function idText(id: unknown): string | undefined {
  if (typeof id === 'number') return Number.isSafeInteger(id) ? String(id) : undefined;
  return typeof id === 'string' && id.trim() !== '' ? id.trim() : undefined;
}

/** An id as bodies want it: an integer where it is one. */
export function idNumber(id: string): number | string {
  const number = Number(id);
  return String(number) === id && Number.isSafeInteger(number) ? number : id;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Validates and maps a contact. Never throws: what cannot be used is a bad record with its reason. */
export function decoder(
  mapping: Mapping,
  rules: readonly ListRule[],
): (wire: Wire, externalId: string) => CrmRecord | BadRecord {
  return (wire, externalId) => {
    const reason = faultOf(contact, wire);
    if (reason !== undefined) return { externalId, reason };
    const values = readValues(mapping, slotted({ ...wire, contactId: externalId }, rules));
    const xref = xrefOf(wire.contactXRef);
    return mapping.entity === 'contact' && xref ? { externalId, values, xrefs: [xref] } : { externalId, values };
  };
}

/** Our ids are UUIDs; another text in the field is somebody else's. */
function xrefOf(text: unknown): Xref | undefined {
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  const id = text.trim();
  return { system: UUID.test(id) ? ownSystem : 'contactXRef', id };
}

/**
 * What a write names: the changed keys, lists and objects as a whole with the change laid over what was read, so that
 * nothing in them is lost where the server replaces them.
 */
export function changedKeys(
  fresh: Wire,
  changes: Wire,
  rules: readonly ListRule[],
  lists: UpgradechatOptions['lists'],
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(changes)) {
    const rule = rules.find(({ list }) => list === key);
    if (rule) body[key] = laid(fresh[key], value as Readonly<Record<string, Wire>>, rule, lists === 'merge');
    else if (key === 'tags') body[key] = keptTags(fresh[key], value as readonly Wire[]);
    else if (isWire(value)) body[key] = { ...(isWire(fresh[key]) ? fresh[key] : {}), ...value };
    else if (value !== undefined) body[key] = value;
  }
  return body;
}

/** Every documented key that a contact was read with, as it was read: for a server that clears what is left out. */
export function wholeContact(fresh: Wire): Record<string, unknown> {
  return Object.fromEntries(heldKeys.filter((key) => fresh[key] !== undefined).map((key) => [key, fresh[key]]));
}

/** Lists that nobody empties at the moment of a write, and all at once. */
const addressLists = ['emailAddresses', 'phoneNumbers', 'addresses', 'links'];

/**
 * Whether a server that was sent `body` has cleared what the body left out: most texts, or most lists of addresses, that
 * were filled before and were not sent are empty now. One may clear the former and keep the latter, keep a key such as our
 * own id, or put a default in the place of a text.
 */
export function hasCleared(before: Wire, body: Wire, after: Wire): boolean {
  const unsent = heldKeys.filter((key) => !(key in body) && key !== 'contactXRef' && isFull(before[key]));
  const texts = unsent.filter((key) => typeof before[key] === 'string');
  const lists = unsent.filter((key) => addressLists.includes(key));
  return [texts, lists].some((keys) => keys.filter((key) => !isFull(after[key])).length > keys.length / 2);
}

/**
 * The same, told by what is mapped: the paths that an update of `written` has emptied, where most texts or most lists that it
 * left out are empty now, or, where it left out neither, most of the rest. A yes or no that has turned goes with them.
 */
export function clearedPaths(
  { entity, fields }: Mapping,
  written: readonly string[],
  known: Values,
  seen: Values,
): readonly string[] {
  const keyOf = ({ wire }: FieldMapping) => wire.split('.')[0]!;
  const sent = new Set(fields.filter(({ path }) => written.includes(path)).map(keyOf));
  const unsent = fields.filter((one) => one.access === 'readWrite' && !sent.has(keyOf(one)) && isFull(known[one.path]));
  const isList = (one: FieldMapping) => addressLists.includes(keyOf(one));
  const texts = unsent.filter((one) => !one.wire.includes('.') && typeof known[one.path] === 'string');
  const lists = [...Map.groupBy(unsent.filter(isList), keyOf).values()];
  const rest = texts.length + lists.length === 0 ? unsent : [];
  const isLost = ({ path }: FieldMapping) => !isFull(seen[path]);
  const isMost = (lost: number, all: number) => lost > all / 2;
  const isCleared =
    isMost(texts.filter(isLost).length, texts.length) ||
    isMost(lists.filter((slots) => slots.every(isLost)).length, lists.length) ||
    isMost(rest.filter(isLost).length, rest.length);
  const isTurned = ({ path }: FieldMapping) =>
    fieldAt(entity, path).kind === 'boolean' && seen[path] !== undefined && seen[path] !== known[path];
  return isCleared ? unsent.filter((one) => isLost(one) || isTurned(one)).map(({ path }) => path) : [];
}

function isFull(value: unknown): boolean {
  return !isEmpty(value as Value | undefined);
}

/** The tags to write; one that is there already goes back as it is, with its spelling and whatever else it carries. */
function keptTags(rows: unknown, wanted: readonly Wire[]): readonly Wire[] {
  const byName = new Map(
    (Array.isArray(rows) ? rows.filter(isWire) : []).map((row) => [String(row.name).trim().toLowerCase(), row]),
  );
  return wanted.map((tag) => byName.get(String(tag.name).trim().toLowerCase()) ?? tag);
}

function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function looksLikeContact(value: unknown): value is Wire {
  return isWire(value) && TELLING.some((key) => key in value);
}

/** The one element of a list that has one. */
function only<Item>(items: readonly Item[]): Item | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function reach(value: unknown, keys: readonly string[]): unknown {
  let inner = value;
  for (const key of keys) {
    if (!isWire(inner)) return undefined;
    inner = inner[key];
  }
  return inner;
}

import { isUtf8 } from 'node:buffer';
import type { WebhookBody } from '../../config/config.ts';
import { valueAt } from '../../config/faults.ts';
import { type Entity, entities } from '../../model/values.ts';
import type { Hint } from '../../store/store.ts';

/** What a body says. */
export interface Read {
  /** Under which the sender repeats it; undefined: the body does not tell. */
  readonly deliveryId: string | undefined;
  /** Without events about what is none of ours. */
  readonly hints: readonly Hint[];
}

/** A body is not understood. The message says where and what was expected, and shows nothing of the body. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}

const longestIdChars = 256;

/** Words for entities that need no configuration. */
const ownWords: ReadonlyMap<string, Entity> = new Map(
  entities.flatMap((entity): [string, Entity][] => [
    [entity, entity],
    [`${entity}s`, entity],
  ]),
);

const deleteWords: ReadonlySet<string> = new Set(['delete', 'deleted', 'remove', 'removed', 'destroy', 'destroyed']);

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Reads a webhook's body: one event, a list of events, or a mapping with a list of them in it; docs/webhooks.md. All of
 * it or nothing: one event that is not understood fails the whole.
 * @throws BodyError
 */
export function readBody(raw: Buffer, form: WebhookBody): Read {
  const body = parsed(raw);
  const events = eventsOf(body, form);
  const hints: Hint[] = [];
  for (const [index, event] of events.entries()) {
    const where = events.length === 1 ? 'the event' : `event ${index}`;
    if (!isMapping(event)) throw new BodyError(`${where}: expected a mapping`);
    const hint = hintOf(event, isMapping(body) ? body : {}, form, where);
    if (hint !== undefined) hints.push(hint);
  }
  return { deliveryId: deliveryIdOf(body, form), hints };
}

/** An id that a sender has given, as text. @throws BodyError when it is none */
export function idFrom(value: unknown, what: string): string {
  // A larger number has lost digits on its way through JSON: it names another record.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  const isId =
    typeof value === 'string' && value.length <= longestIdChars && /^[^\p{Cc}]+$/u.test(value) && value.isWellFormed();
  if (isId) return value;
  throw new BodyError(
    `${what}: expected a text of 1 to ${longestIdChars} characters, or a whole number below 2^53 (larger ones as text)`,
  );
}

function parsed(raw: Buffer): unknown {
  if (!isUtf8(raw)) throw new BodyError('the body is no UTF-8');
  try {
    // A byte order mark at the beginning says nothing.
    return JSON.parse(raw.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new BodyError('the body is no JSON', { cause: error });
  }
}

function eventsOf(body: unknown, form: WebhookBody): readonly unknown[] {
  if (form.events !== undefined) {
    const events = valueAt(body, form.events);
    if (Array.isArray(events)) return events;
    throw new BodyError(`${form.events.join('.')}: expected a list of events`);
  }
  if (Array.isArray(body)) return body;
  if (!isMapping(body)) throw new BodyError('the body: expected a mapping or a list of them');
  const list = [valueAt(body, ['events']), valueAt(body, ['data'])].find(Array.isArray);
  return list ?? [body];
}

/** Undefined: about something that is none of ours. */
function hintOf(event: Mapping, body: Mapping, form: WebhookBody, where: string): Hint | undefined {
  const data = valueAt(event, ['data']);
  // With data of its own, an event's outer id is that of the event.
  const inner = isMapping(data) ? data : event;
  const ofBoth = (path: readonly string[]) => valueAt(event, path) ?? valueAt(body, path);
  const type = ofBoth(form.type ?? ['type']) ?? '';
  if (typeof type !== 'string') throw new BodyError(`${where}: the type: expected a text such as contact.updated`);
  const words = wordsOf(type);

  const named = form.entity ? ofBoth(form.entity) : (valueAt(inner, ['entity']) ?? ofBoth(['entity']));
  const entity = entityOf(named ?? undefined, words, form, where);
  if (entity === undefined) return undefined;
  const id = form.id ? valueAt(event, form.id) : valueAt(inner, ['id']);
  return { entity, externalId: idFrom(id, `${where}: the id`), what: saysDeleted(words) ? 'deleted' : 'changed' };
}

/** What an event names, else what its type begins with, else the default. Undefined: none of ours. */
function entityOf(
  named: unknown,
  typeWords: readonly string[],
  { words, defaultEntity }: WebhookBody,
  where: string,
): Entity | undefined {
  const isKnown = (word: string) => words.has(word) || ownWords.has(word);
  const word = typeof named === 'string' ? named.toLowerCase() : named === undefined && typeWords.find(isKnown);
  if (typeof word === 'string' && isKnown(word)) return words.has(word) ? words.get(word) : ownWords.get(word);
  if (named === undefined && defaultEntity !== undefined) return defaultEntity;
  throw new BodyError(`${where}: the entity: expected ${entities.join(', ')}, named or in the type`);
}

/** `contact.deleted`, `ContactDeleted` and `delete_contact` do, `contact.tag_removed` does not. */
function saysDeleted(words: readonly string[]): boolean {
  return words.length <= 2 && words.some((word) => deleteWords.has(word));
}

function wordsOf(type: string): readonly string[] {
  return type
    .split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

function deliveryIdOf(body: unknown, { delivery }: WebhookBody): string | undefined {
  const id = delivery && (valueAt(body, delivery) ?? undefined);
  return id === undefined ? undefined : idFrom(id, 'the id of the delivery');
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

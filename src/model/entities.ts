import type { KindName } from './kinds.ts';
import { type Entity, isEmpty, type Value, type Values } from './values.ts';

/** One canonical field. */
export interface FieldSpec {
  readonly kind: KindName;
  /** For people, in `status`, `explain` and the README. */
  readonly title: string;
  /**
   * A view shows one of several slots under a name of its own, for CRMs that have a single place where others have
   * many (Treepl's one `Phone`). It is never stored: reading gives the first slot that is filled, writing changes that
   * slot, or the first one when all are empty.
   */
  readonly viewOf?: readonly string[];
  /**
   * The field that holds the same in one piece. A record that shows that one too has split it by guess, and a guess
   * never replaces what was typed in parts.
   */
  readonly partOf?: string;
  /** For `reference` fields: the entity whose canonical id the value holds. */
  readonly target?: Entity;
}

const reachable = {
  'email.primary': { kind: 'email', title: 'e-mail' },
  'email.secondary': { kind: 'email', title: 'second e-mail' },
  'phone.mobile': { kind: 'phone', title: 'mobile phone' },
  'phone.work': { kind: 'phone', title: 'work phone' },
  'phone.workExtension': { kind: 'text', title: 'work phone extension' },
  'phone.home': { kind: 'phone', title: 'home phone' },
  'phone.primary': { kind: 'phone', title: 'phone', viewOf: ['phone.mobile', 'phone.work', 'phone.home'] },
  'address.billing.street': { kind: 'text', title: 'street' },
  'address.billing.district': { kind: 'text', title: 'district' },
  'address.billing.city': { kind: 'text', title: 'city' },
  'address.billing.region': { kind: 'region', title: 'region' },
  'address.billing.postalCode': { kind: 'text', title: 'postal code' },
  'address.billing.country': { kind: 'country', title: 'country' },
  website: { kind: 'url', title: 'web site' },
  industry: { kind: 'text', title: 'industry' },
  language: { kind: 'language', title: 'language' },
  active: { kind: 'boolean', title: 'active' },
  status: { kind: 'option', title: 'status' },
  owner: { kind: 'option', title: 'owner' },
  tags: { kind: 'tags', title: 'tags' },
  notes: { kind: 'text', title: 'notes' },
  'nextAction.text': { kind: 'text', title: 'next action' },
  'nextAction.due': { kind: 'dateTime', title: 'next action due' },
} as const satisfies Record<string, FieldSpec>;

const contact = {
  /** As one text, for a CRM that does not take names apart. */
  'name.full': { kind: 'text', title: 'full name' },
  'name.prefix': { kind: 'text', title: 'form of address' },
  'name.given': { kind: 'text', title: 'given name', partOf: 'name.full' },
  'name.middle': { kind: 'text', title: 'middle name' },
  'name.family': { kind: 'text', title: 'family name', partOf: 'name.full' },
  'name.suffix': { kind: 'text', title: 'suffix' },
  'name.nickname': { kind: 'text', title: 'nickname' },
  ...reachable,
  company: { kind: 'text', title: 'company name' },
  account: { kind: 'reference', title: 'account', target: 'account' },
  jobTitle: { kind: 'text', title: 'job title' },
  department: { kind: 'text', title: 'department' },
  preferredChannel: { kind: 'option', title: 'preferred channel' },
  birthday: { kind: 'date', title: 'birthday' },
  gender: { kind: 'option', title: 'gender' },
  consent: { kind: 'boolean', title: 'consent to use the data' },
} as const satisfies Record<string, FieldSpec>;

const account = {
  name: { kind: 'text', title: 'name' },
  type: { kind: 'option', title: 'kind of company' },
  ...reachable,
  registryNumber: { kind: 'text', title: 'registry number' },
  vatNumber: { kind: 'text', title: 'VAT number' },
} as const satisfies Record<string, FieldSpec>;

const lead = {
  title: { kind: 'text', title: 'title' },
  contact: { kind: 'reference', title: 'contact', target: 'contact' },
  account: { kind: 'reference', title: 'account', target: 'account' },
  description: { kind: 'text', title: 'description' },
  source: { kind: 'option', title: 'source' },
  stage: { kind: 'option', title: 'stage' },
  status: { kind: 'option', title: 'status' },
  owner: { kind: 'option', title: 'owner' },
  amount: { kind: 'money', title: 'amount' },
  currency: { kind: 'currency', title: 'currency' },
  due: { kind: 'dateTime', title: 'due' },
} as const satisfies Record<string, FieldSpec>;

/** The canonical fields of each entity (api/README.md §3–5), by path. */
export const fieldsOf: Readonly<Record<Entity, Readonly<Record<string, FieldSpec>>>> = { contact, account, lead };

/** The field at `path`. `custom.<name>` fields are text unless declared otherwise. @throws RangeError for an unknown path. */
export function fieldAt(entity: Entity, path: string): FieldSpec {
  const field = fieldsOf[entity][path];
  if (field) return field;
  if (path.startsWith('custom.')) return { kind: 'text', title: path };
  throw new RangeError(`${entity} has no field "${path}"; known: ${Object.keys(fieldsOf[entity]).join(', ')}`);
}

/**
 * The slot that a path stands for in `values`: itself, or, for a view, its first filled slot. When none is filled: the first
 * one that is known to be empty, so that what was cleared in a slot is cleared in the view as well; else the first one.
 */
export function slotOf(entity: Entity, path: string, values: Values): string {
  const { viewOf } = fieldAt(entity, path);
  if (!viewOf) return path;
  const filled = viewOf.find((slot) => !isEmpty(values[slot]));
  return filled ?? viewOf.find((slot) => values[slot] !== undefined) ?? viewOf[0] ?? path;
}

/** The value at `path`, looking through views. Undefined: nothing is known about it. */
export function valueAt(entity: Entity, path: string, values: Values): Value | undefined {
  return values[slotOf(entity, path, values)];
}

/** The canonical values of a record of which nothing is known but what one CRM shows: every filled field, in its slot. */
export function bornValues(entity: Entity, shown: Values): Values {
  const values: Record<string, Value> = {};
  for (const path in shown) {
    const value = shown[path]!;
    if (!isEmpty(value)) values[slotOf(entity, path, values)] = value;
  }
  return values;
}

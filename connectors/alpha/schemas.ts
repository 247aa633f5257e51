import { z } from 'zod';

/**
 * What really arrives and what we send (alpha.md §3). The page shows examples only, so every key but the id may be
 * missing or null, unknown keys pass, and enums are read as texts (§9). The messages say what was expected; `faultOf`
 * adds where and what came.
 */

/** The life cycle of a customer, in its order (§9): the only enum that the page lists in full. */
export const statuses = ['LEAD', 'PROSPECT', 'ACTIVE', 'CUSTOMER', 'INACTIVE', 'CHURNED'] as const;
export type Status = (typeof statuses)[number];

/** Longest text of a record that we take, in UTF-16 units. */
export const MAX_TEXT = 64 * 1024;

const plain = z.string('a text').max(MAX_TEXT, `a text of at most ${MAX_TEXT} characters`);
const text = plain.nullish();
const integer = z.int('an integer').nullish();
const decimal = z.number('a number').nullish();
const flag = z.boolean('true or false').nullish();
const texts = z.array(plain, 'a list of texts').nullish();
const stamp = z
  .string('a date-time')
  .refine((value) => /^\d{4}-\d{2}-\d{2}/.test(value) && !Number.isNaN(Date.parse(value)), 'a date-time')
  .nullish();

/** Whether a text can stand in a path as one segment: what servers make of an encoded slash is not documented (§2). */
export function fitsInPath(segment: string): boolean {
  return (
    segment.trim() !== '' && segment !== '.' && segment !== '..' && !segment.includes('/') && segment.isWellFormed()
  );
}

/** Literal routes that win over `{id}` (§8, 11). */
const routes = ['my', 'overdue-actions'];
const isCustomerId = (value: string): boolean => fitsInPath(value) && !routes.includes(value);

const ID = 'an id: a text that is not empty, without "/", or an integer';
/** The sheet says text; an integer does no harm as long as no digit of it is lost. */
const id = z.union([z.string().refine(isCustomerId, ID), z.int(ID)], ID);

/** §3.3 */
const address = z.looseObject({
  id: text,
  street: text,
  houseNumber: text,
  postalCode: text,
  city: text,
  country: text,
  latitude: decimal,
  longitude: decimal,
});
const event = z.looseObject({ id: text, authorId: text, date: stamp, description: text, type: text });
const events = z.array(event).nullish();
const stamps = { created: stamp, createdBy: text, updated: stamp, updatedBy: text };

/** §3.3, with the id that a person needs to be one record. */
const contactPerson = z.looseObject({
  id,
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
  department: text,
});

const common = {
  id,
  tenantId: text,
  subsidiaryId: text,
  userId: text,
  ownerId: text,
  type: text,
  name: text,
  email: text,
  phone: text,
  website: text,
  industry: text,
  region: text,
  leadSource: text,
  crmStatus: text,
  nextAction: text,
  nextActionDueDate: stamp,
  kvk: text,
  btw: text,
  tags: texts,
  avatar: z.looseObject({ blobId: text, thumbnailBlobId: text, height: integer, width: integer }).nullish(),
  billingAddress: address.nullish(),
  deliveryAddresses: z.array(address).nullish(),
  contacts: z.array(contactPerson).nullish(),
  events,
  ...stamps,
};
const listOnly = {
  preferredLanguage: text,
  visits: z.array(z.looseObject({ frequency: integer, ip: text, time: stamp })).nullish(),
};

const opportunity = z.looseObject({
  id: text,
  tenantId: text,
  customerId: text,
  leadId: text,
  orderId: text,
  ownerId: text,
  teamId: text,
  name: text,
  description: text,
  notes: text,
  source: text,
  status: text,
  value: decimal,
  probability: integer,
  expectedCloseDate: stamp,
  fulfillmentDate: stamp,
  orderDate: stamp,
  scheduledStartDate: stamp,
  scheduledEndDate: stamp,
  nextAction: text,
  nextActionDueDate: stamp,
  estimateIds: texts,
  invoiceIds: texts,
  productIds: texts,
  tags: texts,
  changeOrders: z
    .array(
      z.looseObject({
        id: text,
        amount: decimal,
        category: text,
        description: text,
        date: stamp,
        createdAt: stamp,
        createdBy: text,
      }),
    )
    .nullish(),
  paymentSchedule: z
    .array(
      z.looseObject({
        id: text,
        label: text,
        percentage: decimal,
        paymentDueDays: integer,
        relativeDays: integer,
        includeChangeOrders: flag,
        invoiceId: text,
        status: text,
        triggerType: text,
        triggerStatus: text,
        triggeredAt: stamp,
      }),
    )
    .nullish(),
  events,
  ...stamps,
});

const activity = z.looseObject({
  id: text,
  tenantId: text,
  customerId: text,
  opportunityId: text,
  ownerId: text,
  type: text,
  priority: text,
  subject: text,
  description: text,
  location: text,
  outcome: text,
  contactName: text,
  contactEmail: text,
  contactPhone: text,
  attendees: texts,
  scheduledAt: stamp,
  dueDate: stamp,
  dueNotifiedAt: stamp,
  completedAt: stamp,
  durationMinutes: integer,
  completed: flag,
  isCompleted: flag,
  events,
  ...stamps,
});

const singleOnly = {
  owner: z.looseObject({ id: text, username: text, displayName: text }).nullish(),
  opportunities: z.array(opportunity).nullish(),
  recentActivities: z.array(activity).nullish(),
};

/** §3.1: an element of a list. */
export const customer = z.looseObject({ ...common, ...listOnly }, 'an object');
/** §3.2: the single read, and what every write answers. */
export const enrichedCustomer = z.looseObject({ ...common, ...singleOnly }, 'an object');

/** Every documented field of a customer, in either shape. */
export const customerFields: readonly string[] = Object.keys({ ...common, ...listOnly, ...singleOnly });
/** Every documented field of a contact person. */
export const contactPersonFields: readonly string[] = Object.keys(contactPerson.shape);
/** Fields that the single shape lacks, and those that the list shape lacks (§8, 2 and 3). */
export const shapes = { listOnly: Object.keys(listOnly), singleOnly: Object.keys(singleOnly) };

/** §3.4; the fields of the next action are an inference, and options may name others. */
export const crmStatusBody = z.strictObject({ crmStatus: z.enum(statuses) });
export const nextActionBody = z
  .record(z.string(), z.union([z.string(), z.null()], 'a text or null'))
  .refine((body) => Object.keys(body).length > 0, 'at least one field: what {} does is not documented');

/**
 * The mapped part of a customer: what a record is judged by. A fault anywhere else makes no record unusable, and a due
 * date that is none stays as it is.
 */
export const mappedCustomer = z.object(
  {
    name: text,
    email: text,
    phone: text,
    website: text,
    industry: text,
    region: text,
    preferredLanguage: text,
    leadSource: text,
    crmStatus: text,
    ownerId: text,
    nextAction: text,
    nextActionDueDate: text,
    kvk: text,
    btw: text,
    tags: texts,
    type: text,
    billingAddress: z
      .object({ street: text, houseNumber: text, postalCode: text, city: text, country: text }, 'an object')
      .nullish(),
  },
  'an object',
);
/** The mapped part of a contact person. */
export const mappedPerson = z.object(
  { firstName: text, lastName: text, email: text, phone: text, department: text },
  'an object',
);

/** The id as text, undefined when there is none that could be used. "0" is an id, "" is not, nor is the name of a route. */
export function usableId(value: unknown): string | undefined {
  const parsed = id.safeParse(value);
  return parsed.success ? String(parsed.data) : undefined;
}

/** Says that there is no usable id at `where`, and what came – never the value. */
export function idFault(where: string, value: unknown): string {
  return `${where}: expected ${ID}, got ${typeName(value)}`;
}

/** Says why a value does not fit: field, what was expected, what came – never the value. */
export function faultOf({ issues: [issue] }: z.ZodError, value: unknown, within = ''): string {
  const path = issue?.path ?? [];
  const came = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const where = [...(within === '' ? [] : [within]), ...path].join('.') || 'the record';
  return `${where}: expected ${issue?.message ?? 'another value'}, got ${typeName(came)}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

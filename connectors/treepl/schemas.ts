import { z } from 'zod';

/**
 * What really arrives and what we send (treepl.md §3). The source shows examples only, so every key may be missing or
 * null, and unknown keys pass. The messages say what was expected; `faultOf` adds where and what came.
 */

/** Longest text of a record that we take, in UTF-16 units. */
export const MAX_TEXT = 64 * 1024;

const text = z.string('a text').max(MAX_TEXT, `a text of at most ${MAX_TEXT} characters`).nullish();
const flag = z.boolean('true or false').nullish();
const integer = z.int('an integer').nullish();
const decimal = z.number('a number').nullish();
/** Enums of unknown extent (§8, 11); an engine of this make may also send their number. */
const enumeration = z.union([text, integer], 'a text or an integer');
/** Field alias → value, or group alias → field alias → value. Any JSON value is kept (§3.2). */
const aliases = z.record(z.string(), z.unknown(), 'an object').nullish();

const ISO_BEGIN = /^\d{4}-\d{2}-\d{2}/;
const isStamp = (value: string) => ISO_BEGIN.test(value) && !Number.isNaN(Date.parse(value));
const stamp = z.string('a date-time').refine(isStamp, 'a date-time').nullish();

/** An id: the sheet says integer, other sites of this engine may use texts. An unsafe integer has already lost digits. */
const ID = 'an integer or a non-empty text';
const id = z.union([z.int(ID), z.string().trim().min(1, ID)], ID);

/** Keys of a contact that both write bodies take, besides `Id` and `Password` (§3.1, columns C and U). */
const writable = {
  Email: text,
  FirstName: text,
  LastName: text,
  CrmType: enumeration,
  Role: enumeration,
  Address: text,
  City: text,
  State: text,
  ZipCode: text,
  Country: text,
  Site: text,
  Phone: text,
  Status: text,
  Notes: text,
  Type: integer,
  IsDataUsingAllowed: flag,
  CustomCrmGroups: aliases,
};

/** Keys that replies carry and no write body takes. */
const readOnly = { EmailConfirmed: flag, CreatedDate: stamp, CustomerTypeName: text };

/** §3.1, column R. */
export const contact = z.looseObject({ Id: id, ...writable, ...readOnly }, 'an object');
export const contactCreate = z.looseObject({ ...writable, Password: text });
export const contactUpdate = z.looseObject({ Id: id, ...writable });

/** What nearly every value of a schema is. */
const usual = new Map<z.ZodType, (value: unknown) => boolean>([
  [id, Number.isSafeInteger],
  [text, isText],
  [flag, (value) => typeof value === 'boolean'],
  [integer, Number.isSafeInteger],
  [enumeration, (value) => isText(value) || Number.isSafeInteger(value)],
  [aliases, (value) => typeof value === 'object' && !Array.isArray(value)],
  [stamp, (value) => typeof value === 'string' && isStamp(value)],
]);

const usualContact = Object.entries(contact.shape).map(([key, schema]) => [key, usual.get(schema)!] as const);

/**
 * Whether a record surely fits `contact`, at a third of what asking zod costs: it is asked for every record of every page.
 * One that does not may fit all the same.
 */
export function isUsualContact(record: unknown): boolean {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return false;
  for (const [key, isUsual] of usualContact) {
    const value = (record as Readonly<Record<string, unknown>>)[key];
    const isSilent = key !== 'Id' && (value === undefined || value === null);
    if (!isSilent && !isUsual(value)) return false;
  }
  return true;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

export const updateKeys: readonly string[] = ['Id', ...Object.keys(writable)];
export const readOnlyKeys: readonly string[] = Object.keys(readOnly);

const member = z.looseObject({ Id: integer, Email: text, FirstName: text, LastName: text }).nullish();
const form = z.looseObject({ Id: integer, Alias: text, Name: text }).nullish();
const named = z.looseObject({ Id: integer, Name: text }).nullish();

/** §3.3 */
export const booking = z.looseObject({
  Id: id,
  EventId: integer,
  OrderId: integer,
  FormId: integer,
  MemberId: integer,
  Allocation: integer,
  CreatedDateTime: stamp,
  CustomCrmGroups: aliases,
  Member: member,
  Form: form,
  Event: named,
  EventBookingFields: aliases,
});

/** §3.4 */
export const caseItem = z.looseObject({
  Id: id,
  OrderId: integer,
  FormId: integer,
  MemberId: integer,
  CreatedDateTime: stamp,
  CustomCrmGroups: aliases,
  Member: member,
  Form: form,
  CaseFields: aliases,
});

const orderLine = z.looseObject({
  Id: integer,
  EntityType: text,
  ProductId: integer,
  ModuleId: integer,
  ProductName: text,
  Quantity: decimal,
  TaxRate: decimal,
  UnitPrice: decimal,
  TotalPrice: decimal,
  FileName: text,
  IsDownload: flag,
  Attributes: z.array(z.looseObject({ AttributeId: integer, OptionsIds: z.array(z.string()).nullish() })).nullish(),
});

const payment = z.looseObject({
  Id: integer,
  Amount: decimal,
  AmountCaptured: decimal,
  GatewayReason: text,
  TransactionId: text,
  Status: text,
  PaymentType: text,
  PaymentGatewayType: text,
  Notes: text,
  CreatedDateTime: stamp,
});

/** §3.5 */
export const order = z.looseObject({
  Id: id,
  MainOrderId: integer,
  MemberId: integer,
  StatusId: integer,
  OrderName: text,
  AWBNumber: text,
  Currency: text,
  CurrencyCountry: text,
  Country: text,
  InvoiceDate: stamp,
  CreatedDateTime: stamp,
  InvoiceNumber: integer,
  IsDeleted: flag,
  IsRecurring: flag,
  HasSubscriptions: flag,
  HasPaidSubscription: flag,
  PaymentState: text,
  TotalCost: decimal,
  AmountPaid: decimal,
  AmountPending: decimal,
  TrackingURL: text,
  TransactionId: text,
  OrderCaseType: text,
  StatusShort: named,
  Discount: z.looseObject({ Code: text, Cost: decimal }).nullish(),
  GiftVoucher: z.looseObject({ Name: text, Cost: decimal }).nullish(),
  Tax: z.looseObject({ Code: text, Rate: decimal }).nullish(),
  ShippingInfo: z
    .looseObject({ Name: text, Cost: decimal, Address: text, City: text, State: text, Zipcode: text, Country: text })
    .nullish(),
  Member: member,
  OrderLines: z.array(orderLine).nullish(),
  Payments: z.array(payment).nullish(),
  CustomCrmGroups: aliases,
});

/** §3.6 */
export const secureZone = z.looseObject({ Id: id, Name: text, ExpiryDateTime: stamp });

/** §3.7 */
export const setPassword = z.strictObject({ Password: z.string().min(1) });

/** §4, as the sample shows it: what a listing is asked for. */
export const listQuery = z.strictObject({
  Where: z.record(z.string(), z.unknown()).optional(),
  Order_By: z.string().min(1).optional(),
  Offset: z.int().min(0).optional(),
  Limit: z.int().min(1).optional(),
});

/** A listing's reply: `{ Items, TotalItemsCount }`; a bare array is accepted too (§8, 4). */
export function listingOf(item: z.ZodType): z.ZodType {
  const items = z.array(item);
  return z.union([z.looseObject({ Items: items, TotalItemsCount: integer }), items]);
}

/** Says why a value does not fit `schema`: field, what was expected, what came – never the value. Undefined when it fits. */
export function faultOf(schema: z.ZodType, value: unknown): string | undefined {
  const result = schema.safeParse(value);
  if (result.success) return undefined;
  const issue = result.error.issues[0];
  const path = issue?.path ?? [];
  const came = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);
  const where = path.length === 0 ? 'the record' : path.join('.');
  return `${where}: expected ${issue?.message ?? 'another value'}, got ${typeName(came)}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

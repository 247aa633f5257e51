import { z } from 'zod';

/**
 * The contact of Upgrade.chat (upgradechat.md §3.1, §3.2). The source marks nothing as required and nothing as nullable,
 * and shows the write body alone: what a read brings is taken to be its mirror. Unknown keys pass, every key may be
 * missing or null. The messages say what was expected; `faultOf` adds where and what came.
 */

/** Longest text of a record that we take, in UTF-16 units. */
export const MAX_TEXT = 64 * 1024;

export const text = z.string('a text').max(MAX_TEXT, `a text of at most ${MAX_TEXT} characters`).nullish();
export const flag = z.boolean('true or false').nullish();
export const integer = z.int('an integer').nullish();
const decimal = z.number('a number').nullish();
/** Ids of look-up values, typed as texts; numbers are taken too. */
const code = z.union([text, integer], 'a text or an integer');

const ISO_BEGIN = /^\d{4}-\d{2}-\d{2}/;
/** A plain date or a date-time: the source types both as Date (§8, 8). */
const date = z
  .string('a date')
  .refine((value) => ISO_BEGIN.test(value) && !Number.isNaN(Date.parse(value)), 'a date')
  .nullish();

/** Typed as an integer in bodies and as a text in the parameter tables (§8, 6). An unsafe integer has lost digits. */
const ID = 'an integer or a non-empty text';
const id = z.union([z.int(ID), z.string().trim().min(1, ID)], ID);

const emailAddress = z.looseObject(
  { contactId: code, emailAddress: text, isActive: flag, isConfirmed: flag, comment: text, usageTypeId: code },
  'an object',
);

const phoneNumber = z.looseObject(
  {
    contactId: code,
    phoneNumber: text,
    phoneExtension: text,
    isActive: flag,
    isConfirmed: flag,
    comment: text,
    usageTypeId: code,
  },
  'an object',
);

const address = z.looseObject(
  {
    contactId: code,
    startDate: date,
    endDate: date,
    isActive: flag,
    isConfirmed: flag,
    usageTypeId: code,
    ownershipTypeId: code,
    streetAddress: text,
    neighborhood: text,
    city: text,
    stateId: code,
    stateName: text,
    zip: text,
    countryId: code,
    countryName: text,
    comment: text,
  },
  'an object',
);

const link = z.looseObject(
  { contactId: code, isConfirmed: flag, isCompany: flag, url: text, isActive: flag, comment: text, linkTypeId: code },
  'an object',
);

const named = z.looseObject({ name: text }, 'an object');
const rows = <Row extends z.ZodType>(row: Row) => z.array(row, 'a list').nullish();
const object = <Shape extends z.ZodRawShape>(shape: Shape) => z.looseObject(shape, 'an object').nullish();

const questionnaireAnswers = object({
  questionnaire: object({ xref: text, name: text }),
  questionsAndAnswers: rows(
    z.looseObject({
      question: object({ xref: text, type: text, text, sortOrder: integer }),
      answers: rows(z.looseObject({ xref: text, sortOrder: integer, text })),
    }),
  ),
});

const trackingInfo = object({
  sourceCode: text,
  channelCode: text,
  campaignCode: text,
  affiliateCode: text,
  refererUrl: text,
  entryUrl: text,
  userAgent: text,
  clientIp: text,
  siteUrl: text,
  comments: text,
  customField1: text,
  customField2: text,
  customField3: text,
  customField4: text,
  customField5: text,
});

export const utmParameter = object({
  source: text,
  medium: text,
  campaign: text,
  term: text,
  content: text,
  keyword: text,
  adGroup: text,
  name: text,
});

/** What a contact holds; a reply may show any of it. */
const held = {
  parentContactId: integer,
  questionnaireAnswers,
  contactXRef: text,
  namePrefix: text,
  firstName: text,
  middleName: text,
  lastName: text,
  nameSuffix: text,
  nickName: text,
  emailAddresses: rows(emailAddress),
  phoneNumbers: rows(phoneNumber),
  addresses: rows(address),
  links: rows(link),
  dob: date,
  bankCode: text,
  bankCodeSource: text,
  gender: text,
  experience: text,
  profileSummary: text,
  note: text,
  interests: z.array(z.string('a text'), 'a list').nullish(),
  companyName: text,
  industry: text,
  photo: object({ original: text, thumbnail: text, source: text, comment: text }),
  sourceContactId: integer,
  sourceOrganizationUnitId: integer,
  personAffiliateCode: text,
  title: text,
  tags: rows(named),
  lists: rows(named),
  assignedUserId: integer,
  ratingId: integer,
  preferredLanguageCode: text,
  contactGroupId: code,
  isActive: flag,
  isProspective: flag,
  partnerTypeName: text,
  leadTypeId: integer,
  leadTypeSysId: text,
  stageId: integer,
  dealAmount: decimal,
  currencyId: code,
  installmentAmount: decimal,
  followUpDate: date,
  trackingInfo,
  utmParameter,
  propertyInfo: object({ propertyId: integer, name: text, address: address.nullish(), note: text }),
};

/** What a write asks the server to do; no fact about the contact. */
const orders = {
  matchExisting: flag,
  inviteUser: flag,
  generateAutoLoginLink: flag,
  newUserPassword: text,
  changeNewUserPasswordOnNextLogin: flag,
  noWelcomeEmail: flag,
  welcomeEmailTemplateRef: text,
  bypassValidation: flag,
};

/** A contact as a reply shows it (inferred: the mirror of the write body, §8, 5). */
export const contact = z.looseObject({ contactId: id.nullish(), ...held }, 'an object');

/** The body of CreateOrUpdateContact, as documented. */
export const contactInput = z.looseObject({
  contactId: id.nullish(),
  ...held,
  ...orders,
  gender: z.enum(['Female', 'Male', 'Other'], 'Female, Male or Other').nullish(),
});

export const heldKeys: readonly string[] = Object.keys(held);

/** The wrapping of a framework that the paths of this API suggest (inferred, §6). */
const envelope = z.looseObject({ success: z.boolean(), result: z.unknown() });

/** A reply of GetContactInfo, bare or wrapped; no body is documented (§2). */
export const contactReply = z.union([envelope, contact]);

/** What CreateOrUpdateContact and SubmitTenancyRequest answer, bare or wrapped (§8, 3: the xref may be missing). */
export const upsertReply = z.union([envelope, z.looseObject({ contactId: id, leadRequestXref: text })]);

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

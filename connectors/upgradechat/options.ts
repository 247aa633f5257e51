import { z } from 'zod';
import { heldKeys } from './schemas.ts';

const name = z.string().regex(/^[\w-]+$/, 'letters, digits, _ and -');
const usage = z.string().min(1);
/** A name that is used in concordat → its id in this CRM. */
const ids = z
  .record(z.string().trim().min(1), z.int())
  .default({})
  .refine((table) => new Set(Object.values(table)).size === Object.keys(table).length, 'each id under one name');

/** `options:` of an Upgrade.chat connection. What the source does not document is a switch here (api/README.md §6.4). */
export const upgradechatOptions = z.strictObject({
  phoneRegion: z
    .string()
    .regex(/^[A-Z]{2}$/, 'two capital letters, e.g. "US"')
    .optional()
    .describe('Region of phone numbers without a country code, ISO 3166-1 alpha-2'),
  readReply: z
    .enum(['detect', 'bare', 'envelope'])
    .default('detect')
    .describe('Form of a reply: the contact itself, or wrapped as `{ result, success, error }`'),
  readPaths: z
    .partialRecord(z.enum([...heldKeys, 'contactId']), z.string().min(1))
    .default({})
    .describe('Documented key → where a read really shows it, e.g. `{ emailAddresses: "details.emails" }`'),
  update: z
    .enum(['changed', 'whole'])
    .default('changed')
    .describe(
      'What an update sends: what changed (and whole lists), or the whole contact as it was read with the change in it',
    ),
  lists: z
    .enum(['replace', 'merge'])
    .default('replace')
    .describe('Whether a list that is written replaces the one that is there, or is added to it'),
  firstWrite: z
    .enum(['address', 'reference'])
    .default('address')
    .describe(
      'What the first write names besides our id: name and one address, by which the server may match a contact that is there (and replace its list of addresses), or nothing, which touches nobody’s contact and finds our own alone',
    ),
  clearWith: z
    .union([z.null(), z.literal('')])
    .default('')
    .describe('What an emptied text is written as'),
  trustMatching: z
    .boolean()
    .default(true)
    .describe('Whether the server finds a contact again by our `contactXRef`, so that a create may be repeated'),
  country: z
    .enum(['name', 'id'])
    .default('name')
    .describe('Countries travel as `countryName`, in English, or as `countryId`, ISO 3166-1 alpha-2'),
  usageTypes: z
    .strictObject({
      email: z.strictObject({ primary: usage, secondary: usage }).optional(),
      phone: z
        .strictObject({ mobile: usage.optional(), work: usage.optional(), home: usage.optional() })
        .refine((types) => Object.keys(types).length > 0, 'at least one of mobile, work, home')
        .optional(),
      address: usage.optional(),
      website: usage.optional(),
    })
    .prefault({})
    .describe(
      'Ids of usage and link types, which tell the rows of a list apart. Without them the order of the rows does',
    ),
  customFields: z
    .record(name, z.string().regex(/^customField[1-5]$/, '"customField1" to "customField5"'))
    .default({})
    .refine((fields) => new Set(Object.values(fields)).size === Object.keys(fields).length, 'each custom field once')
    .describe(
      'Canonical name → one of the five free fields: `{ shoeSize: "customField1" }` becomes the field `custom.shoeSize`',
    ),
  owners: ids.describe('Owners by name → user id. Without it owners are not synced'),
  stages: ids.describe('Stages of leads by name → stage id. Without it stages are not synced'),
  lead: z
    .strictObject({
      isProspective: z.boolean().default(true),
      leadTypeId: z.int().optional(),
      leadTypeSysId: z.string().min(1).optional(),
      contactGroupId: z.string().min(1).optional(),
    })
    .prefault({})
    .describe('What makes a contact a lead: sent when a lead is created, never afterwards'),
});

export type UpgradechatOptions = z.output<typeof upgradechatOptions>;

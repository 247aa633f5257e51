import { z } from 'zod';
import { CARRIER_MARK } from '../../mappings/conecrm.ts';
import { ownSystem } from '../../src/connector/connector.ts';

/** `options:` of a ConeCRM connection. Every key has a safe default; an unknown key is an error. */
export const options = z.strictObject({
  pageSize: z.int().min(2).max(1000).default(100).describe('Records asked for per page'),
  sortField: z
    .string()
    .min(1)
    .nullable()
    .default('dateCreated')
    .describe('Field that both lists are sorted by, ascending, so that new rows land at the end; null sends no order'),
  phoneRegion: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected an ISO 3166-1 alpha-2 region such as CA')
    .default('CA')
    .describe('Region in which phone numbers without a country code are read'),
  contactWrites: z
    .enum(['account', 'off'])
    .default('account')
    .describe('Contacts can only be written through an account; off leaves contacts alone'),
  carrierMark: z
    .string()
    .regex(/^\S(.*\S)?$/, 'expected a text that neither starts nor ends with a blank')
    .min(4)
    .max(60)
    .default(CARRIER_MARK)
    .describe('Ends the names of accounts made only to carry one contact; must never change while any are left'),
  systemName: z
    .string()
    .min(1)
    .nullable()
    .default(ownSystem)
    .describe('Our name in thirdPartyIds of the contacts that we create; null writes none'),
  provinceLength: z
    .int()
    .min(2)
    .nullable()
    .default(5)
    .describe('Longest province that is sent; longer names become ISO 3166-2 codes. null: no limit'),
  clearWith: z
    .union([z.literal(''), z.null()])
    .default(null)
    .describe('What is sent to empty a field'),
  queryEntities: z
    .strictObject({
      contact: z.string().min(1).nullable().default('contact'),
      account: z.string().min(1).nullable().default('account'),
      lead: z.string().min(1).nullable().default('lead'),
    })
    .prefault({})
    .describe("The query builder's names of the entities; null does without it"),
  openLeads: z
    .boolean()
    .default(true)
    .describe(
      'Whether the open leads of every contact are asked for, one call each, where the query builder lists no leads',
    ),
  department: z.guid().optional().describe('Id of the department of new leads'),
  source: z.guid().optional().describe('Id of the source of new leads'),
  franchise: z.guid().optional().describe('Id of the franchise of new leads'),
  leadSubject: z
    .string()
    .regex(/^\S(.*\S)?$/, 'expected a text that neither starts nor ends with a blank')
    .max(100)
    .default('Lead')
    .describe('Subject of new leads without a title; never read as a title'),
  sources: z
    .record(z.string().min(1), z.guid())
    .default({})
    .describe('Sources of leads by the name that they have elsewhere → id here; others are created under `source`'),
});

export type ConecrmOptions = z.output<typeof options>;

/** Ids that every new lead needs (LeadCreateRequest, conecrm.md §11) and that no call looks up (§10). */
export const leadIds = ['department', 'source', 'franchise'] as const;

/** Those of `leadIds` that are not given. */
export function missingLeadIds(options: ConecrmOptions): readonly string[] {
  return leadIds.filter((key) => options[key] === undefined);
}

/** Where a person finds the ids. */
export const whereLeadIdsAre =
  'no call looks them up: source and franchise are shown by existing leads (concordat call CONNECTION _get_contact_open_leads --param contact=ID), all three may be among the choices of the lead filters (concordat call CONNECTION get_api_filtersget_entity_filters --param entity=lead); else ConeCRM tells them';

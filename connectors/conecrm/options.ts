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
    })
    .prefault({})
    .describe("The query builder's names of the entities; null does without it"),
  department: z.guid().optional().describe('Department of new leads'),
  source: z.guid().optional().describe('Source of new leads'),
  franchise: z.guid().optional().describe('Franchise of new leads'),
});

export type ConecrmOptions = z.output<typeof options>;

import { z } from 'zod';
import { statuses } from './schemas.ts';

const name = z.string().regex(/\S/, 'a text that is not blank');
const status = z.enum(statuses);

/** `options:` of an Alpha connection. What the page does not document is a switch here (api/README.md §6.4). */
export const alphaOptions = z.strictObject({
  personTypes: z
    .array(name)
    .min(1)
    .default(['PERSON'])
    .describe('Values of `type` that mean a person; any other is a company'),
  contactPersons: z
    .enum(['all', 'companies', 'off'])
    .default('all')
    .describe('Whose contact persons are contacts: those of all customers, of companies only, or nobody’s'),
  leadStatuses: z.array(status).min(1).default(['LEAD']).describe('Statuses whose customers are listed as leads'),
  statusNames: z
    .partialRecord(status, name)
    .default({})
    .describe('Status of Alpha → its name elsewhere; where two share a name, the first one is written'),
  ownerNames: z
    .record(z.string().min(1), name)
    .default({})
    .describe('User id of Alpha → the owner’s name elsewhere; others keep their id'),
  splitNames: z
    .boolean()
    .default(true)
    .describe('Splits the one name of a person into given and family name, which is a guess'),
  nextActionKeys: z
    .strictObject({ text: name.default('nextAction'), due: name.default('nextActionDueDate') })
    .refine(({ text, due }) => text !== due, 'two different names')
    .prefault({})
    .describe('Names of the fields in the body of the next-action call'),
  clearWith: z
    .union([z.null(), z.literal('')])
    .default(null)
    .describe('What an emptied next action is written as'),
  phoneRegion: z
    .string()
    .regex(/^[A-Z]{2}$/, 'two capital letters, e.g. "NL"')
    .default('NL')
    .describe('Region in which phone numbers without a country code are read'),
});

export type AlphaOptions = z.output<typeof alphaOptions>;

import { z } from 'zod';

const alias = z.string().regex(/^[^.]+\.[^.]+$/, '"GroupAlias.FieldAlias"');

/** `options:` of a Treepl connection. What the source does not document is a switch here (api/README.md §6.4). */
export const treeplOptions = z
  .strictObject({
    pageSize: z
      .int()
      .min(2)
      .max(1000)
      .default(100)
      .describe(
        'Asked for per page; two at least, for pages overlap by one. The site may give fewer: paging advances by what came',
      ),
    listQuery: z
      .enum(['query', 'body'])
      .default('query')
      .describe('How Where, Order_By, Offset and Limit travel on a GET'),
    where: z
      .record(z.string(), z.json())
      .default({})
      .describe('Restricts the listing; passed on as it is, for its syntax is not documented'),
    orderBy: z.string().min(1).default('Id').describe('Must be unique and stable, or pages drift'),
    whereByEmail: z
      .record(z.string(), z.json())
      .optional()
      .describe('A `Where` with "$email" in it, e.g. `{ "Email": "$email" }`, for looking a contact up'),
    phoneRegion: z
      .string()
      .regex(/^[A-Z]{2}$/, 'two capital letters, e.g. "RO"')
      .optional()
      .describe('Region of phone numbers without a country code, ISO 3166-1 alpha-2'),
    customFields: z
      .record(z.string().regex(/^[\w-]+$/, 'letters, digits, _ and -'), alias)
      .default({})
      .describe('Canonical name → custom field: `{ hubSize: "sync.size" }` becomes the field `custom.hubSize`'),
    clearWith: z
      .union([z.null(), z.literal('')])
      .default(null)
      .describe('What an emptied text is written as'),
    unknownFields: z
      .enum(['send', 'omit'])
      .default('send')
      .describe('Whether a PUT sends back keys of the record that the documentation does not know'),
    xrefField: alias.optional().describe('A custom field that holds our canonical id, sent on create and read back'),
  })
  .refine(({ customFields, xrefField }) => {
    const used = [...Object.values(customFields), ...(xrefField === undefined ? [] : [xrefField])];
    return new Set(used).size === used.length;
  }, 'each custom field once: customFields and xrefField name one twice');

export type TreeplOptions = z.output<typeof treeplOptions>;

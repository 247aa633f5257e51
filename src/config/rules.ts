import { z } from 'zod';
import { condition, conditionText } from './conditions.ts';
import { fieldPath, fieldPathText, mapping, name, nameText } from './shapes.ts';

const membersText = 'a list of members';
const fieldShape = {
  from: z
    .array(name, { error: membersText })
    .min(1, 'at least one member')
    .optional()
    .meta({ description: 'The members whose edits of the field count. Default: all that are read.' }),
  to: z
    .array(name, { error: membersText })
    .optional()
    .meta({ description: 'The members to which the field is written; [] for none. Default: all that are written to.' }),
  owner: name.optional().meta({ description: 'The member whose value wins a conflict in the field, as in owners.' }),
};

const valueText = 'a text, a number, true or false, or a list of texts';
const defaultValue = z.union([z.string().min(1), z.number(), z.boolean(), z.array(z.string().min(1)).min(1)], {
  error: valueText,
});
const defaultsError = (issue: { code?: string | undefined }) =>
  issue.code === 'invalid_key' ? fieldPathText : 'a mapping of field paths to values';

/** What may be said of a sync's records and fields; docs/rules.md. */
export const rulesShape = {
  fields: z
    .record(fieldPath, mapping(fieldShape, 'from, to, owner'), {
      error: (issue) => (issue.code === 'invalid_key' ? fieldPathText : 'a mapping of field paths to from, to, owner'),
    })
    .default({})
    .meta({ description: 'Field path → which way it goes, where that is not the way of the members; docs/rules.md.' }),
  where: z
    .record(fieldPath, condition, {
      error: (issue) =>
        issue.code === 'invalid_key' ? fieldPathText : `a mapping of field paths to: ${conditionText}`,
    })
    .default({})
    .meta({
      description:
        'Which records are written to members: field path → present, absent, a value, a list of values, or { in: […] }, { matches: REGEX }, { olderThan: 30d }, { newerThan: 2026-01-01 }, { not: … }. A record that leaves the set stays in the CRMs as it is, and is written to again when it returns; docs/rules.md.',
    }),
  defaults: z
    .record(name, z.record(fieldPath, defaultValue, { error: defaultsError }), {
      error: (issue) => (issue.code === 'invalid_key' ? nameText : 'a mapping of members to fields and values'),
    })
    .default({})
    .meta({
      description:
        'Member → values for fields of which nothing is known when a record is created there. They stay in that CRM, and are never written later.',
    }),
};

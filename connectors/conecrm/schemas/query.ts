import { z } from 'zod';

const operators = [
  '=',
  '!=',
  '>',
  '>=',
  '<',
  '<=',
  'contains',
  'doesNotContain',
  'beginsWith',
  'doesNotBeginWith',
  'endsWith',
  'doesNotEndWith',
  'null',
  'notNull',
  'in',
  'notIn',
  'between',
  'notBetween',
] as const;

/** QueryBuilderRule (conecrm.md §11). */
interface QueryRule {
  id?: string | undefined;
  field?: string | undefined;
  operator?: (typeof operators)[number] | undefined;
  valueSource?: string | undefined;
  value?: string | undefined;
}

/** QueryBuilderRuleGroup; the top group of a query has no `not`. */
interface QueryGroup {
  id?: string | undefined;
  combinator?: 'and' | 'or' | undefined;
  not?: boolean | undefined;
  rules?: (QueryRule | QueryGroup)[] | undefined;
}

/** What has rules of its own is a group, all else a rule: their other keys overlap. */
const rule: z.ZodType<QueryRule> = z.looseObject({
  id: z.string().optional(),
  field: z.string().optional(),
  operator: z.enum(operators).optional(),
  valueSource: z.string().optional(),
  value: z.string().optional(),
  rules: z.never().optional(),
});

const group: z.ZodType<QueryGroup> = z.lazy(() =>
  z.looseObject({
    id: z.string().optional(),
    combinator: z.enum(['and', 'or']).optional(),
    not: z.boolean().optional(),
    rules,
  }),
);

const rules: z.ZodType<(QueryRule | QueryGroup)[]> = z.lazy(() => z.array(z.union([group, rule])));

export const queryBody = z.looseObject({
  query: z
    .looseObject({
      id: z.string().optional(),
      combinator: z.enum(['and', 'or']).optional(),
      rules: rules.optional(),
    })
    .optional(),
});

/** Rows are plain objects: neither shape nor paging is documented (conecrm.md §4). */
export const queryReply = z.looseObject({
  success: z.boolean().nullish(),
  data: z.array(z.looseObject({})).nullish(),
});

export const queryConfig = z.looseObject({
  fields: z.array(z.looseObject({})).nullish(),
  operators: z.array(z.string()).nullish(),
});

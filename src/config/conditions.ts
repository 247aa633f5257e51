import { z } from 'zod';
import { readMoment } from '../model/moment.ts';
import type { Condition, PointInTime } from '../sync/condition.ts';
import { compilePattern, type Pattern } from '../sync/pattern.ts';
import { oneKeyOf } from './shapes.ts';

/** What belongs behind "expected" where a condition stands. */
export const conditionText =
  'present, absent, a value, a list of values, or one of in, matches, olderThan, newerThan, not';

const scalarText = 'a text, a number, true or false';
const scalar = z.union([z.string(), z.number(), z.boolean()], { error: scalarText });
const list = z.array(scalar, { error: 'a list of values' }).min(1, 'a list of values');

const patternText = 'a regular expression, found anywhere unless it begins with ^ and ends with $';
const pattern = z.string({ error: patternText }).transform((written, context): Pattern => {
  try {
    return compilePattern(written);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

const pointText = 'a number of days such as 30d (1d to 99999d), a date such as 2026-01-01, or a date-time';
/** `30d`: so many days ago. A date: its first moment in UTC. */
const point = z
  .string({ error: pointText })
  .regex(/^([1-9][0-9]{0,4}d|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?)$/, pointText)
  .transform((written, context): PointInTime => {
    if (written.endsWith('d')) return { daysAgo: Number(written.slice(0, -1)) };
    const moment = readMoment(written);
    if (moment !== undefined) return { at: Date.parse(moment) };
    context.addIssue({ code: 'custom', message: pointText });
    return z.NEVER;
  });

const tests = {
  in: list.optional().meta({ description: 'One of these values, compared as values of that field.' }),
  matches: pattern
    .optional()
    .meta({ description: 'A regular expression that is found in the value; ^ and $ stand for its ends.' }),
  olderThan: point
    .optional()
    .meta({ description: 'A date before that: 30d for thirty days ago, or a date such as 2026-01-01.' }),
  newerThan: point
    .optional()
    .meta({ description: 'A date after that: 30d for thirty days ago, or a date such as 2026-01-01.' }),
};

const plain = [scalar, list, oneKeyOf(tests, 'in, matches, olderThan, newerThan', conditionText)] as const;
const denied = z.union(plain, {
  error: 'present, absent, a value, a list of values, or one of in, matches, olderThan, newerThan',
});

/** A condition of `where` as it is written in the file. */
export const condition = z
  .union(
    [
      scalar,
      list,
      oneKeyOf(
        {
          ...tests,
          not: denied.optional().meta({ description: 'The record is in the set where this does not hold.' }),
        },
        'in, matches, olderThan, newerThan, not',
        conditionText,
      ),
    ],
    { error: conditionText },
  )
  .transform(toCondition);

type Plain = z.output<typeof denied>;

function toCondition(written: Plain | { readonly not?: Plain | undefined }): Condition {
  if (written === 'present' || written === 'absent') return written;
  if (typeof written !== 'object') return { oneOf: [written] };
  if (Array.isArray(written)) return { oneOf: written };
  if ('not' in written && written.not !== undefined) return { not: toCondition(written.not) };
  const { in: oneOf, matches, olderThan, newerThan } = written as z.output<(typeof plain)[2]>;
  if (oneOf) return { oneOf };
  if (matches) return { matches };
  if (olderThan) return { olderThan };
  return { newerThan: newerThan! };
}

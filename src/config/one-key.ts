import { z } from 'zod';

/** A mapping with exactly one of the keys. @param keys the same for people @param expected what belongs where something else came */
export function oneKeyOf<Shape extends Record<string, z.ZodType>>(shape: Shape, keys: string, expected: string) {
  return z
    .strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? `one of ${keys}` : expected) })
    .refine((written) => Object.values(written).filter((value) => value !== undefined).length === 1, {
      error: `one of ${keys}`,
      when: ({ issues }) => issues.length === 0,
    });
}

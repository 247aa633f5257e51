import { z } from 'zod';

/* What the schemas of the file share. */

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
export const nameText = 'a name: a letter, then letters, digits, - and _, at most 63';
const pathPattern = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_-]+)*$/;

/** The name of a connection, a sync or a member. */
export const name = z.string({ error: nameText }).regex(namePattern, nameText);
export const text = (expected: string) => z.string({ error: expected }).min(1, expected);
/** How the error text of an unknown key begins; the known keys follow, separated by commas. */
export const oneOf = 'one of ';
export const keysOf = (shape: object) => `${oneOf}${Object.keys(shape).join(', ')}`;

/** A strict mapping: a key that is not named is an error that lists those that are. */
export function mapping<Shape extends Record<string, z.ZodType>>(shape: Shape, expected: string) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keysOf(shape) : `a mapping: ${expected}`),
  });
}

export const fieldPathText = 'a field path such as email.primary';
export const fieldPath = z.string().regex(pathPattern, fieldPathText);

/** A mapping with exactly one of the keys. @param keys the same for people @param expected what belongs where something else came */
export function oneKeyOf<Shape extends Record<string, z.ZodType>>(shape: Shape, keys: string, expected: string) {
  return z
    .strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? `one of ${keys}` : expected) })
    .refine((written) => Object.values(written).filter((value) => value !== undefined).length === 1, {
      error: `one of ${keys}`,
      when: ({ issues }) => issues.length === 0,
    });
}

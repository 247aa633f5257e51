import { z } from 'zod';

/**
 * Building bricks of ConeCRM's schemas. What is read is tolerant: nothing is "required" in a read schema, plain fields
 * are not marked nullable and yet come as null (conecrm.md §8, 29), and unknown keys pass. What is written is as
 * documented; null and empty pass there too, because no other way to clear a field is documented.
 */
export const readText = z.string().nullish();
export const readNumber = z.number().nullish();
export const readFlag = z.boolean().nullish();

/** An object of which the text shows only `{id}`; any other key passes. */
export const idObject = z.looseObject({ id: z.string().nullish() });
export const readRef = idObject.nullish();

/** The audit fields of BaseRecord (conecrm.md §11). */
export const baseRecord = {
  id: readText,
  dateCreated: readText,
  createdBy: readRef,
  dateModified: readText,
  modifiedBy: readRef,
  isDeleted: readFlag,
  dateDeleted: readText,
  deletedBy: readRef,
  dtype: readText,
};

export const writeText = z.string().nullish();
export const writeFlag = z.boolean().nullish();
export const writeUuid = z.guid();
export const writeDateTime = z.iso.datetime({ offset: true, local: true });
/** Empty clears (inference); letters beyond ASCII are allowed, as in the addresses people really have. */
export const writeEmail = z
  .union([z.literal(''), z.email({ pattern: z.regexes.unicodeEmail })], { error: 'expected an e-mail address' })
  .nullish();
export const writeRef = z.looseObject({ id: writeUuid });

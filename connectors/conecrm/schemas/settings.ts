import { z } from 'zod';
import { baseRecord, idObject, readFlag, readNumber, readRef, readText } from './common.ts';

export const stage = z.looseObject({ id: readText, name: readText });
export const stageWrite = z.looseObject({ id: z.guid().optional(), name: z.string().optional() });

/** No `id` is documented, yet update and delete address one (conecrm.md §8, 7). */
export const customField = z.looseObject({
  id: readText,
  entity: readText,
  fieldName: readText,
  fieldType: readText,
  options: readText,
});
export const customFieldWrite = z.looseObject({
  entity: z.string().optional(),
  fieldName: z.string().optional(),
  fieldType: z.string().optional(),
  options: z.string().optional(),
});

export const customLabel = z.looseObject({
  ...baseRecord,
  tenant: readRef,
  value: z.record(z.string(), z.unknown()).nullish(),
});
export const customLabelWrite = z.looseObject({ value: z.record(z.string(), z.unknown()) });

/** Filter2. Samples hold null entries in `operators` (conecrm.md §8, 12); `options` is seen as object and as array. */
const filter = z.looseObject({
  field: z.string(),
  type: z.string(),
  label: z.string(),
  operators: z.array(z.unknown()),
  options: z.unknown().optional(),
});
export const entityFilterList = z.array(filter.nullable());
export const allFilters = z.looseObject({
  data: z.array(z.looseObject({ entity: z.string(), filters: z.array(z.unknown()) }).nullable()),
});

export const savedFilter = z.looseObject({
  id: readText,
  name: readText,
  module: readText,
  value: readText,
  owner: readRef,
  private: readFlag,
});
export const savedFilterCreate = z.looseObject({
  name: z.string(),
  module: z.string(),
  value: z.string(),
  private: z.boolean().optional(),
});
export const savedFilterUpdate = savedFilterCreate.partial();

/** Automation2, the element of the list, is an empty schema (conecrm.md §8, 11). */
export const automationListed = z.looseObject({});
export const automation = z.looseObject({
  id: readText,
  name: readText,
  automationTrigger: readText,
  nodes: z.array(z.unknown()).nullish(),
  edges: z.array(z.unknown()).nullish(),
  franchise: idObject.nullish(),
  delayedAutomationsCount: readNumber,
});
/** Automation3: the count is required even on create (conecrm.md §8, 11). */
export const automationWrite = z.looseObject({
  name: z.string(),
  automationTrigger: z.string(),
  nodes: z.array(z.unknown()).optional(),
  edges: z.array(z.unknown()).optional(),
  franchise: z.looseObject({ automations: z.array(z.unknown()) }).nullish(),
  delayedAutomationsCount: z.int(),
});
export const builderData = z.looseObject({
  triggers: z.array(z.string()).nullish(),
  actions: z.array(z.string()).nullish(),
  conditions: z.array(z.string()).nullish(),
});

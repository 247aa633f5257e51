import { z } from 'zod';
import { type DateOrder, dateTurning, type Turning, type Turnings, wordTurning } from '../connector/turned.ts';
import type { PhoneStyle } from '../model/phone-format.ts';
import { type Entity, entities } from '../model/values.ts';
import type { Form, Forms } from '../sync/forms.ts';
import { fieldPath, fieldPathText, oneKeyOf } from './shapes.ts';

const fieldsText = 'a mapping of field paths';

/** By entity and field path. */
function byField<Schema extends z.ZodType>(schema: Schema, text: string) {
  const fields = z.record(fieldPath, schema, {
    error: (issue) => (issue.code === 'invalid_key' ? fieldPathText : `${fieldsText}: field → ${text}`),
  });
  const of = (name: string) => fields.optional().meta({ description: `Of ${name}: field → ${text}.` });
  const shape = { contact: of('contacts'), account: of('accounts'), lead: of('leads') } satisfies Record<
    Entity,
    unknown
  >;
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `one of ${entities.join(', ')}` : 'a mapping of entities to fields',
  });
}

const wordText = 'the canonical value: a text, a number, true or false';
const words = z.record(
  z.string(),
  z.union([z.string().min(1, wordText), z.number(), z.boolean()], { error: wordText }),
  {
    error: 'a mapping of values of that CRM to canonical ones',
  },
);
export const valueMaps = byField(words, 'its word → the canonical value');

const stepText = 'trim, upper, lower, title, { phone: … }';
/** What belongs behind "expected" where a transform stands. */
const transformText = `${stepText}, a list of these, { date: … } or { template: … }`;
const phone = z.enum(['national', 'international', 'e164'], { error: 'national, international or e164' });
const simple = z.enum(['trim', 'upper', 'lower', 'title'], { error: stepText });
const step = z.union([simple, z.strictObject({ phone })], { error: stepText });
const templateText = 'a text with fields in braces such as "{name.given} {name.family}"';
const special = {
  phone: phone.optional().meta({ description: 'The style of a phone number.' }),
  date: z
    .enum(['iso', 'dmy', 'mdy'], { error: 'iso, dmy or mdy' })
    .optional()
    .meta({ description: 'How this CRM writes a date, both ways: 2026-12-31, 31.12.2026 or 12/31/2026.' }),
  // Nothing else stands in braces.
  template: z
    .string({ error: templateText })
    .regex(/^[^{}]*(\{[^{}]+\}[^{}]*)+$/, templateText)
    .optional()
    .meta({ description: 'Made of other fields, in braces; one way.' }),
};
const written = z.union(
  [
    simple,
    z.array(step, { error: transformText }).min(1, transformText),
    oneKeyOf(special, 'phone, date, template', transformText),
  ],
  { error: transformText },
);
export const transforms = byField(written, 'how it is written');

type ValueMapsData = z.output<typeof valueMaps>;
type TransformsData = z.output<typeof transforms>;
type TransformData = z.output<typeof written>;

/** The fields in the braces of a template. */
export function fieldsIn(text: string): readonly string[] {
  return [...text.matchAll(/\{([^{}]+)\}/g)].map(([, path]) => path as string);
}

/** How fields are written to a connection. */
export function formsOf(data: TransformsData): Readonly<Partial<Record<Entity, Forms>>> {
  return ofEntities(data, formOf);
}

/** What a connection turns into canonical values: words, and dates in an order of their own. */
export function turningsOf(maps: ValueMapsData, data: TransformsData): Turnings {
  const turnings: Partial<Record<Entity, Record<string, Turning>>> = {
    ...ofEntities(data, turningOf),
  };
  for (const [of, fields] of Object.entries(maps) as [Entity, ValueMapsData[Entity]][])
    for (const [path, pairs] of Object.entries(fields ?? {})) {
      const texts = Object.entries(pairs).map(([wire, canonical]) => [wire, String(canonical)]);
      turnings[of] = { ...turnings[of], [path]: wordTurning(Object.fromEntries(texts) as Record<string, string>) };
    }
  return turnings;
}

function formOf(data: TransformData): Form | undefined {
  if (typeof data === 'string') return { steps: [data] };
  if (Array.isArray(data)) return { steps: data };
  const { phone: style, template } = specialOf(data);
  if (style) return { steps: [{ phone: style }] };
  const parts = template?.split(/(\{[^{}]+\})/).filter((part) => part !== '');
  return parts && { template: parts.map((part) => (part.startsWith('{') ? { path: part.slice(1, -1) } : part)) };
}

function turningOf(data: TransformData): Turning | undefined {
  const { date } = specialOf(data);
  return date && dateTurning(date);
}

function specialOf(data: TransformData): { phone?: PhoneStyle; date?: DateOrder; template?: string } {
  return typeof data === 'string' || Array.isArray(data) ? {} : (data as ReturnType<typeof specialOf>);
}

/** Entities and fields for which `make` makes nothing are left out. */
function ofEntities<Made>(
  data: TransformsData,
  make: (one: TransformData) => Made | undefined,
): Partial<Record<Entity, Record<string, Made>>> {
  const made: Partial<Record<Entity, Record<string, Made>>> = {};
  for (const [of, fields] of Object.entries(data) as [Entity, TransformsData[Entity]][])
    for (const [path, one] of Object.entries(fields ?? {})) {
      const result = make(one);
      if (result !== undefined) made[of] = { ...made[of], [path]: result };
    }
  return made;
}

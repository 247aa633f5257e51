import { fieldAt, slotOf, valueAt } from '../model/entities.ts';
import { equal, type KindContext } from '../model/kinds.ts';
import { formatPhone, type PhoneStyle } from '../model/phone-format.ts';
import { type Entity, isEmpty, type Value, type Values } from '../model/values.ts';

/** One thing that is done to a value on its way to a CRM. */
export type Step = 'trim' | 'upper' | 'lower' | 'title' | { readonly phone: PhoneStyle };

/** How a field is written to one CRM: its value in a form, or a text that is made of other fields. */
export type Form =
  | { readonly steps: readonly Step[] }
  /** Texts, and paths of fields in their places. */
  | { readonly template: readonly (string | { readonly path: string })[] };

/** Path → its form; every other field is written as it is. */
export type Forms = Readonly<Record<string, Form>>;

/** The rule by which a value loses that a CRM shows in a field which is made of others for it. */
export const transform = 'transform';

/** Whether a field is made of others for this CRM: then nothing is learnt from it there. */
export function isTemplate(forms: Forms | undefined, path: string): boolean {
  const form = forms?.[path];
  return form !== undefined && 'template' in form;
}

/** Whether there is a field that is made of others for this CRM. */
export function hasTemplates(forms: Forms | undefined): boolean {
  return forms !== undefined && Object.values(forms).some((form) => 'template' in form);
}

/** The slots that what is written to a path is made of. */
export function sourcesOf(entity: Entity, forms: Forms | undefined, path: string, values: Values): readonly string[] {
  const form = forms?.[path];
  if (!form || 'steps' in form) return [slotOf(entity, path, values)];
  return form.template.flatMap((part) => (typeof part === 'string' ? [] : [slotOf(entity, part.path, values)]));
}

/**
 * The value that is to be written to a path. Undefined: nothing is known. A form that would make another value of it (a
 * number of another country, say) is not used; an empty value has none.
 */
export function outward(
  entity: Entity,
  forms: Forms | undefined,
  path: string,
  values: Values,
  context: KindContext,
): Value | undefined {
  const form = forms?.[path];
  const value = valueAt(entity, path, values);
  if (!form) return value;
  if ('template' in form) return filledIn(entity, form.template, values);
  if (typeof value !== 'string' || isEmpty(value)) return value;
  return form.steps.reduce((text, step) => formed(step, text, context), value);
}

/**
 * Whether what a CRM holds in a field is the canonical value, as it is or in the form in which it is written there. A form
 * is for what we write, and no reason to write.
 */
export function isHeld(
  entity: Entity,
  forms: Forms | undefined,
  path: string,
  held: Value | undefined,
  values: Values,
  context: KindContext,
): boolean {
  const { kind } = fieldAt(entity, path);
  if (!isTemplate(forms, path) && equal(kind, held, valueAt(entity, path, values), context)) return true;
  return forms?.[path] !== undefined && equal(kind, held, outward(entity, forms, path, values, context), context);
}

/** Empty where all fields in it are known to be empty, undefined where nothing is known of any. */
function filledIn(
  entity: Entity,
  template: Extract<Form, { template: unknown }>['template'],
  values: Values,
): Value | undefined {
  const parts = template.map((part) => (typeof part === 'string' ? part : valueAt(entity, part.path, values)));
  const fields = parts.filter((_, index) => typeof template[index] !== 'string');
  if (fields.every((value) => value === undefined)) return undefined;
  if (fields.every((value) => isEmpty(value))) return null;
  const texts = parts.map((part) => (Array.isArray(part) ? part.join(', ') : String(part ?? '')));
  return texts.join('').replace(/\s+/g, ' ').trim();
}

function formed(step: Step, text: string, context: KindContext): string {
  switch (step) {
    case 'trim':
      return text.trim();
    case 'upper':
      return text.toUpperCase();
    case 'lower':
      return text.toLowerCase();
    case 'title':
      return text.replace(/[\p{L}\p{M}\p{N}'’]+/gu, titled);
    default: {
      const written = formatPhone(text, step.phone, context.region);
      return equal('phone', written, text, context) ? written : text;
    }
  }
}

/** A word in one case gets a capital; one in both, such as McDonald, is as somebody wanted it. */
function titled(word: string): string {
  if (word !== word.toLowerCase() && word !== word.toUpperCase()) return word;
  const [first = '', ...rest] = word;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

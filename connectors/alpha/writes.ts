import type { HttpCall } from '../../src/connector/http.ts';
import { equal, type KindName } from '../../src/model/kinds.ts';
import { caseless } from '../../src/model/text.ts';
import { isEmpty, type Value } from '../../src/model/values.ts';
import type { endpoints } from './endpoints.ts';
import type { AlphaOptions } from './options.ts';
import type { Wire } from './records.ts';
import { fitsInPath, statuses } from './schemas.ts';

/** One documented call of an update, and how its reply shows that it was done. */
export interface Step {
  readonly operation: keyof typeof endpoints;
  readonly params: Readonly<Record<string, string>>;
  readonly body?: HttpCall['body'];
  /** The fields of the customer that it is to change. */
  readonly fields: readonly WritableField[];
  /** Whether a customer shows that field as wanted. */
  readonly isDone: (customer: Wire, field: WritableField) => boolean;
}

const kinds = {
  crmStatus: 'option',
  ownerId: 'option',
  nextAction: 'text',
  nextActionDueDate: 'dateTime',
  tags: 'tags',
} as const satisfies Record<string, KindName>;
type WritableField = keyof typeof kinds;

export interface Plan {
  readonly steps: readonly Step[];
  /** What cannot be said in Alpha: field and reason, never the value. */
  readonly refused: readonly string[];
}

/**
 * Turns a wanted state into the documented calls, one for each thing (api/README.md §6.3, 3). What the customer already
 * shows needs none. Tags are added and removed one by one, so that a tag that somebody else sets meanwhile stays.
 *
 * @param id The customer's id.
 * @param before The customer, read a moment before.
 * @param wanted The changed fields as the mapping writes them; undefined where it has no word for the value.
 * @param knownTags The tags that the customer was known to have: only such are taken away.
 */
export function planWrites(
  id: string,
  before: Wire,
  wanted: Wire,
  knownTags: Value | undefined,
  nextActionKeys: AlphaOptions['nextActionKeys'],
): Plan {
  const refused: string[] = [];
  const steps: Step[] = [];
  const shows = (customer: Wire, field: WritableField): boolean =>
    equal(kinds[field], customer[field] as Value | undefined, wanted[field] as Value);
  const isWanted = (field: WritableField): boolean =>
    field in wanted && wanted[field] !== undefined && !(before[field] !== undefined && shows(before, field));

  if ('crmStatus' in wanted && isEmpty(wanted.crmStatus as Value | undefined)) {
    const why =
      wanted.crmStatus === undefined ? `is none of ${statuses.join(', ')}; name it in statusNames` : 'is empty';
    refused.push(`crmStatus: the wanted status ${why}`);
  } else if (isWanted('crmStatus'))
    steps.push({
      operation: 'update_crm_status',
      params: { id },
      body: { crmStatus: wanted.crmStatus },
      fields: ['crmStatus'],
      isDone: shows,
    });

  if ('nextActionDueDate' in wanted && wanted.nextActionDueDate === undefined)
    refused.push('nextActionDueDate: the wanted value is no date-time');
  const changed = (['nextAction', 'nextActionDueDate'] as const).filter(isWanted);
  if (changed.length > 0) {
    // Whether a field that is left out is kept or cleared is not documented: both travel, the other one as it was read.
    const sent = { nextAction: before.nextAction, nextActionDueDate: before.nextActionDueDate };
    for (const field of changed) sent[field] = wanted[field];
    const body: Record<string, unknown> = {};
    for (const [field, key] of [
      ['nextAction', nextActionKeys.text] as const,
      ['nextActionDueDate', nextActionKeys.due] as const,
    ])
      if (changed.includes(field) || !isEmpty(sent[field] as Value | undefined)) body[key] = sent[field];
    steps.push({ operation: 'update_next_action', params: { id }, body, fields: changed, isDone: shows });
  }

  const ownerId = wanted.ownerId;
  if ('ownerId' in wanted && (ownerId === undefined || (typeof ownerId === 'string' && !fitsInPath(ownerId))))
    refused.push('ownerId: the wanted owner has no id here that can stand in a path; name it in ownerNames');
  else if (isWanted('ownerId'))
    steps.push(
      isEmpty(ownerId as Value)
        ? { operation: 'remove_owner', params: { id }, fields: ['ownerId'], isDone: shows }
        : { operation: 'assign_owner', params: { id, ownerId: String(ownerId) }, fields: ['ownerId'], isDone: shows },
    );

  if ('tags' in wanted) {
    const has = tagsOf(before.tags);
    const wants = tagsOf(wanted.tags);
    const known = tagsOf(knownTags);
    for (const [key, tag] of wants)
      if (!has.has(key)) {
        if (fitsInPath(tag)) steps.push(tagStep('add_tag', id, tag));
        else refused.push('tags: a wanted tag cannot stand in a path (with "/", "." or "..")');
      }
    for (const [key, tag] of has)
      if (known.has(key) && !wants.has(key)) {
        if (fitsInPath(tag)) steps.push(tagStep('remove_tag', id, tag));
        else refused.push('tags: a tag to be removed cannot stand in a path (with "/", "." or "..")');
      }
  }
  return { steps, refused: [...new Set(refused)] };
}

function tagStep(operation: 'add_tag' | 'remove_tag', id: string, tag: string): Step {
  return {
    operation,
    params: { id, tag },
    fields: ['tags'],
    isDone: ({ tags }) => tagsOf(tags).has(caseless(tag)) === (operation === 'add_tag'),
  };
}

/**
 * Whether the CRM answered a step as done and yet shows what it showed before. A value in a form of its own, or one that
 * somebody typed meanwhile, is another matter, and so is a reply that leaves the field out.
 */
export function isIgnored(step: Step, before: Wire, after: Wire): boolean {
  return step.fields.some(
    (field) =>
      after[field] !== undefined &&
      !step.isDone(after, field) &&
      equal(kinds[field], after[field] as Value, before[field] as Value | undefined),
  );
}

/** Tags by what makes them different, in the spelling that came first. */
function tagsOf(value: unknown): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const tag of Array.isArray(value) ? value : [value])
    if (typeof tag === 'string' && tag.trim() !== '' && !tags.has(caseless(tag))) tags.set(caseless(tag), tag);
  return tags;
}

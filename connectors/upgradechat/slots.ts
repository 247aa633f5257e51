import type { ListRule } from '../../mappings/upgradechat.ts';
import { isEmpty, type Value } from '../../src/model/values.ts';

export type Wire = Readonly<Record<string, unknown>>;
type Row = Record<string, unknown>;
type Slots = Map<string, Row>;

/**
 * Ends the comment of a row whose place among the others would tell the wrong thing: the second e-mail of somebody who
 * has no first one, and rows that must not move up when the one before them is emptied. Set only where it is needed.
 */
const SECOND = '[second]';
const FURTHER = '[further]';

/**
 * The contact with its lists as slots: `{ emailAddresses: { primary: { emailAddress } } }`. A list that is not there is
 * silence; a slot that no row fills is empty, for the list was there to see.
 */
export function slotted(contact: Wire, rules: readonly ListRule[]): Record<string, unknown> {
  const view: Record<string, unknown> = { ...contact };
  for (const rule of rules) {
    if (contact[rule.list] === undefined) continue;
    const filled = slotsOf(rowsOf(contact[rule.list]), rule);
    view[rule.list] = Object.fromEntries(
      rule.slots.map(({ name, fields = rule.fields }) => {
        const row = filled.get(name);
        return [name, Object.fromEntries(fields.map((key) => [key, row ? shown(row, key, rule) : null]))];
      }),
    );
  }
  return view;
}

/**
 * The rows to write for `changes` (slot → field → value): all that are there, the slots' rows overlaid. None is ever
 * left out: a slot is emptied by setting its row inactive, which holds whether the server replaces the list or merges
 * it. What we do not map stays, but for a confirmation of another value and a code of another name.
 * @param keepOld where lists are merged: a value that was replaced is sent along as inactive, or it would stay.
 */
export function laid(
  rows: unknown,
  changes: Readonly<Record<string, Wire>>,
  rule: ListRule,
  keepOld: boolean,
): readonly Wire[] {
  const list: Row[] = rowsOf(rows).map((row) => ({ ...row }));
  const held = slotsOf(list, rule);
  for (const { name, type, fields = rule.fields } of rule.slots) {
    const change = changes[name];
    if (change === undefined) continue;
    const row = held.get(name);
    const isFilled = fields.some((key) =>
      isFull(change[key] === undefined ? row && shown(row, key, rule) : change[key]),
    );
    if (row && isFilled) {
      const before = { ...row };
      overlay(row, change, rule);
      if (keepOld && !isSame(before, row, rule)) list.push({ ...before, isActive: false });
    } else if (row) {
      row.isActive = false;
      held.delete(name);
    } else if (isFilled) held.set(name, added(list, change, rule, type));
  }
  markWhereNeeded(list, held, rule);
  return list;
}

/** The rows of a list; what is no row is not ours to send back. */
function rowsOf(list: unknown): Row[] {
  return Array.isArray(list) ? list.filter((row) => typeof row === 'object' && row !== null) : [];
}

/** Slot → the row that fills it. */
function slotsOf(list: readonly Row[], rule: ListRule): Slots {
  const slots: Slots = new Map();
  const active = list.filter((row) => row.isActive !== false && isAny(row, rule) && !isMarked(row, FURTHER));
  const unmarked = active.filter((row) => !isMarked(row, SECOND));
  const marked = active.find((row) => isMarked(row, SECOND));
  for (const [index, { name, type }] of rule.slots.entries()) {
    const row =
      type === undefined
        ? ((index > 0 ? marked : undefined) ?? unmarked.shift())
        : active.find((one) => String(one[rule.typeKey]) === type);
    if (row) slots.set(name, row);
  }
  return slots;
}

function overlay(row: Row, change: Wire, rule: ListRule): void {
  const before = { ...row };
  for (const [key, value] of Object.entries(change)) {
    // Not translatable: the row keeps what it has.
    if (value === undefined) continue;
    row[key] = value;
    const code = rule.codes[key];
    if (code !== undefined) delete row[code];
  }
  if (row.isConfirmed === true && !isSame(before, row, rule)) row.isConfirmed = false;
}

/** A new row at the end; one that held the same value and is inactive comes back instead. */
function added(list: Row[], change: Wire, rule: ListRule, type: string | undefined): Row {
  const [key] = rule.fields;
  const spare = list.findIndex((row) => row.isActive === false && isFull(row[key]) && sameText(row[key], change[key]));
  const [old] = spare < 0 ? [] : list.splice(spare, 1);
  const filled = Object.entries(change).filter(([, value]) => isFull(value));
  const row: Row = { ...old, ...Object.fromEntries(filled), isActive: true };
  if (typeof row.comment === 'string') row.comment = row.comment.replaceAll(SECOND, '').replaceAll(FURTHER, '').trim();
  if (type !== undefined) row[rule.typeKey] = type;
  list.push(row);
  return row;
}

/** Marks rows where reading the list would fill the slots otherwise than meant. */
function markWhereNeeded(list: readonly Row[], meant: Slots, rule: ListRule): void {
  const read = slotsOf(list, rule);
  if (rule.slots.every(({ name }) => read.get(name) === meant.get(name))) return;
  const [, second] = rule.slots;
  for (const row of list) {
    if (row.isActive === false || !isAny(row, rule)) continue;
    const slot = [...meant].find(([, one]) => one === row)?.[0];
    const mark = slot === undefined ? FURTHER : slot === second?.name && second.type === undefined ? SECOND : undefined;
    if (mark !== undefined && !isMarked(row, mark))
      row.comment = typeof row.comment === 'string' && row.comment !== '' ? `${row.comment} ${mark}` : mark;
  }
}

/** The value of a row's field; where it is empty, its code, if that is made of letters: other ids mean nothing to us. */
function shown(row: Row, key: string, { codes }: ListRule): unknown {
  if (isFull(row[key])) return row[key];
  const code = codes[key] === undefined ? undefined : row[codes[key]];
  return typeof code === 'string' && /^[a-z]{2,3}$/i.test(code) ? code : row[key];
}

function isMarked({ comment }: Row, mark: string): boolean {
  return typeof comment === 'string' && comment.trimEnd().endsWith(mark);
}

function isAny(row: Row, rule: ListRule): boolean {
  return rule.fields.some((key) => isFull(shown(row, key, rule)));
}

function isFull(value: unknown): boolean {
  return !isEmpty(value as Value | undefined);
}

/** Whether two states of a row name the same mailbox, number, street or page. */
function isSame(one: Row, other: Row, { fields: [key] }: ListRule): boolean {
  return sameText(one[key], other[key]);
}

function sameText(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map((text) =>
    String(text ?? '')
      .trim()
      .toLowerCase(),
  );
  return a === b;
}

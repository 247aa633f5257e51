import type { FieldChange, PlannedChange } from '../engine/rehearsal.ts';
import type { Value } from '../model/values.ts';
import type { Io } from './io.ts';
import { wrapped } from './table.ts';

/** A planned change for people: what is done to which record and why, then its fields from what to what. */
export function changeLines(change: PlannedChange, width: number, io: Io): readonly string[] {
  return [
    ...wrapped(`${io.stdout.style('bold', change.action)} ${subjectOf(change)}: ${change.reason}`, width).map(
      indentedAfter,
    ),
    ...Object.entries(change.fields).flatMap(([name, field]) => wrapped(`${name}: ${fieldText(field)}`, width, '    ')),
  ];
}

/** Which record a change is about, by the names that people can look up. */
function subjectOf({ action, connection, entity, externalId, known }: PlannedChange): string {
  const name = `${connection}:${externalId}`;
  const others = known.length > 0 ? known.join(', ') : undefined;
  switch (action) {
    case 'create':
      return `${entity} at ${connection}${others ? ` for ${others}` : ''}`;
    case 'update':
    case 'delete':
      return `${entity} ${name}${others ? ` (also ${others})` : ''}`;
    case 'link':
      return `${entity} ${name} with ${others ?? 'a record of ours'}`;
    case 'hold':
      return `${entity} ${name}${others ? `, which may be ${others}` : ''}`;
  }
}

function indentedAfter(line: string, index: number): string {
  return index === 0 ? line : `  ${line}`;
}

function fieldText({ from, to, reason }: FieldChange): string {
  const why = reason === '' ? '' : ` – ${reason}`;
  const before = from === undefined ? '' : `${valueText(from)} → `;
  return `${before}${valueText(to)}${why}`;
}

/** A value for people; control characters of a CRM must not reach the terminal. */
function valueText(value: Value): string {
  return value === null ? '(empty)' : JSON.stringify(value);
}

import { moment, valueText } from '../engine/in-words.ts';
import type { ReviewField, ReviewItem } from '../engine/reviews.ts';
import { isEmpty, type Value } from '../model/values.ts';
import type { Output } from './io.ts';
import { count, wrapped } from './table.ts';

type Screen = Pick<Output, 'columns' | 'style'>;

/** The narrowest column in which a value is still read with ease. */
const narrowest = 20;
const widest = 100;

/** A review for people: the question, then the record and those whom it may be, side by side, and what speaks for each. */
export function reviewLines(item: ReviewItem, screen: Screen): readonly string[] {
  const width = Math.min(screen.columns, widest);
  const { id, entity, connection, externalId, reason, skippedAt, candidates } = item;
  const later = skippedAt === null ? '' : ` (left for later ${moment(skippedAt)})`;
  return [
    `${screen.style('bold', id)}  ${entity} ${connection}:${externalId}${later}`,
    ...wrapped(reason, width, '  '),
    '',
    ...sideBySide(item, width),
    '',
    ...candidates.flatMap(({ evidence, score, links, canonicalId, twin }, index) => {
      const names = [...links, canonicalId].join(', ');
      const merge = twin === null ? '' : `; if it is the same, merge ${twin} and ${externalId} in ${connection}`;
      const text = `${letter(index)}  ${evidence} (score ${count(score)} of 1,000): ${names}${merge}`;
      return wrapped(text, width, '  ');
    }),
  ];
}

/** `A`, `B` …: how a candidate is called beside the others. */
export function letter(index: number): string {
  return index < 26 ? String.fromCodePoint(65 + index) : `#${index + 1}`;
}

/** As many candidates beside the record as there is room for; the others below, beside the record again. */
function sideBySide(item: ReviewItem, width: number): readonly string[] {
  const { fields, candidates, connection, externalId } = item;
  const named = Math.max(...fields.map(({ path }) => path.length), 5);
  const most = Math.max(Math.floor((width - 2 - named) / (narrowest + 2)) - 1, 1);
  const lines: string[] = [];
  for (let start = 0; start === 0 || start < candidates.length; start += most) {
    const beside = candidates.slice(start, start + most);
    const room = Math.floor((width - 2 - named) / (beside.length + 1)) - 2;
    const titles = ['field', `${connection}:${externalId}`, ...beside.map((_, index) => `  ${letter(start + index)}`)];
    const rows = fields.map(({ path, value, others }) => [
      path,
      shown(value),
      ...others.slice(start, start + most).map((other) => `${markOf(value, other)} ${shown(other.value)}`),
    ]);
    if (start > 0) lines.push('');
    for (const row of [titles, ...rows]) lines.push(...rowLines(row, named, room));
  }
  return lines;
}

/** Silence is neither the same nor another value. */
function markOf(value: Value, other: ReviewField['others'][number]): string {
  if (other.isSame) return '=';
  return isEmpty(value) || isEmpty(other.value) ? ' ' : '≠';
}

function shown(value: Value): string {
  return isEmpty(value) ? '–' : valueText(value, 200);
}

function rowLines([name = '', ...cells]: readonly string[], named: number, room: number): readonly string[] {
  const columns = cells.map((cell, index) => inRoom(cell, room, index === 0 ? '' : '  '));
  const height = Math.max(...columns.map(({ length }) => length), 1);
  return Array.from({ length: height }, (_, line) => {
    const texts = columns.map((column) => (column[line] ?? '').padEnd(room));
    return `  ${(line === 0 ? name : '').padEnd(named)}  ${texts.join('  ')}`.trimEnd();
  });
}

/** Breaks a text at spaces, and a word that is too long wherever it has to be. @param hang before all lines but the first */
function inRoom(text: string, room: number, hang: string): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const space = rest.lastIndexOf(' ', room);
    const end = space > hang.length ? space : room;
    lines.push(rest.slice(0, end));
    rest = hang + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

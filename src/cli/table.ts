import { stripVTControlCharacters } from 'node:util';

export { count, counted, duration, withoutName } from '../engine/in-words.ts';

/** Lines with aligned columns, two spaces apart; columns of numbers are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const isNumeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[\d,]*$/.test(plain(row[column]))),
  );
  const widths = head.map((title, column) =>
    Math.max(...[[title], ...rows.map((row) => [row[column] ?? ''])].map(([cell]) => plain(cell).length)),
  );
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - plain(cell).length);
        return isNumeric[column] ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A table in Markdown. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** Breaks a text into lines of at most `width` characters, at spaces. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && indent.length + current.length + 1 + word.length > width) {
      lines.push(indent + current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, indent + current];
}

function plain(cell: string | undefined): string {
  return stripVTControlCharacters(cell ?? '');
}

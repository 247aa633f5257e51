import { type Fragment, type Html, html } from './html.ts';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Fragment;
  /** Right-aligned; a zero is shown faintly. */
  readonly isNumber?: true;
  /** Kept on one line. */
  readonly isTight?: true;
}

/**
 * A table; on a narrow screen every row becomes a card with the titles beside its cells. Roles are written out, since a
 * browser forgets them where a table is shown as cards.
 * @param caption what it lists, for those who cannot see it
 * @param key names a row, so that a refresh finds it again
 */
export function table<Row>(
  caption: string,
  rows: readonly Row[],
  key: (row: Row) => string,
  columns: readonly Column<Row>[],
): Html {
  return html`<table role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map(
    (column) => html`<th role="columnheader" scope="col"${kind(column)}>${column.title}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) =>
      html`<tr role="row" id="${idOf(caption, key(row))}">${columns.map((column) => cellOf(column, row))}</tr>
`,
  )}</tbody></table>`;
}

function cellOf<Row>(column: Column<Row>, row: Row): Html {
  const content = column.cell(row);
  return html`<td role="cell" data-label="${column.title}"${kind(column, content === 0)}>${content}</td>`;
}

function kind({ isNumber, isTight }: Pick<Column<never>, 'isNumber' | 'isTight'>, isZero = false): Html {
  const names = [isNumber ? 'number' : '', isZero ? 'zero' : '', isTight ? 'tight' : ''].filter((name) => name !== '');
  return names.length === 0 ? html`` : html` class="${names.join(' ')}"`;
}

/** An id that two tables with the same keys do not share. */
function idOf(caption: string, key: string): string {
  return `${caption}-${key}`.replace(/[^A-Za-z0-9_-]+/g, '-');
}

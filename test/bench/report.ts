/** How much is measured. */
export interface Scale {
  /** Less of everything: figures are rough. */
  readonly isQuick: boolean;
  /** How often each comparison is made; medians are told. */
  readonly rounds: number;
}

/** One comparison, as a line of the table. */
export interface Line {
  readonly what: string;
  readonly floor: string;
  readonly ours: string;
  /** Ours divided by the floor's; larger is worse. */
  readonly ratio: number;
  readonly limit: number;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** A Markdown table, so that it can go into the README as it is. */
export function table(lines: readonly Line[]): string {
  const rows = lines.map(({ what, floor, ours, ratio, limit }) => [
    what,
    floor,
    ours,
    `${ratio.toFixed(2)}×`,
    `${Number(limit.toFixed(2))}×`,
    isMissed({ ratio, limit }) ? 'MISSED' : 'held',
  ]);
  const all = [['', 'floor', 'ours', 'ratio', 'limit', ''], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => (row[column] as string).length), 3)) ?? [];
  const text = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [text(all[0] as string[]), rule, ...all.slice(1).map(text)].join('\n');
}

export function isMissed({ ratio, limit }: Pick<Line, 'ratio' | 'limit'>): boolean {
  return ratio > limit;
}

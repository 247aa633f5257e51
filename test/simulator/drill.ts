import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Bug, bugs } from './bugs.ts';
import type { Find } from './hunt.ts';

const root = resolve(import.meta.dirname, '../..');
const sources = ['src', 'jobs', 'connectors', 'mappings', 'test', 'package.json'];

/** A copy of the tree with the bug in it. @throws Error when the place of the bug is not there exactly once */
export function plant({ name, file, find, replace }: Bug, folder: string): void {
  for (const one of sources) cpSync(join(root, one), join(folder, one), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const text = readFileSync(join(folder, file), 'utf8');
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`"${name}": the text to replace is in ${file} ${places} times, expected once`);
  writeFileSync(
    join(folder, file),
    text.replace(find, () => replace),
  );
}

/** Plants a bug in a copy of the tree and looks for it there. @returns undefined when it is not found within its number of lives */
export async function search(bug: Bug): Promise<Find | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-drill-'));
  try {
    plant(bug, folder);
    const child = spawn(process.execPath, ['test/simulator/hunt.ts', '1', String(bug.within)], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8');
    let printed = '';
    for await (const chunk of child.stdout) printed += chunk;
    return (JSON.parse(printed) as Find | null) ?? undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [wanted = ''] = process.argv.slice(2);
  const chosen = bugs.filter(({ name }) => name.includes(wanted));
  let missed = 0;
  for (const bug of chosen) {
    const find = await search(bug);
    if (!find) missed += 1;
    const result = find
      ? `life ${find.lives}: ${find.breaches[0]!.split('\n')[0]}`
      : `NOT FOUND in ${bug.within} lives`;
    process.stdout.write(`${bug.name.padEnd(64)} ${result}\n`);
  }
  process.stdout.write(`${chosen.length - missed} of ${chosen.length} planted bugs were found\n`);
  process.exitCode = missed === 0 ? 0 : 1;
}

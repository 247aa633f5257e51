import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import PQueue from 'p-queue';
import { type Bug, bugs } from './bugs.ts';
import type { Find } from './hunt.ts';
import { wireBugs } from './wire/wire-bugs.ts';

const root = resolve(import.meta.dirname, '../..');
const usualHunter = 'test/simulator/hunt.ts';
const sources = ['src', 'jobs', 'connectors', 'mappings', 'test', 'package.json'];

/** The files of a bug with the bug in them, by path. @throws Error when the place of a change is not there exactly once */
export function broken({ name, also = [], ...first }: Bug): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of [first, ...also]) {
    const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    const places = text.split(find).length - 1;
    if (places !== 1) throw new Error(`"${name}": the text to replace is in ${file} ${places} times, expected once`);
    texts.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return texts;
}

/** A copy of the tree with the bug in it. */
function plant(bug: Bug, folder: string): void {
  const texts = broken(bug);
  for (const one of sources) cpSync(join(root, one), join(folder, one), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, text] of texts) writeFileSync(join(folder, file), text);
}

/** Plants a bug in a copy of the tree and looks for it there. @returns undefined when it is not found within its number of lives */
export async function search(bug: Bug): Promise<Find | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'concordat-drill-'));
  try {
    plant(bug, folder);
    const child = spawn(process.execPath, [bug.hunter ?? usualHunter, '1', String(bug.within)], {
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

/** All that can be planted. */
export const allBugs: readonly Bug[] = [...bugs, ...wireBugs];

/** Nothing broken: each hunter finds nothing, or what is found elsewhere proves nothing. */
function controls(chosen: readonly Bug[]): readonly Bug[] {
  return [...Map.groupBy(chosen, ({ hunter }) => hunter)].map(([hunter, ofHunter]) => ({
    name: 'nothing is broken',
    ...(hunter !== undefined && { hunter }),
    file: 'src/engine/engine.ts',
    find: 'export function noCounts()',
    replace: 'export function noCounts()',
    within: Math.max(...ofHunter.map(({ within }) => within)),
  }));
}

/** Searches that run at once, each in a process of its own. */
const atOnce = 2;

async function report(bug: Bug): Promise<Find | undefined> {
  const startedAt = Date.now();
  const find = await search(bug);
  const result = find ? `life ${find.lives}: ${find.breaches[0]!.split('\n')[0]}` : `nothing in ${bug.within} lives`;
  process.stdout.write(`${bug.name.padEnd(64)} ${secondsSince(startedAt)} s, ${result}\n`);
  return find;
}

function secondsSince(startedAt: number): string {
  return ((Date.now() - startedAt) / 1_000).toFixed(0).padStart(3);
}

if (process.argv[1] === import.meta.filename) {
  const [wanted = ''] = process.argv.slice(2);
  const startedAt = Date.now();
  const chosen = allBugs.filter(({ name }) => name.includes(wanted));
  const queue = new PQueue({ concurrency: atOnce });
  // The longest searches come first.
  const sound = controls(chosen);
  const finds = await queue.addAll([...sound, ...chosen].map((bug) => () => report(bug)));
  const isSound = finds.slice(0, sound.length).every((find) => find === undefined);
  const found = finds.slice(sound.length).filter((find) => find !== undefined).length;
  process.stdout.write(
    `${found} of ${chosen.length} planted bugs were found${isSound ? '' : ', and one that nobody planted'}; ${secondsSince(startedAt)} s\n`,
  );
  process.exitCode = found === chosen.length && isSound ? 0 : 1;
}

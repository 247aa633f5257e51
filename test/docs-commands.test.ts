import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Bench, openBench, person } from './cli/harness.ts';

/** Tested where they are described: `start` never ends by itself, `init` asks. */
const elsewhere = new Set(['start', 'init', 'demo']);
const folder = new URL('../docs/', import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));

/** The parts of a page that show commands, each with its commands as they stand there, in their order. */
function partsOf(page: string): readonly (readonly [part: string, commands: readonly string[]])[] {
  const [top = '', ...parts] = readFileSync(new URL(page, folder), 'utf8').split(/^## /m);
  return [top, ...parts].flatMap((part) => {
    const commands = commandsOf(part);
    return commands.length > 0 ? [[`${page}: ${part.split('\n')[0]}`, commands] as const] : [];
  });
}

/** The commands in blocks of code: indented ones, and those that say `sh`. */
function commandsOf(part: string): readonly string[] {
  const fenced = [...part.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) =>
    block.replaceAll(/^/gm, '    '),
  );
  return [part, ...fenced]
    .flatMap((text) => [...text.matchAll(/^ {4,}concordat ([a-z-]+(?: .*?)?)(?: +#.*)?$/gm)])
    .map(([, command = '']) => command.trim())
    .filter((command) => !elsewhere.has(command.split(' ')[0] ?? ''));
}

let bench: Bench;
/** What the pages call so → what it is here. */
let names: ReadonlyMap<string, string>;

beforeEach(async () => {
  bench = await openBench();
  const { room, site } = bench;
  const anna = { ...person(1), room: { ...person(1).room, firstName: 'Anna', primaryEmail: 'anna@example.com' } };
  const [first, double] = [room.people.add('contact', anna.room), site.people.add('contact', person(2).site)];
  // Two at the site who may be one person of the room: a review.
  for (const Phone of ['+40721000111', '+40721000222']) site.people.add('contact', { ...person(3).site, Phone });
  room.people.add('contact', person(3).room);
  room.people.add('contact', { ...person(4).room, primaryEmail: 'ben@example.com' });
  expect([0, 3]).toContain((await bench.run('sync')).status);
  expect((await bench.run('forget', 'ben@example.com', '--yes')).status).toBe(0);
  // Edited on both sides: a conflict.
  const there = site.people.all('contact').find(({ Email }) => Email === 'anna@example.com');
  room.people.edit('contact', first, { city: 'Oradea' });
  site.people.edit('contact', String(there?.Id), { City: 'Cluj' });
  const ended = JSON.parse((await bench.run('sync', '--json')).stdout) as { readonly runId: string };
  const reviews = JSON.parse((await bench.run('review', '--list', '--json')).stdout) as {
    readonly reviews: readonly {
      readonly id: string;
      readonly candidates: readonly { readonly canonicalId: string }[];
    }[];
  };
  names = new Map([
    ['showroom:42', `room:${first}`],
    ['site:7', `site:${String(there?.Id)}`],
    ['site:9', `site:${double}`],
    ['RECORD', `room:${first}`],
    ['RUN', ended.runId],
    ['ITEM', reviews.reviews[0]!.id],
    ['CANDIDATE', reviews.reviews[0]!.candidates[0]!.canonicalId],
    ['/srv/backup/', `${bench.folder}/copy-of-`],
    ['$(date +%F)', '2026-11-21'],
    ['/etc/concordat/', `${bench.folder}/`],
    ['showroom', 'room'],
  ]);
});
afterEach(() => bench.close());

/** The words of a command line, with this place's names in them. */
function words(command: string): readonly string[] {
  let here = command;
  for (const [there, name] of names) here = here.replaceAll(there, name);
  return [...here.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

it.each(pages.flatMap(partsOf))('the commands of docs/%s are understood, and do their work', async (_, commands) => {
  for (const command of commands) {
    let ended = await bench.run(...words(command));
    // At a terminal it asks.
    if (ended.status === 2 && ended.stderr.includes('--yes')) ended = await bench.run(...words(command), '--yes');
    const { status, stdout, stderr } = ended;
    expect([0, 3], `concordat ${command}: ${status}\n${stdout}${stderr}`).toContain(status);
  }
});

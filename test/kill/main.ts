import path from 'node:path';
import { parseArgs } from 'node:util';
import { deathWords, Usual } from './deaths.ts';
import { type Dead, liveThrough } from './life.ts';
import { deletesOf, outcomeWords, tellBroken } from './scene.ts';

/**
 * `npm run kill -- --kills 300 --seed 1`: lives of a few deaths each until so many commands have been killed.
 * Exit status 1 as soon as a life has broken a law, with its story.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    /** Of the first life; each further one has the next. */
    seed: { type: 'string', default: '1' },
    /** Deaths in one life. */
    perLife: { type: 'string', default: '15' },
    /** The program's file: that of the build, for example. Default: the sources. */
    main: { type: 'string' },
    deletes: { type: 'string', default: 'both' },
  },
});

const say = (text: string) => process.stdout.write(`${text}\n`);
const kills = Number(values.kills);
const usual = new Usual();
const dead: Dead[] = [];
const sums = { lives: 0, completed: 0, people: 0, edits: 0, removals: 0, broken: 0 };
const startedAt = performance.now();
for (let seed = Number(values.seed); dead.length < kills; seed += 1) {
  const deletes = values.deletes === 'both' ? deletesOf(seed) : values.deletes;
  const life = await liveThrough({
    seed,
    kills: Math.min(Number(values.perLife), kills - dead.length),
    deletes: deletes === 'propagate' ? 'propagate' : 'ignore',
    usual,
    ...(values.main === undefined ? {} : { main: path.resolve(values.main) }),
  });
  dead.push(...life.dead);
  sums.lives += 1;
  sums.completed += life.completed;
  sums.people += life.people;
  sums.edits += life.edits;
  sums.removals += life.removals;
  say(
    `seed ${seed} (deletes: ${deletes}): ${life.dead.length} killed, ${life.completed} ended by themselves, ${life.people} people and companies, ${life.edits} edits, ${life.removals} removals: ${outcomeWords(life)}`,
  );
  if (life.violations.length > 0) sums.broken += 1;
  tellBroken(say, life);
}
say(
  `${dead.length} killed in ${sums.lives} lives (${sums.completed} commands ended by themselves), ${sums.people} people and companies, ${sums.edits} edits, ${sums.removals} removals, ${Math.round((performance.now() - startedAt) / 1000)} s; lives that broke a law: ${sums.broken}`,
);
say(momentsOf(dead));

/** Where the deaths struck. */
function momentsOf(deaths: readonly Dead[]): string {
  const phases = {
    'before the first request': deaths.filter(({ requests }) => requests === 0),
    'while reading': deaths.filter(({ requests, writes }) => requests > 0 && writes === 0),
    'while writing': deaths.filter(({ writes }) => writes > 0),
    'between what a CRM did and its answer': deaths.filter(({ how }) => how.at !== 'time' && how.outcome === 'done'),
  };
  const lines = Object.entries(phases).map(([phase, ones]) => `  ${phase}: ${ones.length}`);
  const earliest = deaths.toSorted((a, b) => a.afterMs - b.afterMs);
  const [first, last] = [earliest[0], earliest.at(-1)];
  const range = first && last ? `  from ${first.afterMs} ms (${deathWords(first.how)}) to ${last.afterMs} ms` : '';
  return ['Where they died:', ...lines, range].join('\n');
}

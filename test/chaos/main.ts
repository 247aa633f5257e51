import path from 'node:path';
import { parseArgs } from 'node:util';
import { deletesOf, outcomeWords, tellBroken } from '../kill/scene.ts';
import { whyNoRedis } from '../queue/bull/redis-child.ts';
import { type ChaosReport, liveThrough } from './life.ts';

/**
 * `npm run chaos -- --kills 200 --seed 1`: lives of workers until so many have been killed, with a Redis that is emptied and
 * goes away. Exit status 1 when a life has broken a law, with its story.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    /** Of the first life; each further one has the next. */
    seed: { type: 'string', default: '1' },
    /** Deaths in one life. */
    perLife: { type: 'string', default: '20' },
    /** How long Redis is away when it is, at most, seconds. */
    away: { type: 'string', default: '20' },
    /** The program's file: that of the build, for example. Default: the sources. */
    main: { type: 'string' },
  },
});

if (whyNoRedis !== undefined) throw new Error(`chaos needs a Redis: ${whyNoRedis}`);
const say = (text: string) => process.stdout.write(`${text}\n`);
const kills = Number(values.kills);
const lives: ChaosReport[] = [];
const sum = (of: (life: ChaosReport) => number) => lives.reduce((total, life) => total + of(life), 0);
const killed = () => sum((life) => life.killed.length);
const startedAt = performance.now();
for (let seed = Number(values.seed); killed() < kills; seed += 1) {
  const deletes = deletesOf(seed);
  const life = await liveThrough({
    seed,
    deletes,
    kills: Math.min(Number(values.perLife), kills - killed()),
    longestAwayMs: Number(values.away) * 1_000,
    ...(values.main === undefined ? {} : { main: path.resolve(values.main) }),
  });
  lives.push(life);
  const { webhooks, emptied, away, edits, removals } = life;
  say(
    `seed ${seed} (deletes: ${deletes}): ${life.killed.length} killed, Redis ${emptied} times emptied and ${away} times away, ${webhooks.stored} of ${webhooks.sent} webhooks stored, ${edits} edits, ${removals} removals: ${outcomeWords(life)}`,
  );
  tellBroken(say, life);
}
const broken = lives.filter(({ violations }) => violations.length > 0).length;
say(
  `${killed()} killed in ${lives.length} lives; Redis ${sum(({ emptied }) => emptied)} times emptied and ${sum(({ away }) => away)} times away; ${sum(({ webhooks }) => webhooks.stored)} of ${sum(({ webhooks }) => webhooks.sent)} webhooks stored; ${sum(({ edits }) => edits)} edits, ${sum(({ removals }) => removals)} removals; ${Math.round((performance.now() - startedAt) / 1_000)} s; lives that broke a law: ${broken}`,
);

import { generateLife } from './generate.ts';
import { type Find, hunt } from './hunt.ts';
import { judge } from './judge.ts';
import { shrink } from './shrink.ts';
import { huntOnWire } from './wire/hunt-wire.ts';
import { toldOnWire } from './wire/shrink-wire.ts';

// Lives through seeds from the first one given on, and tells the story of each that breaks a law: `npm run soak -- FIRST LIVES`,
// or `npm run soak -- FIRST LIVES wire` for lives on the wire alone. Without `wire`, a hundredth as many of these follow.

/** Lives of one sort. */
interface Sort {
  readonly what: string;
  readonly lives: number;
  /** After how many lives it is said how far we are. */
  readonly chunk: number;
  hunt(first: number, lives: number): Promise<Find | undefined>;
  told(seed: number): Promise<string>;
}

const [first = 1, lives = 100_000] = process.argv.slice(2, 4).map(Number);
const isWireAlone = process.argv[4] === 'wire';
const report = (line: string) => process.stdout.write(`${line}\n`);

async function told(seed: number): Promise<string> {
  const { story, breaches } = await judge(await shrink(generateLife(seed)));
  return [`seed ${seed}:`, ...story, ...breaches.map((one) => `BROKEN ${one}`)].join('\n');
}

async function soak({ what, lives, chunk, hunt, told }: Sort): Promise<number> {
  const last = first + lives - 1;
  const startedAt = Date.now();
  let broken = 0;
  for (let seed = first; seed <= last; ) {
    const some = Math.min(chunk, last - seed + 1);
    const find = await hunt(seed, some);
    seed = find ? find.seed + 1 : seed + some;
    if (find) {
      broken += 1;
      report(`A law is broken by ${what}, ${await told(find.seed)}\n`);
    }
    const seconds = (Date.now() - startedAt) / 1_000;
    report(`${seed - first} ${what}, ${broken} broken, ${seconds.toFixed(0)} s`);
  }
  return broken;
}

const wire: Sort = {
  what: 'lives on the wire',
  lives: isWireAlone ? lives : Math.ceil(lives / 100),
  chunk: 25,
  hunt: huntOnWire,
  told: toldOnWire,
};
const sorts: readonly Sort[] = isWireAlone ? [wire] : [{ what: 'lives', lives, chunk: 1_000, hunt, told }, wire];
for (const sort of sorts) if ((await soak(sort)) > 0) process.exitCode = 1;

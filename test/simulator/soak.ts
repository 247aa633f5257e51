import { generateLife } from './generate.ts';
import { hunt } from './hunt.ts';
import { judge } from './judge.ts';
import { shrink } from './shrink.ts';

// Lives through seeds from the first one given on, and tells the story of each that breaks a law: `npm run soak -- FIRST LIVES`.
const [first = 1, lives = 100_000] = process.argv.slice(2).map(Number);
const last = first + lives - 1;
const startedAt = Date.now();
const report = (line: string) => process.stdout.write(`${line}\n`);
let broken = 0;
for (let seed = first; seed <= last; ) {
  const chunk = Math.min(1_000, last - seed + 1);
  const find = await hunt(seed, chunk);
  seed = find ? find.seed + 1 : seed + chunk;
  if (find) {
    broken += 1;
    const { story, breaches } = await judge(await shrink(generateLife(find.seed)));
    for (const line of [`Seed ${find.seed} breaks a law:`, ...story, ...breaches.map((one) => `BROKEN ${one}`), ''])
      report(line);
  }
  const seconds = (Date.now() - startedAt) / 1_000;
  report(`${seed - first} lives, ${broken} broken, ${seconds.toFixed(0)} s`);
}
process.exitCode = broken === 0 ? 0 : 1;

import { expect, it } from 'vitest';
import { generateLife } from './generate.ts';
import { hunt } from './hunt.ts';
import { judge } from './judge.ts';
import { shrink } from './shrink.ts';

/** `LIVES=20000 npx vitest run test/simulator` lives through exactly so many seeds, however long that takes. */
const asked = process.env.LIVES === undefined ? undefined : Number(process.env.LIVES);

/** How many seeds a full run lives through, however slow the machine is. */
const atLeast = asked ?? 600;

/** And how many where it is fast: as long as the run, of which these tests come last, is not this old. */
const atMost = asked ?? 3_000;
const oldMs = 200_000;
const startedAt = Number(process.env.SUITE_STARTED_AT);

/** The seeds are cut into as many stretches, each in a test file of its own, so that several are lived at once. */
const stretches = 8;

/** The shortest life that still breaks what this one breaks, told in lines. */
async function told(seed: number): Promise<string> {
  const { story, breaches } = await judge(await shrink(generateLife(seed)));
  return [`seed ${seed}:`, ...story, ...breaches].join('\n');
}

/** Declares the test that lives through a stretch of the seeds. @param number from 1 */
export function liveThroughStretch(number: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8): void {
  const length = Math.ceil(atMost / stretches);
  const first = 1 + (number - 1) * length;
  it(`simulated lives keep all laws, whatever happens in them: up to ${length} seeds from ${first} on`, {
    timeout: 3_600_000,
  }, async () => {
    let lived = 0;
    for (; lived < length && (lived < atLeast / stretches || Date.now() < startedAt + oldMs); lived += 1) {
      const find = await hunt(first + lived, 1);
      expect(find && (await told(find.seed))).toBeUndefined();
    }
    process.stdout.write(`${lived} lives kept all laws\n`);
  });
}

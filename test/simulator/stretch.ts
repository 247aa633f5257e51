import { expect, it } from 'vitest';
import { generateLife } from './generate.ts';
import { hunt } from './hunt.ts';
import { judge } from './judge.ts';
import { shrink } from './shrink.ts';

/** How many seeds a full run lives through; `LIVES=20000 npx vitest run test/simulator` goes further. */
const lives = Number(process.env.LIVES ?? 600);

/** The seeds are cut into as many stretches, each in a test file of its own, so that several are lived at once. */
const stretches = 8;

/** The shortest life that still breaks what this one breaks, told in lines. */
async function told(seed: number): Promise<string> {
  const { story, breaches } = await judge(await shrink(generateLife(seed)));
  return [`seed ${seed}:`, ...story, ...breaches].join('\n');
}

/** Declares the test that lives through a stretch of the seeds. @param number from 1 */
export function liveThroughStretch(number: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8): void {
  const length = Math.ceil(lives / stretches);
  const first = 1 + (number - 1) * length;
  it(`simulated lives keep all laws, whatever happens in them: ${length} seeds from ${first} on`, {
    timeout: 3_600_000,
  }, async () => {
    const find = await hunt(first, length);
    expect(find && (await told(find.seed))).toBeUndefined();
  });
}

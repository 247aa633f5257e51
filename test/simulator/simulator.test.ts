import { describe, expect, it } from 'vitest';
import { generateLife } from './generate.ts';
import { hunt } from './hunt.ts';
import { judge } from './judge.ts';
import { shrink } from './shrink.ts';

/** How many seeds a full run lives through; `LIVES=20000 npx vitest run test/simulator` goes further. */
const lives = Number(process.env.LIVES ?? 120);

/** The seeds are cut into stretches, so that a failure names the part to look at. */
const stretches = 4;

/** The shortest life that still breaks what this one breaks, told in lines. */
async function told(seed: number): Promise<string> {
  const { story, breaches } = await judge(await shrink(generateLife(seed)));
  return [`seed ${seed}:`, ...story, ...breaches].join('\n');
}

describe('simulated lives', () => {
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const first = 1 + stretch * Math.ceil(lives / stretches);
    it(`keep all laws, whatever happens in them: seeds from ${first} on`, { timeout: 600_000 }, async () => {
      const find = await hunt(first, Math.ceil(lives / stretches));
      expect(find && (await told(find.seed))).toBeUndefined();
    });
  }

  it('are lived the same way from the same seed', async () => {
    for (let seed = 1; seed <= 20; seed += 1)
      expect((await judge(generateLife(seed))).trace).toBe((await judge(generateLife(seed))).trace);
  });
});

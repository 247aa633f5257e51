import { expect, it } from 'vitest';
import { generateLife } from './generate.ts';
import { judge } from './judge.ts';

it('simulated lives are lived the same way from the same seed', { timeout: 600_000 }, async () => {
  for (let seed = 1; seed <= 20; seed += 1)
    expect((await judge(generateLife(seed))).trace).toBe((await judge(generateLife(seed))).trace);
});

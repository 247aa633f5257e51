import { describe, expect, it } from 'vitest';
import { bugs } from './bugs.ts';
import { allBugs, broken, search } from './drill.ts';

describe('the drill', () => {
  it('can plant every bug', () => {
    for (const bug of allBugs)
      for (const { file, replace } of [bug, ...(bug.also ?? [])]) expect(broken(bug).get(file)).toContain(replace);
    expect(bugs.length).toBeGreaterThanOrEqual(15);
    expect(new Set(allBugs.map(({ name }) => name)).size).toBe(allBugs.length);
  });

  it('finds a bug in a tree of its own', { timeout: 120_000 }, async () => {
    const bug = bugs.find(({ name }) => name === 'the shadow is what was sent')!;
    expect(await search({ ...bug, within: 20 })).toMatchObject({ lives: expect.any(Number) });
    expect(await search({ ...bug, replace: bug.find, within: 20 })).toBeUndefined();
  });
});

import { expect, it } from 'vitest';
import { Usual } from './deaths.ts';
import { liveThrough } from './life.ts';

it.each(['ignore', 'propagate'] as const)(
  'however a sync is killed, nobody is twice, no edit is lost and no delete undone (deletes: %s)',
  async (deletes) => {
    const life = await liveThrough({ seed: deletes === 'ignore' ? 3 : 4, kills: 4, deletes, usual: new Usual() });
    expect(life.violations, life.story.join('\n')).toEqual([]);
    expect(life.dead.length).toBeGreaterThanOrEqual(4);
  },
  300_000,
);

import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { AuthError, MalformedReplyError, RejectedError, RetryableError } from '../../../src/connector/errors.ts';
import type { SyncOutcome } from '../../../src/engine/engine.ts';
import { runCycle } from '../../../src/queue/cycle.ts';
import type { SyncPolicy } from '../../../src/sync/policy.ts';
import type { CrmSpec } from '../../worlds/fake-crm.ts';
import { ann, ben, both, crm, written } from '../../worlds/small.ts';
import type { World } from '../../worlds/world.ts';
import { farAway, openBed } from './bed.ts';
import { openRedisChild, type RedisChild, whyNoRedis } from './redis-child.ts';

let redis: RedisChild;

/** What happens in a world: people, trouble, and how many cycles follow. */
interface Story {
  readonly specs?: readonly CrmSpec[];
  readonly sync?: Partial<SyncPolicy>;
  readonly before: (world: World) => void;
  /** Before each cycle but the first. */
  readonly between?: (world: World) => void;
}

const everybody = (world: World) => {
  world.enter('alpha', 'contact', ann);
  world.enter(world.crms.has('bravo') ? 'bravo' : 'charlie', 'contact', ben);
  for (let n = 0; n < 56; n += 1)
    world.enter('alpha', 'contact', {
      'name.given': `Given${n}`,
      'name.family': `Family${n}`,
      'email.primary': `person${n}@example.com`,
    });
};

const fields = (connection: string) => ({ connection, operation: 'op' });

const stories: Readonly<Record<string, Story>> = {
  'nothing goes wrong': { before: everybody, between: (world) => world.edit('alpha', 'contact', 'alpha-3', ben) },
  'a listing is refused': {
    before(world) {
      everybody(world);
      world.crms.get('bravo')!.disturbs = (verb) => {
        if (verb === 'list') throw new AuthError('bravo: op: the credentials are refused (401)', fields('bravo'));
      };
    },
  },
  'a listing is no listing': {
    before(world) {
      everybody(world);
      world.crms.get('bravo')!.disturbs = (verb) => {
        if (verb === 'list') throw new MalformedReplyError('bravo: op is no listing', fields('bravo'));
      };
    },
  },
  'writes are refused as a whole': {
    before(world) {
      everybody(world);
      world.crms.get('charlie')!.disturbs = (verb) => {
        if (verb === 'create') throw new AuthError('charlie: op lacks a permission (403)', fields('charlie'));
      };
    },
  },
  'some records are rejected': {
    // A third one, written to in its own time, would give some of them another try: when is chance.
    specs: [crm('alpha'), crm('charlie')],
    before(world) {
      everybody(world);
      world.crms.get('charlie')!.disturbs = (verb, values) => {
        if (verb === 'create' && String(values['email.primary']).includes('3'))
          throw new RejectedError('charlie: op was rejected (422)', { ...fields('charlie'), status: 422 });
      };
    },
  },
  'some writes fail for the moment': {
    before(world) {
      everybody(world);
      let calls = 0;
      world.crms.get('charlie')!.disturbs = (verb) => {
        calls += 1;
        if (verb === 'create' && calls % 7 === 0)
          throw new RetryableError('charlie: op failed at the CRM (503)', { ...fields('charlie'), status: 503 });
      };
    },
  },
  'answers of creates are lost': {
    before(world) {
      everybody(world);
      let creates = 0;
      world.crms.get('charlie')!.loses = () => {
        creates += 1;
        return creates % 9 === 0 ? 'answer' : 'nothing';
      };
    },
  },
  'a guard stops': {
    sync: { limits: { deletes: { count: 0 }, overwrites: { count: 2 }, blankings: { count: 0 } } },
    before: everybody,
    between(world) {
      for (let n = 2; n < 9; n += 1) world.edit('alpha', 'contact', `alpha-${n}`, { 'name.given': 'Changed' });
    },
  },
};

const cycles = 2;

/** Whether an unanswered create has settled must not depend on how fast a cycle is. */
const timeless = { settleMs: 0 };

/** Which id a new record gets depends on who comes first: told is what was written, not to whom. */
function writes(world: World): readonly string[] {
  return written(world)
    .map((line) => line.replace(/ \S+: /, ' '))
    .toSorted();
}

/** What the outcomes of one story must have in common: everything but times and chance. */
async function tell(story: Story, how: 'in this process' | 'queued'): Promise<unknown> {
  const specs = story.specs ?? ['alpha', 'bravo', 'charlie'].map((name) => crm(name));
  const syncs = [
    both(
      specs.map(({ name }) => name),
      { schedule: farAway, ...story.sync },
    ),
  ];
  const bed = await openBed(redis, specs, syncs);
  onTestFinished(() => bed.close());
  story.before(bed.world);
  const told: unknown[] = [];
  // Told by the run's row: the same for both.
  const queue = how === 'queued' ? await bed.start('one', timeless) : undefined;
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    if (cycle > 1) {
      // A create counts as settled when a listing began in a later millisecond.
      await wait(5);
      story.between?.(bed.world);
    }
    if (!queue) await runCycle(bed.context('one', timeless), syncs[0]!, { run: `run-${cycle}` });
    else {
      if (cycle > 1) await queue.syncNow('people');
      await vi.waitFor(async () => expect(await bed.ended()).toHaveLength(cycle), { timeout: 25_000, interval: 10 });
    }
    const [last] = await bed.ended();
    const { outcome, counts, error } = last!.end!;
    told.push({ outcome, counts: JSON.parse(counts) as SyncOutcome['counts'], error });
  }
  const dead = await bed.world.store.deadLetters('charlie', 'contact', 1_000);
  return { told, written: writes(bed.world), dead: dead.map(({ code, message }) => [code, message]) };
}

describe.skipIf(whyNoRedis)('hands over queues do what hands in this process do, when', () => {
  beforeAll(async () => {
    redis = await openRedisChild();
  });
  afterAll(() => redis.close());

  for (const [name, story] of Object.entries(stories))
    test(name, async () => {
      expect(await tell(story, 'queued')).toEqual(await tell(story, 'in this process'));
    });
});

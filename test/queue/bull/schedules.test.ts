import { Queue } from 'bullmq';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  catchUpJitterOf,
  jitterOf,
  lastRun,
  nextRun,
  nextTick,
  writeSchedules,
} from '../../../src/queue/bull/schedules.ts';
import { both, crm } from '../../worlds/small.ts';
import { openBed } from './bed.ts';
import { openRedisChild, whyNoRedis } from './redis-child.ts';

const at = (text: string) => Date.parse(text);
const shown = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

/** The next runs of a schedule in Berlin behind a moment. */
function runs(pattern: string, after: string, count: number): readonly (string | undefined)[] {
  const found: (string | undefined)[] = [];
  for (let from: number | undefined = at(after); found.length < count && from !== undefined; ) {
    from = nextRun({ pattern, timeZone: 'Europe/Berlin' }, from);
    found.push(shown(from));
  }
  return found;
}

describe('a schedule', () => {
  test('keeps its time of day over daylight saving; what a day does not have comes an hour later, what it has twice comes once', () => {
    expect(runs('0 6 * * *', '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T05:00:00.000Z',
      '2026-03-29T04:00:00.000Z',
      '2026-03-30T04:00:00.000Z',
    ]);
    expect(runs('30 2 * * *', '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(runs('30 2 * * *', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  test('was last due at this moment or before', () => {
    const quarters = { pattern: '*/15 * * * *' };
    expect(shown(lastRun(quarters, at('2026-01-01T12:15:00.000Z')))).toBe('2026-01-01T12:15:00.000Z');
    expect(shown(lastRun(quarters, at('2026-01-01T12:14:59.999Z')))).toBe('2026-01-01T12:00:00.000Z');
  });

  test('comes every quarter of an hour when none is written', () => {
    expect(shown(nextRun(undefined, at('2026-01-01T12:15:00.000Z')))).toBe('2026-01-01T12:30:00.000Z');
  });

  test('is put off by its jitter, else by a twentieth of its interval, and by 10 s at most', () => {
    const half = () => 0.5;
    const now = at('2026-01-01T12:15:01.000Z');
    expect(jitterOf({ pattern: '*/15 * * * *', jitterMs: 60_000 }, now, half)).toBe(30_000);
    expect(jitterOf({ pattern: '* * * * *' }, now, half)).toBe(1_500);
    expect(jitterOf({ pattern: '0 6 * * *' }, now, half)).toBe(5_000);
    expect(catchUpJitterOf({ pattern: '0 6 * * *' }, now, half)).toBe(1_000);
  });
});

describe.skipIf(whyNoRedis)('a schedule in Redis', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('comes when croner says, over daylight saving, and goes with its sync', async () => {
    const redis = await openRedisChild();
    onTestFinished(() => redis.close());
    const queue = new Queue('sweep', { connection: { path: redis.socket }, settings: { repeatStrategy: nextTick } });
    onTestFinished(() => queue.close());
    await queue.waitUntilReady();
    const schedule = { pattern: '30 2 * * *', timeZone: 'Europe/Berlin' };
    vi.useFakeTimers({ toFake: ['Date'], now: at('2026-03-28T12:00:00Z') });
    await writeSchedules(queue, [both([], { schedule }), both([], { name: 'old', schedule })]);
    const written = await queue.getJobSchedulers();
    expect(written.map(({ key, next }) => [key, shown(next)]).toSorted()).toEqual([
      ['old', '2026-03-29T01:00:00.000Z'],
      ['people', '2026-03-29T01:00:00.000Z'],
    ]);
    vi.setSystemTime(at('2026-10-24T12:00:00Z'));
    await writeSchedules(queue, [both([], { schedule })]);
    const rewritten = await queue.getJobSchedulers();
    expect(rewritten.map(({ key, next }) => [key, shown(next)])).toEqual([['people', '2026-10-25T00:30:00.000Z']]);
  });

  test('runs cycles again and again, one after another, also when one takes longer than the interval', async () => {
    const redis = await openRedisChild();
    onTestFinished(() => redis.close());
    const everySecond = { pattern: '* * * * * *', jitterMs: 0 };
    const names = ['alpha', 'bravo'];
    const bed = await openBed(
      redis,
      names.map((name) => crm(name)),
      [both(names, { schedule: everySecond })],
    );
    onTestFinished(() => bed.close());
    let reading = 0;
    let most = 0;
    bed.before = async (connection, verb) => {
      if (connection !== 'alpha' || verb !== 'list') return;
      reading += 1;
      most = Math.max(most, reading);
      await new Promise((resolve) => setTimeout(resolve, 1_400));
      reading -= 1;
    };
    await bed.start('one');
    await bed.start('two');
    await vi.waitFor(async () => expect((await bed.ended()).length).toBeGreaterThanOrEqual(3), { timeout: 25_000 });
    expect(most).toBe(1);
  });
});

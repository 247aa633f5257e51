import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openIntake } from '../../src/server/webhooks/intake.ts';
import type { Delivery } from '../../src/store/store.ts';
import { delivery, hint } from '../store/samples.ts';

describe('the intake', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const open = () => {
    const groups: number[] = [];
    let stored = 0;
    let isBroken = false;
    const receive = async (deliveries: readonly Delivery[]) => {
      groups.push(deliveries.length);
      if (isBroken) throw new Error('no room');
      return deliveries.map(() => 'stored' as const);
    };
    const take = openIntake({ receive }, () => stored++);
    return {
      groups,
      take: (hints = 1) =>
        take(
          delivery(
            undefined,
            Array.from({ length: hints }, () => hint('1')),
          ),
        ),
      stored: () => stored,
      break: (broken: boolean) => {
        isBroken = broken;
      },
    };
  };
  const times = <Result>(count: number, action: () => Result) => Array.from({ length: count }, action);

  it('lets a delivery that comes alone not wait', async () => {
    const { take, groups, stored } = open();
    expect(await take()).toBe('stored');
    expect(await take()).toBe('stored');
    expect(groups).toEqual([1, 1]);
    expect(stored()).toBe(2);
  });

  it('waits for as many as came with the last group, a few milliseconds at most', async () => {
    const { take, groups } = open();
    await Promise.all(times(3, take));
    await Promise.all(times(3, take));
    const late = times(2, take);
    await new Promise(setImmediate);
    expect(groups).toEqual([3, 3]);
    vi.advanceTimersByTime(5);
    await Promise.all(late);
    await Promise.all(times(2, take));
    expect(groups).toEqual([3, 3, 2, 2]);
  });

  it('takes what comes while the store is busy in one group', async () => {
    const { take, groups } = open();
    await Promise.all([take().then(() => Promise.all(times(4, take))), ...times(2, take)]);
    expect(groups).toEqual([3, 4]);
  });

  it('shares a transaction among 10,000 hints at most, unless one delivery has more', async () => {
    const { take, groups } = open();
    await Promise.all([take(6_000), take(4_000), take(1), take(20_000), take(1)]);
    expect(groups).toEqual([2, 1, 1, 1]);
  });

  it('goes on after a failure, which is that of its group alone', async () => {
    const intake = open();
    intake.break(true);
    const failed = await Promise.allSettled(times(2, intake.take));
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    intake.break(false);
    expect(await Promise.all(times(2, intake.take))).toEqual(['stored', 'stored']);
    expect(intake.stored()).toBe(1);
  });
});

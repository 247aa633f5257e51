import { expect, test } from 'vitest';
import { createGate } from '../../src/connector/gate.ts';
import { SleepClock } from './crm-server.ts';

test('a shorter pause never ends a longer one', async () => {
  const clock = new SleepClock();
  const gate = createGate({ concurrent: 1 }, 60_000, clock);
  gate.hold(5000);
  gate.hold(1000);
  await gate.run(async () => {});
  expect(clock.sleeps).toEqual([5000]);
});

test('a clock that is set back delays a start by one interval at most', async () => {
  const clock = new SleepClock();
  const gate = createGate({ concurrent: 1, perSecond: 4 }, 60_000, clock);
  await gate.run(async () => {});
  clock.at -= 3_600_000;
  await gate.run(async () => {});
  expect(clock.sleeps).toEqual([250]);
});

test('work that fails makes room for the next', async () => {
  const gate = createGate({ concurrent: 1 }, 60_000, new SleepClock());
  const failed = gate.run(async () => {
    throw new Error('no luck');
  });
  const next = gate.run(async () => 'done');
  await expect(failed).rejects.toThrow('no luck');
  expect(await next).toBe('done');
});

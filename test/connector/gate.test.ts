import { expect, test } from 'vitest';
import { systemClock } from '../../src/connector/clock.ts';
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

test('of those that wait for their turn, what goes first goes first, however late it came', async () => {
  const gate = createGate({ concurrent: 4, perSecond: 20 }, 60_000, systemClock);
  const started: string[] = [];
  const run = (name: string, goesFirst: boolean) =>
    gate.run(async () => void started.push(name), undefined, 0, goesFirst);
  await run('look', false);
  await Promise.all([run('page 1', false), run('page 2', false), run('page 3', false), run('write', true)]);
  expect(started.slice(0, 2)).toEqual(['look', 'write']);
  expect(started.slice(2).toSorted()).toEqual(['page 1', 'page 2', 'page 3']);
});

test('what goes first goes first also where there is no room', async () => {
  const gate = createGate({ concurrent: 1 }, 60_000, new SleepClock());
  const started: string[] = [];
  const run = (name: string, goesFirst: boolean) =>
    gate.run(async () => void started.push(name), undefined, 0, goesFirst);
  await Promise.all([run('look', false), run('page', false), run('write', true)]);
  expect(started).toEqual(['look', 'write', 'page']);
});

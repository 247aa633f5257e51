import { expect, test } from 'vitest';
import { createBreaker, type Reach } from '../../src/connector/breaker.ts';
import { SleepClock } from './crm-server.ts';

function breaker() {
  const clock = new SleepClock();
  const { enter } = createBreaker(clock, { threshold: 2, halfOpenAfterMs: 1000 });
  const letIn = () => {
    const entry = enter();
    if (!('leave' in entry)) throw new Error(`refused, ${entry.waitMs} ms to go`);
    return entry.leave;
  };
  const calls = (...ends: Reach[]) => {
    for (const end of ends) letIn()(end);
  };
  return { clock, letIn, calls };
}

test('opens after so many calls in a row that did not reach the CRM', () => {
  const { letIn, calls } = breaker();
  calls('unreachable', 'reached', 'unreachable', 'unclear', 'unreachable');
  expect(letIn).toThrow('refused, 1000 ms to go');
});

test('a call that was let in before it opened does not keep it closed off for longer when it fails', () => {
  const { clock, letIn, calls } = breaker();
  const early = letIn();
  calls('unreachable', 'unreachable');
  clock.at += 900;
  early('unreachable');
  expect(letIn).toThrow('refused, 100 ms to go');
});

test('a call that was let in before it opened ends the pause when it reaches the CRM', () => {
  const { letIn, calls } = breaker();
  const early = letIn();
  calls('unreachable', 'unreachable');
  early('reached');
  expect(letIn).not.toThrow();
});

test('lets one call try at a time, and opens again for as long when that fails', () => {
  const { clock, letIn, calls } = breaker();
  calls('unreachable', 'unreachable');
  clock.at += 1000;
  const trial = letIn();
  expect(letIn).toThrow('refused, 0 ms to go');
  clock.at += 300;
  trial('unreachable');
  expect(letIn).toThrow('refused, 1000 ms to go');
});

import { expect, it } from 'vitest';
import { FakeClock } from './clock.ts';

it('the clock of a world does not go back where what is waited for is over', async () => {
  const clock = new FakeClock();
  const before = clock.now();
  await clock.sleep(-5_000);
  expect(clock.now()).toBe(before + 1);
  await clock.sleep(5_000);
  expect(clock.now()).toBe(before + 5_002);
});

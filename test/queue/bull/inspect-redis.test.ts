import { expect, it } from 'vitest';
import { isOlder } from '../../../src/queue/bull/inspect-redis.ts';

it.each([
  ['6.0.16', true],
  ['5.0.14', true],
  ['6.2.0', false],
  ['6.10.1', false],
  ['7.2', false],
])('takes Redis %s for older than 6.2.0: %s', (version, expected) => {
  expect(isOlder(version, '6.2.0')).toBe(expected);
});

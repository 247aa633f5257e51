import { expect, it } from 'vitest';
import { memo } from '../../src/model/memo.ts';

it('a memo computes once for each text, and forgets when it is full', () => {
  const computed: string[] = [];
  const length = memo((text) => computed.push(text), 2);
  for (const text of ['a', 'b', 'a', 'b', 'c', 'a']) length(text);
  expect(computed).toEqual(['a', 'b', 'c', 'a']);
});

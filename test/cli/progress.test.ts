import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '../../src/cli/io.ts';
import { displayOn } from '../../src/cli/progress.ts';
import { type Counts, noCounts } from '../../src/engine/engine.ts';

function said(counts: Partial<Counts>, waiting: number): string {
  const stream = new PassThrough();
  const display = displayOn(new Output(stream as unknown as NodeJS.WriteStream), () => 0);
  display.show({ step: 'pushed', connection: 'site', counts: { ...noCounts(), ...counts }, waiting });
  display.end();
  return String(stream.read()).trim();
}

test.each([
  [{}, 0, 'nothing to write'],
  [{}, 1, 'nothing written, 1 write waiting'],
  [{ created: 2 }, 0, '2 created, 0 updated'],
  [{ created: 2, failed: 1 }, 3, '2 created, 0 updated, 1 failed, 3 waiting'],
])('a member that was written to tells what was done and what waits: %j, %i waiting', (counts, waiting, words) => {
  expect(said(counts, waiting)).toBe(`/site: ${words}`);
});

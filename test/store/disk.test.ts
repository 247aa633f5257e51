import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDisk } from '../../src/store/sqlite/disk.ts';

/** Waits for the disk that are under way; each ends when it is called. */
const waits: ((error: Error | null) => void)[] = [];
const sync = () =>
  new Promise<void>((resolve, reject) => waits.push((error) => (error === null ? resolve() : reject(error))));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'concordat-disk-'));
  writeFileSync(path.join(folder, 'x.db-wal'), '');
  waits.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const disk = () => openDisk(path.join(folder, 'x.db'), sync);
/** Which of these promises have come to their end by now. */
async function ended(...promises: readonly Promise<unknown>[]): Promise<readonly boolean[]> {
  const states = promises.map(() => false);
  for (const [index, promise] of promises.entries())
    promise.then(
      () => (states[index] = true),
      () => (states[index] = true),
    );
  await new Promise(setImmediate);
  return states;
}

it('lets nobody through on a wait that began before their commit, and all of them on the next', async () => {
  const { written, close } = disk();
  const first = written();
  const [second, third] = [written(), written()];
  expect(waits).toHaveLength(1);
  waits[0]!(null);
  expect(await ended(first, second, third)).toEqual([true, false, false]);
  expect(waits).toHaveLength(2);
  const fourth = written();
  waits[1]!(null);
  expect(await ended(second, third, fourth)).toEqual([true, true, false]);
  waits[2]!(null);
  await fourth;
  await close();
});

it('tells those whom a failed wait concerns, and tries again for the others', async () => {
  const { written, close } = disk();
  const first = written();
  const second = written();
  waits[0]!(new Error('EIO'));
  await expect(first).rejects.toThrow('EIO');
  await ended();
  waits[1]!(null);
  await second;
  const third = written();
  waits[2]!(null);
  await third;
  await close();
});

it('is closed when the last wait has ended', async () => {
  const { written, close } = disk();
  const first = written();
  const second = written();
  const closed = close();
  expect(await ended(closed)).toEqual([false]);
  waits[0]!(null);
  expect(await ended(first, closed)).toEqual([true, false]);
  waits[1]!(null);
  await Promise.all([second, closed]);
});

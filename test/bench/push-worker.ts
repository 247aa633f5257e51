import type { PushTask } from './push.ts';
import { cpuSeconds } from './task.ts';

/** A measured process: prepares one side, does its pushes and prints what it measured as one line of JSON. */
const task = JSON.parse(process.argv[2] as string) as PushTask;
const run =
  task.side === 'floor'
    ? await (await import('./push-floor.ts')).prepareFloor(task)
    : await (await import('./push-ours.ts')).prepareOurs(task);
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
await run();
console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1_000, cpuSeconds: cpuSeconds(cpuBefore) }));
process.exit();

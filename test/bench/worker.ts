import { cpuSeconds, type Measured, type Task } from './task.ts';

/** A measured process: does one task and prints what it measured as one line of JSON. */
const task = JSON.parse(process.argv[2] as string) as Task;
const work = task.side === 'floor' ? (await import('./floor.ts')).floor : (await import('./ours.ts')).ours;
const startedAt = process.hrtime.bigint();
const cpuBefore = process.cpuUsage();
const [records, written] = await work(task);
const measured: Measured = {
  seconds: Number(process.hrtime.bigint() - startedAt) / 1e9,
  cpuSeconds: cpuSeconds(cpuBefore),
  records,
  written,
  peakMib: process.resourceUsage().maxRSS / 1024,
};
console.log(JSON.stringify(measured));

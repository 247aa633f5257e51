import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Load, Loaded } from './load.ts';
import { type Line, median, type Scale } from './report.ts';

const connections = 50;

interface Intake extends Loaded {
  /** Of the server, Redis not included, from its start: what is left of a figure when the machine has other work. */
  readonly cpuSeconds: number;
}

interface Pair {
  readonly floor: Intake;
  readonly ours: Intake;
}

/**
 * Measures the intake of webhooks: signed requests over 50 connections, from a process of its own, to the receiver with
 * its inbox on the disk, and to a bare route that checks a signature and adds a job to a queue on a Redis.
 */
export async function intakeLines({ isQuick, rounds }: Scale): Promise<readonly Line[]> {
  const seconds = isQuick ? 3 : 10;
  console.log(`intake: ${connections} connections, ${seconds} s each`);
  const pairs: Pair[] = [];
  for (let round = 1; round <= rounds; round++) {
    // Who goes first changes from round to round, so that a machine that tires favours nobody.
    const isFloorFirst = round % 2 === 1;
    const early = isFloorFirst ? await measure('floor', seconds) : undefined;
    const ours = await measure('ours', seconds);
    const pair = { floor: early ?? (await measure('floor', seconds)), ours };
    pairs.push(pair);
    tell(round, 'bare route and queue', pair.floor);
    tell(round, 'receiver and inbox', pair.ours);
  }
  const rate = ({ requests, seconds: took }: Intake) => requests / took;
  const perSecond = (side: keyof Pair) =>
    `${Math.round(median(pairs.map((pair) => rate(pair[side])))).toLocaleString('en')}/s`;
  const p99 = (side: keyof Pair) => `${median(pairs.map((pair) => pair[side].p99Ms)).toFixed(1)} ms`;
  return [
    {
      what: 'webhook intake',
      floor: perSecond('floor'),
      ours: perSecond('ours'),
      ratio: median(pairs.map(({ floor, ours }) => rate(floor) / rate(ours))),
      limit: 1 / 0.85,
    },
    {
      what: 'webhook intake, p99',
      floor: p99('floor'),
      ours: p99('ours'),
      ratio: median(pairs.map(({ floor, ours }) => ours.p99Ms / floor.p99Ms)),
      limit: 1.5,
    },
  ];
}

/** Starts one side afresh, sends to it, and makes sure that all it took is there. */
async function measure(side: keyof Pair, seconds: number): Promise<Intake> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const server = fork(new URL(`./intake-${side}.ts`, import.meta.url), [folder]);
  try {
    const { port } = (await message(server)) as { port: number };
    const load: Load = { port, connections, seconds, warmUpSeconds: 1 };
    const loader = fork(new URL('./load.ts', import.meta.url), [JSON.stringify(load)]);
    const loaded = (await message(loader)) as Loaded;
    server.send('count');
    const { stored, cpuSeconds } = (await message(server)) as { stored: number; cpuSeconds: number };
    if (stored !== loaded.sent) throw new Error(`${side}: ${stored} of ${loaded.sent} webhooks are there`);
    return { ...loaded, cpuSeconds };
  } finally {
    server.disconnect();
    if (server.exitCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true });
  }
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`a process of the benchmark ended with status ${code}`));
    child.once('exit', died);
    child.once('message', (said) => {
      child.off('exit', died);
      resolve(said);
    });
  });
}

function tell(round: number, what: string, { requests, seconds, p50Ms, p99Ms, sent, cpuSeconds }: Intake): void {
  const cpu = ((cpuSeconds / sent) * 1e6).toFixed(0);
  const perSecond = String(Math.round(requests / seconds)).padStart(7);
  console.log(
    `round ${round}: ${what.padEnd(24)} ${perSecond}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms; processor ${cpu} µs each`,
  );
}

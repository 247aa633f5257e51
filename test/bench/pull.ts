import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bed, openBed } from './bed.ts';
import { isMissed, type Line, median, table } from './report.ts';
import type { Measured } from './task.ts';

/**
 * Measures the pull against a floor that runs beside it, and says whether the limits hold. Ratios, not figures: floor and
 * ours take turns on the same machine, each in a fresh process. Exit status 1 when a limit is missed.
 */

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, rounds: { type: 'string' } } });
const isQuick = flags.quick ?? false;
const rounds = Number(flags.rounds ?? (isQuick ? 2 : 5));
const contacts = isQuick ? 20_000 : 100_000;
const manyContacts = contacts * 5;
const slowContacts = isQuick ? 5_000 : 20_000;
const slowLatencyMs = 50;
const pagesAhead = 4;

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB; ` +
    `${contacts} contacts, ${rounds} rounds, medians${isQuick ? ' (quick: figures are rough)' : ''}\n`,
);

const lines = [...(await speedAndMemory()), await latency()];
console.log(`\n${table(lines)}`);
const missed = lines.filter(isMissed);
if (missed.length > 0) {
  console.log(`\nMissed: ${missed.map(({ what }) => what).join('; ')}`);
  process.exitCode = 1;
}

async function speedAndMemory(): Promise<Line[]> {
  const write: Pair[] = [];
  const compare: Pair[] = [];
  const changed: Measured[] = [];
  await withBed(contacts, async (bed) => {
    for (let round = 1; round <= rounds; round++) {
      bed.clear();
      write.push(await inTurn(bed, 'write', round));
      compare.push(await inTurn(bed, 'compare', round));
      await bed.set({ changed: 0.01, edit: round });
      changed.push(await bed.measure('ours', 'compare'));
      tell(round, [
        ['floor b', write.at(-1)?.floor],
        ['first pull', write.at(-1)?.ours],
        ['floor c', compare.at(-1)?.floor],
        ['unchanged', compare.at(-1)?.ours],
        ['1 % changed', changed.at(-1)],
      ]);
    }
  });
  expectWritten(compare, changed);
  const many = await withBed(manyContacts, (bed) => bed.measure('ours', 'write'));
  tell(rounds, [[`first pull of ${manyContacts}`, many]]);

  const unchanged = compare.map(({ ours }) => ours);
  return [
    speedLine('first pull, against floor b', write, 1.5),
    speedLine('unchanged, against floor c', compare, 1.3),
    speedLine('1 % changed, against unchanged', pairs(unchanged, changed), 1.1),
    memoryLine('peak memory, first pull', write, 1.3),
    memoryLine('peak memory, unchanged', compare, 1.3),
    memoryLine(
      `peak memory, ${manyContacts} against ${contacts}`,
      write.map(({ ours }) => ({ floor: ours, ours: many })),
      1.1,
    ),
  ];
}

async function latency(): Promise<Line> {
  const write: Pair[] = [];
  await withBed(slowContacts, async (bed) => {
    await bed.set({ latencyMs: slowLatencyMs });
    for (let round = 1; round <= rounds; round++) {
      bed.clear();
      write.push(await inTurn(bed, 'write', round, pagesAhead));
      tell(round, [
        ['floor, slow pages', write.at(-1)?.floor],
        ['first pull, slow pages', write.at(-1)?.ours],
      ]);
    }
  });
  return speedLine(`first pull, ${slowLatencyMs} ms per page, ${pagesAhead} ahead`, write, 1.2);
}

interface Pair {
  readonly floor: Measured;
  readonly ours: Measured;
}

/** Who goes first changes from round to round, so that a machine that tires favours nobody. */
async function inTurn(bed: Bed, work: 'write' | 'compare', round: number, concurrent?: number): Promise<Pair> {
  if (round % 2 === 1) {
    const floor = await bed.measure('floor', work, concurrent);
    return { floor, ours: await bed.measure('ours', work, concurrent) };
  }
  const ours = await bed.measure('ours', work, concurrent);
  return { floor: await bed.measure('floor', work, concurrent), ours };
}

function pairs(floors: readonly Measured[], ours: readonly Measured[]): Pair[] {
  return ours.map((each, index) => ({ floor: floors[index] as Measured, ours: each }));
}

async function withBed<Result>(total: number, use: (bed: Bed) => Promise<Result>): Promise<Result> {
  const bed = await openBed(total);
  try {
    return await use(bed);
  } finally {
    bed.close();
  }
}

/** A fast pull that did not do its work would be a poor record. */
function expectWritten(compare: readonly Pair[], changed: readonly Measured[]): void {
  if (compare.some(({ floor, ours }) => floor.written + ours.written > 0))
    throw new Error('unchanged contacts were written');
  for (const { written } of changed)
    if (written !== contacts / 100) throw new Error(`1 % changed: ${written} of ${contacts / 100} edits were seen`);
}

function perSecond({ records, seconds }: Measured): number {
  return records / seconds;
}

function speedLine(what: string, measured: readonly Pair[], limit: number): Line {
  const speed = (each: readonly Measured[]) => `${Math.round(median(each.map(perSecond))).toLocaleString('en')}/s`;
  return {
    what,
    floor: speed(measured.map(({ floor }) => floor)),
    ours: speed(measured.map(({ ours }) => ours)),
    ratio: median(measured.map(({ floor, ours }) => perSecond(floor) / perSecond(ours))),
    limit,
  };
}

function memoryLine(what: string, measured: readonly Pair[], limit: number): Line {
  const size = (each: readonly Measured[]) => median(each.map(({ peakMib }) => peakMib));
  const floor = size(measured.map((pair) => pair.floor));
  const ours = size(measured.map((pair) => pair.ours));
  return { what, floor: `${floor.toFixed(0)} MiB`, ours: `${ours.toFixed(0)} MiB`, ratio: ours / floor, limit };
}

function tell(round: number, measured: readonly (readonly [string, Measured | undefined])[]): void {
  for (const [what, each] of measured) {
    if (each === undefined) continue;
    const micros = (seconds: number) => ((seconds / each.records) * 1e6).toFixed(1).padStart(6);
    console.log(
      `round ${round}: ${what.padEnd(24)} ${String(Math.round(perSecond(each))).padStart(7)}/s, per record ` +
        `${micros(each.seconds)} µs, processor ${micros(each.cpuSeconds)} µs; peak ${each.peakMib.toFixed(0)} MiB`,
    );
  }
}

import { type Bed, openBed } from './bed.ts';
import { type Line, median, type Scale } from './report.ts';
import type { Measured } from './task.ts';

const slowLatencyMs = 50;
const pagesAhead = 4;

/** Measures the pull: what it costs per contact, what it takes of memory, and how it bears slow pages. */
export async function pullLines({ isQuick, rounds }: Scale): Promise<readonly Line[]> {
  const contacts = isQuick ? 20_000 : 100_000;
  const slowContacts = isQuick ? 5_000 : 20_000;
  console.log(`pull: ${contacts} contacts`);
  return [...(await speedAndMemory(contacts, rounds)), await latency(slowContacts, rounds)];
}

async function speedAndMemory(contacts: number, rounds: number): Promise<Line[]> {
  const manyContacts = contacts * 5;
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
  expectWritten(compare, changed, contacts / 100);
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

async function latency(slowContacts: number, rounds: number): Promise<Line> {
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
function expectWritten(compare: readonly Pair[], changed: readonly Measured[], edits: number): void {
  if (compare.some(({ floor, ours }) => floor.written + ours.written > 0))
    throw new Error('unchanged contacts were written');
  for (const { written } of changed)
    if (written !== edits) throw new Error(`1 % changed: ${written} of ${edits} edits were seen`);
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

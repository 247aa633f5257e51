import { seededIds } from '../../../src/connector/seeded-ids.ts';
import type { EngineContext, SyncOutcome } from '../../../src/engine/engine.ts';
import { runCycle } from '../../../src/queue/cycle.ts';
import { FakeClock } from '../../worlds/clock.ts';
import { start } from '../../worlds/deaths.ts';
import { emailOf, valuesOf } from '../../worlds/generated.ts';
import { both } from '../../worlds/small.ts';
import { openFileStore } from '../file-store.ts';
import { type Bed, type Field, fieldNames, isWrite, type Name, names, openBed } from './bed.ts';
import type { WireLife, WireStep, WireTrouble } from './wire-life.ts';

/** What came of a life on the wire. */
export interface WireJudgement {
  readonly breaches: readonly string[];
  /** Every request that changed something, in order. */
  readonly trace: readonly string[];
  /** How the cycles ended; the last ones are quiet. */
  readonly ends: readonly (SyncOutcome['state'] | 'died')[];
}

type Wire = Readonly<Record<string, unknown>>;

const entity = 'contact';

/** Lives a life over the sandboxes, lets it come to rest, and holds what the CRMs have then against the laws. @param timeoutMs of a request */
export async function judgeWire(life: WireLife, timeoutMs = 10_000): Promise<WireJudgement> {
  const bed = await openBed(life.seed, timeoutMs);
  const file = await openFileStore();
  const clock = new FakeClock();
  const dice = seededIds(life.seed);
  const sync = both(names);
  const breaches: string[] = [];
  const ends: (SyncOutcome['state'] | 'died')[] = [];
  let ids = 0;
  let runs = 0;

  const cycle = async (death?: (WireStep & { do: 'sync' })['death']): Promise<void> => {
    clock.advance(60_000);
    const wired = bed.connect(clock, () => dice.integer(1_000_000) / 1_000_000);
    runs += 1;
    const owner = `process-${runs}`;
    const shared: EngineContext = {
      store: file.store,
      connections: new Map(names.map((name) => [name, { name, connector: wired.connectors[name], concurrent: 1 }])),
      syncs: [sync],
      clock,
      newId: () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
      random: () => dice.integer(1_000_000) / 1_000_000,
      log: { info: () => {}, warn: () => {}, error: () => {} },
      owner,
      isAlive: (other) => other === owner,
      settleMs: 5_000,
    };
    const process = start(shared, owner, { isAlive: shared.isAlive }, death);
    const end = await Promise.race([runCycle(process.context, sync, { run: `run-${runs}` }), process.end]).catch(
      (error: unknown) => {
        breaches.push(`law 7: a cycle has thrown ${error instanceof Error ? error.stack : String(error)}`);
        return 'died' as const;
      },
    );
    // What is under way when a process dies still arrives.
    await wired.close();
    if (end === 'died') await file.reopen();
    ends.push(end === 'died' ? end : end.state);
    for (const name of names) calm(bed, name);
  };

  try {
    const edits = new Map<string, string>();
    for (const step of life.steps) {
      if (step.do === 'enter') enter(bed, step.crm, step.who);
      else if (step.do === 'trouble') arm(bed, step);
      else if (step.do === 'sync') await cycle(step.death);
      else if (edit(bed, step)) edits.set(`${step.who} ${step.field}`, step.to);
    }
    for (let quiet = 0; quiet < 3; quiet += 1) await cycle();
    const sent = writesOf(bed).length;
    breaches.push(...differences(bed, edits));
    for (let quiet = 0; quiet < 2; quiet += 1) await cycle();
    for (const write of writesOf(bed).slice(sent)) breaches.push(`law 2: after the rest, ${write}`);
    if (ends.at(-1) !== 'done') breaches.push(`law 1: the last cycle ends ${ends.at(-1)}`);
    return { breaches, trace: writesOf(bed), ends };
  } finally {
    await file.remove();
    await bed.close();
  }
}

function enter({ sandboxes }: Bed, crm: Name, who: number): void {
  const values = valuesOf(who, 0, ['name.given', 'name.family']);
  const keys = fieldNames[crm];
  sandboxes[crm].people.add(entity, {
    [keys.email]: emailOf(who),
    [keys.given]: values['name.given'],
    [keys.family]: values['name.family'],
  });
}

/** @returns false: the person is not there yet */
function edit(bed: Bed, { crm, who, field, to }: WireStep & { do: 'edit' }): boolean {
  const [record] = recordsOf(bed, crm, who);
  if (!record) return false;
  bed.sandboxes[crm].people.edit(entity, String(record.Id ?? record.id), { [fieldNames[crm][field]]: to });
  return true;
}

function recordsOf({ sandboxes }: Bed, crm: Name, who: number): readonly Wire[] {
  const { email } = fieldNames[crm];
  return sandboxes[crm].people
    .all(entity)
    .filter((wire) => String(wire[email]).toLowerCase() === emailOf(who).toLowerCase());
}

function arm({ sandboxes }: Bed, { crm, of, skip, times, what }: WireStep & { do: 'trouble' }): void {
  const { faults } = sandboxes[crm];
  const skipped = new WeakSet<object>();
  let left = skip;
  const only: NonNullable<NonNullable<typeof faults.cut>['only']> = (request) => {
    if (isWrite(request) !== (of === 'writes') || skipped.has(request)) return false;
    if (left === 0) return true;
    left -= 1;
    skipped.add(request);
    return false;
  };
  const status = (code: number, retryAfterSecs?: number) => {
    faults.status = { code, times, only, ...(retryAfterSecs !== undefined && { retryAfterSecs }) };
  };
  const deeds: Readonly<Record<WireTrouble, () => void>> = {
    'cut before': () => {
      faults.cut = { when: 'before', times, only };
    },
    'cut after': () => {
      faults.cut = { when: 'after', times, only };
    },
    html: () => {
      faults.garble = { how: 'html', times, only };
    },
    truncated: () => {
      faults.garble = { how: 'truncated', times, only };
    },
    'content type': () => {
      faults.garble = { how: 'contentType', times, only };
    },
    empty: () => {
      faults.garble = { how: 'empty', times, only };
    },
    408: () => status(408),
    429: () => status(429),
    '429 with Retry-After': () => status(429, 2),
    '429 with a long Retry-After': () => status(429, 3_600),
    500: () => status(500),
    503: () => status(503),
    'token refused': () => {
      faults.refuseToken = true;
    },
  };
  deeds[what]();
}

function calm({ sandboxes }: Bed, name: Name): void {
  const { faults } = sandboxes[name];
  delete faults.cut;
  delete faults.status;
  delete faults.garble;
  faults.refuseToken = false;
  faults.latencyMs = 0;
}

function writesOf({ sandboxes }: Bed): readonly string[] {
  return names.flatMap((name) =>
    sandboxes[name].requests
      .filter(isWrite)
      .map(({ method, operation, body }) => `${name}: ${method} ${operation} ${JSON.stringify(body)}`),
  );
}

/** Everybody everywhere once, alike, and as somebody typed it last. */
function differences(bed: Bed, edits: ReadonlyMap<string, string>): readonly string[] {
  const found: string[] = [];
  for (let who = 0; who < 5; who += 1) {
    const seen = names.map((name) => ({ name, records: recordsOf(bed, name, who) }));
    for (const { name, records } of seen)
      if (records.length !== 1)
        found.push(`law ${records.length === 0 ? 1 : 3}: ${emailOf(who)} is at ${name} ${records.length} times`);
    for (const field of Object.keys(fieldNames.site) as Field[]) {
      const typed = edits.get(`${who} ${field}`);
      const values = seen.flatMap(({ name, records }) => records.map((wire) => wire[fieldNames[name][field]] ?? null));
      if (new Set(values).size > 1) found.push(`law 1: ${field} of ${emailOf(who)} is ${JSON.stringify(values)}`);
      if (typed !== undefined && !values.every((value) => value === typed))
        found.push(`law 4: ${field} of ${emailOf(who)} was ${typed} last, and is ${JSON.stringify(values)}`);
    }
  }
  return found;
}

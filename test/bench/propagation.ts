import { setTimeout as wait } from 'node:timers/promises';
import type { SeenRequest } from '../../src/connector/sandbox.ts';
import { type Bed, type CrmName, crmNames, openBed } from '../cli/worker-bed.ts';
import { type Line, median, type Scale } from './report.ts';

/*
 * How long an edit takes that a webhook tells of: from the moment in which somebody makes it in one CRM to the moment in
 * which the last of those that can take it has it. The worker is the real one, in a process of its own, with a Redis of its
 * own and everything on disk; the CRMs are the four sandboxes, in this process, and answer as fast as they can.
 *
 * What is edited is a contact's city. Alpha shows it, but its API changes no address: nothing of it can be written there,
 * so that only an edit made in Alpha reaches three others.
 */

/** What may be reached from where. */
const routes: Readonly<Record<CrmName, readonly CrmName[]>> = {
  office: ['room', 'site', 'chat'],
  room: ['site', 'chat'],
  site: ['room', 'chat'],
  chat: ['room', 'site'],
};
const names: Readonly<Record<CrmName, string>> = {
  office: 'Alpha',
  room: 'ConeCRM',
  site: 'Treepl',
  chat: 'Upgrade.chat',
};

/** The promise: the median with idle queues. */
const limitMs = 2_000;
const perSecond = 50;
/** From each CRM, with idle queues, in each round. */
const editsInARow = 10;
/** An edit that is not everywhere after this has been lost. */
const lostMs = 60_000;
/** After our own writes, a CRM's index is given time; what people edit before that is read once more. */
const settleMs = 6_000;

/** Measures the way of an edit, with idle queues from each CRM, and at 50 edits a second from Alpha. */
export async function propagationLines({ isQuick, rounds }: Scale): Promise<Line[]> {
  // Everybody is edited once: what a second edit in another CRM makes of the first is not a matter of speed.
  const busyPeople = isQuick ? 200 : 1_000;
  const people = busyPeople + rounds * crmNames.length * editsInARow;
  const bed = await openBed();
  try {
    for (let n = 1; n <= people; n += 1) bed.enter(n);
    const worker = bed.start();
    await bed.until(`${people} people everywhere`, () => crmNames.every((crm) => bed.count(crm) === people), 600_000);
    await wait(settleMs);
    const arrivals = watch(bed);
    const edit = async (from: CrmName, n: number) => await arrivals.follow(from, n);

    const idle = new Map<CrmName, number[]>();
    let last = busyPeople;
    for (let round = 1; round <= rounds; round += 1)
      for (const from of crmNames) {
        const took = idle.get(from) ?? [];
        idle.set(from, took);
        for (let edits = 0; edits < editsInARow; edits += 1) {
          last += 1;
          took.push(await edit(from, last));
          // Out of step with whatever looks at fixed intervals.
          await wait(Math.random() * 300);
        }
      }
    for (const [from, took] of idle) tell(`idle, ${names[from]}`, took, routes[from]);

    const busy: Promise<number>[] = [];
    const startedAt = performance.now();
    for (let n = 1; n <= busyPeople; n += 1) {
      const late = startedAt + ((n - 1) * 1_000) / perSecond - performance.now();
      if (late > 0) await wait(late);
      busy.push(edit('office', n));
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const tookBusy = await Promise.all(busy);
    tell(`${(busyPeople / seconds).toFixed(0)} edits/s, ${names.office}`, tookBusy, routes.office);

    worker.kill('SIGTERM');
    const { status, stderr } = await worker.ended;
    if (status !== 0) throw new Error(`the worker ended with status ${status}: ${stderr.slice(-500)}`);
    return [
      line('propagation, idle: median', median(idle.get('office')!), limitMs),
      line(`propagation, ${perSecond} edits/s: median`, median(tookBusy), limitMs),
    ];
  } finally {
    await bed.close();
  }
}

/** Sees edits arrive in the CRMs that can take them. */
function watch(bed: Bed) {
  let edits = 0;
  const open = new Map<string, { readonly missing: Set<CrmName>; readonly done: () => void }>();
  for (const crm of crmNames) {
    const hear = ({ method, body }: SeenRequest) => {
      if (method === 'GET') return;
      const [city] = /Town-\d+-/.exec(JSON.stringify(body ?? '')) ?? [];
      const one = open.get(city ?? '');
      if (!one?.missing.delete(crm) || one.missing.size > 0) return;
      open.delete(city!);
      one.done();
    };
    // A fault is asked about every request right after the CRM acted; this one never strikes.
    bed.sandboxes[crm].faults.garble = {
      how: 'empty',
      times: Number.POSITIVE_INFINITY,
      only: (request) => {
        hear(request);
        return false;
      },
    };
  }
  return {
    /** Somebody moves, and a webhook tells of it. @returns milliseconds until the move is everywhere */
    async follow(from: CrmName, n: number): Promise<number> {
      edits += 1;
      const city = `Town-${edits}-`;
      const { promise, resolve } = Promise.withResolvers<void>();
      open.set(city, { missing: new Set(routes[from]), done: resolve });
      const startedAt = performance.now();
      const id = bed.move(from, n, city);
      const status = await bed.tell(from, id);
      if (status !== 202) throw new Error(`a webhook was answered with status ${status}`);
      const lost = wait(lostMs, undefined, { ref: false }).then(() => {
        throw new Error(`${city} of ${from} has not reached ${[...(open.get(city)?.missing ?? [])].join(', ')}`);
      });
      await Promise.race([promise, lost]);
      return performance.now() - startedAt;
    },
  };
}

function tell(what: string, took: readonly number[], to: readonly CrmName[]): void {
  const sorted = took.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1]!;
  console.log(
    `${what} → ${to.map((crm) => names[crm]).join(', ')}: ${took.length} edits, median ${Math.round(median(took))} ms, p99 ${Math.round(p99)} ms, longest ${Math.round(sorted.at(-1)!)} ms`,
  );
}

function line(what: string, ms: number, limit: number): Line {
  return { what, floor: `limit ${limit} ms`, ours: `${Math.round(ms)} ms`, ratio: ms / limit, limit: 1 };
}

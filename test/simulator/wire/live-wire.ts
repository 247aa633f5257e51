import { CrmError } from '../../../src/connector/errors.ts';
import type { SeenRequest } from '../../../src/connector/sandbox.ts';
import { seededIds } from '../../../src/connector/seeded-ids.ts';
import { auditSync, type Drift } from '../../../src/engine/audit.ts';
import { type Counts, type EngineContext, noCounts, type SyncOutcome } from '../../../src/engine/engine.ts';
import { importIds, noTally } from '../../../src/engine/import-ids.ts';
import type { Entity } from '../../../src/model/values.ts';
import { runCycle } from '../../../src/queue/cycle.ts';
import type { Store } from '../../../src/store/store.ts';
import { FakeClock } from '../../worlds/clock.ts';
import { type Death, start } from '../../worlds/deaths.ts';
import { openFileStore } from '../file-store.ts';
import { type Bed, isListing, isWrite, openBed } from './bed.ts';
import { Clerks } from './clerks.ts';
import { kinds, type Name } from './crms.ts';
import type { Wire } from './vendors.ts';
import { syncsOf, type WireLife, type WireStep, type WireTrouble } from './wire-life.ts';
import { WireStory } from './wire-story.ts';

/** How a cycle ended. */
export type End = SyncOutcome['state'] | 'died';

/** A life that has been lived, before it is judged. */
export interface WireLived {
  readonly life: WireLife;
  readonly store: Store;
  readonly bed: Bed;
  readonly clerks: Clerks;
  readonly ends: readonly End[];
  readonly story: WireStory;
  /** What was wrong on the way already. */
  readonly breaches: string[];
  /** One more cycle in which nothing goes wrong. @returns whether a guard has stopped it */
  rest(): Promise<boolean>;
  /** Makes all ids known that only import tells, and lets be written what guards hold back. */
  settle(): Promise<void>;
  /** What `concordat audit` finds. */
  audit(): Promise<readonly Drift[]>;
  /** Every request so far that was to change something, CRM by CRM. */
  writes(): readonly string[];
  close(): Promise<void>;
}

type Meanwhile = WireStep & { do: 'meanwhile' };

/** Lives through a life, up to its last step. Its quiet end belongs to the judge. @param timeoutMs of a request */
export async function liveOnWire(life: WireLife, timeoutMs = 10_000): Promise<WireLived> {
  const bed = await openBed(life.crms, life.seed, timeoutMs);
  const file = await openFileStore();
  const clock = new FakeClock();
  const dice = seededIds(life.seed);
  const syncs = syncsOf(life);
  const clerks = new Clerks(life, bed);
  const story = new WireStory(life);
  const breaches: string[] = [];
  const ends: End[] = [];
  let ids = 0;
  let runs = 0;
  let isArmed = false;
  let wasCalm = true;
  let planned: Meanwhile[] = [];
  /** CRMs whose listing is being read: what is typed between a look at one record and the write that rests on it, no API can keep. */
  const reading = new Set<string>();

  const contextOf = (connectors: ReturnType<Bed['connect']>['connectors'], owner: string): EngineContext => ({
    store: file.store,
    connections: new Map([...connectors].map(([name, connector]) => [name, { name, connector, concurrent: 1 }])),
    syncs,
    clock,
    newId: () => `01980000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
    random: () => dice.integer(1_000_000) / 1_000_000,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    owner,
    isAlive: (other) => other === owner,
    settleMs: 5_000,
  });

  /** Does something with connectors of a process of its own. */
  const asProcess = async <T>(act: (context: EngineContext, run: string) => Promise<T>): Promise<T> => {
    runs += 1;
    const wired = bed.connect(clock, () => dice.integer(1_000_000) / 1_000_000);
    try {
      return await act(contextOf(wired.connectors, `process-${runs}`), `run-${runs}`);
    } finally {
      // What is under way when a process dies still arrives.
      await wired.close();
    }
  };

  const cycle = async (death?: Death): Promise<readonly SyncOutcome[] | 'died'> => {
    clock.advance(60_000);
    const before = clerks.snapshot();
    const requests = new Map([...bed.sandboxes].map(([name, { requests: sent }]) => [name, sent.length]));
    // What lost its answer is counted by the cycle that finds it: only after a calm one nothing of before is counted.
    const isCalm = !isArmed && planned.length === 0 && !death;
    const isOpen = (await file.store.standing()).some(({ openIntents }) => openIntents > 0);
    const isCounted = isCalm && wasCalm && !isOpen;
    wasCalm = isCalm;
    // What is typed while a listing is read changes nothing about how many records it has.
    const isWhole = !isArmed && !death && planned.every(({ act }) => !['enter', 'remove', 'lead'].includes(act.do));
    for (const one of planned.splice(0)) armMeanwhile(one);
    const end = await asProcess(async (shared, run) => {
      const process = start(shared, shared.owner, { isAlive: shared.isAlive }, death);
      const outcomes: SyncOutcome[] = [];
      const all = async () => {
        for (const sync of syncs) {
          const held = isWhole ? census(sync.entity) : undefined;
          for (const { connection } of sync.members) reading.add(connection);
          const outcome = await runCycle(process.context, sync, {
            run,
            onProgress: (progress) => {
              if (progress.step === 'pulled') reading.delete(progress.connection);
              if (progress.step === 'problem') reading.delete(progress.problem.connection);
            },
          });
          outcomes.push(outcome);
          if (held) breaches.push(...misread(sync.entity, held, outcome));
          if (held && isCounted) breaches.push(...miscounts(held, census(sync.entity), outcome));
        }
        return outcomes;
      };
      return await Promise.race([all(), process.end]).catch((error: unknown) => {
        breaches.push(`law 7: a cycle has thrown ${error instanceof Error ? error.stack : String(error)}`);
        return 'died' as const;
      });
    });
    reading.clear();
    if (end === 'died') await file.reopen();
    const state = end === 'died' ? end : worst(end);
    ends.push(state);
    story.cycle(
      [...bed.sandboxes].flatMap(([name, sandbox]) =>
        sandbox.requests
          .slice(requests.get(name))
          .filter(isWrite)
          .map((sent) => said(name, sent)),
      ),
      end,
    );
    for (const name of bed.sandboxes.keys()) calm(bed, name);
    isArmed = false;
    if (state === 'done' || state === 'waiting') clerks.learn(before);
    return end;
  };

  /** All records of an entity, as every CRM holds them. */
  const census = (entity: Entity) =>
    new Map(
      [...bed.sandboxes.keys()].map((name) => [
        name,
        new Map(
          clerks
            .all(name, entity)
            .filter((one) => entity !== 'lead' || clerks.isLead(one))
            .map(({ id, wire }) => [id, JSON.stringify(bare(wire))]),
        ),
      ]),
    );

  const armMeanwhile = ({ skip, act }: Meanwhile): void => {
    const { faults } = bed.sandboxes.get(act.crm)!;
    let left = skip;
    let isDone = false;
    const { only: armed = () => true, times = 0, when = 'before' } = faults.cut ?? {};
    faults.cut = {
      when,
      times: Number.POSITIVE_INFINITY,
      only: (request) => {
        if (!isDone && reading.has(act.crm) && isListing(request)) {
          left -= 1;
          if (left < 0) {
            isDone = true;
            if (clerks.act(act)) story.meanwhile(act);
          }
        }
        return spent < times && armed(request) && ++spent > 0;
      },
    };
    let spent = 0;
  };

  const importAll = async (): Promise<boolean> => {
    const chats = [...bed.sandboxes.keys()].filter((name) => kinds[name] === 'upgradechat');
    for (const name of chats)
      for (const sync of syncs) {
        if (sync.entity === 'account') continue;
        const known =
          sync.entity === 'lead' ? clerks.leadIds.get(name) : clerks.all(name, 'contact').map(({ id }) => id);
        await asProcess(async (context, run) => {
          const counts: Counts = noCounts();
          await importIds(context, { sync, connection: name, ids: known ?? [], run, counts, tally: noTally() });
          if (sync.entity === 'contact') for (const id of known ?? []) clerks.imported.add(`${name} ${id}`);
        }).catch((error: unknown) => {
          if (!(error instanceof CrmError)) throw error;
        });
      }
    return chats.length > 0;
  };

  const step = async (one: WireStep): Promise<boolean> => {
    switch (one.do) {
      case 'sync':
        await cycle(one.death);
        return true;
      case 'trouble':
        if (!bed.sandboxes.has(one.crm)) return false;
        isArmed = true;
        arm(bed, one);
        return true;
      case 'meanwhile':
        if (!bed.sandboxes.has(one.act.crm)) return false;
        planned.push(one);
        return true;
      case 'import':
        return await importAll();
      default:
        return clerks.act(one);
    }
  };

  for (const one of life.steps) {
    story.begin(one);
    story.end(await step(one));
    if (breaches.length > 0) break;
  }
  story.rest();
  for (const name of bed.sandboxes.keys()) calm(bed, name);
  isArmed = false;
  planned = [];

  return {
    life,
    store: file.store,
    bed,
    clerks,
    ends,
    story,
    breaches,
    rest: async () => {
      const end = await cycle();
      return end !== 'died' && end.some(({ stops }) => stops.length > 0);
    },
    settle: async () => {
      await importAll();
      for (const { name } of syncs) await file.store.approve(name);
    },
    audit: async () => {
      const found: Drift[] = [];
      await asProcess(async (context) => {
        for (const sync of syncs) {
          const { problems } = await auditSync(context, sync, { onDrift: (drift) => found.push(drift) });
          breaches.push(...problems.map(({ message }) => `drift: the audit fails: ${message}`));
        }
      });
      return found;
    },
    writes: () =>
      [...bed.sandboxes].flatMap(([name, { requests }]) => requests.filter(isWrite).map((sent) => said(name, sent))),
    close: async () => {
      await file.remove();
      await bed.close();
    },
  };
}

type Census = ReadonlyMap<Name, ReadonlyMap<string, string>>;

/** A record without what its CRM notes about every write. */
function bare(wire: Wire): Wire {
  const { updated, updatedBy, rowVersion, ModifiedBy, accounts, ...rest } = wire;
  return rest;
}

/** Breaches of law 12: how many records a cycle says to have read, where an entity is what a listing shows. */
function misread(entity: Entity, before: Census, { sync, counts, problems }: SyncOutcome): readonly string[] {
  if (entity === 'lead' || problems.length > 0) return [];
  return [...before].flatMap(([name, held]) => {
    const read = counts[name]?.read ?? held.size;
    return kinds[name] === 'upgradechat' || read === held.size
      ? []
      : [`law 12: ${sync} says ${read} read at ${name}, where ${held.size} were`];
  });
}

/** Breaches of law 12: what a cycle says to have written, against what the CRMs held before and hold after it. */
function miscounts(before: Census, after: Census, { sync, counts }: SyncOutcome): readonly string[] {
  return [...before].flatMap(([name, held]) => {
    const ofMember = counts[name];
    if (!ofMember) return [];
    const now = after.get(name)!;
    const found = {
      created: [...now.keys()].filter((id) => !held.has(id)).length,
      deleted: [...held.keys()].filter((id) => !now.has(id)).length,
      updated: [...held].filter(([id, wire]) => now.has(id) && now.get(id) !== wire).length,
    };
    // An upsert that found somebody says no more than that it is done: it counts as a create.
    const met = kinds[name] === 'upgradechat' ? Math.min(ofMember.created - found.created, found.updated) : 0;
    found.created += met;
    found.updated -= met;
    return (['created', 'updated', 'deleted'] as const)
      .filter((key) => ofMember[key] !== found[key])
      .map((key) => `law 12: ${sync} says ${ofMember[key]} ${key} at ${name}, where ${found[key]} were`);
  });
}

function worst(outcomes: readonly SyncOutcome[]): SyncOutcome['state'] {
  return (['failed', 'waiting'] as const).find((state) => outcomes.some((one) => one.state === state)) ?? 'done';
}

function said(name: Name, { method, operation, path, query, body }: SeenRequest): string {
  const where = path.split('/').slice(-2).join('/');
  return `${name}: ${method} ${operation} ${where} ${JSON.stringify(query)} ${JSON.stringify(body)}`;
}

function arm({ sandboxes }: Bed, { crm, of, skip, times, what }: WireStep & { do: 'trouble' }): void {
  const { faults } = sandboxes.get(crm)!;
  const skipped = new WeakSet<object>();
  let left = skip;
  const asked: string[] = [];
  const only: NonNullable<NonNullable<typeof faults.cut>['only']> = (request) => {
    if (of === 'one record') {
      const record = `${request.path} ${JSON.stringify(request.query)}`;
      if (isWrite(request) || isListing(request)) return false;
      if (!asked.includes(record)) asked.push(record);
      return asked[skip] === record;
    }
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
  const { faults } = sandboxes.get(name)!;
  delete faults.cut;
  delete faults.status;
  delete faults.garble;
  faults.refuseToken = false;
  faults.latencyMs = 0;
}

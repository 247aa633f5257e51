import { pushJob } from '../../jobs/push.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { noCounts, type SyncOutcome } from '../../src/engine/engine.ts';
import { isEmpty, type Value, type Values } from '../../src/model/values.ts';
import { type Adrift, type Death, type Process, start } from '../worlds/deaths.ts';
import type { Written } from '../worlds/fake-crm.ts';
import { emailOf } from '../worlds/generated.ts';
import { openWorld, runId, type World } from '../worlds/world.ts';
import { SimCrm } from './crm.ts';
import { openFileStore } from './file-store.ts';
import type { Act, Edit, Life, SimSpec, Step } from './life.ts';
import { falseCheckpoints } from './oracle.ts';
import { Story } from './story.ts';

const entity = 'contact';

/** What a person left at a CRM: one field of one record. */
export interface Deed {
  readonly connection: string;
  readonly externalId: string;
  readonly path: string;
  /** As the CRM holds it. */
  readonly value: Value;
  /** Number of the last cycle that had begun. */
  readonly cycle: number;
  /** Epoch milliseconds, ours. */
  readonly at: number;
}

/** A cycle as it went. */
export interface Cycle {
  readonly number: number;
  /** Undefined: the process died, or two ran at once. */
  readonly outcome: SyncOutcome | undefined;
  /** Nothing went wrong, and nobody did anything meanwhile. */
  readonly isCalm: boolean;
  readonly writes: readonly (Written & { readonly connection: string })[];
  /** Creates without an answer when it began and when it ended, by connection. */
  readonly open: readonly [ReadonlyMap<string, number>, ReadonlyMap<string, number>];
  /** Complete listings, by connection: how many records each showed. */
  readonly listed: ReadonlyMap<string, readonly number[]>;
}

/** A life that has been lived, before it is judged. */
export interface Lived {
  readonly life: Life;
  readonly world: World;
  readonly crms: ReadonlyMap<string, SimCrm>;
  readonly deeds: readonly Deed[];
  readonly cycles: readonly Cycle[];
  readonly story: Story;
  /** What was wrong on the way already. */
  readonly breaches: string[];
  /** Whether a request of a dead process has not arrived yet. */
  isAdrift(): boolean;
  /** One more cycle in which nothing goes wrong. */
  rest(): Promise<Cycle>;
  close(): Promise<void>;
}

/** Lives through a life, up to its last step. Its quiet end belongs to the judge. */
export async function live(life: Life): Promise<Lived> {
  const file = await openFileStore();
  const crms = new Map<string, SimCrm>();
  const base = await openWorld(life.crms, [life.sync], life.seed, {
    store: file.store,
    crm: (spec, clock, random) => {
      const crm = new SimCrm(spec as SimSpec, clock, random);
      crms.set(spec.name, crm);
      return crm;
    },
  });
  const { clock, context } = base;
  const died = new Set<number>();
  const world: World = {
    ...base,
    // What was shown to a process that died may never have been taken in.
    everShowed: (...shown) =>
      Array.from({ length: cyclesBegun + 1 }, (_, cycle) => cycle).some(
        (cycle) => !died.has(cycle) && base.showed(runId(cycle), ...shown),
      ),
  };
  const deeds: Deed[] = [];
  const cycles: Cycle[] = [];
  const breaches: string[] = [];
  const adrift: Adrift[] = [];
  const alive = new Set<string>();
  const story = new Story(life);
  const lagMs = Math.max(...life.crms.map((crm) => crm.lagMs));
  let cyclesBegun = 0;
  let processes = 0;
  /** Acts of people in the middle of a cycle so far. */
  let interruptions = 0;
  /** Armed for the next cycle. */
  let meanwhile: (Step & { do: 'meanwhile' })[] = [];
  /** One edit of one field between two looks: what a person overtypes before anyone has seen it is nobody's loss. */
  const touched = new Set<string>();
  /** When a person entered a record, by connection and id. */
  const enteredAt = new Map<string, number>();

  const recordsOf = (crm: SimCrm, who: number): readonly string[] =>
    crm.ids(entity).filter((id) => isOf(who, crm.holds(entity, id)));
  const crmAt = (name: string): SimCrm => crms.get(name)!;
  const noteDeeds = (connection: string, externalId: string, values: Values) => {
    for (const [path, value] of Object.entries(values))
      deeds.push({ connection, externalId, path, value, cycle: cyclesBegun, at: clock.now() });
  };

  for (const [name, crm] of crms)
    crm.onCreate = (values) => {
      const twins = crm.ids(entity).filter((id) => addressOf(crm.holds(entity, id)) === addressOf(values));
      // Nobody can know of a record that a person has entered since the last look.
      const known = twins.filter((id) => {
        const entered = enteredAt.get(`${name} ${id}`);
        return (
          entered === undefined || crm.listings.some(({ startedAt }) => startedAt > entered + 2 * context.settleMs)
        );
      });
      if (known.length > 0)
        breaches.push(
          `law 3: ${addressOf(values)} was created at ${name}, where ${known.join(', ')} is the same person`,
        );
    };

  const edit = ({ crm: name, who, path, to }: Edit): boolean => {
    const crm = crmAt(name);
    const [id] = recordsOf(crm, who);
    if (id === undefined || !crm.paths(entity).includes(path)) return false;
    if (touched.has(`${name} ${id} ${path}`)) return false;
    const held = crm.holds(entity, id)[path]!;
    const earlier = world.edits.findLast(
      (one) => one.connection === name && one.externalId === id && one.path === path,
    );
    if (earlier && !world.everShowed(name, entity, id, path, earlier.to)) return false;
    // Where empty fields are left out, nobody can see that one was cleared; nor where nobody ever saw what was there.
    if (isEmpty(to) && (crm.spec.showsEmptyAs === 'absent' || !world.everShowed(name, entity, id, path, held)))
      return false;
    touched.add(`${name} ${id} ${path}`);
    const value = Array.isArray(to) && Array.isArray(held) ? [...held.slice(1), ...to] : to;
    world.edit(name, entity, id, { [path]: value });
    const now = crm.holds(entity, id)[path]!;
    if (JSON.stringify(now) !== JSON.stringify(held)) noteDeeds(name, id, { [path]: now });
    return true;
  };

  const act = (deed: Act): boolean => {
    switch (deed.do) {
      case 'edit':
        return edit(deed);
      case 'enter': {
        const crm = crmAt(deed.crm);
        if (recordsOf(crm, deed.who).length > 0) return false;
        // A request of a dead process may still make the same person: nobody could tell.
        if (adrift.length > 0) return false;
        const id = world.enter(deed.crm, entity, deed.values);
        enteredAt.set(`${deed.crm} ${id}`, clock.now());
        noteDeeds(deed.crm, id, crm.holds(entity, id));
        return true;
      }
      case 'delete':
      case 'restore':
      case 'merge':
        return false;
      default:
        return deed satisfies never;
    }
  };

  const armMeanwhile = () => {
    for (const crm of crms.values()) crm.before = () => {};
    for (const { at, skip, edit: planned } of meanwhile) {
      const crm = crmAt(planned.crm);
      // Who cannot be asked for one record cannot be asked before a write either: there nobody gets in between.
      if (crm.spec.reads !== 'id') continue;
      const before = crm.before;
      let left = skip;
      let isDone = false;
      crm.before = (verb, id, written) => {
        before(verb, id, written);
        if (isDone || verb !== at || planned.path in written) return;
        left -= 1;
        if (left >= 0) return;
        const [target] = recordsOf(crm, planned.who);
        if (target === undefined || (id !== undefined && id !== target)) return;
        isDone = true;
        if (!edit(planned)) return;
        interruptions += 1;
        story.meanwhile(planned);
      };
    }
    meanwhile = [];
  };

  const newProcess = (death?: Death, pause?: () => Promise<void>): Process & { readonly owner: string } => {
    processes += 1;
    const owner = `process-${processes}`;
    alive.add(owner);
    const surroundings = { isAlive: (other: string) => alive.has(other), adrift, lagMs, ...(pause && { pause }) };
    return { owner, ...start(context, owner, surroundings, death) };
  };

  /** One cycle of each of these processes at once. @returns how each ended */
  const run = async (together: readonly (Process & { readonly owner: string })[], restMs: number) => {
    const first = cyclesBegun + 1;
    const ends = await Promise.all(
      together.map(async ({ owner, context: own, end }) => {
        cyclesBegun += 1;
        const cycle = base.cycle(own, adrift.length > 0 ? 0 : restMs);
        const result = await Promise.race([cycle, end]).catch((error: unknown) => {
          breaches.push(`law 7: a cycle has thrown ${error instanceof Error ? error.stack : String(error)}`);
          return {} as Readonly<Record<string, SyncOutcome>>;
        });
        alive.delete(owner);
        return result;
      }),
    );
    if (ends.includes('died')) {
      for (let cycle = first; cycle <= cyclesBegun; cycle += 1) died.add(cycle);
      await file.reopen();
    }
    return ends;
  };

  const openIntents = async () =>
    new Map(
      (await base.store.standing())
        .filter((one) => one.entity === entity)
        .map(({ connection, openIntents: count }) => [connection, count]),
    );

  const cycle = async (restMs: number, how: 'calm' | { death?: Death | undefined; pace?: number }): Promise<Cycle> => {
    const isCalm = how === 'calm';
    const before = interruptions;
    if (isCalm) meanwhile = [];
    armMeanwhile();
    for (const crm of crms.values()) crm.begin(isCalm);
    const marks = new Map(
      [...crms].map(([name, { writes, listings }]) => [name, [writes.length, listings.length] as const]),
    );
    const openBefore = await openIntents();
    const death = isCalm ? undefined : how.death;
    const pace = isCalm ? undefined : how.pace;
    const together =
      pace === undefined
        ? [newProcess(death)]
        : [newProcess(death, paced(pace)), newProcess(undefined, paced(pace + 1))];
    const ends = await run(together, restMs);
    touched.clear();
    const [only] = ends.length === 1 ? ends : [];
    const done: Cycle = {
      number: cyclesBegun,
      outcome: only === undefined || only === 'died' ? undefined : only[life.sync.name],
      isCalm:
        only !== undefined &&
        only !== 'died' &&
        interruptions === before &&
        [...crms.values()].every(({ suffered }) => suffered.length === 0),
      writes: [...crms].flatMap(([connection, { writes }]) =>
        writes.slice(marks.get(connection)![0]).map((write) => ({ connection, ...write })),
      ),
      open: [openBefore, await openIntents()],
      listed: new Map(
        [...crms].map(([name, { listings }]) => [name, listings.slice(marks.get(name)![1]).map(({ read }) => read)]),
      ),
    };
    cycles.push(done);
    breaches.push(...(await falseCheckpoints(base.store, crms)));
    story.cycle(done, ends, [...crms.values()]);
    return done;
  };

  const job = async (name: string, who: number): Promise<boolean> => {
    const crm = crmAt(name);
    const [id] = recordsOf(crm, who);
    const member = life.sync.members.find(({ connection }) => connection === name);
    // Without a listing, only a look by id tells what is there: elsewhere no job runs between two cycles.
    if (id === undefined || crm.spec.reads !== 'id' || member?.direction === 'read') return false;
    const aggregate = await base.recordOf(name, entity, id);
    if (!aggregate) return false;
    for (const one of crms.values()) one.begin(true);
    const counts = noCounts();
    await pushJob(
      newProcess().context,
      { sync: life.sync.name, connection: name, record: aggregate.record.id, attempts: 0, run: runId(cyclesBegun) },
      { counts },
    );
    return true;
  };

  const step = async (one: Step): Promise<boolean> => {
    switch (one.do) {
      case 'meanwhile':
        meanwhile.push(one);
        return true;
      case 'trouble':
        crmAt(one.crm).arm(one);
        return true;
      case 'sync':
        await cycle(one.restMs, { death: one.death });
        return true;
      case 'two at once':
        await cycle(60_000, { death: one.death, pace: one.pace });
        return true;
      case 'job':
        return await job(one.crm, one.who);
      default:
        return act(one);
    }
  };

  for (const one of life.steps) {
    story.begin(one);
    story.end(await step(one));
    if (breaches.length > 0) break;
  }

  return {
    life,
    world,
    crms,
    deeds,
    cycles,
    story,
    breaches,
    isAdrift: () => adrift.length > 0,
    rest: () => cycle(60_000, 'calm'),
    close: () => file.remove(),
  };
}

/** The address by which a person is recognised, whatever a CRM has made of its spelling. */
function addressOf(values: Values): string {
  return String(values['email.primary']).trim().toLowerCase();
}

function isOf(who: number, values: Values): boolean {
  return addressOf(values) === emailOf(who).toLowerCase();
}

/** Mostly step by step in turns, now and then one process stands still for long. */
function paced(seed: number): () => Promise<void> {
  const dice = seededIds(seed);
  return async () => {
    for (let turns = dice.integer(dice.integer(8) === 0 ? 150 : 5); turns > 0; turns -= 1) await undefined;
  };
}

import { pushJob } from '../../jobs/push.ts';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { type Counts, noCounts, type SyncOutcome } from '../../src/engine/engine.ts';
import type { Values } from '../../src/model/values.ts';
import type { RoundEnd } from '../../src/queue/hints.ts';
import { type Adrift, type Death, type Process, start } from '../worlds/deaths.ts';
import type { Written } from '../worlds/fake-crm.ts';
import { emailOf } from '../worlds/generated.ts';
import { openWorld, runId, type World } from '../worlds/world.ts';
import { SimCrm } from './crm.ts';
import { openFileStore, openPassingMemory } from './file-store.ts';
import { directionOf, type Life, type SimSpec, type Step, syncsOf } from './life.ts';
import { falseCheckpoints } from './oracle.ts';
import { addressOf, type Moment, People } from './people.ts';
import { type Notice, unheard, unsearched } from './rounds.ts';
import { Story } from './story.ts';

const entity = 'contact';

/** A cycle as it went. */
export interface Cycle {
  readonly number: number;
  /** Undefined: the process died, or two ran at once. */
  readonly outcome: SyncOutcome | undefined;
  /** One process alone. */
  readonly isAlone: boolean;
  /** Nothing went wrong, and nobody did anything meanwhile. */
  readonly isCalm: boolean;
  readonly writes: readonly (Written & { readonly connection: string })[];
  /** Creates without an answer when it began and when it ended, by connection. */
  readonly open: readonly [ReadonlyMap<string, number>, ReadonlyMap<string, number>];
  /** Writes that were left when it had ended: of two syncs the first may have run before the second read something. */
  readonly pending: number;
  /** When it had ended, epoch milliseconds. */
  readonly at: number;
  /** Whether hints were looked at in it, between cycles or beside one. */
  readonly isRound: boolean;
  /** Complete listings, by connection: how many records each showed. */
  readonly listed: ReadonlyMap<string, readonly number[]>;
}

/** A life that has been lived, before it is judged. */
export interface Lived {
  readonly life: Life;
  readonly world: World;
  readonly crms: ReadonlyMap<string, SimCrm>;
  readonly people: People;
  readonly cycles: readonly Cycle[];
  readonly story: Story;
  /** What was wrong on the way already. */
  readonly breaches: string[];
  /** Creates beside records whose delete was on its way and has not arrived so far. */
  doubles(): readonly string[];
  /** Whether a request of a dead process has not arrived yet. */
  isAdrift(): boolean;
  /** One more cycle in which nothing goes wrong. */
  rest(): Promise<Cycle>;
  close(): Promise<void>;
}

/** Lives through a life, up to its last step. Its quiet end belongs to the judge. */
export async function live(life: Life): Promise<Lived> {
  const isMortal = life.steps.some((step) => 'death' in step && step.death !== undefined);
  const file = isMortal ? await openFileStore() : openPassingMemory();
  const crms = new Map<string, SimCrm>();
  const base = await openWorld(life.crms, syncsOf(life), life.seed, {
    store: file.store,
    crm: (spec, clock, random) => {
      const crm = new SimCrm(spec as SimSpec, clock, random);
      crms.set(spec.name, crm);
      return crm;
    },
  });
  const { context } = base;
  const died = new Set<number>();
  const world: World = {
    ...base,
    // What was shown to a process that died may never have been taken in.
    everShowed: (...shown) =>
      Array.from({ length: cyclesBegun + 1 }, (_, cycle) => cycle).some(
        (cycle) => !died.has(cycle) && base.showedTo(cycle, ...shown),
      ),
  };
  const cycles: Cycle[] = [];
  const breaches: string[] = [];
  const doubles: Double[] = [];
  const isCarriedOn = life.sync.deletes === 'propagate';
  const adrift: Adrift[] = [];
  const alive = new Set<string>();
  const story = new Story(life);
  const lagMs = Math.max(...life.crms.map((crm) => crm.lagMs));
  let cyclesBegun = 0;
  let processes = 0;
  let hasActed = false;
  /** Acts of people in the middle of a cycle so far. */
  let interruptions = 0;
  /** Armed for the next cycle. */
  let meanwhile: (Step & { do: 'meanwhile' })[] = [];
  const people = new People(crms);
  /** No cycle runs, only a round. */
  let roundsOnly = false;
  /** What is linked; forgotten whenever we have worked. */
  let known: ReadonlySet<string> | undefined;
  const crmAt = (name: string): SimCrm => crms.get(name)!;

  for (const [name, crm] of crms)
    crm.onCreate = (values) => {
      const breach = wrongCreate(name, crm, values, people, context.settleMs, isCarriedOn);
      if (typeof breach === 'string') breaches.push(breach);
      else if (breach) doubles.push(breach);
      const unlooked = roundsOnly ? unsearched(name, crm, addressOf(values)) : undefined;
      if (unlooked !== undefined) breaches.push(unlooked);
    };

  /** What the CRMs have to say and nobody has heard yet. */
  const mail: Notice[] = [];
  for (const [name, crm] of crms)
    crm.onChange = (externalId, what) => mail.push({ connection: name, externalId, what });

  for (const [name, crm] of crms)
    crm.onDelete = (externalId, values) => {
      const breach = wrongDelete(name, externalId, values, people);
      if (breach !== undefined) breaches.push(breach);
    };

  const momentOf = (isMeanwhile: boolean, linked: ReadonlySet<string> = new Set()): Moment => ({
    world,
    cycle: cyclesBegun,
    isMeanwhile,
    isAdrift: adrift.length > 0,
    isKnown: (connection, externalId) => linked.has(`${connection} ${externalId}`),
  });

  /** The records of all CRMs that are linked, as `connection externalId`. */
  const knownRecords = async (): Promise<ReadonlySet<string>> => {
    if (known) return known;
    const found = new Set<string>();
    for (const [name, crm] of crms)
      for (const [id, { links }] of await base.store.linked(name, entity, crm.ids(entity)))
        if (links.some((one) => one.connection === name && one.externalId === id && one.state === 'live'))
          found.add(`${name} ${id}`);
    known = found;
    return found;
  };

  const armMeanwhile = () => {
    for (const crm of crms.values()) crm.before = () => {};
    for (const { at, of, skip, edit: planned } of meanwhile) {
      const crm = crmAt(planned.crm);
      // Who cannot be asked for one record cannot be asked before a write either: there nobody gets in between.
      if (crm.spec.reads !== 'id') continue;
      const called = crmAt(of ?? planned.crm);
      const before = called.before;
      let left = skip;
      let isDone = false;
      called.before = (verb, id, written) => {
        before(verb, id, written);
        if (isDone || verb !== at || planned.path in written) return;
        left -= 1;
        if (left >= 0) return;
        const [target] = people.recordsOf(crm, planned.who);
        if (target === undefined || (id !== undefined && id !== target)) return;
        isDone = true;
        if (!people.act(planned, momentOf(true))) return;
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
  const run = async (
    together: readonly (Process & { readonly owner: string; readonly isRound?: boolean })[],
    restMs: number,
  ) => {
    const first = cyclesBegun + 1;
    // Where an index lags, what is late comes before the rest, or it would be shown too late to be waited for.
    if (lagMs > 0) for (const one of adrift.splice(0)) one.arrive();
    const ends = await Promise.all(
      together.map(async ({ owner, context: own, end, isRound }) => {
        cyclesBegun += 1;
        const pauseMs = adrift.length > 0 && lagMs === 0 ? 0 : restMs;
        const cycle = isRound ? base.round(own, pauseMs).then(asOutcomes) : base.cycle(own, pauseMs);
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

  /** Creates without an answer by connection, and writes that are left. */
  const leftNow = async () => {
    const standing = await base.store.standing();
    const ofEntity = standing.filter((one) => one.entity === entity);
    return {
      open: new Map(ofEntity.map(({ connection, openIntents }) => [connection, openIntents])),
      pending: standing.reduce((sum, { pending }) => sum + pending, 0),
    };
  };

  const cycle = async (
    restMs: number,
    how: 'calm' | { death?: Death | undefined; pace?: number; round?: 'alone' | 'beside' },
  ): Promise<Cycle> => {
    const isCalm = how === 'calm';
    const before = interruptions;
    known = undefined;
    if (isCalm) meanwhile = [];
    const round = isCalm ? undefined : how.round;
    if (round === 'alone') for (const crm of crms.values()) crm.before = () => {};
    else armMeanwhile();
    roundsOnly = round === 'alone';
    const marks = new Map(
      [...crms].map(([name, { writes, listings }]) => [name, [writes.length, listings.length] as const]),
    );
    const { open: openBefore } = await leftNow();
    const isAwaited = adrift.length > 0;
    for (const [name, crm] of crms) crm.begin(isCalm, (openBefore.get(name) ?? 0) > 0 || isAwaited);
    const death = isCalm ? undefined : how.death;
    const pace = isCalm ? undefined : how.pace;
    const together =
      pace === undefined
        ? [{ ...newProcess(death), isRound: round === 'alone' }]
        : [
            newProcess(round ? undefined : death, paced(pace)),
            { ...newProcess(round ? death : undefined, paced(pace + 1)), isRound: round === 'beside' },
          ];
    const ends = await run(together, restMs);
    if (!roundsOnly) people.looked();
    roundsOnly = false;
    const [only] = ends.length === 1 ? ends : [];
    const { open, pending } = await leftNow();
    const done: Cycle = {
      number: cyclesBegun,
      outcome: only === undefined || only === 'died' ? undefined : summed(Object.values(only)),
      isAlone: together.length === 1,
      isCalm:
        only !== undefined &&
        only !== 'died' &&
        round === undefined &&
        !isAwaited &&
        interruptions === before &&
        [...crms.values()].every(({ suffered }) => suffered.length === 0),
      writes: [...crms].flatMap(([connection, { writes }]) =>
        writes.slice(marks.get(connection)![0]).map((write) => ({ connection, ...write })),
      ),
      open: [openBefore, open],
      pending,
      at: base.clock.now(),
      isRound: round !== undefined,
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
    const [id] = people.recordsOf(crm, who);
    const sync = syncsOf(life).find(({ members }) => members.some(({ connection }) => connection === name));
    // Without a listing, only a look by id tells what is there: elsewhere no job runs between two cycles.
    if (id === undefined || crm.spec.reads !== 'id' || !sync || directionOf(life, name) === 'read') return false;
    const aggregate = await base.recordOf(name, entity, id);
    if (!aggregate) return false;
    for (const one of crms.values()) one.begin(true, true);
    known = undefined;
    const counts = noCounts();
    await pushJob(
      newProcess().context,
      {
        sync: sync.name,
        connection: name,
        records: [{ id: aggregate.record.id, attempts: 0 }],
        run: runId(cyclesBegun),
      },
      { counts },
    );
    return true;
  };

  /** Brings what the CRMs have to say: once, twice, later or never, in any order, and what is not true. */
  const deliver = async (seed: number): Promise<readonly Notice[]> => {
    const dice = seededIds(seed);
    const letters: Notice[] = [];
    for (const notice of mail.splice(0)) {
      const fate = dice.integer(20);
      if (fate < 3) continue;
      if (fate < 6) mail.push(notice);
      else letters.push(...(fate < 9 ? [notice, notice] : [notice]));
    }
    if (dice.integer(2) === 0) letters.reverse();
    const [names, ids] = [
      [...crms.keys()],
      [...crms].flatMap(([name, crm]) => crm.ids(entity).map((id) => [name, id] as const)),
    ];
    if (dice.integer(4) === 0)
      letters.push({ connection: names[dice.integer(names.length)]!, externalId: 'nobody', what: 'changed' });
    const [connection, externalId] = ids[dice.integer(Math.max(1, ids.length))] ?? [];
    if (dice.integer(4) === 0 && connection !== undefined && externalId !== undefined)
      letters.push({ connection, externalId, what: 'deleted' });
    story.mail(letters.map((one) => `${one.connection} says: ${one.externalId} was ${one.what}`));
    await base.store.receive(
      letters.map(({ connection: from, ...hint }) => ({
        connection: from,
        id: undefined,
        hints: [{ entity, ...hint }],
        at: base.clock.now(),
      })),
    );
    return letters;
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
        // What people did a moment ago, a CRM that lags cannot show, and nobody can know.
        await cycle(hasActed ? Math.max(one.restMs, leastRestMs) : one.restMs, { death: one.death });
        hasActed = false;
        return true;
      case 'round':
        {
          const letters = await deliver(one.mail);
          const { outcome } = await cycle(hasActed && lagMs > 0 ? leastRestMs : 1_000, {
            death: one.death,
            round: 'alone',
          });
          if (outcome) breaches.push(...(await unheard({ world, life, crms }, letters)));
        }
        return true;
      case 'round beside':
        await deliver(one.mail);
        await cycle(60_000, { death: one.death, pace: one.pace, round: 'beside' });
        hasActed = false;
        return true;
      case 'two at once':
        await cycle(60_000, { death: one.death, pace: one.pace });
        return true;
      case 'job':
        return await job(one.crm, one.who);
      case 'approve':
        for (const { name } of syncsOf(life)) await base.store.approve(name);
        return true;
      default:
        hasActed = true;
        return people.act(one, momentOf(false, one.do === 'enter' ? new Set() : await knownRecords()));
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
    people,
    cycles,
    story,
    breaches,
    doubles: () =>
      doubles.flatMap(({ said, crm, ids }) => (ids.some((id) => crm.ids(entity).includes(id)) ? said : [])),
    isAdrift: () => adrift.length > 0,
    rest: () => cycle(60_000, 'calm'),
    close: () => file.remove(),
  };
}

/** Rounds in the words of cycles. */
function asOutcomes(ends: Readonly<Record<string, RoundEnd>>): Readonly<Record<string, SyncOutcome>> {
  return Object.fromEntries(
    Object.entries(ends).map(([name, { sync, counts, problems, stops, state }]) => [
      name,
      {
        ...{ sync, counts, problems, stops, durationMs: 0, besides: {} },
        waiting: { reviews: 0, conflicts: 0, quarantined: 0, dead: 0 },
        state: state === 'failed' || state === 'waiting' ? state : 'done',
      },
    ]),
  );
}

/** The outcomes of several syncs as one. @returns undefined for none */
function summed(outcomes: readonly SyncOutcome[]): SyncOutcome | undefined {
  const [first, ...others] = outcomes;
  return first && others.reduce(add, first);
}

function add(one: SyncOutcome, other: SyncOutcome): SyncOutcome {
  const counts: Record<string, Counts> = { ...one.counts };
  for (const [connection, more] of Object.entries(other.counts)) {
    const before = counts[connection] ?? noCounts();
    const keys = Object.keys(before) as (keyof Counts)[];
    counts[connection] = Object.fromEntries(keys.map((key) => [key, before[key] + more[key]])) as unknown as Counts;
  }
  const states = ['failed', 'waiting', 'done'] as const;
  return {
    ...one,
    counts,
    problems: [...one.problems, ...other.problems],
    stops: [...one.stops, ...other.stops],
    state: states.find((state) => [one.state, other.state].includes(state))!,
  };
}

/** Longer than any listing lags. */
const leastRestMs = 10_000;

/** A create beside records of the same person that are to be deleted: wrong if they stay. */
interface Double {
  readonly said: string;
  readonly crm: SimCrm;
  readonly ids: readonly string[];
}

/**
 * What is wrong with a create that has just been sent, if anything is.
 * @param isCarriedOn whether deletes travel
 */
function wrongCreate(
  name: string,
  crm: SimCrm,
  values: Values,
  { turns }: People,
  settleMs: number,
  isCarriedOn: boolean,
): string | Double | undefined {
  const address = addressOf(values);
  const whose = turns.filter(({ who }) => emailOf(who).toLowerCase() === address);
  const [lastListing] = crm.listings.slice(-1);
  const known = crm.ids(entity).filter((id) => {
    if (addressOf(crm.holds(entity, id)) !== address) return false;
    // Nobody can know of a record that a person has entered since the last look.
    const entered = whose.findLast(
      (turn) => turn.what === 'here' && turn.connection === name && turn.externalId === id,
    );
    if (!entered) return true;
    const isAfter = (startedAt: number) => startedAt > entered.at + 2 * settleMs;
    // Whoever has tried to look and could not knows that nothing is known.
    const isMisled = crm.listings.some(({ isShort, startedAt }) => isShort && startedAt > entered.at);
    if (crm.brokenOff !== undefined && isAfter(crm.brokenOff) && !isMisled) return true;
    return lastListing !== undefined && !lastListing.isShort && isAfter(lastListing.startedAt);
  });
  if (known.length > 0) {
    const said = `law 3: ${address} was created at ${name}, where ${known.join(', ')} is the same person`;
    // Deleted elsewhere, and entered anew: what is still here is on its way out.
    const isOnItsWayOut = whose.some(
      (turn, at) =>
        turn.what === 'gone' &&
        turn.isKnown &&
        turn.connection !== name &&
        whose.slice(at + 1).some(({ what }) => what === 'here'),
    );
    return isCarriedOn && isOnItsWayOut ? { said, crm, ids: known } : said;
  }
  const gone = whose.findLast(({ what, connection }) => what === 'gone' && connection === name);
  if (gone?.isKnown && !gone.isSeenElsewhere && !whose.slice(whose.indexOf(gone)).some(({ what }) => what === 'here'))
    return `law 8: ${address} was created at ${name}, where a person had deleted ${gone.externalId}`;
  return undefined;
}

/** What is wrong with a delete that has just been sent: somebody must have deleted the person, and not put another record in its place. */
function wrongDelete(name: string, externalId: string, values: Values, { turns }: People): string | undefined {
  const address = addressOf(values);
  const whose = turns.filter(({ who }) => emailOf(who).toLowerCase() === address);
  const isFounded = whose.some(
    (turn, at) =>
      turn.what === 'gone' &&
      !whose.slice(at + 1).some((later) => later.what === 'here' && later.connection === turn.connection),
  );
  return isFounded
    ? undefined
    : `law 8: ${name}:${externalId} (${address}) was deleted, and nobody had deleted that person`;
}

/** Mostly step by step in turns, now and then one process stands still for long. */
function paced(seed: number): () => Promise<void> {
  const dice = seededIds(seed);
  return async () => {
    for (let turns = dice.integer(dice.integer(8) === 0 ? 150 : 5); turns > 0; turns -= 1) await undefined;
  };
}

import type { Connector } from '../../src/connector/connector.ts';
import type { Connection, EngineContext } from '../../src/engine/engine.ts';
import type { Store } from '../../src/store/store.ts';
import type { World } from './world.ts';

/** What is counted on the way to a death: every call of store and CRMs, or only those that change something there. */
type Counted = 'call' | 'commit' | 'write';

/** Where a process dies. */
export interface Death {
  readonly of: Counted;
  /** How many of these calls the process makes in full. */
  readonly step: number;
  /** Whether the call after them still has its effect; its answer is never seen. `late`: a create has it after the next process has begun. */
  readonly when: 'before' | 'after' | 'late';
  /** For `late`: after how many calls of the next process. */
  readonly delayCalls?: number;
}

/** A request of a dead process that its CRM has not worked on yet. */
export interface Adrift {
  /** How many calls of the next process it comes after, unless `until` comes first. */
  callsLeft: number;
  /** Epoch milliseconds: what takes longer than the engine's `settleMs` counts as never sent. */
  readonly until: number;
  readonly arrive: () => void;
}

/** A process over a world's store and CRMs. */
export interface Process {
  readonly context: EngineContext;
  /** Settles when it dies. */
  readonly end: Promise<'died'>;
}

/** What processes of one world share besides the store and the CRMs. */
interface Surroundings {
  readonly isAlive: (owner: string) => boolean;
  /** Awaited before every call: lets another process in between. */
  readonly pause?: () => Promise<void>;
  readonly adrift?: Adrift[];
  /** How long a CRM may take to show what has arrived, milliseconds. Default 0. */
  readonly lagMs?: number;
}

/** Well before the engine may take it for lost: it counts from a moment before the request was sent. */
const marginMs = 200;

const changesStore = new Set([
  'commit',
  'beginIntent',
  'beginFirstIntent',
  'renewIntent',
  'noteMade',
  'defer',
  'lease',
  'release',
  'remember',
  'enqueueUnlinked',
]);
const changesCrm = new Set(['create', 'update']);

/** Never settles: a process that was killed runs no `catch` and no `finally`. A new one each time, or it would keep all who ever waited for it. */
const silence = (): Promise<never> => new Promise(() => {});

/**
 * Starts a process with its own sight of the store and the CRMs.
 * @param death where it dies; from then on no call of it has any effect, or returns
 */
export function start(
  shared: EngineContext,
  owner: string,
  { isAlive, pause = async () => {}, adrift = [], lagMs = 0 }: Surroundings,
  death: Death | undefined,
): Process {
  let isDead = false;
  let calls = 0;
  const { promise: end, resolve } = Promise.withResolvers<'died'>();
  const die = () => {
    isDead = true;
    resolve('died');
  };
  const isCounted = (of: Counted, name: string) =>
    of === 'call' || (of === 'commit' ? changesStore.has(name) : changesCrm.has(name));

  const call = async <T>(name: string, act: () => Promise<T>, lastsMs = 0): Promise<T> => {
    await pause();
    if (isDead) return silence();
    for (const one of adrift.splice(0)) {
      one.callsLeft -= 1;
      if (one.callsLeft < 0 || shared.clock.now() + lastsMs >= one.until) one.arrive();
      else adrift.push(one);
    }
    let isLast = false;
    if (death && isCounted(death.of, name)) {
      isLast = calls === death.step;
      calls += 1;
    }
    if (isLast && death && death.when !== 'after') {
      if (death.when === 'late' && name === 'create')
        adrift.push({
          callsLeft: death.delayCalls ?? 0,
          until: shared.clock.now() + shared.settleMs - lagMs - marginMs,
          // A process that is dead sees no answer, and no failure either.
          arrive: () => void act().catch(() => {}),
        });
      die();
      return silence();
    }
    // Store and CRMs of a world act before they return: nothing of this process comes between the deed and its death.
    const answer = act();
    if (isLast) die();
    if (isDead) answer.catch(() => {});
    try {
      return isDead ? await silence() : await answer;
    } finally {
      if (isDead) await silence();
    }
  };

  return {
    end,
    context: {
      ...shared,
      owner,
      isAlive,
      store: ofProcess(shared.store, call),
      clock: {
        now: () => shared.clock.now(),
        sleep: (ms, signal) => call('sleep', () => shared.clock.sleep(ms, signal), ms),
      },
      connections: new Map(
        [...shared.connections].map(([name, connection]): [string, Connection] => [
          name,
          { ...connection, connector: connectorOfProcess(connection.connector, call) },
        ]),
      ),
    },
  };
}

type Call = <T>(name: string, act: () => Promise<T>) => Promise<T>;

/** What a connector knows by itself, and asks nobody. */
const known = new Set(['writeScope', 'clearedBy']);

/** The same object with every method counted. */
function ofProcess<Target extends Store | Connector>(target: Target, call: Call): Target {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' && typeof name === 'string' && !known.has(name)
        ? (...given: unknown[]) => call(name, () => Reflect.apply(member, target, given) as Promise<unknown>)
        : member;
    },
  });
}

function connectorOfProcess(connector: Connector, call: Call): Connector {
  const counted = ofProcess(connector, call);
  const list: Connector['list'] = async function* (entity, signal) {
    const pages = connector.list(entity, signal)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await call('list', () => pages.next());
      if (done) return;
      yield value;
    }
  };
  return new Proxy(counted, { get: (target, name) => (name === 'list' ? list : Reflect.get(target, name)) });
}

/** A world whose cycles are run by one process after the other, of which the first ones die. */
interface MortalWorld extends World {
  /** Deaths that no process has met yet. */
  readonly ahead: readonly Death[];
  /** How many processes have died. */
  readonly died: ReadonlySet<number>;
}

/** Every cycle is a new process, and each takes the next death on its way. A process without one runs to its end. */
export function mortal(world: World, deaths: readonly Death[]): MortalWorld {
  const ahead = [...deaths];
  const died = new Set<number>();
  const adrift: Adrift[] = [];
  let cycles = 0;
  return {
    ...world,
    ahead,
    died,
    async cycle() {
      cycles += 1;
      const owner = `process-${cycles}`;
      const { context, end } = start(
        world.context,
        owner,
        { isAlive: (other) => other === owner, adrift },
        ahead.shift(),
      );
      const restMs = adrift.length > 0 ? 0 : undefined;
      const outcome = await Promise.race([world.cycle(context, restMs), end]);
      if (outcome !== 'died') return outcome;
      died.add(cycles);
      return {};
    },
    // What was shown to a process that died may never have been taken in.
    everShowed: (...shown) =>
      Array.from({ length: cycles }, (_, index) => index + 1).some(
        (cycle) => !died.has(cycle) && world.showedTo(cycle, ...shown),
      ),
  };
}

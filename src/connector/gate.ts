import PQueue from 'p-queue';
import type { Clock } from './clock.ts';

export interface RateLimit {
  /** Requests that may start in any second, evenly spaced. Undefined: as many as come. */
  readonly perSecond?: number | undefined;
  /** Requests that may be under way at once. */
  readonly concurrent: number;
}

/** What `Gate.run` throws, without having started the work, while the CRM asked for a longer pause than we sit out. */
export class HeldError extends Error {
  override readonly name = 'HeldError';
  readonly waitMs: number;
  constructor(waitMs: number) {
    super(`held for another ${waitMs} ms`);
    this.waitMs = waitMs;
  }
}

/** Lets the requests of one connection through: so many at once, so many a second, none while the CRM asked for a pause. */
export interface Gate {
  /**
   * @param maxWaitMs pauses up to this long are waited out; default: those of `createGate`
   * @param goesFirst before all that wait for their turn and do not
   * @throws HeldError, or the signal's reason, both before `work` was started.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal, maxWaitMs?: number, goesFirst?: boolean): Promise<T>;
  /** Nothing starts for `ms`. A shorter pause never ends a longer one. */
  hold(ms: number): void;
  /** Until when nothing starts, epoch milliseconds; in the past when nothing is held. */
  heldUntil(): number;
}

/** @param maxHoldMs Pauses up to this long are waited out, longer ones refuse. */
export function createGate(limit: RateLimit, maxHoldMs: number, clock: Clock): Gate {
  const queue = new PQueue({ concurrency: limit.concurrent });
  const intervalMs = limit.perSecond === undefined ? 0 : 1000 / limit.perSecond;
  let heldUntil = 0;
  let nextStart = 0;
  /** How many that go first wait for their turn. */
  let first = 0;

  async function turn(signal: AbortSignal | undefined, maxWaitMs: number, goesFirst: boolean): Promise<void> {
    if (!goesFirst) return await slept(signal, maxWaitMs, () => first === 0);
    first += 1;
    try {
      await slept(signal, maxWaitMs, () => true);
    } finally {
      first -= 1;
    }
  }

  /** A loop, because the pause may have grown, or another call taken the turn, while this one slept. */
  async function slept(signal: AbortSignal | undefined, maxWaitMs: number, mayStart: () => boolean): Promise<void> {
    for (;;) {
      const now = clock.now();
      if (heldUntil - now > maxWaitMs) throw new HeldError(heldUntil - now);
      // A next start further away than one interval means that the clock was set back.
      nextStart = Math.min(nextStart, now + intervalMs);
      const waitMs = Math.max(heldUntil, nextStart) - now;
      if (waitMs <= 0 && mayStart()) break;
      await clock.sleep(Math.ceil(waitMs > 0 ? waitMs : intervalMs), signal);
    }
    nextStart = Math.max(nextStart, clock.now()) + intervalMs;
  }

  return {
    run: async (work, signal, maxWaitMs = maxHoldMs, goesFirst = false) => {
      signal?.throwIfAborted();
      const inTurn = async () => {
        await turn(signal, maxWaitMs, goesFirst);
        return await work();
      };
      // Where there is room it begins at once: a signal is for those who wait, and to listen to it costs more than the rest.
      const priority = goesFirst ? 1 : 0;
      return await queue.add(inTurn, signal && queue.pending >= limit.concurrent ? { signal, priority } : { priority });
    },
    hold: (ms) => {
      heldUntil = Math.max(heldUntil, clock.now() + ms);
    },
    heldUntil: () => heldUntil,
  };
}

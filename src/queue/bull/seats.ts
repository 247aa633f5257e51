import { setTimeout as wait } from 'node:timers/promises';
import type { EngineContext } from '../../engine/engine.ts';
import { dropLease, ownerOf, takeLease } from '../../engine/lease.ts';
import { StoreError } from '../../store/errors.ts';
import type { LeaseRow } from '../../store/store.ts';
import type { Seat } from '../control.ts';

/*
 * One process at a time talks to a connection: the one that has its seat. So the connection's rate, concurrency, pauses
 * and token hold across all processes that share a database, though each process keeps them for itself. A seat is a lease
 * in the store. A process that is known to have died leaves its seats to whoever looks next; one of which nobody knows
 * (on another machine, or stopped) when its leases have run out.
 */

/** A seat that is not renewed for this long is free for others. */
const leaseMs = 15_000;
const renewEveryMs = leaseMs / 3;

/** How often a process looks at its seats and at those of the others. */
const lookEveryMs = 500;

/** A free seat that the process whose turn it is did not take within so many looks goes to anybody. */
const looksUntilAnybody = 4;

const workerPrefix = 'worker/';
const seatPrefix = 'seat/';
const purpose = 'worker';

/** What the holder of a seat has to do. */
export interface SeatKeeper {
  /** The seat is ours: begin. */
  begin(connection: string): void;
  /** Whether it could be given up now without waiting for long. */
  mayLeave(connection: string): boolean;
  /** The seat is to be given up: take no more work, end what is under way. Resolves when nothing is. */
  leave(connection: string): Promise<void>;
  /** The seat was lost: another process may talk to the connection already. Stop at once. */
  stop(connection: string): void;
}

export interface Seats {
  /** Who has which seat, as of the last look. */
  all(): readonly Seat[];
  has(connection: string): boolean;
  /** Takes no more seats and gives up all; resolves when the work at them has ended. */
  close(): Promise<void>;
}

/**
 * Takes seats of connections, shares them evenly with the other processes, and gives them up again. Looks at once, and
 * then all the time until closed.
 */
export function openSeats(context: EngineContext, connections: readonly string[], keeper: SeatKeeper): Seats {
  const { store, clock, owner, log } = context;
  /** When each of our seats was last renewed, on the monotonic clock. */
  const renewedAt = new Map<string, number>();
  const leaving = new Map<string, Promise<void>>();
  const freeLooks = new Map<string, number>();
  const stop = new AbortController();
  let seats: readonly Seat[] = [];
  let announcedAt = Number.NEGATIVE_INFINITY;
  const looking = keepLooking();

  async function keepLooking(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await look();
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        log.warn({ code: error.code }, 'the seats could not be looked at; tried again');
        loseExpired();
      }
      await wait(lookEveryMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  async function look(): Promise<void> {
    await renew();
    const workers = new Map((await alive(workerPrefix)).map(({ name }) => [name.slice(workerPrefix.length), 0]));
    workers.set(owner, 0);
    const taken = new Map<string, string>();
    for (const { name, owner: holder } of await alive(seatPrefix)) {
      const who = ownerOf(holder);
      taken.set(name.slice(seatPrefix.length), who);
      if (workers.has(who)) workers.set(who, workers.get(who)! + 1);
    }
    if (!stop.signal.aborted) await takeFree(workers, taken);
    seats = connections.flatMap((connection) => {
      const who = taken.get(connection);
      return who === undefined ? [] : [{ connection, owner: who, here: who === owner }];
    });
    giveOneUp(workers);
  }

  /** Tells the others that we are there, and prolongs our seats. One that somebody else has is lost. */
  async function renew(): Promise<void> {
    const now = performance.now();
    if (now - announcedAt >= renewEveryMs && !stop.signal.aborted) {
      await takeLease(context, `${workerPrefix}${owner}`, purpose, leaseMs);
      announcedAt = now;
    }
    for (const [connection, at] of renewedAt) {
      if (now - at < renewEveryMs) continue;
      if (await takeLease(context, `${seatPrefix}${connection}`, purpose, leaseMs)) renewedAt.set(connection, now);
      else lose(connection);
    }
  }

  /** Leases of processes that may be alive; those of the dead are removed. */
  async function alive(prefix: string): Promise<readonly LeaseRow[]> {
    const rows: LeaseRow[] = [];
    for (const row of await store.leases(prefix))
      if (row.until > clock.now() && context.isAlive(ownerOf(row.owner))) rows.push(row);
      else await store.release(row.name, row.owner);
    return rows;
  }

  /** Takes free seats as long as no other process has fewer. */
  async function takeFree(workers: Map<string, number>, taken: Map<string, string>): Promise<void> {
    for (const connection of connections) {
      if (taken.has(connection)) {
        freeLooks.delete(connection);
        continue;
      }
      const looks = (freeLooks.get(connection) ?? 0) + 1;
      freeLooks.set(connection, looks);
      const mine = workers.get(owner)!;
      if (mine > Math.min(...workers.values()) && looks < looksUntilAnybody) continue;
      if (!(await takeLease(context, `${seatPrefix}${connection}`, purpose, leaseMs))) continue;
      taken.set(connection, owner);
      workers.set(owner, mine + 1);
      renewedAt.set(connection, performance.now());
      keeper.begin(connection);
    }
  }

  /** Gives one seat up when another process has two fewer, so that in the end nobody has more than one more than another. */
  function giveOneUp(workers: ReadonlyMap<string, number>): void {
    if (leaving.size > 0 || stop.signal.aborted) return;
    if (workers.get(owner)! - Math.min(...workers.values()) < 2) return;
    const connection = [...renewedAt.keys()].find((one) => keeper.mayLeave(one));
    if (connection !== undefined) void giveUp(connection);
  }

  function giveUp(connection: string): Promise<void> {
    const left =
      leaving.get(connection) ??
      (async () => {
        await keeper.leave(connection);
        renewedAt.delete(connection);
        leaving.delete(connection);
        await dropLease(context, `${seatPrefix}${connection}`, purpose);
      })().catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
        log.warn({ connection, code: error.code }, 'a seat could not be given back; it runs out');
      });
    leaving.set(connection, left);
    return left;
  }

  function lose(connection: string): void {
    renewedAt.delete(connection);
    log.warn({ connection }, 'the seat of a connection was lost to another process');
    keeper.stop(connection);
  }

  /** What could not be renewed for as long as it lasts may belong to somebody else by now. */
  function loseExpired(): void {
    for (const [connection, at] of renewedAt) if (performance.now() - at >= leaseMs) lose(connection);
  }

  return {
    all: () => seats,
    has: (connection) => renewedAt.has(connection),
    async close() {
      stop.abort();
      await looking;
      const renewing = setInterval(() => void renew().catch(() => {}), renewEveryMs);
      try {
        // Who is leaving takes no free seat from those who stay.
        await dropLease(context, `${workerPrefix}${owner}`, purpose).catch(() => {});
        await Promise.all([...renewedAt.keys()].map(giveUp));
      } finally {
        clearInterval(renewing);
      }
    },
  };
}

import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { EngineContext } from '../../engine/engine.ts';

/** Redis does not answer. What was asked for was not done; what counts is in the store. */
export class QueueAwayError extends Error {
  override readonly name = 'QueueAwayError';
  readonly code = 'queue_away';
}

/** What a process hears about its Redis. Listeners must not throw. */
export interface RedisListeners {
  /** It answers: for the first time, or again. `isEmptied`: what was in it is gone. */
  readonly onThere: (isEmptied: boolean) => void;
}

/** The connections of one process to Redis, and what is known about it. */
export interface RedisLink {
  /** For all who put jobs on queues: fails at once while Redis is away. */
  readonly producer: Redis;
  /** For workers: waits while Redis is away. BullMQ makes its blocking connections from it. */
  readonly patient: Redis;
  /** Since when Redis does not answer, epoch milliseconds. */
  readonly awaySince: number | undefined;
  /** Ends all connections at once, also while Redis is away, with whatever waits for an answer. */
  close(): void;
}

/** How often we look whether Redis is there and still holds what we put into it. */
const lookEveryMs = 500;

/** An answer that takes longer than this is none. */
const answerMs = 5_000;

const longestPauseMs = 1_000;

/**
 * Connects to Redis and stays connected; does not wait for it. Says once when it is away, and once when it is back.
 * A key in it tells whether it was emptied: whoever misses it writes it anew.
 * @param address `redis://`, `rediss://`, or `unix://` and the path of a socket
 */
export function openRedis(
  address: string,
  prefix: string,
  { clock, log }: Pick<EngineContext, 'clock' | 'log'>,
  { onThere }: RedisListeners,
): RedisLink {
  const copies = new Set<Redis>();
  const producer = connect(address, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: answerMs });
  const patient = connect(address, { maxRetriesPerRequest: null });
  // BullMQ takes a blocking connection of its own for each worker, and cannot end it while Redis is away.
  const duplicate = patient.duplicate.bind(patient);
  patient.duplicate = (override) => {
    const copy = duplicate(override);
    copies.add(copy);
    copy.once('end', () => copies.delete(copy));
    return copy;
  };
  const markerKey = `${prefix}:marker`;
  const stop = new AbortController();
  let awaySince: number | undefined = clock.now();
  let isTold = false;
  let marker: string | undefined;
  void watch();

  /** Looks at the marker, and writes it where it is missing. */
  async function look(): Promise<string> {
    const mine = randomBytes(8).toString('hex');
    return (await producer.set(markerKey, mine, 'NX', 'GET')) ?? mine;
  }

  async function watch(): Promise<void> {
    while (!stop.signal.aborted) {
      const seen = await look().catch(() => undefined);
      if (stop.signal.aborted) return;
      if (seen === undefined) goneAway();
      else there(seen);
      // At first, what is there is to be found at once.
      const ms = marker === undefined ? lookEveryMs / 10 : lookEveryMs;
      await wait(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    }
  }

  function goneAway(): void {
    awaySince ??= clock.now();
    if (isTold || clock.now() - awaySince < lookEveryMs) return;
    isTold = true;
    log.warn(
      { since: new Date(awaySince).toISOString() },
      'Redis is away: no job runs until it is back; webhooks are received, and nothing is lost',
    );
  }

  function there(seen: string): void {
    const isEmptied = marker !== undefined && seen !== marker;
    const wasAway = awaySince !== undefined;
    marker = seen;
    awaySince = undefined;
    if (isTold) log.info({ emptied: isEmptied }, 'Redis is back');
    else if (isEmptied) log.warn({}, 'Redis was emptied: what it held is asked for again');
    isTold = false;
    if (wasAway || isEmptied) onThere(isEmptied);
  }

  return {
    producer,
    patient,
    get awaySince() {
      return awaySince;
    },
    close() {
      stop.abort();
      for (const connection of [producer, patient, ...copies]) connection.disconnect();
    },
  };
}

interface Temper {
  readonly enableOfflineQueue?: boolean;
  readonly maxRetriesPerRequest: number | null;
  readonly commandTimeout?: number;
}

/** A connection to Redis that is made again and again. @param isOnce only when it is asked for, and not again */
export function connect(address: string, temper: Temper, isOnce = false): Redis {
  const { protocol, pathname } = new URL(address);
  const redis = new Redis(protocol === 'unix:' ? decodeURIComponent(pathname) : address, {
    ...temper,
    lazyConnect: isOnce,
    retryStrategy: (times) => (isOnce ? null : Math.min(times * 50, longestPauseMs)),
    connectTimeout: answerMs,
  });
  // Told by the watch, once; a connection without a listener would print each of its errors.
  redis.on('error', () => {});
  return redis;
}

import type { Redis } from 'ioredis';
import { connect } from './redis.ts';

/** What a Redis says of itself. */
export interface RedisFacts {
  /** Such as `7.4.1`; of a Valkey the version of Redis that it stands in for. */
  readonly version: string;
  /** What it does when its memory is full; undefined where it does not tell. */
  readonly evictionPolicy: string | undefined;
  /** Whether it keeps what it holds over a restart; undefined where it does not tell. */
  readonly isPersistent: boolean | undefined;
}

/** Older ones lack commands that BullMQ uses. */
export const oldestRedis = '6.2.0';

/** BullMQ's: another one throws jobs away when memory is short. */
export const neededPolicy = 'noeviction';

/**
 * Asks a Redis about itself, once. Changes nothing in it.
 * @throws Error when it does not answer, or refuses us; its message holds neither the address nor a password
 */
export async function inspectRedis(address: string): Promise<RedisFacts> {
  const redis = connect(
    address,
    { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: answerMs },
    true,
  );
  let trouble: Error | undefined;
  redis.on('error', (error: Error) => {
    trouble ??= error;
  });
  try {
    await redis.connect();
    const server = await redis.info('server');
    return {
      version: /^redis_version:(\S+)/m.exec(server)?.[1] ?? 'unknown',
      evictionPolicy: await setting(redis, 'maxmemory-policy'),
      isPersistent: isAnySaved(await setting(redis, 'save'), await setting(redis, 'appendonly')),
    };
  } catch (error) {
    // The promise tells only that there is no connection.
    throw trouble ?? error;
  } finally {
    redis.disconnect();
  }
}

const answerMs = 3_000;

/** Hosted ones often do not let themselves be asked. */
async function setting(redis: Redis, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await redis.config('GET', name)) as readonly string[];
    return value;
  } catch {
    return undefined;
  }
}

function isAnySaved(save: string | undefined, appendOnly: string | undefined): boolean | undefined {
  if (save === undefined && appendOnly === undefined) return undefined;
  return appendOnly === 'yes' || (save ?? '') !== '';
}

/** Whether a version such as 6.0.16 is older than another one. */
export function isOlder(version: string, than: string): boolean {
  const [mine, theirs] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let place = 0; place < theirs!.length; place += 1) {
    const difference = (mine![place] ?? 0) - theirs![place]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

import { createHash } from 'node:crypto';
import type { EngineContext } from '../../engine/engine.ts';
import { inTurn } from '../../engine/lease.ts';

/** Cycles, and the ticks of schedules. */
export const sweepQueue = 'sweep';

/** Rounds: what hints have named. */
export const webhookQueue = 'webhook';

/** Reading one connection. A connection's name has letters, digits, `-` and `_` only. */
export function pullQueue(connection: string): string {
  return `pull-${connection}`;
}

/** Writing to one connection. */
export function pushQueue(connection: string): string {
  return `push-${connection}`;
}

/** Remembered in the store: what tells this installation from others. */
const installationKey = 'installation';

/**
 * What all our keys in Redis begin with, so that installations may share one Redis: from an id that the store keeps, and
 * the path of its file, so that a copy of the store is an installation of its own.
 */
export async function keyPrefix(context: EngineContext, file: string): Promise<string> {
  const { store, newId } = context;
  const installation =
    (await store.remembered(installationKey)) ??
    // Two processes that start together must agree.
    (await inTurn(
      context,
      installationKey,
      async () => {
        const id = (await store.remembered(installationKey)) ?? newId();
        await store.remember(installationKey, id);
        return id;
      },
      undefined,
    ));
  return `concordat-${createHash('sha256').update(`${installation}\n${file}`).digest('hex').slice(0, 12)}`;
}

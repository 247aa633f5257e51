import type { FastifyInstance } from 'fastify';
import type { Store } from '../store/store.ts';

/** What health is told from. */
export interface HealthParts {
  readonly store: Pick<Store, 'remembered'>;
  /** Since when Redis does not answer, epoch milliseconds; undefined while it does. */
  readonly redisAwaySince: () => number | undefined;
  /** Why no webhooks are received, in words; undefined while they are, or when none are configured. */
  readonly notReceiving: () => string | undefined;
}

/**
 * Adds `/healthz`, 200 while the process is alive and its store answers, and `/readyz`, 200 while it can also do all its
 * work. Else 503 with the reasons, in words that a stranger may read: no addresses, no names of files.
 */
export function addHealth(server: FastifyInstance, { store, redisAwaySince, notReceiving }: HealthParts): void {
  const storeFault = async (): Promise<string | undefined> => {
    try {
      await store.remembered('health');
      return undefined;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      return `store: does not answer (${code})`;
    }
  };
  const redisFault = (): string | undefined => {
    const since = redisAwaySince();
    return since === undefined ? undefined : `redis: not reachable since ${new Date(since).toISOString()}`;
  };
  const receiverFault = (): string | undefined => {
    const fault = notReceiving();
    return fault === undefined ? undefined : `webhooks: ${fault}`;
  };

  const looks = {
    '/healthz': async () => [await storeFault()],
    '/readyz': async () => [await storeFault(), redisFault(), receiverFault()],
  };
  for (const [path, look] of Object.entries(looks))
    server.get(path, async (_request, reply) => {
      const reasons = (await look()).filter((reason) => reason !== undefined);
      return await reply
        .code(reasons.length === 0 ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(reasons.length === 0 ? { status: 'ok' } : { status: 'failing', reasons });
    });
}

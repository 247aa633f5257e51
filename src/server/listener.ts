import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Address } from '../config/config.ts';
import type { EngineContext } from '../engine/engine.ts';
import { dropLease, ownerOf, takeLease } from '../engine/lease.ts';

/** How long the right to listen outlives a process that died elsewhere; renewed at a third of it. */
const leaseMs = 60_000;
/** How often one that waits for its turn looks whether it has come. */
const lookEveryMs = 500;

/** An address cannot be listened at, in words for people. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** A server at its address, now or as soon as its turn comes. */
export interface Listener {
  /** Where it answers; undefined while another worker of the same database does so in its place. */
  readonly url: string | undefined;
  /** Who listens in our place: `process 4711 on host`. */
  readonly holder: string | undefined;
  /** Ends the connections that are idle, waits for the others, and hands the address on. */
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly server: FastifyInstance;
  readonly address: Address;
  /** What listens, for people: `webhooks`. */
  readonly what: string;
  readonly context: EngineContext;
}

/**
 * Listens. Of several workers of one database one has the address; the others wait, and one of them takes over when it is
 * free. Who has it is a lease in the store, so that somebody else at the address is told from one of us.
 * @throws ListenError when somebody else is at the address, or it cannot be had
 */
export async function listenInTurn({ server, address, what, context }: ListenerOptions): Promise<Listener> {
  const { log } = context;
  const { host, port } = address;
  const lease = `listen ${host}:${port}`;
  const isShared = port !== 0;
  const stop = new AbortController();
  let url: string | undefined;
  let holder: string | undefined;

  const takeTurn = async (): Promise<boolean> => {
    if (!isShared || (await takeLease(context, lease, what, leaseMs))) return true;
    holder = processName(await context.store.leaseHolder(lease));
    return false;
  };

  async function listen(): Promise<void> {
    url = await server.listen({ host, port });
    holder = undefined;
  }

  /** Waits for the turn, then keeps it. */
  async function keep(): Promise<void> {
    let isTold = false;
    while (!stop.signal.aborted) {
      const isOurs = await takeTurn().catch(() => false);
      if (url === undefined && isOurs) {
        try {
          await listen();
          log.info({ url }, `${what}: the address is free; taken over`);
        } catch (error) {
          if (!isTold) log.error({ host, port }, `${wordsFor(error, what, address)}; it is tried again and again`);
          isTold = true;
        }
      }
      const ms = url === undefined ? lookEveryMs : leaseMs / 3;
      await wait(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    }
  }

  if (await takeTurn()) {
    try {
      await listen();
    } catch (error) {
      await dropLease(context, lease, what);
      await server.close();
      throw new ListenError(wordsFor(error, what, address), { cause: error });
    }
  }
  const keeping = isShared ? keep() : Promise.resolve();

  return {
    get url() {
      return url;
    },
    get holder() {
      return holder;
    },
    async close() {
      stop.abort();
      await keeping;
      url = undefined;
      await server.close();
      if (isShared) await dropLease(context, lease, what).catch(() => {});
    },
  };
}

function wordsFor(error: unknown, what: string, { host, port }: Address): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const place = `${what}: cannot listen at ${host}:${port}`;
  if (code === 'EADDRINUSE')
    return `${place}: another program is there, and it is no concordat worker of this database; end it, or configure another port`;
  if (code === 'EACCES') return `${place}: this user may not; a port above 1023 needs no rights`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${place}: this machine has no such address`;
  return `${place} (${code})`;
}

/** `process 4711 on host`, from the owner's name in leases. */
function processName(holder: string | undefined): string {
  const [host, pid] = ownerOf(holder ?? '').split('/');
  return pid === undefined ? 'another process' : `process ${pid} on ${host}`;
}

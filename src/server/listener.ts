import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Address } from '../config/config.ts';
import type { EngineContext } from '../engine/engine.ts';
import { processText } from '../engine/in-words.ts';
import { dropLease, ownerOf, takeLease } from '../engine/lease.ts';

/** How long the right to listen outlives a process that died elsewhere; renewed at a third of it. */
const leaseMs = 60_000;
/** How often one that waits for its turn looks whether it has come. */
const lookEveryMs = 500;
/** How often a taken address is looked at again before it counts as somebody else's. */
const looksAtStart = 10;

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
 * free. Who has it stands in the store as a lease, so that somebody else at the address is told from one of us; whether
 * it is free, the system says.
 * @throws ListenError when somebody else is at the address, or it cannot be had
 */
export async function listenInTurn({ server, address, what, context }: ListenerOptions): Promise<Listener> {
  const { log, store, clock, owner, isAlive } = context;
  const { host, port } = address;
  const lease = `listen ${host}:${port}`;
  const isShared = port !== 0;
  const stop = new AbortController();
  let url: string | undefined;
  let holder: string | undefined;

  /** @returns undefined when it listens now, else what kept it from that */
  async function listen(): Promise<unknown> {
    try {
      url = await server.listen({ host, port });
      holder = undefined;
      await sign();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** Whoever listens is the one: a lease that somebody else has left behind, or has at an address like ours, ends. */
  async function sign(): Promise<void> {
    if (!isShared || (await takeLease(context, lease, what, leaseMs))) return;
    await store.release(lease, (await store.leaseHolder(lease)) ?? '');
    await takeLease(context, lease, what, leaseMs);
  }

  /** The worker of our database that has the address; undefined when it is somebody else. */
  async function sibling(): Promise<string | undefined> {
    const row = (await store.leases(lease)).find(({ name }) => name === lease);
    if (!row || row.until <= clock.now()) return undefined;
    const process = ownerOf(row.owner);
    return process !== owner && isAlive(process) ? processText(process) : undefined;
  }

  /** Waits until the address is free, then has it. */
  async function keep(): Promise<void> {
    let isTold = false;
    while (!stop.signal.aborted) {
      const ms = url === undefined ? lookEveryMs : leaseMs / 3;
      await wait(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {});
      if (stop.signal.aborted) return;
      if (url !== undefined) {
        await sign().catch(() => {});
        continue;
      }
      const error = await listen();
      if (error === undefined) log.info({ url }, `${what}: the address is free; taken over`);
      else {
        holder = await sibling().catch(() => holder);
        if (holder === undefined && !isTold)
          log.error({ host, port }, `${wordsFor(error, what, address)}; it is tried again and again`);
        isTold = holder === undefined;
      }
    }
  }

  let error = await listen();
  // One of us may have taken it a moment ago, and not yet said so.
  for (let tries = 0; error !== undefined && codeOf(error) === 'EADDRINUSE' && tries < looksAtStart; tries += 1) {
    holder = await sibling();
    if (holder !== undefined) break;
    await wait(lookEveryMs / 5);
    error = await listen();
  }
  if (error !== undefined && holder === undefined) {
    await server.close();
    throw new ListenError(wordsFor(error, what, address), { cause: error });
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

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function wordsFor(error: unknown, what: string, { host, port }: Address): string {
  const code = codeOf(error);
  const place = `${what}: cannot listen at ${host}:${port}`;
  if (code === 'EADDRINUSE')
    return `${place}: another program is there, and it is no concordat worker of this database; end it, or configure another port`;
  if (code === 'EACCES') return `${place}: this user may not; a port above 1023 needs no rights`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${place}: this machine has no such address`;
  return `${place} (${code})`;
}

import { createServer, type Server } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/connector/clock.ts';
import type { EngineContext } from '../../src/engine/engine.ts';
import { isOwnerAlive, nameOwner } from '../../src/owner.ts';
import { ListenError, type Listener, listenInTurn } from '../../src/server/listener.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

describe('listening in turn', () => {
  let store: Store;
  const open: Listener[] = [];
  const said: string[] = [];
  beforeEach(async () => {
    store = await openSqliteStore(':memory:');
    said.length = 0;
  });
  afterEach(async () => {
    for (const listener of open.splice(0)) await listener.close();
    await store.close();
  });

  const say = (_fields: object, message: string) => void said.push(message);
  /** As a process of its own would listen, saying its name. */
  const listen = async (name: string, port: number, of: Partial<EngineContext> = {}) => {
    const context = {
      ...{ store, clock: systemClock, owner: nameOwner(), isAlive: isOwnerAlive },
      ...{ log: { info: say, warn: say, error: say }, ...of },
    } as unknown as EngineContext;
    const server: FastifyInstance = fastify({ forceCloseConnections: true });
    server.get('/', async () => name);
    const listener = await listenInTurn({ server, address: { host: '127.0.0.1', port }, what: 'webhooks', context });
    open.push(listener);
    return listener;
  };
  const answer = async (url: string | undefined) => await (await fetch(url ?? 'http://127.0.0.1:1')).text();
  const portOf = (url: string | undefined) => Number(new URL(url!).port);
  const freePort = async () => {
    const first = await listen('any', 0);
    const port = portOf(first.url);
    await first.close();
    return port;
  };

  it('takes any port where none is named, each its own', async () => {
    const [first, second] = [await listen('first', 0), await listen('second', 0)];
    expect(await answer(first.url)).toBe('first');
    expect(await answer(second.url)).toBe('second');
  });

  it('lets the second worker of a database wait, and take over when the first is done', async () => {
    const port = await freePort();
    const first = await listen('first', port);
    const second = await listen('second', port);
    expect(second.url).toBeUndefined();
    expect(second.holder).toBe(`process ${process.pid} on ${(await import('node:os')).hostname()}`);
    expect(await answer(first.url)).toBe('first');
    await first.close();
    await vi.waitUntil(() => second.url !== undefined, 5_000);
    expect(await answer(second.url)).toBe('second');
    expect(second.holder).toBeUndefined();
    expect(said).toEqual(['webhooks: the address is free; taken over']);
  });

  it('takes an address that is free, whoever has left a lease on it', async () => {
    const port = await freePort();
    await store.lease(`listen 127.0.0.1:${port}`, 'elsewhere/1/2/3#webhooks', Date.now(), Date.now() + 60_000);
    expect(await answer((await listen('heir', port)).url)).toBe('heir');
    expect(await store.leaseHolder(`listen 127.0.0.1:${port}`)).toContain(`/${process.pid}/`);
  });

  it('lets only one of several that start at once have it, and none of them fail', async () => {
    const port = await freePort();
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => listen(name, port)));
    expect(all.filter(({ url }) => url !== undefined)).toHaveLength(1);
    expect(all.filter(({ holder }) => holder !== undefined)).toHaveLength(3);
  });

  it('refuses an address where somebody else is, and does not keep the right to it', async () => {
    const stranger: Server = createServer();
    const port = await new Promise<number>((resolve) =>
      stranger.listen(0, '127.0.0.1', () => resolve((stranger.address() as { port: number }).port)),
    );
    const failed = listen('late', port);
    await expect(failed).rejects.toThrow(ListenError);
    await expect(failed).rejects.toThrow(
      `webhooks: cannot listen at 127.0.0.1:${port}: another program is there, and it is no concordat worker of this database`,
    );
    await new Promise((resolve) => stranger.close(resolve));
    expect(await answer((await listen('again', port)).url)).toBe('again');
  });

  it('says in words what is wrong with an address', async () => {
    const context = { store, clock: systemClock, owner: 'a/1/2/3', isAlive: () => true } as unknown as EngineContext;
    const address = { host: '192.0.2.1', port: 0 };
    await expect(listenInTurn({ server: fastify(), address, what: 'dashboard', context })).rejects.toThrow(
      'dashboard: cannot listen at 192.0.2.1:0: this machine has no such address',
    );
  });
});

import type { FastifyInstance } from 'fastify';
import type { QueueControl } from '../../../src/queue/control.ts';
import { buildDashboard } from '../../../src/server/dashboard/dashboard.ts';
import type { SyncPolicy } from '../../../src/sync/policy.ts';
import { ann, ben, both, crm } from '../../worlds/small.ts';
import { openWorld, type World } from '../../worlds/world.ts';

export const password = 'let me act, please';
export const readPassword = 'let me look, please';

/** Values that stand in the store, and on no page but that of their record. */
export const personal = /ashworth|brennecke|\bann\b|\bben\b|overheard secret|\+4930/i;

/** What a control was asked for. */
interface FakeControl extends QueueControl {
  readonly asked: string[];
  awaySince: number | undefined;
}

function fakeControl(overrides: Partial<QueueControl> = {}): FakeControl {
  const asked: string[] = [];
  const control: FakeControl = {
    asked,
    queues: [],
    awaySince: undefined,
    depths: async () => [],
    syncNow: async (sync) => {
      if (control.awaySince !== undefined) throw new Error('Redis does not answer');
      asked.push(sync);
    },
    wake: () => {
      asked.push('wake');
    },
    holds: () => [],
    seats: () => [],
    ...overrides,
  };
  return control;
}

/** A dashboard on loopback over a world in which something of every sort waits for a person. */
export interface DashboardBed {
  readonly world: World;
  readonly control: FakeControl;
  readonly url: string;
  /** Canonical id of a record with a dead letter, a conflict and values. */
  readonly recordId: string;
  close(): Promise<void>;
}

interface BedOptions {
  readonly control?: Partial<QueueControl>;
  readonly passwords?: { readonly password: string | undefined; readonly readPassword: string | undefined };
  readonly open?: readonly ((server: FastifyInstance) => void)[];
}

const syncs: readonly SyncPolicy[] = [
  both(['room', 'site'], { conflicts: 'manual', schedule: { pattern: '*/5 * * * *' } }),
];

export async function openDashboardBed({
  control: overrides = {},
  passwords = { password, readPassword },
  open = [],
}: BedOptions = {}): Promise<DashboardBed> {
  const world = await openWorld(
    [crm('room', ['notes', 'phone.mobile']), crm('site', ['notes', 'phone.mobile'])],
    syncs,
  );
  const recordId = await fill(world);
  const control = fakeControl(overrides);
  const listen = { host: '127.0.0.1', port: 0 };
  const server = await buildDashboard({
    config: { dashboard: { listen, ...passwords } },
    context: world.context,
    control,
    open,
  });
  const url = await server.listen(listen);
  return {
    world,
    control,
    url,
    recordId,
    async close() {
      await server.close();
      await world.close();
    },
  };
}

async function fill(world: World): Promise<string> {
  const annId = world.enter('room', 'contact', { ...ann, notes: 'overheard secret', 'phone.mobile': '+4930123456' });
  world.enter('room', 'contact', ben);
  for (const _ of [1, 2]) world.enter('site', 'contact', ben);
  await world.cycle();
  const [siteId] = world.crms
    .get('site')!
    .ids('contact')
    .filter((id) => world.crms.get('site')!.holds('contact', id)['name.given'] === 'Ann');
  world.edit('room', 'contact', annId, { notes: 'overheard secret of room' });
  world.edit('site', 'contact', siteId!, { notes: 'overheard secret of site' });
  await world.cycle();
  const { record } = (await world.recordOf('room', 'contact', annId))!;
  const key = { connection: 'site', recordId: record.id };
  const { store } = world;
  await store.commit({
    run: 'r',
    at: 1,
    entity: 'contact',
    pending: [key],
    quarantine: [
      {
        connection: 'room',
        entity: 'contact',
        externalId: '88',
        reason: 'email.primary: expected a text, came a list',
        at: 1,
      },
    ],
  });
  const failure = { attempts: 3, notBefore: 0, code: 'rejected', message: 'site: answered 422' };
  const detail = 'Ann Ashworth is not wanted';
  await store.defer('site', record.id, { ...failure, version: record.version, state: 'dead', detail });
  await store.hold('people', 'site', 'overwrite', [{ ...key, what: 'overwrite', mark: 'm' }], 1);
  await store.receive([
    { connection: 'room', id: 'd1', at: 1, hints: [{ entity: 'contact', externalId: annId, what: 'changed' }] },
  ]);
  return record.id;
}

/** Somebody with a browser that follows no redirect and keeps the cookie. */
export class Visitor {
  readonly #url: string;
  cookie = '';

  constructor(url: string) {
    this.#url = url;
  }

  async get(address: string, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(this.#url + address, { headers: { cookie: this.cookie, ...headers }, redirect: 'manual' });
  }

  async post(address: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(this.#url + address, {
      method: 'POST',
      headers: { cookie: this.cookie, ...headers },
      body: new URLSearchParams(form),
      redirect: 'manual',
    });
  }

  /** @returns the answer to the log-in */
  async logIn(as: string, headers: Record<string, string> = {}): Promise<Response> {
    const reply = await this.post('/login', { password: as }, headers);
    this.cookie = reply.headers.get('set-cookie')?.split(';')[0] ?? this.cookie;
    return reply;
  }

  /** The token that the forms of a page carry. */
  async token(address = '/'): Promise<string> {
    return /name="token" value="([^"]+)"/.exec(await (await this.get(address)).text())?.[1] ?? '';
  }

  async act(name: string, form: Record<string, string>): Promise<Response> {
    return await this.post(`/actions/${name}`, { token: await this.token(), ...form });
  }
}

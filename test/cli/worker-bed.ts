import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { connectors } from '../../connectors/index.ts';
import { systemClock } from '../../src/connector/clock.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';
import type { EngineContext } from '../../src/engine/engine.ts';
import { isOwnerAlive, nameOwner } from '../../src/owner.ts';
import { findRedisServer, openRedisServer } from '../../src/queue/bull/redis-server.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Running, start } from './harness.ts';

type Wire = Readonly<Record<string, unknown>>;

/** The four CRMs of a bed: in each, the key of a contact's id, its city, and the change of a person who moves. */
const crms = {
  room: {
    connector: 'conecrm',
    id: 'id',
    cityOf: ({ city }: Wire) => city,
    moved: (_: Wire, city: string) => ({ city }),
  },
  site: {
    connector: 'treepl',
    id: 'Id',
    cityOf: ({ City }: Wire) => City,
    moved: (_: Wire, City: string) => ({ City }),
  },
  office: {
    connector: 'alpha',
    id: 'id',
    cityOf: ({ billingAddress }: Wire) => (billingAddress as Wire | undefined)?.city,
    moved: ({ billingAddress }: Wire, city: string) => ({ billingAddress: { ...(billingAddress as Wire), city } }),
  },
  chat: {
    connector: 'upgradechat',
    id: 'contactId',
    cityOf: ({ addresses }: Wire) => (addresses as readonly Wire[] | undefined)?.[0]?.city,
    moved: ({ addresses }: Wire, city: string) => ({ addresses: [{ ...(addresses as readonly Wire[])[0], city }] }),
  },
} as const;
export type CrmName = keyof typeof crms;
export const crmNames = Object.keys(crms) as readonly CrmName[];

/** Longer than anything takes on a busy machine. */
const patienceMs = 120_000;

const token = 'only-for-the-worker';
const secret = `whsec_${Buffer.from('a secret of the tests, of 32 bytes').toString('base64')}`;
/** What the worker finds in its environment. */
const bedEnv = { BED_TOKEN: token, BED_SECRET: secret, BED_PASSWORD: 'correct horse' };

/** Four CRMs on loopback, and a configuration for a worker in a folder of its own. */
export interface Bed {
  readonly sandboxes: Readonly<Record<CrmName, Sandbox>>;
  readonly folder: string;
  /** The worker's ports: what it listens at. */
  readonly webhooks: string;
  readonly dashboard: string;
  /** The real program, in a process of its own. */
  start(args?: readonly string[], env?: Readonly<Record<string, string>>): Running;
  /** Adds the n-th made-up person at Alpha, whose records nobody can create by its API. */
  enter(n: number): void;
  /** Somebody at a CRM changes the n-th person's city: a field that all hold, and all but Alpha take. @returns the id there */
  move(crm: CrmName, n: number, city: string): string;
  /** The city of the n-th person at a CRM; undefined when it is not there. */
  cityOf(crm: CrmName, n: number): unknown;
  /** How many contacts a CRM has. */
  count(crm: CrmName): number;
  /** Resolves when `holds` does; rejects, with what the workers have said, when it takes too long. */
  until(what: string, holds: () => unknown, ms?: number): Promise<void>;
  /** A signed webhook, as a CRM would send it. @returns the status of the answer */
  tell(crm: CrmName, externalId: string, url?: string): Promise<number>;
  close(): Promise<void>;
}

/** What a bed may have of its own. */
export interface BedOptions {
  /** `queue.redis`; default: none, so that the worker runs its own. */
  readonly redis?: string;
  /** The program's file; default: the sources. */
  readonly main?: string;
  /** The database file, in the bed's folder. */
  readonly database?: string;
}

/** Starts the CRMs, empty, and writes the configuration. */
export async function openBed({ redis = '', main, database = 'concordat.db' }: BedOptions = {}): Promise<Bed> {
  const started = await Promise.all(
    crmNames.map(async (name) => [name, await connectors.get(crms[name].connector)!.startSandbox({ token })] as const),
  );
  const sandboxes = Object.fromEntries(started) as Record<CrmName, Sandbox>;
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-worker-'));
  const [webhookPort, dashboardPort] = await freePorts(2);
  const connections = crmNames.map(
    (name) =>
      `  ${name}: { connector: ${crms[name].connector}, baseUrl: "${sandboxes[name].url}", token: "\${BED_TOKEN}", rateLimit: { perSecond: 5000, concurrent: 8 }, timeout: 10s }`,
  );
  await writeFile(
    path.join(folder, 'concordat.yaml'),
    `store: { sqlite: "${database}" }
queue: { redis: "${redis}" }
connections:
${connections.join('\n')}
syncs:
  people:
    entity: contact
    members: { ${crmNames.map((name) => `${name}: both`).join(', ')} }
    limits: { deletes: 100%, overwrites: 100%, blankings: 100% }
    schedule: "0 0 1 1 *"
webhooks:
  listen: 127.0.0.1:${webhookPort}
  secrets: { ${crmNames.map((name) => `${name}: "\${BED_SECRET}"`).join(', ')} }
dashboard: { listen: "127.0.0.1:${dashboardPort}", password: "\${BED_PASSWORD}" }
`,
  );
  const webhooks = `http://127.0.0.1:${webhookPort}`;
  const signer = new Webhook(secret);
  const running: Running[] = [];
  const atOffice = new Map<number, Wire>();
  const find = (crm: CrmName, n: number): Wire | undefined =>
    sandboxes[crm].people.all('contact').find((wire) => JSON.stringify(wire).includes(`"${emailOf(n)}"`));
  return {
    sandboxes,
    folder,
    webhooks,
    dashboard: `http://127.0.0.1:${dashboardPort}`,
    start(args = ['start'], env = {}) {
      const one = start(args, { directory: folder, env: { ...bedEnv, ...env }, ...(main !== undefined && { main }) });
      running.push(one);
      return one;
    },
    enter(n) {
      const wire = {
        name: `Given${n} Family${n}`,
        email: emailOf(n),
        crmStatus: 'ACTIVE',
        billingAddress: { street: 'Voorbeeldstraat', houseNumber: String(n), city: 'Utrecht', country: 'NL' },
      };
      atOffice.set(n, { ...wire, id: sandboxes.office.people.add('contact', wire) });
    },
    move(crm, n, city) {
      // Those at Alpha are not looked for: a benchmark edits many a second.
      const wire = (crm === 'office' && atOffice.get(n)) || find(crm, n);
      if (!wire) throw new RangeError(`${crm} has no person ${n}`);
      const id = String(wire[crms[crm].id]);
      sandboxes[crm].people.edit('contact', id, crms[crm].moved(wire, city));
      return id;
    },
    cityOf(crm, n) {
      const wire = find(crm, n);
      return wire && crms[crm].cityOf(wire);
    },
    count: (crm) => sandboxes[crm].people.all('contact').length,
    async until(what, holds, ms = patienceMs) {
      const end = performance.now() + ms;
      while (!(await holds())) {
        if (performance.now() > end) {
          for (const one of running) one.kill('SIGKILL');
          const said = (await Promise.all(running.map(({ ended }) => ended))).map(({ stderr }) => stderr.slice(-5_000));
          throw new Error(`waited ${ms} ms for: ${what}; the workers said:\n${said.join('\n---\n')}`);
        }
        await wait(10);
      }
    },
    async tell(crm, externalId, url = webhooks) {
      const [id, at] = [randomUUID(), new Date()];
      const body = JSON.stringify({ type: 'contact.updated', data: { entity: 'contact', id: externalId } });
      const reply = await fetch(`${url}/webhooks/${crm}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
          'webhook-signature': signer.sign(id, at, body),
        },
        body,
      });
      await reply.body?.cancel();
      return reply.status;
    },
    async close() {
      for (const one of running) one.kill('SIGKILL');
      await Promise.all(running.map(({ ended }) => ended));
      await endRedis(path.join(folder, database));
      await Promise.all(Object.values(sandboxes).map((sandbox) => sandbox.close()));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function emailOf(n: number): string {
  return `p${n}@example.com`;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Ends the Redis that a killed worker left behind, as the next worker would. */
async function endRedis(databaseFile: string): Promise<void> {
  const program = findRedisServer(process.env.PATH);
  if (program === undefined || !existsSync(`${databaseFile}.redis/redis.sock`)) return;
  const store = await openSqliteStore(':memory:');
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const context = { store, log, clock: systemClock, owner: nameOwner(), isAlive: isOwnerAlive };
  const redis = openRedisServer({ program, databaseFile, context: context as unknown as EngineContext });
  await redis.ready(patienceMs);
  await redis.close();
  await store.close();
}

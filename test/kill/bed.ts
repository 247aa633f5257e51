import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectors } from '../../connectors/index.ts';
import type { Sandbox, SeenRequest } from '../../src/connector/sandbox.ts';
import type { Entity } from '../../src/model/values.ts';

/** The four CRMs of a bed, by name. */
export const kinds = { room: 'conecrm', archive: 'conecrm', site: 'treepl', shop: 'treepl' } as const;
export type CrmName = keyof typeof kinds;
export const crmNames = Object.keys(kinds) as readonly CrmName[];

/** Which of them keep an entity the same, in the order of the configuration. */
export const members: Readonly<Record<'contact' | 'account', readonly CrmName[]>> = {
  contact: ['room', 'site', 'shop'],
  account: ['room', 'archive'],
};
export type Kept = keyof typeof members;
export const keptEntities = Object.keys(members) as readonly Kept[];

export interface BedOptions {
  readonly seed: number;
  readonly deletes: 'ignore' | 'propagate';
  /** Delay of every answer, milliseconds: what a dead process has asked for is then done after its death. */
  readonly latencyMs: number;
  /** What a worker needs besides, where one is to run. */
  readonly worker?: WorkerSettings;
}

/** The part of the configuration that only a worker reads. */
interface WorkerSettings {
  /** Address of the Redis. */
  readonly redis: string;
  readonly webhooksPort: number;
  readonly dashboardPort: number;
  /** Cron pattern of all syncs. */
  readonly schedule: string;
}

/** What a CRM was asked: told just before it acts, and again right after it did, before the answer leaves. */
export interface Heard {
  readonly crm: CrmName;
  readonly request: SeenRequest;
  readonly when: 'before' | 'after';
}

/** Hears every request. Answering `refuse` before the CRM acts cuts the connection instead. */
type Listener = (heard: Heard) => 'refuse' | undefined;

/** Four CRMs on loopback, and a configuration for them in a folder of their own. */
export interface Bed {
  readonly crms: Readonly<Record<CrmName, Sandbox>>;
  readonly folder: string;
  readonly storeFile: string;
  readonly latencyMs: number;
  /** All records of an entity at a CRM, as a person sees them. */
  seen(crm: CrmName, entity: Entity): readonly Readonly<Record<string, unknown>>[];
  hear(listener: Listener): void;
  /** @param keeps whether the folder stays: of a life that broke a law one wants to see the database */
  close(keeps?: boolean): Promise<void>;
}

const token = 'only-for-the-kill';

/** Starts the CRMs, empty, and writes the configuration; the database is made by the first command. */
export async function openBed({ seed, deletes, latencyMs, worker }: BedOptions): Promise<Bed> {
  const started = await Promise.all(
    crmNames.map(
      async (name, index) =>
        [name, await connectors.get(kinds[name])!.startSandbox({ token, seed: seed + index })] as const,
    ),
  );
  const crms = Object.fromEntries(started) as Record<CrmName, Sandbox>;
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-kill-'));
  await writeFile(path.join(folder, 'concordat.yaml'), configuration(crms, deletes, worker));
  let listener: Listener = () => undefined;
  for (const name of crmNames) {
    const { faults } = crms[name];
    if (latencyMs > 0) faults.latencyMs = latencyMs;
    const tell = (request: SeenRequest, when: Heard['when']) => listener({ crm: name, request, when }) === 'refuse';
    // A fault is asked about every request. One that cuts the connection on demand, and one that never strikes, hear all.
    faults.cut = { when: 'before', times: Number.POSITIVE_INFINITY, only: (request) => tell(request, 'before') };
    faults.garble = {
      how: 'empty',
      times: Number.POSITIVE_INFINITY,
      only: (request) => {
        tell(request, 'after');
        return false;
      },
    };
  }
  return {
    crms,
    folder,
    storeFile: path.join(folder, 'concordat.db'),
    latencyMs,
    seen: (crm, entity) => crms[crm].people.all(entity),
    hear(next) {
      listener = next;
    },
    async close(keeps = false) {
      await Promise.all(Object.values(crms).map((crm) => crm.close()));
      if (!keeps) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What commands in this bed find in their environment. */
export const bedEnv = { KILL_TOKEN: token };

/** With which every CRM of a bed signs its webhooks. */
export const webhookSecret = `whsec_${Buffer.from('a secret of the tests, of 32 bytes').toString('base64')}`;

function configuration(
  crms: Readonly<Record<CrmName, Sandbox>>,
  deletes: BedOptions['deletes'],
  worker: WorkerSettings | undefined,
): string {
  const connections = crmNames.map(
    (name) =>
      `  ${name}: { connector: ${kinds[name]}, baseUrl: "${crms[name].url}", token: "\${KILL_TOKEN}", rateLimit: { perSecond: 5000 }, timeout: 10s }`,
  );
  const schedule = worker ? `, schedule: "${worker.schedule}"` : '';
  const rules = `deletes: ${deletes}, limits: { deletes: 100%, overwrites: 100%, blankings: 100% }${schedule}`;
  const part = (entity: Kept) => members[entity].map((name) => `${name}: both`).join(', ');
  return `store: { sqlite: ./concordat.db }
connections:
${connections.join('\n')}
syncs:
  companies: { entity: account, members: { ${part('account')} }, ${rules} }
  people: { entity: contact, members: { ${part('contact')} }, ${rules} }
${worker ? sectionsOf(worker) : ''}`;
}

function sectionsOf({ redis, webhooksPort, dashboardPort }: WorkerSettings): string {
  const secrets = crmNames.map((name) => `${name}: "${webhookSecret}"`).join(', ');
  return `queue: { redis: "${redis}" }
webhooks: { listen: "127.0.0.1:${webhooksPort}", secrets: { ${secrets} } }
dashboard: { listen: "127.0.0.1:${dashboardPort}", password: "\${KILL_TOKEN}" }
`;
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Registry } from '../config/parts.ts';
import type { Sandbox } from '../connector/sandbox.ts';
import type { Entity } from '../model/values.ts';
import { type DemoCase, demoBadRecords, demoCases, demoCompanies, demoPeople } from './demo-data.ts';

/** The token of every sandbox of the demo, and the variable that the configuration reads it from. */
const demoToken = 'only-for-the-demo';
export const demoEnv = { DEMO_TOKEN: demoToken };

/** The connections of the demo, the key of a record's id in each, and the options that each needs. */
const parts = {
  showroom: {
    connector: 'conecrm',
    idKey: 'id',
    options: `
      department: 0190a000-0000-7000-8000-0000000000d1
      source: 0190a000-0000-7000-8000-0000000000c1
      franchise: 0190a000-0000-7000-8000-0000000000f1
      sources: { Website: 0190a000-0000-7000-8000-0000000000c2, Trade fair: 0190a000-0000-7000-8000-0000000000c3 }`,
  },
  site: { connector: 'treepl', idKey: 'Id', options: ' { phoneRegion: CA }' },
  office: { connector: 'alpha', idKey: 'id', options: ' { phoneRegion: CA }' },
  chat: { connector: 'upgradechat', idKey: 'contactId', options: ' { phoneRegion: CA }' },
} as const;

export type DemoName = keyof typeof parts;
export const demoNames = Object.keys(parts) as readonly DemoName[];

/** A wire record as people at a CRM see it. */
type Wire = Readonly<Record<string, unknown>>;

/** Four CRMs on loopback, filled, with a configuration for them in a folder of their own. */
export interface DemoCrms {
  readonly sandboxes: Readonly<Record<DemoName, Sandbox>>;
  readonly folder: string;
  readonly configFile: string;
  /** External ids of the records of each case. */
  readonly cases: readonly { readonly title: string; readonly ids: Readonly<Record<DemoName, readonly string[]>> }[];
  /** Ends the CRMs and removes the folder. */
  close(): Promise<void>;
}

/** Starts and fills the CRMs. @param people how many people, and a quarter as many companies, there are altogether */
export async function startDemoCrms(registry: Registry, people: number): Promise<DemoCrms> {
  const start = async (name: DemoName): Promise<Sandbox> => {
    const { connector } = parts[name];
    const definition = registry.get(connector);
    if (!definition) throw new RangeError(`the demo needs the connector "${connector}"`);
    return await definition.startSandbox({ token: demoToken });
  };
  const [showroom, site, office, chat] = await Promise.all([
    start('showroom'),
    start('site'),
    start('office'),
    start('chat'),
  ]);
  const sandboxes = { showroom, site, office, chat };
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-demo-'));
  const configFile = path.join(folder, 'concordat.yaml');
  await writeFile(configFile, configuration(sandboxes));
  fill(sandboxes, people);
  return {
    sandboxes,
    folder,
    configFile,
    cases: demoCases.map((one) => added(one, sandboxes)),
    async close() {
      await Promise.all(Object.values(sandboxes).map((sandbox) => sandbox.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A record as people at that CRM see it; undefined where it is not there. */
export function wireIn({ sandboxes }: DemoCrms, name: DemoName, entity: Entity, id: string): Wire | undefined {
  return sandboxes[name].people.all(entity).find((wire) => String(wire[parts[name].idKey]) === id);
}

/** Ids of all records at a CRM, in its order. */
export function idsIn({ sandboxes }: DemoCrms, name: DemoName, entity: Entity): string[] {
  return sandboxes[name].people.all(entity).map((wire) => String(wire[parts[name].idKey]));
}

function fill({ showroom, site, office }: Readonly<Record<DemoName, Sandbox>>, people: number): void {
  for (const person of demoPeople(people)) {
    if (person.showroom) {
      const id = showroom.people.add('contact', person.showroom);
      if (person.showroomLead) showroom.people.add('lead', { ...person.showroomLead, contact: { id } });
    }
    if (person.site) site.people.add('contact', person.site);
    if (person.office) office.people.add('contact', person.office);
  }
  for (const company of demoCompanies(Math.ceil(people / 4))) {
    if (company.showroom) showroom.people.add('account', company.showroom);
    if (company.office) office.people.add('account', company.office);
  }
  for (const bad of demoBadRecords) site.people.add('contact', bad);
}

function added(
  { title, records }: DemoCase,
  sandboxes: Readonly<Record<DemoName, Sandbox>>,
): DemoCrms['cases'][number] {
  const idsAt = (name: DemoName) => (records[name] ?? []).map((wire) => sandboxes[name].people.add('contact', wire));
  return {
    title,
    ids: { showroom: idsAt('showroom'), site: idsAt('site'), office: idsAt('office'), chat: idsAt('chat') },
  };
}

function configuration(sandboxes: Readonly<Record<DemoName, Sandbox>>): string {
  const connections = demoNames.map(
    (name) => `  ${name}:
    connector: ${parts[name].connector}
    baseUrl: ${sandboxes[name].url}
    token: \${DEMO_TOKEN}
    options:${parts[name].options}
    rateLimit: { perSecond: 5000, concurrent: 8 }
`,
  );
  return `store:
  sqlite: ./concordat.db
connections:
${connections.join('')}syncs:
  companies:
    entity: account
    members: { showroom: both, office: both }
    deletes: propagate
  people:
    entity: contact
    members: { showroom: both, site: both, office: both, chat: both }
    conflicts: newest
    deletes: propagate
  chances:
    entity: lead
    members: { showroom: both, office: both, chat: both }
`;
}

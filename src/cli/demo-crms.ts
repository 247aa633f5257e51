import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Registry } from '../config/parts.ts';
import type { Sandbox } from '../connector/sandbox.ts';
import { type DemoCase, demoBadRecords, demoCases, demoCompanies, demoPeople } from './demo-data.ts';

/** The token of every sandbox of the demo, and the variable that the configuration reads it from. */
const demoToken = 'only-for-the-demo';
export const demoEnv = { DEMO_TOKEN: demoToken };

/** Three CRMs on loopback, filled, with a configuration for them in a folder of their own. */
export interface DemoCrms {
  readonly showroom: Sandbox;
  readonly site: Sandbox;
  readonly archive: Sandbox;
  readonly folder: string;
  readonly configFile: string;
  /** External ids of the records of each case. */
  readonly cases: readonly {
    readonly title: string;
    readonly showroom: readonly string[];
    readonly site: readonly string[];
  }[];
  /** Ends the CRMs and removes the folder. */
  close(): Promise<void>;
}

/** Starts and fills the CRMs. @param people how many people, and a quarter as many companies, there are altogether */
export async function startDemoCrms(registry: Registry, people: number): Promise<DemoCrms> {
  const start = async (connector: string): Promise<Sandbox> => {
    const definition = registry.get(connector);
    if (!definition) throw new RangeError(`the demo needs the connector "${connector}"`);
    return await definition.startSandbox({ token: demoToken });
  };
  const [showroom, site, archive] = await Promise.all([start('conecrm'), start('treepl'), start('conecrm')]);
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-demo-'));
  const configFile = path.join(folder, 'concordat.yaml');
  await writeFile(configFile, configuration(showroom, site, archive));
  for (const person of demoPeople(people)) {
    if (person.showroom) showroom.people.add('contact', person.showroom);
    if (person.site) site.people.add('contact', person.site);
  }
  for (const company of demoCompanies(Math.ceil(people / 4))) {
    if (company.showroom) showroom.people.add('account', company.showroom);
    if (company.archive) archive.people.add('account', company.archive);
  }
  for (const bad of demoBadRecords) site.people.add('contact', bad);
  return {
    showroom,
    site,
    archive,
    folder,
    configFile,
    cases: demoCases.map((one) => added(one, showroom, site)),
    async close() {
      await Promise.all([showroom.close(), site.close(), archive.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function added({ title, showroom, site }: DemoCase, inShowroom: Sandbox, inSite: Sandbox): DemoCrms['cases'][number] {
  return {
    title,
    showroom: showroom.map((wire) => inShowroom.people.add('contact', wire)),
    site: site.map((wire) => inSite.people.add('contact', wire)),
  };
}

function configuration(showroom: Sandbox, site: Sandbox, archive: Sandbox): string {
  const connection = (name: string, { connector, url }: Sandbox, options: string) => `  ${name}:
    connector: ${connector}
    baseUrl: ${url}
    token: \${DEMO_TOKEN}
    options: ${options}
    rateLimit: { perSecond: 5000, concurrent: 8 }
`;
  return `store:
  sqlite: ./concordat.db
connections:
${connection('showroom', showroom, '{}')}${connection('site', site, '{ phoneRegion: CA }')}${connection('archive', archive, '{}')}syncs:
  companies:
    entity: account
    members: { showroom: both, archive: both }
  people:
    entity: contact
    members: { showroom: both, site: both }
    conflicts: newest
`;
}

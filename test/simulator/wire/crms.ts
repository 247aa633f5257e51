import { alpha } from '../../../connectors/alpha/index.ts';
import { startAlphaSandbox } from '../../../connectors/alpha/sandbox.ts';
import type { AlphaHabits } from '../../../connectors/alpha/sandbox-customers.ts';
import { conecrm } from '../../../connectors/conecrm/index.ts';
import { startConecrmSandbox } from '../../../connectors/conecrm/sandbox.ts';
import { treepl } from '../../../connectors/treepl/index.ts';
import { startTreeplSandbox } from '../../../connectors/treepl/sandbox.ts';
import type { TreeplHabits } from '../../../connectors/treepl/sandbox-contacts.ts';
import { upgradechat } from '../../../connectors/upgradechat/index.ts';
import { startUpgradechatSandbox } from '../../../connectors/upgradechat/sandbox.ts';
import type { UpgradechatHabits } from '../../../connectors/upgradechat/sandbox-contacts.ts';
import type { ConnectorDefinition } from '../../../src/connector/connector.ts';
import type { Sandbox } from '../../../src/connector/sandbox.ts';
import type { Entity } from '../../../src/model/values.ts';

/** The CRMs of which a life on the wire has some: two sites, two showrooms, two offices, one chat. */
export const kinds = {
  site: 'treepl',
  showroom: 'conecrm',
  office: 'alpha',
  chat: 'upgradechat',
  shop: 'treepl',
  depot: 'conecrm',
  agency: 'alpha',
} as const;
export type Name = keyof typeof kinds;
export type Kind = (typeof kinds)[Name];

/** What a kind of CRM can be asked to do with an entity; what is missing it does not have at all. */
export interface Abilities {
  readonly creates: boolean;
  readonly deletes: boolean;
}
const full: Abilities = { creates: true, deletes: true };

/** From the fact sheets: what the judge may expect of an API. */
export const abilities: Readonly<Record<Kind, Readonly<Partial<Record<Entity, Abilities>>>>> = {
  treepl: { contact: full },
  conecrm: {
    contact: { creates: true, deletes: false },
    account: full,
    lead: { creates: true, deletes: false },
  },
  alpha: {
    contact: { creates: false, deletes: false },
    account: { creates: false, deletes: false },
    lead: { creates: false, deletes: false },
  },
  upgradechat: { contact: full, lead: { creates: true, deletes: false } },
};

/** What a server of a kind does that another one of that kind does not. */
export interface Traits {
  readonly treepl?: TreeplHabits;
  readonly alpha?: AlphaHabits;
  readonly upgradechat?: UpgradechatHabits & { readonly replies?: 'bare' | 'envelope' };
  /** Options of the connection, besides those that all of a kind have. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A CRM of a life. */
export interface WireCrm {
  readonly name: Name;
  readonly traits: Traits;
}

/** Words that people use everywhere, and what they are in each CRM. */
export const statuses = ['PROSPECT', 'ACTIVE', 'CUSTOMER', 'INACTIVE', 'Lost'] as const;
export const statusNames = { CHURNED: 'Lost' } as const;
export const owners = { sanne: 1, jorgen: 21, fatma: 22 } as const;
export const ownerNames = { usr_1: 'sanne', usr_21: 'jorgen', usr_22: 'fatma' } as const;
export const stages = { Nouveau: 1, Négociation: 2, Vendu: 3 } as const;
export const sources = {
  Website: '0190a000-0000-7000-8000-0000000000c2',
  Fair: '0190a000-0000-7000-8000-0000000000c3',
} as const;

const usual: Readonly<Record<Kind, Readonly<Record<string, unknown>>>> = {
  treepl: { pageSize: 3, customFields: { size: 'sync.size' } },
  conecrm: {
    pageSize: 3,
    department: '0190a000-0000-7000-8000-0000000000d1',
    source: '0190a000-0000-7000-8000-0000000000c1',
    franchise: '0190a000-0000-7000-8000-0000000000f1',
    sources,
  },
  alpha: { statusNames, ownerNames },
  upgradechat: { customFields: { size: 'customField1' }, owners, stages },
};

/** The connector of each kind. */
export const definitions: Readonly<Record<Kind, ConnectorDefinition>> = { treepl, conecrm, alpha, upgradechat };

/** Options of a connection as its connector wants them. */
export function optionsOf({ name, traits }: WireCrm): unknown {
  return definitions[kinds[name]].options.parse({ ...usual[kinds[name]], ...traits.options });
}

/** Starts the sandbox of a CRM, empty. Pages are short, so that a few records make several. */
export async function startCrm({ name, traits }: WireCrm, seed: number): Promise<Sandbox> {
  const common = { seed, maxPage: 3 };
  switch (kinds[name]) {
    case 'treepl':
      return await startTreeplSandbox({ ...common, habits: traits.treepl ?? {} });
    case 'conecrm':
      return await startConecrmSandbox(common);
    case 'alpha':
      return await startAlphaSandbox({ ...common, habits: traits.alpha ?? {} });
    case 'upgradechat': {
      const { replies = 'bare', ...habits } = traits.upgradechat ?? {};
      return await startUpgradechatSandbox({ ...common, habits, replies });
    }
  }
}

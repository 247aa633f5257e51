import { z } from 'zod';
import {
  type Capabilities,
  type Connector,
  type ConnectorDefinition,
  type EntityCapabilities,
  none,
} from '../../src/connector/connector.ts';

const everything: EntityCapabilities = {
  list: { via: ['list'], order: 'id' },
  read: { via: ['read'], by: 'id' },
  search: none('no search'),
  create: { via: ['create'] },
  update: { via: ['update'], style: 'patch' },
  delete: { via: ['delete'] },
  modifiedStamp: none('no stamp'),
  xref: none('no xref'),
};
const readOnly: EntityCapabilities = {
  ...everything,
  create: none('no POST'),
  update: none('no PATCH'),
  delete: none('no DELETE'),
};
const writeOnly: EntityCapabilities = { ...everything, list: none('no list'), read: none('no read') };

function isReadOnly(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'readOnly' in options && options.readOnly === true;
}

function definition(name: string, title: string, capabilities: Capabilities, options: z.ZodType): ConnectorDefinition {
  return {
    name,
    title,
    options,
    capabilities,
    mappings: {},
    operations: [],
    probe: { operation: 'list', params: {} },
    errorMessage: (status) => `status ${status}`,
    create: (context) =>
      ({ capabilities: isReadOnly(context.options) ? { contact: readOnly } : capabilities }) as Connector,
    startSandbox: () => Promise.reject(new RangeError('the registry of the configuration tests has no sandboxes')),
  };
}

/** Four connectors that differ in what a configuration can get wrong: no accounts, everything, read only, write only. */
export const testRegistry: ReadonlyMap<string, ConnectorDefinition> = new Map(
  [
    definition(
      'treepl',
      'Treepl',
      { contact: everything },
      z.strictObject({ region: z.string().length(2).optional(), readOnly: z.boolean().optional() }),
    ),
    definition(
      'conecrm',
      'ConeCRM',
      { contact: everything, account: everything, lead: everything },
      z.strictObject({ region: z.enum(['CA', 'US']).default('CA'), pageSize: z.int().min(1).default(100) }),
    ),
    definition('alpha', 'Alpha', { contact: readOnly }, z.strictObject({})),
    definition('upgradechat', 'Upgrade.chat', { contact: writeOnly }, z.strictObject({})),
  ].map((one) => [one.name, one]),
);

import { alphaMappings } from '../../mappings/alpha.ts';
import type { Connector, ConnectorContext, ConnectorDefinition } from '../../src/connector/connector.ts';
import { UnsupportedError } from '../../src/connector/errors.ts';
import type { Entity } from '../../src/model/values.ts';
import { capabilities } from './capabilities.ts';
import { customerVerbs } from './customers.ts';
import { endpoints } from './endpoints.ts';
import { errorMessage } from './errors.ts';
import { type AlphaOptions, alphaOptions } from './options.ts';
import { startAlphaSandbox } from './sandbox.ts';
import { statuses } from './schemas.ts';

function createAlpha(context: ConnectorContext<AlphaOptions>): Connector {
  const { connection, options } = context;
  const mappings = alphaMappings(options, statuses);
  const unsupported = async (entity: Entity, what: string): Promise<never> => {
    throw new UnsupportedError(`${connection}: Alpha cannot ${what} ${entity} records, alpha.md §10`, { connection });
  };
  return {
    capabilities: capabilities(options),
    mappings,
    phoneRegion: options.phoneRegion,
    ...customerVerbs(context, mappings),
    search: (entity) => unsupported(entity, 'search'),
    create: (entity) => unsupported(entity, 'create'),
    delete: (entity) => unsupported(entity, 'delete'),
  };
}

const defaults = alphaOptions.parse({});

/** Alpha, CRM customers: read as contacts, accounts and leads; status, next action, owner and tags are written. */
export const alpha: ConnectorDefinition<typeof alphaOptions> = {
  name: 'alpha',
  title: 'Alpha',
  options: alphaOptions,
  capabilities: capabilities(defaults),
  mappings: alphaMappings(defaults, statuses),
  operations: Object.values(endpoints),
  probe: { operation: 'get_customers_by_status', params: { status: 'LEAD' } },
  setup: { baseUrl: 'https://crm.example.com/api/v1', isShared: false },
  errorMessage,
  create: createAlpha,
  startSandbox: startAlphaSandbox,
};

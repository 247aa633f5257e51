import { accountMapping, contactMapping } from '../../mappings/conecrm.ts';
import type { Connector, ConnectorContext, ConnectorDefinition } from '../../src/connector/connector.ts';
import { absence } from '../../src/connector/connector.ts';
import { UnsupportedError } from '../../src/connector/errors.ts';
import type { Entity } from '../../src/model/values.ts';
import { createAccount, deleteAccount, readAccount, updateAccount } from './accounts.ts';
import { capabilities } from './capabilities.ts';
import { contactWriter } from './contact-writes.ts';
import { shared } from './context.ts';
import { operations } from './endpoints.ts';
import { errorMessage } from './errors.ts';
import { type Listed, list } from './listing.ts';
import { parseLocator } from './locator.ts';
import { searchContact } from './lookup.ts';
import { type ConecrmOptions, options } from './options.ts';
import { startConecrmSandbox } from './sandbox.ts';
import { search } from './search.ts';

function mappingsFor({ carrierMark, contactWrites }: ConecrmOptions) {
  return { contact: contactMapping(carrierMark, contactWrites === 'account'), account: accountMapping };
}

function createConecrm(context: ConnectorContext<ConecrmOptions>): Connector {
  const mappings = mappingsFor(context.options);
  const able = capabilities(context.options);
  const crm = shared(context, mappings);
  const contacts = contactWriter(crm);

  /** The planner asks only for what is declared; anything else is its mistake, said in words. */
  function need(entity: Entity, what: 'list' | 'read' | 'search' | 'create' | 'update' | 'delete'): Listed {
    const entityAble = able[entity];
    const missing = entityAble ? absence(entityAble[what]) : 'leads are not served by this connector yet';
    if (missing !== undefined)
      throw new UnsupportedError(`${context.connection}: cannot ${what} ${entity}: ${missing}`, {
        connection: context.connection,
      });
    return entity as Listed;
  }

  return {
    capabilities: able,
    mappings,
    phoneRegion: context.options.phoneRegion,
    list: (entity, signal) => list(crm, need(entity, 'list'), signal),
    async read(entity, id, locator, signal) {
      if (need(entity, 'read') === 'account') return readAccount(crm, id, locator, signal);
      const found = await searchContact(crm, id, parseLocator(locator), signal);
      const record = found && crm.contact(found);
      return record && 'values' in record ? { state: 'found', record } : { state: 'unknown' };
    },
    search: async (entity, wanted, signal) => search(crm, need(entity, 'search'), wanted, signal),
    create: async (entity, record, signal) =>
      need(entity, 'create') === 'account' ? createAccount(crm, record, signal) : contacts.create(record, signal),
    update: async (entity, id, change, signal) =>
      need(entity, 'update') === 'account'
        ? updateAccount(crm, id, change, signal)
        : contacts.update(id, change, signal),
    async delete(entity, id, _locator, signal) {
      need(entity, 'delete');
      await deleteAccount(crm, id, signal);
    },
    writeScope(entity, id, locator) {
      const account = entity === 'account' ? id : parseLocator(locator).account?.id;
      return account === undefined ? undefined : `account:${account}`;
    },
  };
}

const defaults = options.parse({});

/** ConeCRM API v1.0.0 (conecrm.md): accounts both ways, contacts read from their list and written through accounts. */
export const conecrm: ConnectorDefinition<typeof options> = {
  name: 'conecrm',
  title: 'ConeCRM',
  options,
  capabilities: capabilities(defaults),
  mappings: mappingsFor(defaults),
  operations,
  probe: { operation: '_getAccounts', params: { limit: '1' } },
  errorMessage,
  create: createConecrm,
  startSandbox: startConecrmSandbox,
};

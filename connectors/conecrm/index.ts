import { accountMapping, contactMapping, leadMapping } from '../../mappings/conecrm.ts';
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
import { checkLeadIds } from './lead-ids.ts';
import { listLeads } from './lead-listing.ts';
import { createLead } from './leads.ts';
import { type Listed, list } from './listing.ts';
import { parseLocator } from './locator.ts';
import { searchContact } from './lookup.ts';
import { type ConecrmOptions, leadIds, missingLeadIds, options } from './options.ts';
import { startConecrmSandbox } from './sandbox.ts';
import { search } from './search.ts';

function mappingsFor(options: ConecrmOptions) {
  const { carrierMark, contactWrites } = options;
  return {
    contact: contactMapping(carrierMark, contactWrites === 'account'),
    account: accountMapping,
    lead: leadMapping(options, missingLeadIds(options).length === 0),
  };
}

function createConecrm(context: ConnectorContext<ConecrmOptions>): Connector {
  const mappings = mappingsFor(context.options);
  const able = capabilities(context.options);
  const crm = shared(context, mappings);
  const contacts = contactWriter(crm);

  /** The planner asks only for what is declared; anything else is its mistake, said in words. */
  function need(entity: Entity, what: 'list' | 'read' | 'search' | 'create' | 'update' | 'delete'): void {
    const missing = absence(able[entity]?.[what] ?? {});
    if (missing !== undefined)
      throw new UnsupportedError(`${context.connection}: cannot ${what} ${entity}: ${missing}`, {
        connection: context.connection,
      });
  }

  return {
    capabilities: able,
    mappings,
    phoneRegion: context.options.phoneRegion,
    list(entity, signal) {
      need(entity, 'list');
      return entity === 'lead' ? listLeads(crm, signal) : list(crm, entity, signal);
    },
    async read(entity, id, locator, signal) {
      need(entity, 'read');
      if (entity === 'account') return readAccount(crm, id, locator, signal);
      const found = await searchContact(crm, id, parseLocator(locator), signal);
      const record = found && crm.contact(found);
      return record && 'values' in record ? { state: 'found', record } : { state: 'unknown' };
    },
    async search(entity, wanted, signal) {
      need(entity, 'search');
      return await search(crm, entity as Listed, wanted, signal);
    },
    async create(entity, record, signal) {
      need(entity, 'create');
      if (entity === 'lead') return await createLead(crm, record, signal);
      return entity === 'account' ? await createAccount(crm, record, signal) : await contacts.create(record, signal);
    },
    async update(entity, id, change, signal) {
      need(entity, 'update');
      return entity === 'account' ? updateAccount(crm, id, change, signal) : contacts.update(id, change, signal);
    },
    async delete(entity, id, _locator, signal) {
      need(entity, 'delete');
      await deleteAccount(crm, id, signal);
    },
    writeScope(entity, id, locator) {
      if (entity === 'lead') return undefined;
      const account = entity === 'account' ? id : parseLocator(locator).account?.id;
      return account === undefined ? undefined : `account:${account}`;
    },
    checkOptions: (entity, signal) => (entity === 'lead' ? checkLeadIds(crm, signal) : Promise.resolve([])),
  };
}

const defaults = options.parse({});

/** ConeCRM API v1.0.0 (conecrm.md): accounts both ways, contacts read from their list and written through accounts, leads made. */
export const conecrm: ConnectorDefinition<typeof options> = {
  name: 'conecrm',
  title: 'ConeCRM',
  options,
  capabilities: capabilities(defaults),
  mappings: mappingsFor(defaults),
  operations,
  probe: { operation: '_getAccounts', params: { limit: '1' } },
  setup: { baseUrl: 'https://api.conecrm.com', isShared: true, needs: { lead: leadIds } },
  errorMessage,
  create: createConecrm,
  startSandbox: startConecrmSandbox,
};

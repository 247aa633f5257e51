import { upgradechatContact, upgradechatLead, upgradechatLists } from '../../mappings/upgradechat.ts';
import {
  absence,
  type Connector,
  type ConnectorContext,
  type ConnectorDefinition,
} from '../../src/connector/connector.ts';
import { refuseEdited } from '../../src/connector/edited.ts';
import { GoneError, UnsupportedError } from '../../src/connector/errors.ts';
import { type Mapping, writeValues } from '../../src/connector/mapping.ts';
import type { Entity } from '../../src/model/values.ts';
import { capabilities } from './capabilities.ts';
import { createContact } from './contacts.ts';
import { openCrm } from './crm.ts';
import { endpoints } from './endpoints.ts';
import { errorMessage } from './errors.ts';
import { createLead } from './leads.ts';
import { type UpgradechatOptions, upgradechatOptions } from './options.ts';
import { clearedPaths } from './records.ts';
import { startUpgradechatSandbox } from './sandbox.ts';

type Verb = 'list' | 'read' | 'search' | 'create' | 'update' | 'delete';

function mappingsFor(options: UpgradechatOptions) {
  return { contact: upgradechatContact(options), lead: upgradechatLead(options) };
}

function createUpgradechat(context: ConnectorContext<UpgradechatOptions>): Connector {
  const { connection, options } = context;
  const mappings = mappingsFor(options);
  const able = capabilities(options);
  const crm = openCrm(context, upgradechatLists(options));

  /** The planner asks only for what is declared; anything else is its mistake, said in words. */
  function cannot(entity: Entity, what: Verb, why: string): UnsupportedError {
    return new UnsupportedError(`${connection}: cannot ${what} ${entity}: ${why}`, { connection });
  }

  function need(entity: Entity, what: Verb): Mapping {
    if (entity === 'account') throw cannot(entity, what, 'there is no account, only a company name on the contact');
    const why = absence(able[entity][what]);
    if (why !== undefined) throw cannot(entity, what, why);
    return mappings[entity];
  }

  return {
    capabilities: able,
    mappings,
    phoneRegion: options.phoneRegion,
    list(entity) {
      throw cannot(entity, 'list', 'the API has no list');
    },
    async search(entity) {
      throw cannot(entity, 'search', 'the API has no search');
    },
    async read(entity, id, _locator, signal) {
      const mapping = need(entity, 'read');
      try {
        return { state: 'found', record: crm.decode(mapping, await crm.fetch(id, signal), id) };
      } catch (error) {
        if (error instanceof GoneError) return { state: 'gone' };
        throw error;
      }
    },
    async create(entity, record, signal) {
      const mapping = need(entity, 'create');
      return entity === 'lead'
        ? await createLead(crm, mapping, record, signal)
        : await createContact(crm, mapping, record, signal);
    },
    async update(entity, id, change, signal) {
      const mapping = need(entity, 'update');
      // Read first also because an upsert may make a new contact of an id that is gone.
      const fresh = await crm.fetch(id, signal);
      const { values } = crm.decode(mapping, fresh, id);
      refuseEdited(entity, change, values, { connection: crm.connection, operation: 'GetContactInfo' });
      const changes = writeValues(mapping, change.changes);
      const wire = await crm.overwrite(id, fresh, changes, true, signal);
      const told = crm.told(mapping, wire, id);
      if (!told.record) return told;
      return { ...told, isLook: true, resent: crm.resent(mapping, id, fresh, changes, change.changes) };
    },
    async delete(entity, id, _locator, signal) {
      need(entity, 'delete');
      await crm.remove(id, signal);
    },
    clearedBy: (entity, written, known, seen) =>
      options.update === 'whole' ? [] : clearedPaths(need(entity, 'update'), written, known, seen),
    // A lead is its contact: a write to one also touches the other.
    writeScope: (_entity, id) => (id === undefined ? undefined : `contact:${id}`),
  };
}

const defaults = upgradechatOptions.parse({});

/** Upgrade.chat CRM (upgradechat.md): contacts and leads, one resource; written in full, read by known ids. */
export const upgradechat: ConnectorDefinition<typeof upgradechatOptions> = {
  name: 'upgradechat',
  title: 'Upgrade.chat CRM',
  options: upgradechatOptions,
  capabilities: capabilities(defaults),
  mappings: mappingsFor(defaults),
  operations: Object.values(endpoints),
  probe: { operation: 'GetContactInfo', params: { id: '0' }, findsNothing: true },
  setup: { baseUrl: 'https://crm.upgrade.chat', isShared: true },
  errorMessage,
  create: createUpgradechat,
  startSandbox: startUpgradechatSandbox,
};

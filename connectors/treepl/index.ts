import { treeplContact } from '../../mappings/treepl.ts';
import {
  type Connector,
  type ConnectorContext,
  type ConnectorDefinition,
  type EntityCapabilities,
  none,
} from '../../src/connector/connector.ts';
import { contactVerbs } from './contacts.ts';
import { endpoints } from './endpoints.ts';
import { errorMessage } from './errors.ts';
import { type TreeplOptions, treeplOptions } from './options.ts';
import { startTreeplSandbox } from './sandbox.ts';

/** What the API offers for contacts (treepl.md §10), after options. Accounts and leads are absent as a whole. */
function contactCapabilities({ whereByEmail, xrefField, unknownFields }: TreeplOptions): EntityCapabilities {
  return {
    list: {
      via: ['contacts_list'],
      order: 'Order_By Id; that it sorts upwards is not documented, treepl.md §4',
      note: 'a full scan each time: no modified stamp; largest page not documented',
    },
    read: { via: ['contact_item'], by: 'id' },
    search: whereByEmail
      ? { via: ['contacts_list'], by: ['email'], note: 'with the option whereByEmail; results are filtered by us' }
      : none('the syntax of Where is not documented, treepl.md §4; the option whereByEmail gives it'),
    create: {
      via: ['contact_create'],
      note: 'never sends Password; whether an e-mail may occur twice is not documented',
    },
    update: {
      via: ['contact_item', 'contact_update'],
      style: 'replace',
      note: `reads, overlays, writes the whole record; keys that are not documented: ${unknownFields}`,
    },
    delete: { via: ['contact_delete'] },
    modifiedStamp: none('CreatedDate only, treepl.md §5'),
    xref: xrefField
      ? { via: ['contacts_list', 'contact_create'], note: `our id in the custom field ${xrefField}` }
      : none('no external id, treepl.md §7; the option xrefField names a custom field that holds ours'),
  };
}

function createTreepl(context: ConnectorContext<TreeplOptions>): Connector {
  const mapping = treeplContact(context.options);
  return {
    capabilities: { contact: contactCapabilities(context.options) },
    mappings: { contact: mapping },
    phoneRegion: context.options.phoneRegion,
    ...contactVerbs(context, mapping),
  };
}

const defaults = treeplOptions.parse({});

/** Treepl CMS, admin API v2, CRM contacts; WebinOne publishes the same API. */
export const treepl: ConnectorDefinition<typeof treeplOptions> = {
  name: 'treepl',
  title: 'Treepl CMS (and WebinOne)',
  options: treeplOptions,
  capabilities: { contact: contactCapabilities(defaults) },
  mappings: { contact: treeplContact(defaults) },
  operations: Object.values(endpoints),
  probe: { operation: 'contacts_list', params: { Where: '{}', Order_By: 'Id', Offset: '0', Limit: '1' } },
  setup: { baseUrl: 'https://www.example.com', isShared: false, tokenPath: '/api/v1/oauth/token' },
  errorMessage,
  create: createTreepl,
  startSandbox: startTreeplSandbox,
};

import { type Capabilities, type EntityCapabilities, none } from '../../src/connector/connector.ts';
import type { ConecrmOptions } from './options.ts';

const order = 'sortField dateCreated ASC: new rows come last (the sort works by inference, conecrm.md §8 10)';
const readBySearch =
  'no read by id in the API (conecrm.md §2): searched by name and e-mail, then filtered by id; not found proves nothing';
const noStamp = none('dateModified is not in the read schema of accounts and contacts, conecrm.md §5');

const account: EntityCapabilities = {
  list: { via: ['_getAccounts'], order, note: 'accounts made to carry a single contact are left out' },
  read: { via: ['_getAccounts'], by: 'search', note: readBySearch },
  search: { via: ['_getAccounts', 'post_api_query_builder_filter'], by: ['email', 'phone', 'name'] },
  create: { via: ['post_api_account_create'] },
  update: { via: ['patch_api_account_updateAccount'], style: 'patch', note: 'contacts are never part of it' },
  delete: { via: ['delete_api_account_deleteAccount'] },
  modifiedStamp: noStamp,
  xref: { via: ['_getAccounts'], note: 'thirdPartyIds are read; the write body has none, conecrm.md §3.2' },
};

const throughAccounts =
  'as contacts of an account body, together with those already there; a contact without an account gets a carrier account (effect by inference, conecrm.md §3.1)';

function contact(options: ConecrmOptions): EntityCapabilities {
  const off = options.contactWrites === 'off' ? none('options.contactWrites is off') : undefined;
  const via = ['_getAccounts', 'patch_api_account_updateAccount', 'post_api_account_create'];
  return {
    list: { via: ['_getContacts'], order },
    read: { via: ['_getContacts'], by: 'search', note: readBySearch },
    search: {
      via: ['_getContacts', 'get_contact_findByPhone', 'post_api_query_builder_filter'],
      by: ['email', 'phone', 'name'],
      note: 'the replies of the last two are not documented, conecrm.md §8 9 and §4',
    },
    create: off ?? { via, note: throughAccounts },
    update: off ?? { via, style: 'patch', note: throughAccounts },
    delete: off ?? none('no DELETE on /api/contact, conecrm.md §2'),
    modifiedStamp: noStamp,
    xref: off
      ? { via: ['_getContacts'], note: 'thirdPartyIds are read' }
      : {
          via: ['_getContacts', ...via.slice(1)],
          note: 'thirdPartyIds are read, and written when we create a contact',
        },
  };
}

/** What ConeCRM can do, conecrm.md §10; leads follow later. */
export function capabilities(options: ConecrmOptions): Capabilities {
  return { contact: contact(options), account };
}

import { type Capabilities, type EntityCapabilities, none } from '../../src/connector/connector.ts';
import { type ConecrmOptions, leadIds, missingLeadIds, whereLeadIdsAre } from './options.ts';

const order = 'sortField dateCreated ASC: new rows come last (the sort works by inference, conecrm.md §8 10)';
const readBySearch =
  'no read by id in the API (conecrm.md §2): searched by name and e-mail, then filtered by id; not found proves nothing';
const noStamp = none('dateModified is not in the read schema of accounts and contacts, conecrm.md §5');

const account: EntityCapabilities = {
  list: { via: ['_getAccounts'], order, note: 'accounts made to carry a single contact are left out' },
  read: { via: ['_getAccounts'], by: 'search', note: readBySearch },
  search: { via: ['_getAccounts', 'post_api_query_builder_filter'], by: ['email', 'phone', 'name'] },
  create: { via: ['post_api_account_create'] },
  update: {
    via: ['patch_api_account_updateAccount', '_getAccounts'],
    style: 'patch',
    note: 'contacts are never part of it; a change that cannot be said here is not sent, the account is read instead',
  },
  delete: { via: ['delete_api_account_deleteAccount'], mayTake: ['contact'] },
  modifiedStamp: noStamp,
  xref: { via: ['_getAccounts'], note: 'thirdPartyIds are read; the write body has none, conecrm.md §3.2' },
};

const throughAccounts =
  'as contacts of an account body, together with those already there; a contact without an account gets a carrier account (effect by inference, conecrm.md §3.1)';

function contact(options: ConecrmOptions): EntityCapabilities {
  const off = options.contactWrites === 'off' ? none('options.contactWrites is off') : undefined;
  const writes = ['patch_api_account_updateAccount', 'post_api_account_create'];
  const via = ['_getAccounts', '_getContacts', 'post_api_query_builder_filter', ...writes];
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
          via: ['_getContacts', ...writes],
          note: 'thirdPartyIds are read, and written when we create a contact',
        },
  };
}

function lead(options: ConecrmOptions): EntityCapabilities {
  const isQueried = options.queryEntities.lead !== null;
  const query = ['get_api_query_builder_config', 'post_api_query_builder_filter'];
  const openLeads = ['_getContacts', '_get_contact_open_leads'];
  const missing = missingLeadIds(options);
  return {
    list:
      isQueried || options.openLeads
        ? {
            via: ['get_api_stage_list', ...(isQueried ? query : []), ...(options.openLeads ? openLeads : [])],
            order: 'none needed: neither call has pages',
            note: [
              'no list in the API (conecrm.md §2)',
              ...(isQueried ? ['complete where the query builder proves that it is (§4)'] : []),
              ...(options.openLeads ? ['else the open leads of every contact, in which absence proves nothing'] : []),
            ].join('; '),
          }
        : none('no list in the API (conecrm.md §2); options.queryEntities.lead and options.openLeads are off'),
    read: none('no GET on /api/lead, conecrm.md §2'),
    search: none('leads are not matched by what they say'),
    create:
      missing.length === 0
        ? { via: ['post_lead_createLead'], note: `with the options ${leadIds.join(', ')}; for a contact of this CRM` }
        : none(`options.${missing.join(', options.')} must be given (conecrm.md §10); ${whereLeadIdsAre}`),
    update: none('no PATCH or PUT on /api/lead, conecrm.md §2'),
    delete: none('no DELETE on /api/lead, conecrm.md §2'),
    modifiedStamp: { via: ['_get_contact_open_leads'], note: 'dateModified; null: never changed, conecrm.md §5' },
    xref: none('thirdPartyIds are read; no write body of leads has them, conecrm.md §3.2'),
  };
}

/** What ConeCRM can do with these options, conecrm.md §10. */
export function capabilities(options: ConecrmOptions): Capabilities {
  return { contact: contact(options), account, lead: lead(options) };
}

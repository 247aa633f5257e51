import { type EntityCapabilities, none } from '../../src/connector/connector.ts';
import type { UpgradechatOptions } from './options.ts';

const upsert = 'CreateOrUpdateContact';
const noList = none('no list operation, upgradechat.md §4; known ids are read, new ones come by webhook or import-ids');
const noSearch = none('no search operation, upgradechat.md §10');
const noStamp = none('no modified date, upgradechat.md §5');
const read: EntityCapabilities['read'] = {
  via: ['GetContactInfo'],
  by: 'id',
  note: 'the reply is not documented (upgradechat.md §8, 5); taken for the mirror of the write body',
};

function update(options: UpgradechatOptions): EntityCapabilities['update'] {
  return {
    via: ['GetContactInfo', upsert],
    style: options.update === 'whole' ? 'replace' : 'patch',
    note: 'reads, overlays; lists and nested objects are sent whole, none of their rows is left out',
  };
}

/** What Upgrade.chat can do, upgradechat.md §10. Accounts are absent: a company is a text on the contact. */
export function capabilities(options: UpgradechatOptions): Readonly<Record<'contact' | 'lead', EntityCapabilities>> {
  return {
    contact: {
      list: noList,
      read,
      search: noSearch,
      create: {
        via: [upsert, 'GetContactInfo', upsert],
        idempotent: options.trustMatching,
        note: 'name and address first, with matchExisting and contactXRef; then what is still empty there. That the server finds its contact again by contactXRef is inferred (upgradechat.md §7)',
      },
      update: update(options),
      delete: { via: ['DeleteContact'] },
      modifiedStamp: noStamp,
      xref: { via: ['GetContactInfo', upsert], note: 'contactXRef holds our id, sent on the first write' },
    },
    lead: {
      list: noList,
      read,
      search: noSearch,
      create: {
        via: ['GetContactInfo', upsert],
        idempotent: true,
        note: 'a lead is its contact, marked as the option lead says (inferred, upgradechat.md §8, 17): one for each contact, which must be there',
      },
      update: update(options),
      delete: none('a lead is its contact: DeleteContact would delete the person'),
      modifiedStamp: noStamp,
      xref: none('contactXRef belongs to the contact'),
      markOf: ['contact'],
    },
  };
}

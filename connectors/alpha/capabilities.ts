import { type Capabilities, type EntityCapabilities, none } from '../../src/connector/connector.ts';
import type { AlphaOptions } from './options.ts';

const writes = ['get_enriched_customer', 'update_crm_status', 'update_next_action', 'remove_owner', 'assign_owner'];
const tagWrites = ['add_tag', 'remove_tag'];

/** What is the same for everything that is a customer. */
const customer = {
  read: {
    via: ['get_enriched_customer'],
    by: 'id',
    note: 'the single shape lacks the language, alpha.md §8 2: silence, not emptiness',
  },
  search: none('fixed filters only (owner, status, mine, overdue), no search, alpha.md §10'),
  create: none('no POST of customers, alpha.md §2'),
  delete: none('no DELETE of customers, alpha.md §2'),
  modifiedStamp: {
    via: ['get_customers_by_status'],
    note: '`updated`: a hint; it is not documented that it moves with tags, contact persons or the status, alpha.md §5',
  },
  xref: none('no external id on any object, alpha.md §7'),
} satisfies Partial<EntityCapabilities>;

const list = {
  via: ['get_customers_by_status'],
  order: 'none documented; the six status lists one after the other, up and down the life cycle, alpha.md §4',
};
const update = {
  via: [...writes, ...tagWrites],
  style: 'patch',
  note: 'status, next action, owner and tags only, each by its own call',
} as const;

/** What Alpha can do, alpha.md §10, after options. */
export function capabilities({ contactPersons, leadStatuses }: AlphaOptions): Capabilities {
  const persons = contactPersons === 'off' ? '' : '; contact persons inside a customer are read only';
  return {
    contact: {
      ...customer,
      list: { ...list, note: `a full scan each time; customers of personTypes${persons}` },
      update: { ...update, note: `${update.note}${persons}` },
    },
    account: { ...customer, list: { ...list, note: 'a full scan each time; customers of any other type' }, update },
    lead: {
      ...customer,
      list: {
        ...list,
        note: `customers in status ${leadStatuses.join(', ')}; nothing follows from one that leaves it: read by id, it shows its new status`,
      },
      update: { via: writes, style: 'patch', note: 'status, owner and due date only, each by its own call' },
      markOf: ['contact', 'account'],
    },
  };
}

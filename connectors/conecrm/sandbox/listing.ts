import { Refusal, type SandboxCall, type SandboxHandler } from '../../../src/connector/sandbox-server.ts';
import type { Customers, Kept } from './customers.ts';
import type { Shelf, Wire } from './state.ts';

/** Page size when none is asked for; not documented, chosen small so that nobody relies on it. */
const PAGE_DEFAULT = 25;

const searched = [
  'name',
  'firstName',
  'lastName',
  'companyName',
  'primaryEmail',
  'secondaryEmail',
  'homePhone',
  'workPhone',
  'mobilePhone',
];

/** The account and contact operations (conecrm.md §2, 1–4, 12, 14). */
export function customerHandlers(customers: Customers, maxPage: number): Record<string, SandboxHandler> {
  return {
    _getAccounts: (call) => {
      const { rows, total } = page(customers.accounts, call, 'offset', maxPage);
      return { status: 200, body: { total, accounts: rows.map((kept) => customers.accountWire(kept)) } };
    },
    post_api_account_create: ({ body }) => ({
      status: 200,
      body: customers.accountWire(customers.writeAccount(body, undefined)),
    }),
    delete_api_account_deleteAccount: ({ params }) => {
      if (!customers.remove('account', params.account as string)) throw new Refusal(404, 'account not found');
      return { status: 200 };
    },
    patch_api_account_updateAccount: ({ params, body }) => {
      const kept = customers.accounts.need(params.account, 'account');
      return { status: 200, body: customers.accountWire(customers.writeAccount(body, kept)) };
    },
    _getContacts: (call) => {
      const { rows } = page(customers.contacts, call, 'start', maxPage);
      return { status: 200, body: rows.map((kept) => customers.contactWire(kept)) };
    },
    /** The reply is not documented: one contact, several, or 404, so that every form is met (§8, 9). */
    get_contact_findByPhone: ({ params }) => {
      const digits = digitsOf(params.phone);
      const found = customers.contacts
        .all()
        .filter(({ fields }) =>
          [fields.homePhone, fields.workPhone, fields.mobilePhone].some(
            (phone) => digits !== '' && digitsOf(phone).endsWith(digits.slice(-10)),
          ),
        )
        .map((kept) => customers.contactWire(kept));
      if (found.length === 0) throw new Refusal(404, 'contact not found');
      return { status: 200, body: found.length === 1 ? found[0] : found };
    },
  };
}

/** Accounts start at `offset`, contacts at `start`; the other name is ignored, as is an unknown sort field (§8, 1). */
function page(
  shelf: Shelf<Kept>,
  { query }: SandboxCall,
  startName: 'offset' | 'start',
  maxPage: number,
): { rows: readonly Kept[]; total: number } {
  const start = whole(query[startName], startName) ?? 0;
  const limit = Math.min(whole(query.limit, 'limit') ?? PAGE_DEFAULT, maxPage);
  if (query.sortDirection && query.sortDirection !== 'ASC' && query.sortDirection !== 'DESC')
    throw new Refusal(400, 'sortDirection must be ASC or DESC');
  let rows = shelf.all();
  if (query.exclude) rows = rows.filter(({ key }) => key !== query.exclude);
  if (query.search) rows = rows.filter(({ fields }) => holds(fields, query.search as string));
  rows = sorted(rows, query.sortField, query.sortDirection === 'DESC');
  return { rows: rows.slice(start, start + limit), total: rows.length };
}

function sorted(rows: readonly Kept[], field: string | undefined, isDescending: boolean): readonly Kept[] {
  // The shelf is in the order of creation already.
  if (field === undefined || !['name', 'firstName', 'lastName'].includes(field))
    return isDescending ? [...rows].reverse() : rows;
  const order = isDescending ? -1 : 1;
  const text = (kept: Kept): string => String(kept.fields[field] ?? '');
  return [...rows].sort((a, b) => order * (text(a).localeCompare(text(b)) || (a.key < b.key ? -1 : 1)));
}

function holds(fields: Readonly<Wire>, wanted: string): boolean {
  const needle = wanted.toLowerCase();
  const fullName = `${fields.firstName ?? ''} ${fields.lastName ?? ''}`;
  return [fullName, ...searched.map((name) => fields[name])].some(
    (value) => typeof value === 'string' && value.toLowerCase().includes(needle),
  );
}

function whole(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d+$/.test(text)) throw new Refusal(400, `${name} must be an integer`);
  return Number(text);
}

function digitsOf(phone: unknown): string {
  return typeof phone === 'string' ? phone.replace(/\D/g, '') : '';
}

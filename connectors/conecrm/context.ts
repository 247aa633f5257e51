import { isCarrierName } from '../../mappings/conecrm.ts';
import { type BadRecord, type ConnectorContext, type CrmRecord, ownSystem } from '../../src/connector/connector.ts';
import type { CrmErrorFields } from '../../src/connector/errors.ts';
import type { HttpCall, HttpReply } from '../../src/connector/http.ts';
import type { Mapping } from '../../src/connector/mapping.ts';
import { decodeAccount, decodeContact, decodeLead, type HomeOf, idOf, isWire, type Wire } from './decode.ts';
import { type OperationId, operation } from './endpoints.ts';
import type { ConecrmOptions } from './options.ts';

/** What every part of one connection shares. */
export interface Shared {
  readonly connection: string;
  readonly options: ConecrmOptions;
  readonly concurrent: number;
  readonly mappings: { readonly contact: Mapping; readonly account: Mapping; readonly lead: Mapping };
  /** Search terms of accounts that were seen lately, by id. */
  readonly seenAccounts: SeenAccounts;
  /** Entities that the query builder would not answer for; it is not asked again. */
  readonly refusedQueries: Set<string>;
  /** Set once an account of the list has shown contacts: only then does an empty `contacts` say that there are none. */
  showsMembers: boolean;
  /** Names of the stages of leads by id, as last read. */
  stages: ReadonlyMap<string, string>;
  /** The account that a contact was added to last: it shows whether accounts show their contacts. */
  lastJoined: string | undefined;
  call(id: OperationId, call?: HttpCall): Promise<HttpReply>;
  /** Fields for an error of this connection. */
  fields(id: OperationId): CrmErrorFields;
  account(item: unknown): CrmRecord | BadRecord;
  contact(item: unknown): CrmRecord | BadRecord;
  lead(item: unknown): CrmRecord | BadRecord;
  isCarrier(account: unknown): boolean;
}

/** Makes what the parts of one connection share; nothing is sent. */
export function shared(
  { connection, http, options, concurrent }: ConnectorContext<ConecrmOptions>,
  mappings: Shared['mappings'],
): Shared {
  const seenAccounts = new SeenAccounts();
  const isCarrier = (account: unknown): boolean => isWire(account) && isCarrierName(account.name, options.carrierMark);
  /** A real account if there is one: the person's place is there. Else the carrier. */
  const homeOf: HomeOf = (accounts) => {
    if (!accounts || accounts.length === 0) return undefined;
    const home = accounts.find((entry) => idOf(entry) !== undefined && !isCarrier(entry)) ?? accounts.find(idOf);
    const id = idOf(home);
    if (id === undefined) return undefined;
    const { name } = home as Wire;
    if (typeof name !== 'string' || name === '') return { id };
    seenAccounts.note(id, name);
    return { id, name };
  };
  const crm: Shared = {
    connection,
    options,
    concurrent,
    mappings,
    seenAccounts,
    refusedQueries: new Set(),
    showsMembers: false,
    stages: new Map(),
    lastJoined: undefined,
    call: (id, call) => http.call(operation(id), call),
    fields: (id) => ({ connection, operation: id }),
    account: (item) => {
      const decoded = decodeAccount(item, mappings.account);
      if ('values' in decoded) seenAccounts.note(decoded.externalId, termOf(item as Wire));
      return decoded;
    },
    contact: (item) => underOwnName(decodeContact(item, mappings.contact, homeOf), options.systemName),
    lead: (item) => decodeLead(item, mappings.lead, crm.stages),
    isCarrier,
  };
  return crm;
}

/** Our ids may go by another name here, as the option says. Of accounts the API takes none, so none can be ours. */
function underOwnName(decoded: CrmRecord | BadRecord, systemName: string | null): CrmRecord | BadRecord {
  if (systemName === ownSystem || !('values' in decoded) || !decoded.xrefs) return decoded;
  const xrefs = decoded.xrefs.map((xref) => (xref.system === systemName ? { ...xref, system: ownSystem } : xref));
  return { ...decoded, xrefs };
}

function termOf({ name, primaryEmail }: Wire): string | undefined {
  return [name, primaryEmail].find((term): term is string => typeof term === 'string' && term !== '');
}

/** Accounts remembered at most; memory stays bounded however many there are. */
const SEEN_MAX = 20_000;

/**
 * What accounts can be searched by. There is no read by id, and whoever wants to write into an account often knows its
 * id alone; without this each such write would cost a scan of all accounts. A stale or missing entry costs that scan.
 */
class SeenAccounts {
  readonly #terms = new Map<string, string>();

  note(id: string, term: string | undefined): void {
    if (term === undefined || this.#terms.get(id) === term) return;
    this.#terms.delete(id);
    this.#terms.set(id, term);
    if (this.#terms.size > SEEN_MAX) this.#terms.delete(this.#terms.keys().next().value as string);
  }

  term(id: string): string | undefined {
    return this.#terms.get(id);
  }
}

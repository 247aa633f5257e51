import { Refusal } from '../../../src/connector/sandbox-server.ts';
import { audit, idIn, type Mint, objectBody, Shelf, TENANT, type Wire } from './state.ts';

/** A contact or account as kept: its own fields, and the other side of its links by key, in the order of linking. */
export interface Kept {
  /** What it is stored under; `fields.id` may differ where a test plants a bad record. */
  readonly key: string;
  readonly fields: Wire;
  readonly links: Set<string>;
  primary?: string;
}

const textFields = [
  'primaryEmail',
  'secondaryEmail',
  'homePhone',
  'workPhone',
  'workPhoneExtension',
  'mobilePhone',
  'address',
  'city',
  'province',
  'postalCode',
  'country',
  'language',
];
export const contactTextFields = [
  ...textFields,
  'firstName',
  'lastName',
  'companyName',
  'civility',
  'preferredMethodOfContact',
];
export const accountTextFields = [...textFields, 'name'];

/** The samples show `province` with five characters (conecrm.md §3.1, §8 26). */
const PROVINCE_MAX = 5;

/** What ConeCRM holds of people and companies, and its rules for writing them (conecrm.md §3.1; nesting by inference). */
export class Customers {
  readonly contacts = new Shelf<Kept>();
  readonly accounts = new Shelf<Kept>();
  readonly #mint: Mint;

  constructor(from: Mint) {
    this.#mint = from;
  }

  /** As `GET /api/contact` shows it: accounts as `{id, name}`. */
  contactWire(kept: Kept): Wire {
    const accounts = [...kept.links].flatMap((key) => {
      const account = this.accounts.get(key);
      return account ? [{ id: account.fields.id, name: account.fields.name }] : [];
    });
    return { ...kept.fields, accounts };
  }

  /** As account replies show it: contacts in full, their own lists of accounts cut to nothing (§8, 27). */
  accountWire(kept: Kept): Wire {
    const nested = (key: string): Wire[] => {
      const contact = this.contacts.get(key);
      return contact ? [{ ...contact.fields, accounts: [] }] : [];
    };
    return {
      ...kept.fields,
      primaryContact: (kept.primary && nested(kept.primary)[0]) || null,
      contacts: [...kept.links].flatMap(nested),
    };
  }

  /** Checks and does an account write body. `kept` undefined: a new account. Nothing is changed when it is refused. */
  writeAccount(body: unknown, kept: Kept | undefined): Kept {
    const wire = objectBody(body);
    checkFields(wire, accountTextFields, '');
    const lists = [wire.contacts ?? [], wire.primaryContact ? [wire.primaryContact] : []];
    for (const list of lists) {
      if (!Array.isArray(list)) throw invalid('contacts: This value should be of type array.');
      for (const [index, entry] of list.entries()) this.#checkContact(entry, `contacts[${index}].`);
    }
    const account = kept ?? this.#add('account', {});
    assign(account.fields, wire, accountTextFields);
    if (Array.isArray(wire.contacts)) this.#setContacts(account, wire.contacts);
    if (wire.primaryContact === null) delete account.primary;
    else if (wire.primaryContact !== undefined) {
      const contact = this.writeContact(wire.primaryContact);
      this.link(account, contact);
      account.primary = contact.key;
    }
    return account;
  }

  /** Links by id and updates the given fields, or creates when there is no id. @throws Refusal 400 */
  writeContact(body: unknown): Kept {
    this.#checkContact(body, 'contact.');
    const wire = body as Wire;
    const id = idIn(wire);
    const contact = (id !== undefined && this.contacts.get(id)) || this.#add('contact', {});
    assign(contact.fields, wire, contactTextFields);
    if (Array.isArray(wire.thirdPartyIds)) this.#addThirdPartyIds(contact, wire.thirdPartyIds);
    return contact;
  }

  link(account: Kept, contact: Kept): void {
    account.links.add(contact.key);
    contact.links.add(account.key);
  }

  unlink(account: Kept, contact: Kept): void {
    account.links.delete(contact.key);
    contact.links.delete(account.key);
    if (account.primary === contact.key) delete account.primary;
  }

  /** A person's doing: no rule is checked, so that bad records can be planted. Returns the key. */
  plant(entity: 'contact' | 'account', wire: Readonly<Wire>): string {
    const { accounts, contacts, primaryContact, ...fields } = wire;
    const kept = this.#add(entity, fields);
    this.#plantLinks(kept, entity, wire);
    return kept.key;
  }

  change(entity: 'contact' | 'account', key: string, change: Readonly<Wire>): void {
    const kept = this.#shelf(entity).get(key);
    if (!kept) throw new RangeError(`the sandbox has no ${entity} ${key}`);
    const { accounts, contacts, primaryContact, ...fields } = change;
    Object.assign(kept.fields, fields);
    if (accounts !== undefined || contacts !== undefined) this.#unlinkAll(kept, entity);
    this.#plantLinks(kept, entity, change);
  }

  /** Takes a record away; what it was linked to stays. */
  remove(entity: 'contact' | 'account', key: string): boolean {
    const kept = this.#shelf(entity).get(key);
    if (!kept) return false;
    this.#unlinkAll(kept, entity);
    return this.#shelf(entity).remove(key);
  }

  #shelf(entity: 'contact' | 'account'): Shelf<Kept> {
    return entity === 'contact' ? this.contacts : this.accounts;
  }

  #plantLinks(kept: Kept, entity: 'contact' | 'account', wire: Readonly<Wire>): void {
    const others = entity === 'contact' ? wire.accounts : wire.contacts;
    for (const entry of Array.isArray(others) ? others : []) {
      const other = this.#shelf(entity === 'contact' ? 'account' : 'contact').get(idIn(entry) ?? '');
      if (!other) throw new RangeError(`the sandbox has no such record to link ${entity} ${kept.key} to`);
      if (entity === 'contact') this.link(other, kept);
      else this.link(kept, other);
    }
  }

  #unlinkAll(kept: Kept, entity: 'contact' | 'account'): void {
    for (const key of [...kept.links]) {
      const contact = entity === 'contact' ? kept : this.contacts.get(key);
      const account = entity === 'contact' ? this.accounts.get(key) : kept;
      if (contact && account) this.unlink(account, contact);
    }
  }

  #setContacts(account: Kept, entries: readonly unknown[]): void {
    const listed = entries.map((entry) => this.writeContact(entry));
    for (const key of [...account.links]) {
      const contact = this.contacts.get(key);
      if (contact && !listed.includes(contact)) this.unlink(account, contact);
    }
    for (const contact of listed) this.link(account, contact);
  }

  #checkContact(entry: unknown, at: string): void {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
      throw invalid(`${at} This value should be of type object.`);
    checkFields(entry as Wire, contactTextFields, at);
    const id = (entry as Wire).id;
    if (id !== undefined && (typeof id !== 'string' || !this.contacts.get(id)))
      throw invalid(`${at}id: This contact does not exist.`);
  }

  #addThirdPartyIds(contact: Kept, rows: readonly unknown[]): void {
    const held = contact.fields.thirdPartyIds as Wire[];
    for (const row of rows) {
      if (typeof row !== 'object' || row === null) continue;
      const { systemName, thirdPartyId, metadata = null } = row as Wire;
      if (held.some((other) => other.systemName === systemName && other.thirdPartyId === thirdPartyId)) continue;
      held.push({
        ...audit(this.#mint, 'basecustomerthirdpartyid'),
        customer: { id: contact.key },
        systemName,
        thirdPartyId,
        metadata,
        tenant: { id: TENANT.id },
      });
    }
  }

  #add(entity: 'contact' | 'account', given: Readonly<Wire>): Kept {
    const names = entity === 'contact' ? contactTextFields : accountTextFields;
    const id = idIn(given) ?? this.#mint.id();
    const blank = Object.fromEntries(names.map((name) => [name, null]));
    const fields = { id, ...blank, isActive: true, thirdPartyIds: [], ...undocumented, ...given };
    const kept: Kept = { key: id, fields, links: new Set() };
    this.#shelf(entity).put(id, kept);
    return kept;
  }
}

/** Keys that no text mentions, as live services add them. */
const undocumented = { avatarColor: '#336699', statistics: { visits: 0 } };

function assign(fields: Wire, wire: Readonly<Wire>, names: readonly string[]): void {
  for (const name of names) {
    const value = wire[name];
    if (value !== undefined) fields[name] = typeof value === 'string' ? value.trim() || null : value;
  }
  if (typeof wire.isActive === 'boolean') fields.isActive = wire.isActive;
}

function checkFields(wire: Readonly<Wire>, names: readonly string[], at: string): void {
  const faults: string[] = [];
  for (const name of names) {
    const value = wire[name];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string') faults.push(`${at}${name}: This value should be of type string.`);
    else if (name.endsWith('Email') && !/^\S+@\S+\.\S+$/.test(value.trim()))
      faults.push(`${at}${name}: This value is not a valid email address.`);
    else if (name === 'province' && value.trim().length > PROVINCE_MAX)
      faults.push(`${at}${name}: This value is too long. It should have ${PROVINCE_MAX} characters or less.`);
  }
  if (wire.isActive !== undefined && wire.isActive !== null && typeof wire.isActive !== 'boolean')
    faults.push(`${at}isActive: This value should be of type bool.`);
  if (faults.length > 0) throw invalid(...faults);
}

/** A 400 in the shape of ValidationError (conecrm.md §6). */
function invalid(...faults: string[]): Refusal {
  return new Refusal(400, faults.join(' '), { errors: faults, message: 'Validation failed' });
}

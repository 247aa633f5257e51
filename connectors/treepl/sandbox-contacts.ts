import { Refusal } from '../../src/connector/sandbox-server.ts';

export type Contact = Record<string, unknown>;

/** What this site does to what it is given; all off by default. A live site may have any of them. */
export interface TreeplHabits {
  /** Takes white space off both ends of every text. */
  readonly trims?: boolean;
  readonly lowerCasesEmail?: boolean;
  /** Cuts `State` to so many characters. */
  readonly stateLength?: number;
  /** Stores an empty text as null. */
  readonly emptyIsNull?: boolean;
  /** Refuses a write body with keys that are not documented (400). */
  readonly refusesUnknown?: boolean;
  /** Refuses a second contact with the same e-mail (400). */
  readonly uniqueEmail?: boolean;
  /** Leaves keys that hold null out of its replies. */
  readonly omitsNull?: boolean;
}

/** The contacts of one site: what the API's rules, and the site's habits, make of what is written. */
export interface ContactTable {
  /** In the order of their ids. */
  all(): readonly Contact[];
  /** @throws Refusal 404 */
  get(id: string): Contact;
  create(body: unknown): Contact;
  /** Replaces every writable field: what the body leaves out becomes null. */
  replace(id: string, body: unknown): Contact;
  remove(id: string): void;
  /** As a person does it: no validation, so that a test can also store what cannot be. Undefined takes a key away. */
  write(id: string | undefined, change: Readonly<Contact>): string;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Writable keys and what they take besides null; the last one is not documented, as on a live site. */
const writable: Readonly<Record<string, Check>> = {
  Email: isText,
  FirstName: isText,
  LastName: isText,
  CrmType: isText,
  Role: isText,
  Address: isText,
  City: isText,
  State: isText,
  ZipCode: isText,
  Country: isText,
  Site: isText,
  Phone: isText,
  Status: isText,
  Notes: isText,
  Type: (value) => Number.isInteger(value),
  IsDataUsingAllowed: (value) => typeof value === 'boolean',
  CustomCrmGroups: (value) => isObject(value) && Object.values(value as object).every(isObject),
  Loyalty: isObject,
};
const writableKeys = Object.keys(writable);
/** Keys that a body may name without effect: read-only ones, sent back by a careless client. `ModifiedBy` is not documented. */
const ignored = new Set(['Id', 'EmailConfirmed', 'CreatedDate', 'CustomerTypeName', 'ModifiedBy']);
const undocumented = new Set(['Loyalty', 'ModifiedBy']);

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const FIRST_STAMP = Date.UTC(2026, 0, 5, 8, 0, 0, 330);
const CUSTOMER_TYPES = ['Retail', 'Reseller', 'Partner'];

/** The contacts of a site, empty at first, with the habits of that site. */
export function contactTable(habits: TreeplHabits): ContactTable {
  const byId = new Map<string, Contact>();
  let lastId = 0;
  /** Ordered copy, thrown away when a contact comes or goes: a listing asks for it once per page. */
  let ordered: Contact[] | undefined;

  function blank(): Contact {
    const id = ++lastId;
    const contact: Contact = { Id: id };
    for (const key of writableKeys) contact[key] = null;
    Object.assign(contact, {
      CrmType: 'Contact',
      Role: 'General',
      CustomCrmGroups: {},
      EmailConfirmed: false,
      CreatedDate: new Date(FIRST_STAMP + id * 1000).toISOString(),
      CustomerTypeName: null,
      ModifiedBy: 'api',
    });
    return contact;
  }

  function stored(key: string, value: unknown): unknown {
    if (typeof value !== 'string') return value;
    let text = habits.trims ? value.trim() : value;
    if (key === 'Email' && habits.lowerCasesEmail) text = text.toLowerCase();
    if (key === 'State' && habits.stateLength !== undefined) text = [...text].slice(0, habits.stateLength).join('');
    return text === '' && habits.emptyIsNull ? null : text;
  }

  function put(contact: Contact, key: string, value: unknown): void {
    contact[key] = stored(key, value);
    if (key === 'Type')
      contact.CustomerTypeName = typeof value === 'number' ? (CUSTOMER_TYPES[value - 1] ?? null) : null;
  }

  function checked(body: unknown, extra: readonly string[], self?: Contact): Contact {
    if (!isObject(body)) throw new Refusal(400, 'The request body must be an object.');
    const given = body as Contact;
    for (const [key, value] of Object.entries(given)) {
      const check = writable[key];
      if (habits.refusesUnknown && (undocumented.has(key) || !(check || ignored.has(key) || extra.includes(key))))
        throw new Refusal(400, `Unknown property ${key}.`);
      if (check && value !== null && !check(value)) throw new Refusal(400, `The value of ${key} is not valid.`);
    }
    const email = typeof given.Email === 'string' ? given.Email.trim() : '';
    if (email !== '' && !EMAIL.test(email)) throw new Refusal(400, 'The Email field is not a valid e-mail address.');
    if (habits.uniqueEmail && email !== '' && inOrder().some((other) => other !== self && sameEmail(other, email)))
      throw new Refusal(400, 'A contact with this Email already exists.');
    return given;
  }

  function inOrder(): Contact[] {
    ordered ??= [...byId.values()];
    return ordered;
  }

  function get(id: string): Contact {
    const contact = byId.get(id);
    if (!contact) throw new Refusal(404, `Contact ${id} was not found.`);
    return contact;
  }

  function keep(contact: Contact): Contact {
    byId.set(String(contact.Id), contact);
    ordered = undefined;
    return contact;
  }

  return {
    all: inOrder,
    get,
    create(body) {
      const given = checked(body, ['Password']);
      const contact = blank();
      for (const key of writableKeys) if (key in given) put(contact, key, given[key]);
      return keep(contact);
    },
    replace(id, body) {
      const contact = get(id);
      const given = checked(body, [], contact);
      if (String(given.Id) !== id) throw new Refusal(400, 'Id of the body and of the path differ.');
      for (const key of writableKeys) put(contact, key, given[key] ?? (key === 'CustomCrmGroups' ? {} : null));
      return contact;
    },
    remove(id) {
      get(id);
      byId.delete(id);
      ordered = undefined;
    },
    write(id, change) {
      const contact = id === undefined ? blank() : get(id);
      const key = id ?? String(contact.Id);
      if (id === undefined) keep(contact);
      contact.ModifiedBy = 'a person';
      for (const [name, value] of Object.entries(change)) {
        if (value === undefined) delete contact[name];
        else put(contact, name, value);
      }
      return key;
    },
  };
}

function sameEmail(contact: Contact, email: string): boolean {
  return typeof contact.Email === 'string' && contact.Email.trim().toLowerCase() === email.toLowerCase();
}

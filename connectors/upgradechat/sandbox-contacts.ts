import { Refusal } from '../../src/connector/sandbox-server.ts';

export type Wire = Record<string, unknown>;

/** What this CRM does to what it is given. A live one may have any of them. */
export interface UpgradechatHabits {
  /** What `matchExisting` looks at. Default both. */
  readonly matches?: readonly ('xref' | 'email')[];
  /** Whether an update clears what it leaves out. Default kept. */
  readonly absent?: 'kept' | 'cleared';
  /** What becomes of a list that is written. Default replace. */
  readonly lists?: 'replace' | 'merge';
  /** An upsert with an id that is gone is answered 404, or makes a new contact. Default refuse. */
  readonly unknownId?: 'refuse' | 'insert';
  /** Takes white space off both ends of every text. */
  readonly trims?: boolean;
  readonly lowerCasesEmail?: boolean;
  /** Stores an empty text as null. */
  readonly emptyIsNull?: boolean;
  /** Leaves keys that hold null out of what it shows. */
  readonly omitsNull?: boolean;
}

/** The contacts of one CRM: what the API's rules, and the CRM's habits, make of what is written. */
export interface ContactTable {
  /** In the order of their ids. */
  all(): readonly Wire[];
  /** @throws Refusal 404 */
  get(id: string): Wire;
  /** Whatever `CreateOrUpdateContact` is given. @throws Refusal */
  upsert(body: unknown): Wire;
  remove(id: string): void;
  /** As a person does it: no validation, so that a test can also store what cannot be. Undefined takes a key away. */
  write(id: string | undefined, change: Readonly<Wire>): string;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isInteger: Check = (value) => Number.isInteger(value);
const isNumber: Check = (value) => typeof value === 'number';
const isFlag: Check = (value) => typeof value === 'boolean';
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isDate: Check = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isRows: Check = (value) => Array.isArray(value) && value.every(isObject);
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const isGender: Check = (value) => ['Female', 'Male', 'Other'].includes(String(value));

const of = (check: Check, ...keys: string[]): Record<string, Check> =>
  Object.fromEntries(keys.map((key) => [key, check]));

/** Keys that are stored, and what they take besides null (upgradechat.md §3.1). */
const stored: Readonly<Record<string, Check>> = {
  ...of(isText, 'contactXRef', 'namePrefix', 'firstName', 'middleName', 'lastName', 'nameSuffix', 'nickName'),
  ...of(isText, 'bankCode', 'bankCodeSource', 'experience', 'profileSummary', 'note', 'companyName', 'industry'),
  ...of(isText, 'personAffiliateCode', 'title', 'preferredLanguageCode', 'contactGroupId', 'partnerTypeName'),
  ...of(isText, 'leadTypeSysId', 'currencyId'),
  ...of(isInteger, 'parentContactId', 'sourceContactId', 'sourceOrganizationUnitId', 'assignedUserId', 'ratingId'),
  ...of(isInteger, 'leadTypeId', 'stageId'),
  ...of(isNumber, 'dealAmount', 'installmentAmount'),
  ...of(isFlag, 'isActive', 'isProspective'),
  ...of(isDate, 'dob', 'followUpDate'),
  ...of(isRows, 'emailAddresses', 'phoneNumbers', 'addresses', 'links', 'tags', 'lists'),
  ...of(isObject, 'questionnaireAnswers', 'photo', 'trackingInfo', 'utmParameter', 'propertyInfo'),
  interests: isTexts,
  gender: isGender,
};

/** Keys that ask for something and are not stored. */
const orders: Readonly<Record<string, Check>> = {
  ...of(isFlag, 'matchExisting', 'inviteUser', 'generateAutoLoginLink', 'changeNewUserPasswordOnNextLogin'),
  ...of(isFlag, 'noWelcomeEmail', 'bypassValidation'),
  ...of(isText, 'newUserPassword', 'welcomeEmailTemplateRef'),
};

/** Lists, and the key that tells their rows apart where rows are merged. */
const lists: Readonly<Record<string, string>> = {
  emailAddresses: 'emailAddress',
  phoneNumbers: 'phoneNumber',
  addresses: 'streetAddress',
  links: 'url',
  tags: 'name',
  lists: 'name',
};

const BANK_CODE_LENGTH = 4;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** The contacts of a CRM, empty at first, with the habits of that CRM. */
export function contactTable(habits: UpgradechatHabits): ContactTable {
  const byId = new Map<string, Wire>();
  const matches = habits.matches ?? ['xref', 'email'];
  let lastId = 0;

  function blank(): Wire {
    const contact: Wire = { contactId: ++lastId };
    for (const key of Object.keys(stored)) contact[key] = key in lists || key === 'interests' ? [] : null;
    Object.assign(contact, { isActive: true, isProspective: false, rowVersion: 1 });
    byId.set(String(lastId), contact);
    return contact;
  }

  function kept(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(kept);
    if (isObject(value)) return Object.fromEntries(Object.entries(value as Wire).map(([key, one]) => [key, kept(one)]));
    if (typeof value !== 'string') return value;
    const text = habits.trims ? value.trim() : value;
    return text === '' && habits.emptyIsNull ? null : text;
  }

  function put(contact: Wire, key: string, given: unknown): void {
    let value = kept(given);
    if (key === 'bankCode' && typeof value === 'string') value = value.slice(0, BANK_CODE_LENGTH);
    const rowKey = lists[key];
    if (rowKey !== undefined && Array.isArray(value)) {
      let rows = (value as Wire[]).map((row) => rowOf(contact, key, row));
      if (habits.lists === 'merge') rows = merged(contact[key], rows, rowKey);
      value = rows;
    }
    contact[key] = value;
  }

  function rowOf(contact: Wire, key: string, given: Wire): Wire {
    const row: Wire = { ...given };
    if (key !== 'tags' && key !== 'lists')
      Object.assign(row, { contactId: contact.contactId, isActive: row.isActive ?? true });
    if (key === 'emailAddresses' && habits.lowerCasesEmail && typeof row.emailAddress === 'string')
      row.emailAddress = row.emailAddress.toLowerCase();
    return row;
  }

  function checked(body: unknown): Wire {
    if (!isObject(body)) throw new Refusal(400, 'The request body must be an object.');
    const given = body as Wire;
    for (const [key, value] of Object.entries(given)) {
      const check = stored[key] ?? orders[key];
      if (check && (value ?? null) !== null && !check(value)) throw new Refusal(400, `The field ${key} is invalid.`);
    }
    for (const { emailAddress } of (given.emailAddresses ?? []) as Wire[])
      if (typeof emailAddress === 'string' && emailAddress.trim() !== '' && !EMAIL.test(emailAddress.trim()))
        throw new Refusal(400, 'The EmailAddress field is not a valid e-mail address.');
    return given;
  }

  function matching(given: Wire): Wire | undefined {
    const all = [...byId.values()];
    const { contactXRef: xref } = given;
    const byXref = matches.includes('xref') && xref ? all.find((one) => one.contactXRef === xref) : undefined;
    if (byXref || !matches.includes('email')) return byXref;
    const wanted = new Set(emailsOf(given));
    return all.find((one) => emailsOf(one).some((email) => wanted.has(email)));
  }

  function target(given: Wire): Wire {
    const { contactId: id } = given;
    if (id !== undefined && id !== null && id !== 0) {
      const known = byId.get(String(id));
      if (known) return known;
      if (habits.unknownId !== 'insert') throw new Refusal(404, `There is no contact with id ${id}.`);
      return blank();
    }
    return (given.matchExisting === true ? matching(given) : undefined) ?? blank();
  }

  function get(id: string): Wire {
    const contact = byId.get(id);
    if (!contact) throw new Refusal(404, `There is no contact with id ${id}.`);
    return contact;
  }

  return {
    all: () => [...byId.values()],
    get,
    upsert(body) {
      const given = checked(body);
      const contact = target(given);
      for (const key of Object.keys(stored)) {
        if (given[key] !== undefined) put(contact, key, given[key]);
        else if (habits.absent === 'cleared') contact[key] = key in lists || key === 'interests' ? [] : null;
      }
      contact.rowVersion = Number(contact.rowVersion) + 1;
      return contact;
    },
    remove(id) {
      get(id);
      byId.delete(id);
    },
    write(id, change) {
      const contact = id === undefined ? blank() : get(id);
      const key = String(contact.contactId);
      for (const [name, value] of Object.entries(change)) {
        if (value === undefined) delete contact[name];
        else contact[name] = value;
      }
      return key;
    },
  };
}

/** Rows that are there, overwritten by those of the same name, and the new ones behind them. */
function merged(there: unknown, given: readonly Wire[], rowKey: string): Wire[] {
  const rows = Array.isArray(there) ? (there as Wire[]).map((row) => ({ ...row })) : [];
  for (const row of given) {
    const same = rows.find((one) => String(one[rowKey]).toLowerCase() === String(row[rowKey]).toLowerCase());
    if (same) Object.assign(same, row);
    else rows.push(row);
  }
  return rows;
}

function emailsOf({ emailAddresses }: Wire): string[] {
  const rows = Array.isArray(emailAddresses) ? (emailAddresses as Wire[]) : [];
  return rows.flatMap(({ emailAddress }) =>
    typeof emailAddress === 'string' && emailAddress.trim() !== '' ? [emailAddress.trim().toLowerCase()] : [],
  );
}

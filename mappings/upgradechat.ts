import { asIs, type Converter, type FieldMapping, field, type Mapping, mapping } from '../src/connector/mapping.ts';
import { readCountry } from '../src/model/country.ts';
import { readDay, readMoment } from '../src/model/moment.ts';
import { readDecimal } from '../src/model/money.ts';
import { isEmpty, type Value } from '../src/model/values.ts';

/** What the mapping depends on; see connectors/upgradechat/options.ts. */
export interface UpgradechatMappingOptions {
  readonly clearWith: null | '';
  readonly country: 'name' | 'id';
  readonly usageTypes: {
    readonly email?: { readonly primary: string; readonly secondary: string } | undefined;
    readonly phone?: { readonly [Slot in 'mobile' | 'work' | 'home']?: string | undefined } | undefined;
    readonly address?: string | undefined;
    readonly website?: string | undefined;
  };
  readonly customFields: Readonly<Record<string, string>>;
  readonly owners: Readonly<Record<string, number>>;
  readonly stages: Readonly<Record<string, number>>;
}

/** One place for a row of a list. */
interface ListSlot {
  readonly name: string;
  readonly type: string | undefined;
  /** The mapped keys, where they are not all of the rule's. */
  readonly fields?: readonly string[];
}

/** How the rows of one list become slots. In a mapping a slot is addressed as `LIST.SLOT.FIELD`. */
export interface ListRule {
  /** Key of the list in the contact. */
  readonly list: string;
  /** Mapped keys of a row; the first one tells rows apart. */
  readonly fields: readonly [string, ...string[]];
  /** Key of a row that says what it is used for. */
  readonly typeKey: string;
  /** With `type`: the first active row of that type. Without: the active rows in their order. */
  readonly slots: readonly ListSlot[];
  /** Mapped key → the key that says the same as a code. */
  readonly codes: Readonly<Record<string, string>>;
}

/** The list rules of a connection: e-mails, phones, addresses, links. */
export function upgradechatLists({ usageTypes, country }: UpgradechatMappingOptions): readonly ListRule[] {
  const { email, phone, address, website } = usageTypes;
  const phones = (['mobile', 'work', 'home'] as const).flatMap((name) =>
    phone?.[name] === undefined
      ? []
      : [{ name, type: phone[name], ...(name !== 'work' && { fields: ['phoneNumber'] }) }],
  );
  const [countryKey, countryTwin] = country === 'name' ? ['countryName', 'countryId'] : ['countryId', 'countryName'];
  return [
    {
      list: 'emailAddresses',
      fields: ['emailAddress'],
      typeKey: 'usageTypeId',
      slots: [
        { name: 'primary', type: email?.primary },
        { name: 'secondary', type: email?.secondary },
      ],
      codes: {},
    },
    {
      list: 'phoneNumbers',
      fields: phone?.work === undefined ? ['phoneNumber'] : ['phoneNumber', 'phoneExtension'],
      typeKey: 'usageTypeId',
      slots: phones.length > 0 ? phones : [{ name: 'primary', type: undefined }],
      codes: {},
    },
    {
      list: 'addresses',
      fields: ['streetAddress', 'neighborhood', 'city', 'stateName', 'zip', countryKey],
      typeKey: 'usageTypeId',
      slots: [{ name: 'billing', type: address }],
      codes: { stateName: 'stateId', [countryKey]: countryTwin },
    },
    {
      list: 'links',
      fields: ['url'],
      typeKey: 'linkTypeId',
      slots: [{ name: 'website', type: website }],
      codes: {},
    },
  ];
}

/** Canonical contact ⇄ Upgrade.chat contact (upgradechat.md §3.1). What is left out, and why: connectors/upgradechat/README.md. */
export function upgradechatContact(options: UpgradechatMappingOptions): Mapping {
  const text = textOf(options.clearWith);
  const line = (path: string, wire: string): FieldMapping => field(path, wire, 'readWrite', text);
  const { phone } = options.usageTypes;
  const country =
    options.country === 'name'
      ? field('address.billing.country', 'addresses.billing.countryName', 'readWrite', countryName(text))
      : field('address.billing.country', 'addresses.billing.countryId', 'readWrite', countryCode(text));
  const phones = phone
    ? [
        ...(['mobile', 'work', 'home'] as const)
          .filter((slot) => phone[slot] !== undefined)
          .map((slot) => line(`phone.${slot}`, `phoneNumbers.${slot}.phoneNumber`)),
        ...(phone.work === undefined ? [] : [line('phone.workExtension', 'phoneNumbers.work.phoneExtension')]),
      ]
    : [line('phone.primary', 'phoneNumbers.primary.phoneNumber')];
  return mapping('contact', [
    line('name.prefix', 'namePrefix'),
    line('name.given', 'firstName'),
    line('name.middle', 'middleName'),
    line('name.family', 'lastName'),
    line('name.suffix', 'nameSuffix'),
    line('name.nickname', 'nickName'),
    line('email.primary', 'emailAddresses.primary.emailAddress'),
    line('email.secondary', 'emailAddresses.secondary.emailAddress'),
    ...phones,
    line('address.billing.street', 'addresses.billing.streetAddress'),
    line('address.billing.district', 'addresses.billing.neighborhood'),
    line('address.billing.city', 'addresses.billing.city'),
    line('address.billing.region', 'addresses.billing.stateName'),
    line('address.billing.postalCode', 'addresses.billing.zip'),
    country,
    line('website', 'links.website.url'),
    line('company', 'companyName'),
    line('industry', 'industry'),
    line('jobTitle', 'title'),
    line('language', 'preferredLanguageCode'),
    line('notes', 'note'),
    field('active', 'isActive'),
    field('birthday', 'dob', 'readWrite', midnight),
    field('gender', 'gender', 'readWrite', gender),
    field('nextAction.due', 'followUpDate', 'readWrite', moment),
    field('tags', 'tags', 'readWrite', names),
    ...tableLine('owner', 'assignedUserId', options.owners),
    ...Object.entries(options.customFields).map(([name, wire]) => line(`custom.${name}`, `trackingInfo.${wire}`)),
  ]);
}

/**
 * Canonical lead ⇄ the same record (upgradechat.md §3.1): a lead is its contact, with these fields filled. No key that
 * the contact's mapping has: two records of ours must not write one field.
 */
export function upgradechatLead(options: UpgradechatMappingOptions): Mapping {
  const text = textOf(options.clearWith);
  return mapping('lead', [
    field('contact', 'contactId', 'createOnly', idText),
    field('description', 'trackingInfo.comments', 'readWrite', text),
    field('source', 'trackingInfo.sourceCode', 'readWrite', text),
    ...tableLine('stage', 'stageId', options.stages),
    field('amount', 'dealAmount', 'readWrite', decimal),
    field('currency', 'currencyId', 'readWrite', text),
  ]);
}

/** Ids without a table would be guesses: the ids of another CRM look the same. */
function tableLine(path: string, wire: string, table: Readonly<Record<string, number>>): readonly FieldMapping[] {
  return Object.keys(table).length === 0 ? [] : [field(path, wire, 'readWrite', option(table))];
}

function textOf(clearWith: null | ''): Converter {
  return {
    name: 'text',
    toCanonical: (wire) => (typeof wire === 'number' ? String(wire) : asIs.toCanonical(wire)),
    toWire: (value) => (isEmpty(value) ? clearWith : String(value)),
  };
}

const idText: Converter = {
  name: 'idText',
  toCanonical: (wire) => (wire === undefined || wire === null ? undefined : String(wire)),
  toWire: (value) => value,
};

/** A name that is not in the table is not sent; an id that is not in it is kept as it is. */
function option(table: Readonly<Record<string, number>>): Converter {
  const byId = new Map(Object.entries(table).map(([name, id]) => [id, name]));
  const byName = new Map(Object.entries(table).map(([name, id]) => [folded(name), id]));
  return {
    name: 'option',
    toCanonical: (wire) => (typeof wire === 'number' ? (byId.get(wire) ?? String(wire)) : asIs.toCanonical(wire)),
    toWire: (value) => (isEmpty(value) ? null : byName.get(folded(value))),
  };
}

const genders = new Map(['Female', 'Male', 'Other'].map((word) => [folded(word), word]));

/** The three documented words (§9); another one is not sent. */
const gender: Converter = {
  name: 'gender',
  toCanonical: asIs.toCanonical,
  toWire: (value) => (isEmpty(value) ? null : genders.get(folded(value))),
};

function folded(value: Value): string {
  return String(value).trim().toLowerCase();
}

/** A day, written as midnight UTC; of what is read the day counts (§8, 8). What is no day is not sent. */
const midnight: Converter = {
  name: 'midnight',
  toCanonical: (wire) => (typeof wire === 'string' ? (readDay(wire) ?? wire) : asIs.toCanonical(wire)),
  toWire: (value) => {
    if (isEmpty(value)) return null;
    const day = readDay(String(value).trim());
    return day === undefined ? undefined : `${day}T00:00:00.000Z`;
  },
};

/** A moment in UTC with milliseconds, as the sample shows it. What is none is not sent. */
const moment: Converter = {
  name: 'moment',
  toCanonical: asIs.toCanonical,
  toWire: (value) => (isEmpty(value) ? null : readMoment(String(value).trim())),
};

/** A JSON number. What is no number, or has more digits than a JSON number can keep, is not sent. */
const decimal: Converter = {
  name: 'decimal',
  toCanonical: asIs.toCanonical,
  toWire: (value) => {
    if (isEmpty(value)) return null;
    const written = readDecimal(String(value).trim());
    return written !== undefined && readDecimal(String(Number(written))) === written ? Number(written) : undefined;
  },
};

/** `[{ name }]` ⇄ a set of names. */
const names: Converter = {
  name: 'names',
  toCanonical: (wire) => {
    if (!Array.isArray(wire)) return asIs.toCanonical(wire);
    return wire.flatMap((row: { readonly name?: unknown } | null) =>
      typeof row?.name === 'string' && row.name.trim() !== '' ? [row.name] : [],
    );
  },
  toWire: (value) => (isEmpty(value) ? [] : [value].flat().map((name) => ({ name: String(name) }))),
};

const english = new Intl.DisplayNames(['en'], { type: 'region' });

/** A bare code is spelled out where its name leads back to it; a name passes as it was typed. */
function countryName(text: Converter): Converter {
  return {
    name: 'countryName',
    toCanonical: text.toCanonical,
    toWire: (value) => {
      if (typeof value !== 'string' || !/^\s*[a-z]{2}\s*$/i.test(value)) return text.toWire(value);
      const code = readCountry(value.trim());
      const name = code === undefined ? undefined : english.of(code);
      return name !== undefined && readCountry(name) === code ? name : value;
    },
  };
}

/** ISO 3166-1 alpha-2 (inferred, §3.2). What is no known country is not sent. */
function countryCode(text: Converter): Converter {
  return {
    name: 'countryCode',
    toCanonical: text.toCanonical,
    toWire: (value) => (isEmpty(value) ? text.toWire(value) : readCountry(String(value).trim())),
  };
}

import type { Sandbox } from '../../../src/connector/sandbox.ts';
import type { Entity } from '../../../src/model/values.ts';
import { type Kind, kinds, type Name, ownerNames, owners, sources, stages, statusNames } from './crms.ts';

/** A record in a CRM's own shape, as a person there sees it. */
export type Wire = Readonly<Record<string, unknown>>;

/** What people type, in words of this harness; each is a text, or null where it is empty. */
export const paths = {
  street: 'address.billing.street',
  city: 'address.billing.city',
  code: 'address.billing.postalCode',
  company: 'company',
  notes: 'notes',
  status: 'status',
  owner: 'owner',
  due: 'nextAction.due',
  task: 'nextAction.text',
  language: 'language',
  website: 'website',
  mobile: 'phone.mobile',
  second: 'email.secondary',
  size: 'custom.size',
  source: 'source',
  description: 'description',
  stage: 'stage',
} as const;
export type Field = keyof typeof paths;
export type Typed = string | null;

/** A field at a kind of CRM, read and typed without the help of any mapping of ours. */
interface Slot {
  /** Whether the API takes a change of it. */
  readonly isWritable: boolean;
  read(wire: Wire): Typed;
  /** The change with which a person types it. */
  typed(wire: Wire, value: Typed): Wire;
}

/** A record at a CRM. */
export interface Seen {
  readonly crm: Name;
  readonly entity: Entity;
  readonly id: string;
  /** By whom it is known everywhere; undefined: made by us for another purpose. */
  readonly who: number | undefined;
  readonly wire: Wire;
  /** Alpha: the customer in which a contact person stands. */
  readonly within?: string;
}

const text = (key: string, isWritable = true): Slot => ({
  isWritable,
  read: (wire) => filled(wire[key]),
  typed: (_, value) => ({ [key]: value }),
});

/** `key.inner`, where `key` holds an object. */
const inside = (key: string, inner: string, isWritable = true): Slot => ({
  isWritable,
  read: (wire) => filled(asWire(wire[key])[inner]),
  typed: (wire, value) => ({ [key]: { ...asWire(wire[key]), [inner]: value } }),
});

/** A word that goes by another name, or a number, there. */
const word = (key: string, names: Readonly<Record<string, string | number>>, isWritable = true): Slot => ({
  isWritable,
  read: (wire) => {
    const held = wire[key];
    return Object.entries(names).find(([, there]) => there === held)?.[0] ?? filled(held);
  },
  typed: (_, value) => ({ [key]: value === null ? null : (names[value] ?? value) }),
});

const moment = (key: string, isWritable = true): Slot => ({
  isWritable,
  read: (wire) => {
    const held = filled(wire[key]);
    return held === null ? null : new Date(held).toISOString();
  },
  typed: (_, value) => ({ [key]: value }),
});

/** The first row of a list that counts. */
const row = (key: string, inner: string): Slot => ({
  isWritable: true,
  read: (wire) => filled(counting(wire[key]).find((one) => !isMarked(one, 'second'))?.[inner]),
  typed: (wire, value) => {
    const rows = rowsIn(wire[key]);
    const first = counting(wire[key]).find((one) => !isMarked(one, 'second'));
    return {
      [key]: first
        ? rows.map((one) => (one === first ? { ...one, [inner]: value } : one))
        : [{ [inner]: value, isActive: true }, ...rows],
    };
  },
});

/** The second e-mail of a list. People type one only for somebody who has a first. */
const secondRow: Slot = {
  isWritable: true,
  read: (wire) => filled(secondOf(wire)?.emailAddress),
  typed: (wire, value) => {
    const rows = rowsIn(wire.emailAddresses);
    const second = secondOf(wire);
    if (second) return { emailAddresses: rows.map((one) => (one === second ? { ...one, emailAddress: value } : one)) };
    const at = rows.indexOf(counting(rows)[0] as Wire) + 1;
    return { emailAddresses: rows.toSpliced(at, 0, { emailAddress: value, isActive: true }) };
  },
};

function secondOf(wire: Wire): Wire | undefined {
  const rows = counting(wire.emailAddresses);
  return rows.find((one) => isMarked(one, 'second')) ?? rows[1];
}

/** Rows that are in use, without those of which a comment says that they must not move up. */
function counting(list: unknown): readonly Wire[] {
  return rowsIn(list).filter((one) => one.isActive !== false && !isMarked(one, 'further'));
}

function isMarked({ comment }: Wire, mark: string): boolean {
  return typeof comment === 'string' && comment.endsWith(`[${mark}]`);
}

function rowsIn(list: unknown): readonly Wire[] {
  return Array.isArray(list) ? list : [];
}

function asWire(value: unknown): Wire {
  return typeof value === 'object' && value !== null ? (value as Wire) : {};
}

function filled(value: unknown): Typed {
  if (value === null || value === undefined) return null;
  const said = String(value).trim();
  return said === '' ? null : said;
}

const statusWords = Object.fromEntries(Object.entries(statusNames).map(([there, here]) => [here, there]));
const ownerWords = Object.fromEntries(Object.entries(ownerNames).map(([there, here]) => [here, there]));
const referTo = (key: string, names: Readonly<Record<string, string>>): Slot => ({
  isWritable: false,
  read: (wire) => Object.entries(names).find(([, id]) => id === asWire(wire[key]).id)?.[0] ?? null,
  typed: (_, value) => ({ [key]: value === null ? null : { id: names[value] } }),
});

type Slots = Readonly<Partial<Record<Field, Slot>>>;

const conecrmAddress = {
  street: text('address'),
  city: text('city'),
  code: text('postalCode'),
  language: text('language'),
  mobile: text('mobilePhone'),
};
const alphaAddress = {
  street: inside('billingAddress', 'street', false),
  city: inside('billingAddress', 'city', false),
  code: inside('billingAddress', 'postalCode', false),
  language: text('preferredLanguage', false),
  website: text('website', false),
  mobile: text('phone', false),
};
const alphaFollowUp = {
  status: word('crmStatus', statusWords),
  owner: word('ownerId', ownerWords),
  due: moment('nextActionDueDate'),
  task: text('nextAction'),
};

const slots: Readonly<Record<Kind, Readonly<Partial<Record<Entity, Slots>>>>> = {
  treepl: {
    contact: {
      street: text('Address'),
      city: text('City'),
      code: text('ZipCode'),
      notes: text('Notes'),
      status: text('Status'),
      website: text('Site'),
      mobile: text('Phone'),
      size: {
        isWritable: true,
        read: (wire) => filled(asWire(asWire(wire.CustomCrmGroups).sync).size),
        typed: (wire, size) => {
          const groups = asWire(wire.CustomCrmGroups);
          return { CustomCrmGroups: { ...groups, sync: { ...asWire(groups.sync), size } } };
        },
      },
    },
  },
  conecrm: {
    contact: { ...conecrmAddress, company: text('companyName'), second: text('secondaryEmail') },
    account: conecrmAddress,
    lead: {
      description: text('description', false),
      source: referTo('source', sources),
    },
  },
  alpha: {
    contact: { ...alphaAddress, ...alphaFollowUp },
    account: { ...alphaAddress, ...alphaFollowUp },
    lead: { source: text('leadSource', false) },
  },
  upgradechat: {
    contact: {
      street: row('addresses', 'streetAddress'),
      city: row('addresses', 'city'),
      code: row('addresses', 'zip'),
      company: text('companyName'),
      notes: text('note'),
      owner: word('assignedUserId', owners),
      due: moment('followUpDate'),
      language: text('preferredLanguageCode'),
      website: row('links', 'url'),
      mobile: row('phoneNumbers', 'phoneNumber'),
      second: secondRow,
      size: inside('trackingInfo', 'customField1'),
    },
    lead: {
      description: inside('trackingInfo', 'comments'),
      source: inside('trackingInfo', 'sourceCode'),
      stage: word('stageId', stages),
    },
  },
};

/** A contact person of Alpha is read alone. */
const personSlots: Slots = { mobile: text('phone', false), company: text('companyName', false) };

/**
 * The fields that a record's CRM has of it.
 * @param stageIds by name, where the CRM has stages of its own
 */
export function slotsOf(
  { crm, entity, within }: Pick<Seen, 'crm' | 'entity' | 'within'>,
  stageIds?: ReadonlyMap<string, string>,
): Slots {
  if (within !== undefined) return personSlots;
  const own = slots[kinds[crm]][entity] ?? {};
  return kinds[crm] === 'conecrm' && entity === 'lead'
    ? { ...own, stage: referTo('stage', Object.fromEntries(stageIds ?? [])) }
    : own;
}

/** Fields that some record of an entity may have at a CRM. */
export function fieldsOf(crm: Name, entity: Entity): readonly Field[] {
  return Object.keys(slotsOf({ crm, entity }, new Map())) as Field[];
}

const tagsOfKind: Readonly<Partial<Record<Kind, (wire: Wire) => readonly string[]>>> = {
  alpha: ({ tags }) => (Array.isArray(tags) ? tags.map(String) : []),
  upgradechat: ({ tags }) => rowsIn(tags).map(({ name }) => String(name)),
};

/** The tags of a contact in small letters; undefined: that CRM has none, or not for this one. */
export function tagsIn({ crm, entity, within, wire }: Seen): readonly string[] | undefined {
  if (entity !== 'contact' || within !== undefined) return undefined;
  return tagsOfKind[kinds[crm]]?.(wire).map((tag) => tag.trim().toLowerCase());
}

/** The change with which a person adds a tag, or takes it away. */
export function tagged({ crm, wire }: Seen, tag: string, isThere: boolean): Wire {
  const isIt = (one: unknown) => String(one).trim().toLowerCase() === tag;
  if (kinds[crm] === 'alpha') {
    const tags = Array.isArray(wire.tags) ? wire.tags : [];
    return { tags: isThere ? [...tags, tag] : tags.filter((one) => !isIt(one)) };
  }
  const rows = rowsIn(wire.tags);
  return { tags: isThere ? [...rows, { name: tag }] : rows.filter(({ name }) => !isIt(name)) };
}

/** The change with which a person writes down something for which nobody else has a place. Undefined: there is none. */
export function noted({ crm, within, wire }: Seen, note: string): Wire | undefined {
  if (within !== undefined) return undefined;
  switch (kinds[crm]) {
    case 'treepl':
      return { CustomCrmGroups: { ...asWire(wire.CustomCrmGroups), other: { colour: note } } };
    case 'conecrm':
      return { thirdPartyIds: [...rowsIn(wire.thirdPartyIds), { systemName: 'dms', thirdPartyId: note }] };
    case 'alpha':
      return { kvk: note };
    case 'upgradechat':
      return {
        interests: [note],
        trackingInfo: { ...asWire(wire.trackingInfo), campaignCode: note },
        ...(counting(wire.emailAddresses).length > 1 && {
          emailAddresses: [
            ...rowsIn(wire.emailAddresses),
            { emailAddress: `${note}@third.example`, isActive: true, comment: note },
          ],
        }),
      };
  }
}

/** In how many places of a record a text stands. */
export function timesIn(wire: Wire, said: string): number {
  return JSON.stringify(wire).split(said).length - 1;
}

/** Somebody without an address: only what we noted before we sent it tells that a record is ours. */
export function isNamedOnly(who: number): boolean {
  return who % 5 === 4;
}

const mailOf = (who: number) => `ann.marlow${who}@example.com`;
const familyOf = (who: number) => `Marlow${who}`;
const houseOf = (who: number) => `Harbour${who} BV`;

/** What stands in a new record besides what people type into fields. */
export function fresh(crm: Name, entity: Entity, who: number, isPerson = false): Wire {
  const kind = kinds[crm];
  const mail = mailOf(who);
  const isReached = !isNamedOnly(who);
  if (entity === 'account') {
    const office = `office@harbour${who}.example`;
    return kind === 'alpha'
      ? { type: 'COMPANY', name: houseOf(who), email: office }
      : { name: houseOf(who), primaryEmail: office };
  }
  switch (kind) {
    case 'treepl':
      return { FirstName: 'Ann', LastName: familyOf(who), ...(isReached && { Email: mail }) };
    case 'conecrm':
      return { firstName: 'Ann', lastName: familyOf(who), ...(isReached && { primaryEmail: mail }) };
    case 'upgradechat':
      return {
        firstName: 'Ann',
        lastName: familyOf(who),
        ...(isReached && { emailAddresses: [{ emailAddress: mail, isActive: true }] }),
      };
    case 'alpha':
      return isPerson
        ? { id: `con_${who}`, firstName: 'Ann', lastName: familyOf(who), email: isReached ? mail : null, phone: null }
        : { type: 'PERSON', name: `Ann ${familyOf(who)}`, ...(isReached && { email: mail }) };
  }
}

const carrier = /\[concordat contact\]$/;

/** Everything that a person sees of an entity at a CRM. */
export function seen(sandbox: Sandbox, crm: Name, entity: Entity): readonly Seen[] {
  const kind = kinds[crm];
  const rows = sandbox.people.all(entity);
  const idOf = (wire: Wire) => String(wire.Id ?? wire.contactId ?? wire.id);
  if (entity === 'account')
    return rows
      .filter(({ name }) => !carrier.test(String(name)))
      .map((wire) => ({ crm, entity, id: idOf(wire), who: numberIn(wire.name, /^Harbour(\d+) BV$/), wire }));
  if (entity === 'lead' && kind === 'conecrm') {
    const contacts = new Map(seen(sandbox, crm, 'contact').map(({ id, who }) => [id, who]));
    return rows.map((wire) => ({
      crm,
      entity,
      id: idOf(wire),
      who: contacts.get(String(asWire(wire.contact).id)),
      wire,
    }));
  }
  const people = rows
    .filter((wire) => kind !== 'alpha' || entity === 'contact' || wire.type === 'PERSON')
    .map((wire) => ({ crm, entity, id: idOf(wire), who: numberIn(familyIn(kind, wire), /^Marlow(\d+)$/), wire }));
  if (kind !== 'alpha' || entity === 'lead') return people;
  const persons = sandbox.people.all('account').flatMap((house) =>
    rowsIn(house.contacts).map((wire) => ({
      crm,
      entity,
      id: `${house.id}/${wire.id}`,
      who: numberIn(wire.lastName, /^Marlow(\d+)$/),
      wire: { ...wire, companyName: house.name },
      within: String(house.id),
    })),
  );
  return [...people, ...persons];
}

function familyIn(kind: Kind, wire: Wire): unknown {
  if (kind === 'alpha') return String(wire.name).split(' ').at(-1);
  return kind === 'treepl' ? wire.LastName : wire.lastName;
}

function numberIn(name: unknown, form: RegExp): number | undefined {
  const found = form.exec(String(name).trim())?.[1];
  return found === undefined ? undefined : Number(found);
}

/** What a person does to a record that is there. */
export function change(sandbox: Sandbox, { crm, entity, id, within }: Seen, what: Wire): void {
  if (within !== undefined)
    changePersons(sandbox, within, (persons) =>
      persons.map((one) => (`${within}/${one.id}` === id ? { ...one, ...what } : one)),
    );
  // A lead of its own, or the contact that is one.
  else sandbox.people.edit(entity === 'lead' && kinds[crm] !== 'conecrm' ? 'contact' : entity, id, what);
}

/** A person takes a record away. */
export function take(sandbox: Sandbox, { entity, id, within }: Seen): void {
  if (within === undefined) sandbox.people.remove(entity, id);
  else changePersons(sandbox, within, (persons) => persons.filter((one) => `${within}/${one.id}` !== id));
}

/** Changes the contact persons of a customer of Alpha. */
export function changePersons(
  sandbox: Sandbox,
  customer: string,
  how: (persons: readonly Wire[]) => readonly Wire[],
): void {
  const house = sandbox.people.all('account').find(({ id }) => id === customer);
  if (house) sandbox.people.edit('account', customer, { contacts: how(rowsIn(house.contacts)) });
}

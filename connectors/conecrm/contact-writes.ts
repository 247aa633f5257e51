import type { NewRecord, RecordChange, WriteReply } from '../../src/connector/connector.ts';
import { refuseEdited } from '../../src/connector/edited.ts';
import { GoneError, RejectedError, RetryableError, UnknownOutcomeError } from '../../src/connector/errors.ts';
import { writeValues } from '../../src/connector/mapping.ts';
import { valuesBeside } from '../../src/model/values.ts';
import { changedFields, heldContact, isStub, newFields } from './bodies.ts';
import type { Shared } from './context.ts';
import { idOf, isWire, nested, type Wire, xrefsOf } from './decode.ts';
import { type AccountHint, type ContactLocator, parseLocator } from './locator.ts';
import { keyedLock } from './lock.ts';
import {
  accountIdsOf,
  contactsOf,
  findAccount,
  findByScan,
  findBySearch,
  findContact,
  membersOf,
  searchContact,
} from './lookup.ts';

/** Writes contacts the only way there is: as `contacts` of an account's body (conecrm.md §3.1). */
export interface ContactWriter {
  create(record: NewRecord, signal?: AbortSignal): Promise<WriteReply>;
  update(id: string, change: RecordChange, signal?: AbortSignal): Promise<WriteReply>;
}

type Fields = Record<string, unknown>;

/**
 * A write into an account names all its contacts with all they hold, for a list may replace the one held. So the account
 * is read just before, and no other write may come between: neither into the same account, nor into another one that
 * lists the same person. `writeScope` keeps other processes out of the account.
 */
export function contactWriter(crm: Shared): ContactWriter {
  const inTurn = keyedLock();
  const { mappings, options } = crm;
  /** Carriers have one contact, whom no other list holds unless a real account does, which then is written instead. */
  const turnOf = (account: AccountHint): string => (crm.isCarrier(account) ? account.id : 'accounts');

  async function create({ canonicalId, values }: NewRecord, signal?: AbortSignal): Promise<WriteReply> {
    const fields = newFields(mappings.contact, values, options);
    const wanted: Fields = {
      ...fields,
      ...(options.systemName !== null && {
        thirdPartyIds: [{ systemName: options.systemName, thirdPartyId: canonicalId }],
      }),
    };
    const { account } = values;
    const sent =
      typeof account === 'string'
        ? await inTurn(turnOf({ id: account }), () => addTo(account, wanted, signal))
        : { reply: await postCarrier(wanted, signal), before: new Set<string>() };
    const isOurs = (contact: Wire): boolean => isCreated(contact, canonicalId, fields, sent.before);
    const shown = nested(sent.reply).find((contact) => !isStub(contact) && isOurs(contact));
    if (shown) return told(shown, sent.reply);
    // Elsewhere in the list there may be a namesake: without our mark, only one that stands in this account is ours.
    const home = idOf(sent.reply) ?? account;
    const isOursInList = (contact: Wire): boolean =>
      isOurs(contact) && (isMarked(contact) || accountIdsOf(contact).some((id) => id === home));
    return foundAfterwards(fields, isOursInList, signal);
  }

  /** Adds a contact without an id to those that the account has. */
  async function addTo(id: string, wanted: Fields, signal?: AbortSignal): Promise<Sent> {
    const account = await findAccount(crm, { id }, signal);
    if (!account) throw notThereNow(id);
    const held = await membersOf(crm, id, account, signal);
    const before = new Set(held.flatMap((contact) => idOf(contact) ?? []));
    const body = { contacts: [...siblings(id, held), wanted] };
    try {
      const reply = await patch(id, body, false, signal);
      crm.lastJoined = id;
      return { reply, before };
    } catch (error) {
      // It is the account that is gone, not a contact that was never there.
      throw error instanceof GoneError ? notThereNow(id) : error;
    }
  }

  /** The new contact was sent, but the reply does not show it: the listing decides. Never "failed", for it may be there. */
  async function foundAfterwards(
    fields: Fields,
    isOurs: (contact: Wire) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<WriteReply> {
    let cause: unknown;
    try {
      const found =
        (await findBySearch(crm, 'contact', searchTerms(fields), isOurs, signal)) ??
        (await findByScan(crm, 'contact', isOurs, signal));
      if (found) return told(found);
    } catch (error) {
      cause = error;
    }
    throw new UnknownOutcomeError(
      `${crm.connection}: a contact was sent within an account, but neither the reply nor the list of contacts shows it; outcome unknown, look before repeating`,
      // The write itself was answered as done.
      { ...crm.fields('_getContacts'), status: 200, ...(cause !== undefined && { cause }) },
    );
  }

  async function update(id: string, change: RecordChange, signal?: AbortSignal): Promise<WriteReply> {
    const locator = parseLocator(change.locator);
    const { account, ...rest } = change.changes;
    const fields = changedFields(mappings.contact, rest, options);
    const edit: Edit = { id, change, fields, locator };
    if (typeof account === 'string') return join(account, edit, signal);
    if (Object.keys(fields).length === 0) return asFound(edit, signal);
    const direct = locator.account && (await writeInto(locator.account, edit, undefined, signal));
    return direct ?? relocate(edit, signal);
  }

  /** The account that we remember does not list the contact, or there was none: its own record tells where it is now. */
  async function relocate(edit: Edit, signal?: AbortSignal): Promise<WriteReply> {
    const contact = await needContact(edit.id, edit.locator, signal);
    refuseEditedSince(edit, contact);
    for (const account of homesOf(contact)) {
      const done = await writeInto(account, edit, contact, signal);
      if (done) return done;
    }
    const whole = { ...heldContact(contact), ...edit.fields };
    const reply = await postCarrier(whole, signal, true);
    return { ...(await settled(edit, reply, signal)), ...resent(edit, contact) };
  }

  /**
   * Writes the contact within this account. Undefined: the account is gone, or does not list the contact.
   *
   * @param confirmed The contact's own record, when that says that it belongs here: the account's list is then cut short
   * (§8, 27) and is made whole from the list of contacts, or the others would be unlinked.
   */
  async function writeInto(
    hint: AccountHint,
    edit: Edit,
    confirmed: Wire | undefined,
    signal?: AbortSignal,
  ): Promise<WriteReply | undefined> {
    const { id, change, fields, locator } = edit;
    const done = await inTurn(turnOf(hint), async () => {
      const account = await findAccount(crm, hint, signal);
      if (!account) return undefined;
      let held = nested(account);
      if (!held.some((contact) => contact.id === id)) {
        if (!confirmed) return undefined;
        held = union(held, await contactsOf(crm, hint.id, signal));
      }
      const shown = held.find((contact) => contact.id === id);
      const full = [shown, confirmed].find((contact) => contact && !isStub(contact));
      const base = full ?? (await searchContact(crm, id, locator, signal));
      if (base) refuseEditedSince(edit, base);
      const contacts = withChange(hint.id, held, id, { ...heldContact(base ?? rebuilt(id, change.known)), ...fields });
      return { reply: await patch(hint.id, { contacts }, true, signal), base };
    }).catch((error: unknown) => {
      // The account went between our read and our write: where the contact is now has to be looked up.
      if (error instanceof GoneError) return undefined;
      throw error;
    });
    return done && { ...(await settled(edit, done.reply, signal)), ...resent(edit, done.base) };
  }

  /** Links a contact to another account. The old account keeps it too: nothing documented takes one contact out of a list. */
  async function join(accountId: string, edit: Edit, signal?: AbortSignal): Promise<WriteReply> {
    const { id, fields, locator } = edit;
    await inTurn(turnOf({ id: accountId }), async () => {
      const contact = await needContact(id, locator, signal);
      refuseEditedSince(edit, contact);
      const account = await findAccount(crm, { id: accountId }, signal);
      if (!account) throw notThereNow(accountId);
      const whole = { ...heldContact(contact), ...fields };
      const held = await membersOf(crm, accountId, account, signal);
      const body = { contacts: withChange(accountId, held, id, whole) };
      await patch(accountId, body, true, signal).catch((error: unknown) => {
        // The contact was there a moment ago: it is the account that is gone.
        throw error instanceof GoneError ? notThereNow(accountId) : error;
      });
    });
    // Which account the list names first decides what the record says, and only the list can tell.
    return asFound(edit, signal);
  }

  async function patch(id: string, body: Fields, repeatable: boolean, signal?: AbortSignal): Promise<unknown> {
    const call = { params: { account: id }, body, repeatable, restsOnLook: true, ...(signal && { signal }) };
    return (await crm.call('patch_api_account_updateAccount', call)).body;
  }

  /** Makes an account that carries one contact. Its mark, in the name, is how every later scan knows it. */
  async function postCarrier(contact: Fields, signal?: AbortSignal, restsOnLook = false): Promise<unknown> {
    const names = [contact.firstName, contact.lastName].filter((name) => typeof name === 'string' && name !== '');
    const called = names.join(' ') || contact.primaryEmail || contact.id;
    const name = [called, options.carrierMark].filter(Boolean).join(' ');
    const body = { name, contacts: [contact] };
    return (await crm.call('post_api_account_create', { body, restsOnLook, ...(signal && { signal }) })).body;
  }

  async function needContact(id: string, locator: ContactLocator, signal?: AbortSignal): Promise<Wire> {
    const contact = await findContact(crm, id, locator, signal);
    if (contact) return contact;
    throw new GoneError(
      `${crm.connection}: contact ${id} is in no account's list and not in the list of contacts; treated as deleted there`,
      crm.fields('_getContacts'),
    );
  }

  /** What went back with a contact besides the changes. Its accounts are not for the contact to say. */
  function resent({ change }: Edit, contact: Wire | undefined): Pick<WriteReply, 'resent'> {
    const sent = contact && crm.contact(contact);
    if (!sent || !('values' in sent)) return {};
    const { account: _, ...values } = sent.values;
    return { resent: valuesBeside(values, change.changes) };
  }

  /** What the reply says about the contact; when it does not show it in full, what a search finds. */
  async function settled(edit: Edit, reply: unknown, signal?: AbortSignal): Promise<WriteReply> {
    const shown = nested(reply).find((contact) => contact.id === edit.id);
    return shown && !isStub(shown) ? told(shown, reply) : asFound(edit, signal);
  }

  /** Searched under the new name or e-mail as well as under the old. */
  async function asFound({ id, fields, locator }: Edit, signal?: AbortSignal): Promise<WriteReply> {
    const terms = [...searchTerms(fields), locator.email, locator.name];
    const found = await findBySearch(crm, 'contact', terms, (item) => item.id === id, signal);
    return found ? { ...told(found), isLook: true } : { externalId: id };
  }

  /** @param account The account in whose list the contact was shown: nested contacts do not name their accounts. */
  function told(contact: Wire, account?: unknown): WriteReply {
    const externalId = idOf(contact) as string;
    const isSelfContained = !isWire(account) || accountIdsOf(contact).includes(String(account.id));
    const wire = isSelfContained ? contact : { ...contact, accounts: [{ id: account.id, name: account.name }] };
    const record = crm.contact(wire);
    return 'values' in record ? { externalId, record } : { externalId };
  }

  /** The contacts of an account's list, ready to be sent back. @throws RejectedError when one of them cannot be named. */
  function siblings(accountId: string, held: readonly Wire[]): Fields[] {
    if (held.every((contact) => idOf(contact) !== undefined)) return held.map(heldContact);
    throw new RejectedError(
      `${crm.connection}: account ${accountId} lists a contact without an id; its list cannot be written without losing that contact`,
      crm.fields('patch_api_account_updateAccount'),
    );
  }

  function withChange(accountId: string, held: readonly Wire[], id: string, whole: Fields): Fields[] {
    const others = siblings(accountId, held);
    return others.some((contact) => contact.id === id)
      ? others.map((contact) => (contact.id === id ? whole : contact))
      : [...others, whole];
  }

  function homesOf(contact: Wire): AccountHint[] {
    const accounts = Array.isArray(contact.accounts) ? contact.accounts.filter(isWire) : [];
    const inOrder = [...accounts.filter((entry) => !crm.isCarrier(entry)), ...accounts.filter(crm.isCarrier)];
    return inOrder.flatMap((entry) => {
      const id = idOf(entry);
      return id === undefined ? [] : [{ id, name: typeof entry.name === 'string' ? entry.name : undefined }];
    });
  }

  function rebuilt(id: string, known: RecordChange['known']): Wire {
    return { ...writeValues(mappings.contact, known), id };
  }

  /** @param contact as it stands in the list of contacts, or in that of an account */
  function refuseEditedSince({ change }: Edit, contact: Wire): void {
    const now = crm.contact(contact);
    // Which account the list names first is not for an account's list to say.
    const { account: _, ...changes } = change.changes;
    if ('values' in now) refuseEdited('contact', { ...change, changes }, now.values, crm.fields('_getContacts'));
  }

  function isCreated(contact: Wire, canonicalId: string, fields: Fields, before: ReadonlySet<string>): boolean {
    const id = idOf(contact);
    if (id === undefined || before.has(id)) return false;
    if (isMarked(contact)) return marksOf(contact).includes(canonicalId);
    return ['firstName', 'lastName', 'primaryEmail'].every((key) => plain(contact[key]) === plain(fields[key]));
  }

  /** Canonical ids that a contact carries under our name. */
  function marksOf(contact: Wire): string[] {
    return xrefsOf(contact.thirdPartyIds).flatMap(({ system, id }) => (system === options.systemName ? id : []));
  }

  function isMarked(contact: Wire): boolean {
    return marksOf(contact).length > 0;
  }

  function notThereNow(accountId: string): RetryableError {
    return new RetryableError(
      `${crm.connection}: account ${accountId} is not in the list of accounts; the contact is not written, tried again later`,
      crm.fields('_getAccounts'),
    );
  }

  return { create, update };
}

interface Sent {
  /** The account as the CRM answered. */
  readonly reply: unknown;
  /** Ids of the contacts that were there before. */
  readonly before: ReadonlySet<string>;
}

interface Edit {
  readonly id: string;
  readonly change: RecordChange;
  readonly fields: Fields;
  readonly locator: ContactLocator;
}

function union(first: readonly Wire[], second: readonly Wire[]): Wire[] {
  const ids = new Set(first.map(idOf));
  return [...first, ...second.filter((contact) => !ids.has(idOf(contact)))];
}

function searchTerms({ primaryEmail, lastName, firstName }: Fields): (string | undefined)[] {
  return [primaryEmail, lastName ?? firstName].map((term) => (typeof term === 'string' ? term : undefined));
}

/** For comparing what we sent with what came back: CRMs trim and recase. */
function plain(value: unknown): string {
  return typeof value === 'string' ? value.trim().toLowerCase() : '';
}

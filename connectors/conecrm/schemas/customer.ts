import { z } from 'zod';
import {
  baseRecord,
  idObject,
  readFlag,
  readRef,
  readText,
  writeEmail,
  writeFlag,
  writeText,
  writeUuid,
} from './common.ts';

/** BaseCustomerThirdPartyId: the id that another system has for a contact or account (conecrm.md §11). */
const thirdPartyId = z.looseObject({
  ...baseRecord,
  customer: readRef,
  systemName: readText,
  thirdPartyId: readText,
  metadata: z.unknown().optional(),
  tenant: readRef,
});

/** BaseCustomer: what contacts and accounts have in common. */
const baseCustomer = {
  id: readText,
  primaryEmail: readText,
  secondaryEmail: readText,
  homePhone: readText,
  workPhone: readText,
  workPhoneExtension: readText,
  mobilePhone: readText,
  address: readText,
  city: readText,
  province: readText,
  postalCode: readText,
  country: readText,
  language: readText,
  isActive: readFlag,
  thirdPartyIds: z.array(thirdPartyId).nullish(),
};

/** Contact as read. Its accounts nest contacts again without end in the samples; the server cuts somewhere (§8, 27). */
export const contact = z.looseObject({
  ...baseCustomer,
  firstName: readText,
  lastName: readText,
  companyName: readText,
  civility: readText,
  preferredMethodOfContact: readText,
  accounts: z.array(idObject).nullish(),
});

export const account = z.looseObject({
  ...baseCustomer,
  name: readText,
  primaryContact: contact.nullish(),
  contacts: z.array(contact).nullish(),
});

export const accountPage = z.looseObject({ total: z.number().nullish(), accounts: z.array(account) });

const customerWrite = {
  primaryEmail: writeEmail,
  secondaryEmail: writeEmail,
  homePhone: writeText,
  workPhone: writeText,
  workPhoneExtension: writeText,
  mobilePhone: writeText,
  address: writeText,
  city: writeText,
  province: writeText,
  postalCode: writeText,
  country: writeText,
  language: writeText,
  isActive: writeFlag,
};

/** A contact inside a write body: the read schema reused, so every field of it may be sent (conecrm.md §3.1). */
export const contactWrite = z.looseObject({
  ...customerWrite,
  id: writeUuid.optional(),
  thirdPartyIds: z.array(thirdPartyId).nullish(),
  firstName: writeText,
  lastName: writeText,
  companyName: writeText,
  civility: writeText,
  preferredMethodOfContact: writeText,
  accounts: z.array(idObject).nullish(),
});

/** Body of account create and update (conecrm.md §3.1): nothing in it is required. */
export const accountWrite = z.looseObject({
  ...customerWrite,
  name: writeText,
  primaryContact: contactWrite.nullish(),
  contacts: z.array(contactWrite).nullish(),
});

/** Longest text that a field of a usable record holds, in UTF-16 units. */
const TEXT_MAX = 64 * 1024;
export const usableText = z.string().max(TEXT_MAX).nullish();

const customerRecord = {
  id: z.string().min(1),
  primaryEmail: usableText,
  secondaryEmail: usableText,
  homePhone: usableText,
  workPhone: usableText,
  workPhoneExtension: usableText,
  mobilePhone: usableText,
  address: usableText,
  city: usableText,
  province: usableText,
  postalCode: usableText,
  country: usableText,
  language: usableText,
  isActive: readFlag,
  /** Not documented for accounts and contacts, taken when it does appear (§8, 10). */
  dateModified: z.unknown().optional(),
  // Nested lists are looked into by hand: validating them deeply would cost more than the rest of the record.
  thirdPartyIds: z.array(z.unknown()).nullish(),
};

/** What a listed contact must be to be used. Other keys are not looked at. One pass per record, on the hot path. */
export const contactRecord = z.object({
  ...customerRecord,
  firstName: usableText,
  lastName: usableText,
  companyName: usableText,
  civility: usableText,
  preferredMethodOfContact: usableText,
  accounts: z.array(z.unknown()).nullish(),
});

/** What a listed account must be to be used; `primaryContact` and `contacts` are not part of an account's values. */
export const accountRecord = z.object({ ...customerRecord, name: usableText });

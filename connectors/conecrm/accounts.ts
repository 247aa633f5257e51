import type { CrmRecord, NewRecord, ReadReply, RecordChange, WriteReply } from '../../src/connector/connector.ts';
import { UnknownOutcomeError } from '../../src/connector/errors.ts';
import { changedFields, newFields } from './bodies.ts';
import type { Shared } from './context.ts';
import { parseLocator } from './locator.ts';
import { findBySearch } from './lookup.ts';

/** Reads an account by searching for it; there is no read by id (conecrm.md §2). */
export async function readAccount(
  crm: Shared,
  id: string,
  locator: string | undefined,
  signal?: AbortSignal,
): Promise<ReadReply> {
  const { email, name } = parseLocator(locator);
  const terms = [name, email, crm.seenAccounts.term(id)];
  const found = await findBySearch(crm, 'account', terms, (item) => item.id === id, signal);
  const record = found && usable(crm, found, id);
  return record ? { state: 'found', record } : { state: 'unknown' };
}

/** @throws UnknownOutcomeError when the reply names no account: one was probably made. */
export async function createAccount(crm: Shared, { values }: NewRecord, signal?: AbortSignal): Promise<WriteReply> {
  const body = newFields(crm.mappings.account, values, crm.options);
  const reply = await crm.call('post_api_account_create', { body, ...(signal && { signal }) });
  const record = crm.account(reply.body);
  if ('values' in record) return { externalId: record.externalId, record };
  if (record.externalId !== undefined) return { externalId: record.externalId };
  throw new UnknownOutcomeError(
    `${crm.connection}: post_api_account_create answered without an account; outcome unknown, look before repeating`,
    crm.fields('post_api_account_create'),
  );
}

/** Sends the changed fields alone; `contacts` and `primaryContact` never, for a list may replace the one held (§3.1). */
export async function updateAccount(
  crm: Shared,
  id: string,
  { changes, locator }: RecordChange,
  signal?: AbortSignal,
): Promise<WriteReply> {
  const body = changedFields(crm.mappings.account, changes, crm.options);
  if (Object.keys(body).length === 0) {
    const now = await readAccount(crm, id, locator, signal);
    return now.state === 'found' ? { externalId: id, record: now.record } : { externalId: id };
  }
  const reply = await crm.call('patch_api_account_updateAccount', {
    params: { account: id },
    body,
    restsOnLook: true,
    ...(signal && { signal }),
  });
  const record = usable(crm, reply.body, id);
  return record ? { externalId: id, record } : { externalId: id };
}

/** Deletes an account; what becomes of its contacts is not documented (conecrm.md §2, 3). @throws GoneError when it is not there. */
export async function deleteAccount(crm: Shared, id: string, signal?: AbortSignal): Promise<void> {
  await crm.call('delete_api_account_deleteAccount', {
    params: { account: id },
    restsOnLook: true,
    ...(signal && { signal }),
  });
}

/** A reply is believed only when it is about the account that was asked for. */
function usable(crm: Shared, item: unknown, id: string): CrmRecord | undefined {
  const decoded = crm.account(item);
  return 'values' in decoded && decoded.externalId === id ? decoded : undefined;
}

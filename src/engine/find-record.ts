import { normalise } from '../model/kinds.ts';
import type { Entity } from '../model/values.ts';
import type { Aggregate, QuarantineRow, ReviewRow } from '../store/store.ts';
import { identityKeys } from '../sync/identity.ts';
import { mailboxOf } from '../sync/mailboxes.ts';
import { emailsOf } from '../sync/marks.ts';
import type { ExplainContext } from './explain.ts';

/** What a person's words for a record lead to. */
export interface Found {
  readonly by: 'canonical id' | 'e-mail' | 'external id';
  /** None, the one, or several that fit equally well. */
  readonly records: readonly Aggregate[];
  /** Records of a CRM of that external id that are known, and linked to nothing. */
  readonly aside: readonly AsideRecord[];
}

/** A CRM's record that is no canonical record's, and why. */
export interface AsideRecord {
  readonly connection: string;
  readonly externalId: string;
  /** `unmatched`: who it is has to be decided. `quarantined`: it could not be used. */
  readonly state: 'unmatched' | 'quarantined';
  readonly review: ReviewRow | null;
  readonly quarantine: QuarantineRow | null;
}

/** Of one e-mail address more than these are not told apart. */
const mostOfOneMailbox = 100;
/** So many records in quarantine are looked through. */
const mostQuarantined = 10_000;

/**
 * Finds what a person means by `which`: a canonical id, an e-mail address, `CONNECTION:EXTERNALID`, or an external id
 * alone, which is then looked for at every connection. Asks the store only.
 */
export async function findRecord(context: ExplainContext, entity: Entity, which: string): Promise<Found> {
  const { store, connections } = context;
  const colon = which.indexOf(':');
  const connection = colon < 0 ? undefined : which.slice(0, colon);
  if (connection !== undefined && connections.has(connection))
    return await byExternalId(context, entity, [connection], which.slice(colon + 1));
  const record = (await store.aggregates([which])).get(which);
  if (record) return { by: 'canonical id', records: record.record.entity === entity ? [record] : [], aside: [] };
  if (which.includes('@')) {
    const records = await byEmail(context, entity, which);
    if (records.length > 0) return { by: 'e-mail', records, aside: [] };
  }
  const found = await byExternalId(context, entity, [...connections.keys()], which);
  return which.includes('@') && found.records.length + found.aside.length === 0 ? { ...found, by: 'e-mail' } : found;
}

async function byExternalId(
  { store }: ExplainContext,
  entity: Entity,
  connections: readonly string[],
  externalId: string,
): Promise<Found> {
  const records = new Map<string, Aggregate>();
  const aside: AsideRecord[] = [];
  for (const connection of connections) {
    const linked = (await store.linked(connection, entity, [externalId])).get(externalId);
    if (linked) records.set(linked.record.id, linked);
    const known = (await store.known(connection, entity, [externalId])).get(externalId);
    const isIt = (row: { connection: string; externalId: string | undefined }) =>
      row.connection === connection && row.externalId === externalId;
    const quarantine = (await store.quarantined(connection, entity, mostQuarantined)).find(isIt) ?? null;
    if (known?.state !== 'unmatched' && (linked || !quarantine)) continue;
    const review = (await store.openReviews(entity)).find(isIt) ?? null;
    const state = known?.state === 'unmatched' ? 'unmatched' : 'quarantined';
    aside.push({ connection, externalId, state, review, quarantine });
  }
  return { by: 'external id', records: [...records.values()], aside };
}

/** Those that have the address now; else those that have another address of the mailbox; else those that had it once. */
async function byEmail({ store }: ExplainContext, entity: Entity, which: string): Promise<readonly Aggregate[]> {
  const keys = identityKeys(entity, { 'email.primary': which }, ['email']);
  const ids = [...(await store.candidates(entity, keys, mostOfOneMailbox)).values()].flat();
  const candidates = [...(await store.aggregates([...new Set(ids)])).values()];
  const address = normalise('email', which.trim());
  const mailbox = typeof address === 'string' ? mailboxOf(address) : undefined;
  const having = (isMeant: (email: string) => boolean) =>
    candidates.filter(({ record }) => emailsOf(record.values).some(isMeant));
  const tiers = [having((email) => email === address), having((email) => mailboxOf(email) === mailbox), candidates];
  return tiers.find((tier) => tier.length > 0) ?? [];
}

import type { NewRecord, WriteReply } from '../../src/connector/connector.ts';
import { GoneError, RejectedError, UnsupportedError } from '../../src/connector/errors.ts';
import { type Mapping, writeValues } from '../../src/connector/mapping.ts';
import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isEmpty } from '../../src/model/values.ts';
import type { Crm } from './crm.ts';

/** Fields that tell one lead from another; a currency without an amount may be the server's own default. */
const TELLING = ['description', 'source', 'stage', 'amount'];

/**
 * Makes a contact a lead: one upsert serves both (upgradechat.md §8, 17), so a lead is its contact, marked as the option
 * `lead` says, and its id is the contact's. Doing it again changes nothing.
 * @throws UnsupportedError where the lead names no contact of this CRM.
 * @throws RejectedError where it names one that is gone, or that carries another lead already.
 */
export async function createLead(
  crm: Crm,
  mapping: Mapping,
  { canonicalId, values }: NewRecord,
  signal: AbortSignal | undefined,
): Promise<WriteReply> {
  const { contact: id, ...own } = values;
  const refuse = (why: string) =>
    new RejectedError(`${crm.connection}: lead ${canonicalId} ${why}; set aside until it changes`, {
      connection: crm.connection,
    });
  if (typeof id !== 'string' || id === '')
    throw new UnsupportedError(
      `${crm.connection}: cannot create lead ${canonicalId}: it names no contact of this CRM, and a lead is its contact here (upgradechat.md §8, 17)`,
      { connection: crm.connection },
    );
  const fresh = await crm.fetch(id, signal).catch((error: unknown) => {
    throw error instanceof GoneError ? refuse(`names contact ${id}, which is not there any more`) : error;
  });
  const held = crm.decode(mapping, fresh, id).values;
  const other = TELLING.find(
    (path) => !isEmpty(held[path]) && !isEmpty(own[path]) && !equal(fieldAt('lead', path).kind, held[path], own[path]),
  );
  if (other !== undefined) throw refuse(`cannot be written: contact ${id} carries another one already (${other})`);
  const filled = Object.fromEntries(Object.entries(own).filter(([, value]) => !isEmpty(value)));
  const marks = Object.fromEntries(Object.entries(crm.options.lead).filter(([, value]) => value !== undefined));
  const wire = await crm.overwrite(id, fresh, { ...writeValues(mapping, filled), ...marks }, false, signal);
  return crm.told(mapping, wire, id);
}

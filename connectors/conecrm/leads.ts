import type { NewRecord, WriteReply } from '../../src/connector/connector.ts';
import { UnknownOutcomeError, UnsupportedError } from '../../src/connector/errors.ts';
import { writeValues } from '../../src/connector/mapping.ts';
import { isEmpty } from '../../src/model/values.ts';
import type { Shared } from './context.ts';

/**
 * Creates a lead. ConeCRM wants a contact of its own, and the ids of the options (LeadCreateRequest, conecrm.md §11).
 * @throws UnsupportedError where the lead names no contact.
 * @throws UnknownOutcomeError when the reply names no lead: one was probably made.
 */
export async function createLead(
  crm: Shared,
  { canonicalId, values }: NewRecord,
  signal?: AbortSignal,
): Promise<WriteReply> {
  if (isEmpty(values.contact))
    throw new UnsupportedError(
      `${crm.connection}: cannot create lead ${canonicalId}: it names no contact of this CRM, which every lead needs here (conecrm.md §11)`,
      crm.fields('post_lead_createLead'),
    );
  const { department, source, franchise } = crm.options;
  const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));
  const own = Object.entries(writeValues(crm.mappings.lead, { title: null, ...filled }));
  const body = {
    department: { id: department },
    source: { id: source },
    franchise: { id: franchise },
    ...Object.fromEntries(own.filter(([, value]) => value !== undefined)),
  };
  const reply = await crm.call('post_lead_createLead', { body, ...(signal && { signal }) });
  const record = crm.lead(reply.body);
  if ('values' in record) return { externalId: record.externalId, record };
  if (record.externalId !== undefined) return { externalId: record.externalId };
  throw new UnknownOutcomeError(
    `${crm.connection}: post_lead_createLead answered without a lead; outcome unknown, look before repeating`,
    // The write itself was answered as done.
    { ...crm.fields('post_lead_createLead'), status: reply.status },
  );
}

import type {
  BadRecord,
  Connector,
  ConnectorContext,
  CrmRecord,
  NewRecord,
  ReadReply,
  RecordChange,
  SearchFor,
  WriteReply,
} from '../../src/connector/connector.ts';
import { refuseEdited } from '../../src/connector/edited.ts';
import {
  type CrmErrorFields,
  GoneError,
  MalformedReplyError,
  RejectedError,
  UnknownOutcomeError,
  UnsupportedError,
} from '../../src/connector/errors.ts';
import type { HttpCall, HttpReply } from '../../src/connector/http.ts';
import { scan } from '../../src/connector/listing.ts';
import { type Mapping, writeValues } from '../../src/connector/mapping.ts';
import { isEmpty, type Value, valuesBeside } from '../../src/model/values.ts';
import { endpoints } from './endpoints.ts';
import type { TreeplOptions } from './options.ts';
import {
  completed,
  decoder,
  hasUndocumentedKeys,
  idOf,
  replacement,
  type Wire,
  withDocumentedKeys,
} from './records.ts';

type Verbs = Pick<Connector, 'list' | 'read' | 'search' | 'create' | 'update' | 'delete'>;

/** The verbs of a Treepl connection; contacts are all it has (treepl.md §10). */
export function contactVerbs(context: ConnectorContext<TreeplOptions>, mapping: Mapping): Verbs {
  const { connection, http, options } = context;
  const decode = decoder(mapping, options.xrefField);
  /** Set once this CRM has refused keys that the documentation does not know. */
  let unknownFields = options.unknownFields;

  const fields = (operation: keyof typeof endpoints): CrmErrorFields => ({ connection, operation });

  function contactsOnly(entity: string): void {
    if (entity !== 'contact')
      throw new UnsupportedError(`${connection}: Treepl keeps contacts only, not ${entity} records`, { connection });
  }

  async function page(where: Wire, offset: number, limit: number, signal: AbortSignal | undefined) {
    const asked = { Where: where, Order_By: options.orderBy, Offset: offset, Limit: limit };
    const call: HttpCall =
      options.listQuery === 'body' ? { body: asked } : { params: { ...asked, Where: JSON.stringify(where) } };
    const { body } = await atCollection(http.call(endpoints.contacts_list, { ...call, ...withSignal(signal) }));
    return itemsOf(body, fields('contacts_list'));
  }

  async function fetchOne(externalId: string, signal: AbortSignal | undefined): Promise<unknown> {
    const { body } = await http.call(endpoints.contact_item, { params: { id: externalId }, ...withSignal(signal) });
    if (idOf(body) !== externalId)
      throw new MalformedReplyError(
        `${connection}: contact ${externalId} was answered with ${idOf(body) === undefined ? 'no contact' : 'another contact'}`,
        fields('contact_item'),
      );
    return body;
  }

  /** What a write's reply says the CRM now holds; no more than the id when the reply is not that contact. */
  function heldBy(externalId: string, body: unknown): WriteReply {
    const decoded = idOf(body) === externalId ? decode(body) : undefined;
    return decoded && isRecord(decoded) ? { externalId, record: decoded } : { externalId };
  }

  return {
    list(entity, signal) {
      contactsOnly(entity);
      return scan({
        connection,
        operation: endpoints.contacts_list.id,
        pageSize: options.pageSize,
        ahead: context.concurrent,
        fetch: (offset, limit, pageSignal) => page(options.where, offset, limit, pageSignal),
        idOf,
        decode,
        ...withSignal(signal),
      });
    },

    async read(entity, externalId, _locator, signal): Promise<ReadReply> {
      contactsOnly(entity);
      try {
        const decoded = decode(await fetchOne(externalId, signal));
        if (isRecord(decoded)) return { state: 'found', record: decoded };
        throw new MalformedReplyError(
          `${connection}: contact ${externalId} cannot be used: ${decoded.reason}`,
          fields('contact_item'),
        );
      } catch (error) {
        if (error instanceof GoneError) return { state: 'gone' };
        throw error;
      }
    },

    async search(entity, { email }: SearchFor, signal): Promise<readonly CrmRecord[]> {
      contactsOnly(entity);
      if (options.whereByEmail === undefined || email === undefined)
        throw new UnsupportedError(
          `${connection}: Treepl is searched by e-mail only, and only with the option whereByEmail`,
          fields('contacts_list'),
        );
      const where = filledIn(options.whereByEmail, email) as Wire;
      const { items } = await page(where, 0, options.pageSize, signal);
      const records = items.map(decode).filter(isRecord);
      const found = records.filter(({ values }) => sameAddress(values['email.primary'], email));
      // A site that ignores our Where answers with its first page: "not found" would then be a guess (law 3).
      if (found.length === 0 && items.length > 0)
        throw new MalformedReplyError(
          `${connection}: a search by e-mail brought only ${items.length} contacts with other addresses; the option whereByEmail is not what this site understands`,
          fields('contacts_list'),
        );
      return found;
    },

    async create(entity, record: NewRecord, signal): Promise<WriteReply> {
      contactsOnly(entity);
      const body = createBody(mapping, record, options.xrefField);
      const reply = await atCollection(http.call(endpoints.contact_create, { body, ...withSignal(signal) }));
      const externalId = idOf(reply.body);
      if (externalId === undefined)
        throw new UnknownOutcomeError(
          `${connection}: create for ${record.canonicalId} was answered with status ${reply.status} and no usable id; outcome unknown, look before creating again`,
          { ...fields('contact_create'), status: reply.status },
        );
      return heldBy(externalId, reply.body);
    },

    async update(entity, externalId, change: RecordChange, signal): Promise<WriteReply> {
      contactsOnly(entity);
      const held = await fetchOne(externalId, signal);
      const now = decode(held);
      if (isRecord(now)) refuseEdited(entity, change, now.values, fields('contact_item'));
      const fresh = withDocumentedKeys(held) as Wire;
      const whole = completed(fresh, writeValues(mapping, change.known));
      const changes = writeValues(mapping, change.changes);
      const put = async (undocumented: 'send' | 'omit'): Promise<WriteReply> => {
        const body = replacement(whole, changes, undocumented);
        const reply = await http.call(endpoints.contact_update, {
          params: { id: externalId },
          body,
          restsOnLook: true,
          ...withSignal(signal),
        });
        const left = heldBy(externalId, reply.body);
        const sent = decode(whole);
        return left.record && isRecord(sent) ? { ...left, resent: valuesBeside(sent.values, change.changes) } : left;
      };
      try {
        return await put(unknownFields);
      } catch (error) {
        if (unknownFields === 'omit' || !hasUndocumentedKeys(fresh) || !refusesBody(error)) throw error;
        const reply = await put('omit');
        unknownFields = 'omit';
        return reply;
      }
    },

    async delete(entity, externalId, _locator, signal): Promise<void> {
      contactsOnly(entity);
      await http.call(endpoints.contact_delete, {
        params: { id: externalId },
        restsOnLook: true,
        ...withSignal(signal),
      });
    },
  };
}

/** Mapped keys only, so never a password; what is known to be empty is left out. */
function createBody(mapping: Mapping, { canonicalId, values }: NewRecord, xrefField: string | undefined): Wire {
  const body = writeValues(mapping, Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value))));
  if (xrefField === undefined) return body;
  const [group, alias] = xrefField.split('.') as [string, string];
  return replacement(body, { CustomCrmGroups: { [group]: { [alias]: canonicalId } } }, 'omit');
}

function itemsOf(body: unknown, fields: CrmErrorFields): { items: unknown[]; total?: number } {
  if (Array.isArray(body)) return { items: body };
  const envelope = typeof body === 'object' && body !== null ? (body as Wire) : {};
  const items = envelope.Items ?? envelope.items;
  const total = envelope.TotalItemsCount ?? envelope.totalItemsCount;
  if (!Array.isArray(items))
    throw new MalformedReplyError(
      `${fields.connection}: ${fields.operation} was answered without a list of Items; scan stopped, incomplete, nothing counted as deleted`,
      fields,
    );
  return typeof total === 'number' ? { items, total } : { items };
}

/** Replaces "$email" in every text of a `Where` template. */
function filledIn(template: unknown, email: string): unknown {
  if (typeof template === 'string') return template.replaceAll('$email', () => email);
  if (Array.isArray(template)) return template.map((item) => filledIn(item, email));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, filledIn(value, email)]));
}

function sameAddress(value: Value | undefined, email: string): boolean {
  return typeof value === 'string' && value.trim().toLowerCase() === email.trim().toLowerCase();
}

/** A 404 of the collection concerns no record: taken for a delete, it would spread. The base URL is wrong. */
async function atCollection(reply: Promise<HttpReply>): Promise<HttpReply> {
  try {
    return await reply;
  } catch (error) {
    if (!(error instanceof GoneError)) throw error;
    const { connection, operation = '', status, detail } = error;
    const fields = { connection, operation, ...(status && { status }), ...(detail && { detail }), cause: error };
    throw new RejectedError(`${connection}: ${operation} is not there (${status}); check the base URL`, fields);
  }
}

/** 400 and 422: the body itself is not liked, which undocumented keys may have caused. */
function refusesBody(error: unknown): boolean {
  return error instanceof RejectedError && (error.status === 400 || error.status === 422);
}

function isRecord(decoded: CrmRecord | BadRecord): decoded is CrmRecord {
  return 'values' in decoded;
}

/** `exactOptionalPropertyTypes`: an absent signal is a key left out. */
function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

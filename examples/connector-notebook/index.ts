import { z } from 'zod';
import {
  type BadRecord,
  type Capabilities,
  type Connector,
  type ConnectorContext,
  type ConnectorDefinition,
  type CrmRecord,
  none,
  ownSystem,
  type WriteReply,
} from '../../src/connector/connector.ts';
import { GoneError, MalformedReplyError, UnknownOutcomeError, UnsupportedError } from '../../src/connector/errors.ts';
import { scan } from '../../src/connector/listing.ts';
import { readValues, writeValues } from '../../src/connector/mapping.ts';
import { isEmpty } from '../../src/model/values.ts';
import { endpoints, person } from './endpoints.ts';
import { contactMapping } from './mapping.ts';
import { startNotebookSandbox } from './sandbox.ts';

const options = z.strictObject({
  pageSize: z.int().min(2).max(500).default(100).describe('People asked for per page'),
});

/** What the API can do. Every absence is written down too, with the reason. */
const capabilities: Capabilities = {
  contact: {
    list: { via: ['listPeople'], order: 'by id: new people come last' },
    read: { via: ['readPerson'], by: 'id' },
    search: none('the API has no search'),
    create: { via: ['createPerson'] },
    update: { via: ['updatePerson'], style: 'patch' },
    delete: { via: ['deletePerson'] },
    modifiedStamp: { via: ['listPeople'], note: '`changed`' },
    xref: { via: ['listPeople', 'createPerson'], note: '`ref` holds our id' },
  },
};

/** A wire record, validated and mapped. What cannot be used is a bad record with its reason; nothing here throws. */
function decode(wire: unknown): CrmRecord | BadRecord {
  const { data, error } = person.safeParse(wire);
  if (!data) {
    const [issue] = error.issues;
    return { externalId: idOf(wire), reason: `${issue?.path.join('.')}: expected ${issue?.message}` };
  }
  return {
    externalId: String(data.id),
    values: readValues(contactMapping, data),
    ...(data.changed && { modifiedAt: Date.parse(data.changed) }),
    ...(data.ref && { xrefs: [{ system: ownSystem, id: data.ref }] }),
  };
}

/** Ids are text at every border: "0" is one, "" is none. */
function idOf(wire: unknown): string | undefined {
  const { id } = z.object({ id: z.int() }).safeParse(wire).data ?? {};
  return id === undefined ? undefined : String(id);
}

function createNotebook(context: ConnectorContext<z.output<typeof options>>): Connector {
  const { connection, http } = context;

  function contactsOnly(entity: string): void {
    if (entity !== 'contact') throw new UnsupportedError(`${connection}: Notebook keeps people only`, { connection });
  }

  /** What a write says that the CRM now holds; no more than the id when its reply is not that person. */
  function told(externalId: string, body: unknown): WriteReply {
    const record = decode(body);
    return 'values' in record && record.externalId === externalId ? { externalId, record } : { externalId };
  }

  return {
    capabilities,
    mappings: { contact: contactMapping },
    phoneRegion: undefined,

    list(entity, signal) {
      contactsOnly(entity);
      return scan({
        connection,
        operation: 'listPeople',
        pageSize: context.options.pageSize,
        ahead: context.concurrent,
        async fetch(offset, limit, pageSignal) {
          const reply = await http.call(endpoints.listPeople, { params: { offset, limit }, signal: pageSignal });
          const { data } = endpoints.listPeople.reply.safeParse(reply.body);
          // A reply without people is no list of nobody: nobody would be left.
          if (data) return { items: data.people, total: data.total };
          throw new MalformedReplyError(`${connection}: listPeople was answered with no list`, { connection });
        },
        idOf,
        decode,
        signal,
      });
    },

    async read(entity, externalId, _locator, signal) {
      contactsOnly(entity);
      try {
        const { body } = await http.call(endpoints.readPerson, {
          params: { id: externalId },
          ...(signal && { signal }),
        });
        const record = decode(body);
        if ('values' in record && record.externalId === externalId) return { state: 'found', record };
      } catch (error) {
        if (error instanceof GoneError) return { state: 'gone' };
        throw error;
      }
      throw new MalformedReplyError(`${connection}: person ${externalId} was answered with another one, or none`, {
        connection,
      });
    },

    async search(): Promise<never> {
      throw new UnsupportedError(`${connection}: Notebook has no search`, { connection });
    },

    async create(entity, { canonicalId, values }, signal) {
      contactsOnly(entity);
      const filled = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));
      const body = { ...writeValues(contactMapping, filled), ref: canonicalId };
      const reply = await http.call(endpoints.createPerson, { body, ...(signal && { signal }) });
      const externalId = idOf(reply.body);
      if (externalId !== undefined) return told(externalId, reply.body);
      // It was done, and we do not know to whom: never repeated by guess.
      throw new UnknownOutcomeError(`${connection}: create for ${canonicalId} was answered without an id`, {
        connection,
        status: reply.status,
      });
    },

    async update(entity, externalId, { changes }, signal) {
      contactsOnly(entity);
      const reply = await http.call(endpoints.updatePerson, {
        params: { id: externalId },
        body: writeValues(contactMapping, changes),
        restsOnLook: true,
        ...(signal && { signal }),
      });
      return told(externalId, reply.body);
    },

    async delete(entity, externalId, _locator, signal) {
      contactsOnly(entity);
      await http.call(endpoints.deletePerson, {
        params: { id: externalId },
        restsOnLook: true,
        ...(signal && { signal }),
      });
    },
  };
}

/** Notebook, a made-up CRM that keeps people. */
export const notebook: ConnectorDefinition<typeof options> = {
  name: 'notebook',
  title: 'Notebook',
  options,
  capabilities,
  mappings: { contact: contactMapping },
  operations: Object.values(endpoints),
  probe: { operation: 'listPeople', params: { limit: '1' } },
  errorMessage: (status, body) => z.object({ error: z.string() }).safeParse(body).data?.error ?? `status ${status}`,
  create: createNotebook,
  startSandbox: startNotebookSandbox,
};

import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { conecrm } from '../../../connectors/conecrm/index.ts';
import { endpoints } from '../../../examples/connector-notebook/endpoints.ts';
import { notebook } from '../../../examples/connector-notebook/index.ts';
import { contactMapping } from '../../../examples/connector-notebook/mapping.ts';
import { contact } from '../../../examples/connector-notebook/specimens.ts';
import { conformance, type Subject } from '../../../src/connector/conformance.ts';
import type {
  Connector,
  ConnectorContext,
  ConnectorDefinition,
  CrmRecord,
  Page,
} from '../../../src/connector/connector.ts';
import { CrmError, GoneError, RejectedError, UnknownOutcomeError } from '../../../src/connector/errors.ts';
import { field, mapping, readValues, writeValues } from '../../../src/connector/mapping.ts';
import { conecrmAccount, conecrmContact, conecrmLead } from './specimens.ts';

/** The example connector, which is right, with one thing that is wrong. */
type Breakage = (connector: Connector, context: ConnectorContext) => Partial<Connector>;

const right: Subject = { definition: notebook as ConnectorDefinition, specimens: { contact } };

function breaking({ definition, ...rest }: Subject, breakage: Breakage): Subject {
  const create: ConnectorDefinition['create'] = (context) => {
    const connector = definition.create(context);
    return { ...connector, ...breakage(connector, context) };
  };
  return { ...rest, definition: { ...definition, create } };
}

const rejection = (error: UnknownOutcomeError | RejectedError, more = '') =>
  new RejectedError(`${error.message}${more}`, { connection: error.connection });

const patch = ({ http }: ConnectorContext, id: string, body: object) =>
  http.call(endpoints.updatePerson, { params: { id }, body });

const declared = notebook.capabilities.contact!;

/** Name of a check → what it must not let pass. */
const breakages: Readonly<Record<string, Subject>> = {
  'needs no option': {
    ...right,
    definition: { ...right.definition, options: z.object({ key: z.string() }) },
    options: { key: 'given' },
  },
  'names each operation once, with the parameters of its path and its source': {
    ...right,
    definition: { ...right.definition, operations: [...notebook.operations, endpoints.readPerson] },
  },
  'has every operation answered by its sandbox': {
    ...right,
    definition: {
      ...right.definition,
      operations: [...notebook.operations, { ...endpoints.listPeople, id: 'listTeams', path: '/teams' }],
    },
  },
  'has a cheap call that shows whether the credentials are good': {
    ...right,
    definition: { ...right.definition, probe: { operation: 'updatePerson', params: { id: '1', limit: '1' } } },
  },
  'maps what it declares, and declares what it maps': breaking(right, () => ({
    capabilities: { contact: { ...declared, list: { via: ['listPersons'], order: 'by id' } } },
  })),
  'refuses what it does not declare, and asks the CRM for nothing': breaking(right, () => ({
    search: async () => [],
  })),
  'contact: refused credentials are told as such by every verb': breaking(right, (connector) => ({
    delete: (...asked) => connector.delete(...asked).catch(() => undefined),
  })),
  'contact: an id that is none of this CRM’s finds nothing, and does no harm': breaking(right, (connector) => ({
    update: (entity, _id, change, signal) => connector.update(entity, '1', change, signal),
  })),
  'contact: what the mapping writes it reads back': breaking(right, () => ({
    mappings: {
      contact: mapping('contact', [
        field('name.given', 'first', 'readWrite', {
          name: 'shouting',
          toCanonical: (wire) => wire as string,
          toWire: (value) => `${value}!`,
        }),
      ]),
    },
  })),
  'contact: has a specimen': { ...right, specimens: {} },
  'contact: a CRM without records lists none, and the list ends': breaking(right, (connector) => ({
    async *list(entity, signal) {
      const pages: Page[] = [];
      for await (const page of connector.list(entity, signal)) pages.push(page);
      yield pages[0] ?? { records: [{ externalId: '', values: {} }], bad: [] };
    },
  })),
  'contact: a list brings every record once, page by page': breaking(right, (connector) => ({
    async *list(entity, signal) {
      for await (const page of connector.list(entity, signal)) {
        yield page;
        yield { records: page.records.slice(0, 1), bad: [] };
      }
    },
  })),
  'contact: a list that moves brings every record that stays, and none twice, page by page': breaking(right, byOffset),
  'contact: a list that moves brings every record that stays, and none twice, with pages read ahead': breaking(
    right,
    byOffset,
  ),
  'contact: a list that is told to stop does not end as if it were complete': breaking(right, (connector) => ({
    async *list(entity, signal) {
      for await (const page of connector.list(entity)) {
        if (signal?.aborted) return;
        yield page;
      }
    },
  })),
  'contact: a damaged or refused list never ends as if it were complete': breaking(right, (connector) => ({
    async *list(entity, signal) {
      try {
        yield* connector.list(entity, signal);
      } catch (error) {
        if (!(error instanceof CrmError)) throw error;
      }
    },
  })),
  'contact: a record that cannot be used is set aside, and the others come': breaking(right, (connector) => ({
    async *list(entity, signal) {
      for await (const { records } of connector.list(entity, signal)) yield { records, bad: [] };
    },
  })),
  'contact: a record that a person deleted is not listed any more': breaking(right, (connector) => {
    const ever = new Map<string, CrmRecord>();
    return {
      async *list(entity, signal) {
        for await (const { records } of connector.list(entity, signal))
          for (const record of records) ever.set(record.externalId, record);
        yield { records: [...ever.values()], bad: [] };
      },
    };
  }),
  'contact: a read shows nothing else than the list': breaking(right, (connector) => ({
    async read(...asked) {
      const reply = await connector.read(...asked);
      if (reply.state !== 'found') return reply;
      return { state: 'found', record: { ...reply.record, values: { 'name.given': 'Somebody' } } };
    },
  })),
  'contact: a read finds a record, and tells one that is gone from one that it cannot find': breaking(
    right,
    (connector) => ({
      async read(...asked) {
        const reply = await connector.read(...asked);
        return reply.state === 'gone' ? { state: 'unknown' } : reply;
      },
    }),
  ),
  'contact: a damaged or refused read never says that a record is gone': breaking(right, (connector) => ({
    read: (...asked) => connector.read(...asked).catch(() => ({ state: 'gone' })),
  })),
  'contact: a key that is left out says nothing, and one that is null says: empty': breaking(right, (connector) => ({
    async read(...asked) {
      const reply = await connector.read(...asked);
      if (reply.state !== 'found') return reply;
      return { state: 'found', record: { ...reply.record, values: { 'phone.mobile': null, ...reply.record.values } } };
    },
  })),
  'contact: the modified stamp is there where it is declared, and moves with an edit': breaking(right, (connector) => ({
    async read(...asked) {
      const reply = await connector.read(...asked);
      return reply.state === 'found' ? { state: 'found', record: { ...reply.record, modifiedAt: 1 } } : reply;
    },
  })),
  'contact: a create makes one record, which holds what was written': breaking(right, (connector) => ({
    async create(...asked) {
      await connector.create(...asked);
      return await connector.create(...asked);
    },
  })),
  'contact: a created record carries our id, and keeps it': breaking(right, (connector, context) => ({
    async update(entity, id, change, signal) {
      await patch(context, id, { ref: null });
      return await connector.update(entity, id, change, signal);
    },
  })),
  'contact: a create that is refused makes no record, and its message holds none of its values': breaking(
    right,
    (connector) => ({
      create: (entity, record, signal) =>
        connector.create(entity, record, signal).catch((error: unknown) => {
          throw error instanceof RejectedError ? rejection(error, JSON.stringify(record.values)) : error;
        }),
    }),
  ),
  'contact: a create is not made twice when the answer is lost': breaking(right, (connector) => ({
    create: (...asked) => connector.create(...asked).catch(() => connector.create(...asked)),
  })),
  'contact: a create is not made twice when the request is lost': breaking(right, unknownAsRejected),
  'contact: a create is not made twice when the CRM fails': breaking(right, unknownAsRejected),
  'contact: each field can be written by itself, and nothing else changes': breaking(right, (connector, context) => ({
    async update(entity, id, change, signal) {
      await patch(context, id, { town: 'Elsewhere' });
      return await connector.update(entity, id, change, signal);
    },
  })),
  'contact: each field can be emptied by itself, and nothing else changes': breaking(right, (connector) => ({
    update(entity, id, { changes, ...change }, signal) {
      const filled = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== null));
      return connector.update(entity, id, { ...change, changes: filled }, signal);
    },
  })),
  'contact: several fields can be written at once': breaking(right, (connector) => ({
    update(entity, id, { changes, ...change }, signal) {
      const first = Object.fromEntries(Object.entries(changes).slice(0, 1));
      return connector.update(entity, id, { ...change, changes: first }, signal);
    },
  })),
  'contact: what a write tells is what is held, whatever the CRM makes of it': breaking(
    right,
    (connector, context) => ({
      async update(entity, id, change, signal) {
        const reply = await connector.update(entity, id, change, signal);
        const { town } = writeValues(contactMapping, change.changes);
        if (typeof town === 'string') await patch(context, id, { town: town.trim() });
        return reply;
      },
    }),
  ),
  'contact: what the mapping does not know survives every update': breaking(right, (connector, context) => ({
    async update(entity, id, change, signal) {
      await patch(context, id, { hobbies: {} });
      return await connector.update(entity, id, change, signal);
    },
  })),
  'contact: an update that rests on old knowledge takes no edit of a person back': breaking(right, (connector) => ({
    update: (entity, id, change, signal) =>
      connector.update(entity, id, { ...change, changes: { ...change.known, ...change.changes } }, signal),
  })),
  'contact: an update that is refused changes nothing, and its message holds none of its values': breaking(
    right,
    (connector) => ({
      update: (entity, id, change, signal) =>
        connector.update(entity, id, change, signal).catch((error: unknown) => {
          throw error instanceof RejectedError ? rejection(error, JSON.stringify(change.changes)) : error;
        }),
    }),
  ),
  'contact: an update of a record that is gone says so, and makes no new one': breaking(right, (connector) => ({
    update: (entity, id, change, signal) =>
      connector.update(entity, id, change, signal).catch((error: unknown) => {
        if (!(error instanceof GoneError)) throw error;
        return { externalId: id };
      }),
  })),
  'contact: a delete takes the record away, that record alone, and once': breaking(right, (connector) => ({
    delete: (...asked) => connector.delete(...asked).catch(() => undefined),
  })),
};

/** As if nothing moved between two pages. */
function byOffset(_: Connector, { http }: ConnectorContext): Partial<Connector> {
  return {
    async *list() {
      for (let offset = 0; ; ) {
        const { body } = await http.call(endpoints.listPeople, { params: { offset, limit: 100 } });
        const { people } = body as { people: { id: number }[] };
        if (people.length === 0) return;
        offset += people.length;
        yield { records: people.map(({ id, ...wire }) => recordOf(id, wire)), bad: [] };
      }
    },
  };
}

function unknownAsRejected(connector: Connector): Partial<Connector> {
  return {
    create: (...asked) =>
      connector.create(...asked).catch((error: unknown) => {
        throw error instanceof UnknownOutcomeError ? rejection(error) : error;
      }),
  };
}

function recordOf(id: number, wire: Readonly<Record<string, unknown>>): CrmRecord {
  return { externalId: String(id), values: readValues(contactMapping, wire) };
}

function checkOf(subject: Subject, name: string) {
  const check = conformance(subject).find((one) => one.name === name);
  if (!check) throw new RangeError(`there is no check "${name}"`);
  return check;
}

describe('a connector that is wrong in one thing', () => {
  it('fails every check of the suite by one of these', () => {
    const names = conformance(right).map(({ name }) => name);
    expect(names.sort()).toEqual(Object.keys(breakages).sort());
  });

  it.each(Object.entries(breakages))('fails “%s”', async (name, subject) => {
    await expect(checkOf(subject, name).run()).rejects.toThrow();
  });

  test('a verb that calls an operation which its capability does not name fails', async () => {
    const subject = breaking(right, (connector, { http }) => ({
      async read(...asked) {
        await http.call(endpoints.listPeople, {});
        return await connector.read(...asked);
      },
    }));
    await expect(checkOf(subject, 'contact: a read shows nothing else than the list').run()).rejects.toThrow(
      'read contact called listPeople; its capability names readPerson',
    );
  });

  test('a write that tells what was sent, where the CRM holds something else, fails', async () => {
    const subject = breaking(right, (connector, context) => ({
      async update(entity, id, change, signal) {
        const reply = await connector.update(entity, id, change, signal);
        await patch(context, id, { town: 'Elsewhere' });
        return reply;
      },
    }));
    await expect(checkOf(subject, 'contact: several fields can be written at once').run()).rejects.toThrow(
      'address.billing.city',
    );
  });

  test('a null that is kept silent fails', async () => {
    const subject = breaking(right, (connector) => ({
      async read(...asked) {
        const reply = await connector.read(...asked);
        if (reply.state !== 'found') return reply;
        const filled = Object.entries(reply.record.values).filter(([, value]) => value !== null);
        return { state: 'found', record: { ...reply.record, values: Object.fromEntries(filled) } };
      },
    }));
    const name = 'contact: a key that is left out says nothing, and one that is null says: empty';
    await expect(checkOf(subject, name).run()).rejects.toThrow('name.given was null, and nothing is said of it');
  });

  test('a create without our id, where the declaration promises it, fails', async () => {
    const subject = breaking(right, (_, { http }) => ({
      async create(_entity, { values }) {
        const { body } = await http.call(endpoints.createPerson, { body: writeValues(contactMapping, values) });
        return { externalId: String((body as { id: number }).id) };
      },
    }));
    await expect(checkOf(subject, 'contact: a created record carries our id, and keeps it').run()).rejects.toThrow();
  });

  test.each(['finds nothing', 'finds everybody'])('a search that %s fails', async (how) => {
    const subject = breaking(
      {
        definition: conecrm as ConnectorDefinition,
        specimens: { contact: conecrmContact, account: conecrmAccount, lead: conecrmLead },
      },
      (connector) => ({
        async search(entity) {
          const found: CrmRecord[] = [];
          if (how === 'finds everybody') for await (const { records } of connector.list(entity)) found.push(...records);
          return found;
        },
      }),
    );
    const name = 'account: a search by email, phone, name finds the record, and no other';
    await expect(checkOf(subject, name).run()).rejects.toThrow();
  });
});

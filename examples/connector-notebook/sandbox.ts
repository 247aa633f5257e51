import type { StartSandbox } from '../../src/connector/sandbox.ts';
import { Refusal, startSandboxServer } from '../../src/connector/sandbox-server.ts';
import { endpoints, person } from './endpoints.ts';

type Wire = Record<string, unknown>;

const FIRST_STAMP = Date.UTC(2026, 0, 5, 8);
const MAX_PAGE = 100;

/** Notebook on loopback: stateful, with the vendor's rules. The kit routes, checks the token and makes the trouble. */
export const startNotebookSandbox: StartSandbox = async (options = {}) => {
  const people = new Map<string, Wire>();
  let lastId = 0;
  let changes = 0;

  function put(id: string, change: Readonly<Wire>): Wire {
    const stamp = new Date(FIRST_STAMP + ++changes * 1000).toISOString();
    const next = { ...people.get(id), ...change, id: Number(id), changed: stamp };
    people.set(id, next);
    return next;
  }
  function get(id = ''): Wire {
    const found = people.get(id);
    if (!found) throw new Refusal(404, `there is no person ${id}`);
    return found;
  }
  function checked(body: unknown): Wire {
    const { data } = person.omit({ id: true, changed: true }).safeParse(body);
    if (!data) throw new Refusal(400, 'the body is not valid');
    return data;
  }
  const blank = { first: null, last: null, mail: null, mobile: null, town: null, ref: null };

  return await startSandboxServer(
    {
      connector: 'notebook',
      operations: Object.values(endpoints),
      errorBody: (_, message) => ({ error: message }),
      handlers: {
        listPeople({ query }) {
          const start = Number(query.offset ?? 0);
          const size = Math.min(Number(query.limit ?? MAX_PAGE), options.maxPage ?? MAX_PAGE);
          return {
            status: 200,
            body: { total: people.size, people: [...people.values()].slice(start, start + size) },
          };
        },
        createPerson: ({ body }) => ({ status: 201, body: put(String(++lastId), { ...blank, ...checked(body) }) }),
        readPerson: ({ params }) => ({ status: 200, body: get(params.id) }),
        updatePerson({ params, body }) {
          const { id } = get(params.id);
          return { status: 200, body: put(String(id), checked(body)) };
        },
        deletePerson({ params }) {
          people.delete(String(get(params.id).id));
          return { status: 204 };
        },
      },
      people: {
        all: (entity) => (entity === 'contact' ? structuredClone([...people.values()]) : []),
        add: (_, wire) => String(put(String(++lastId), { ...blank, ...wire }).id),
        edit: (_, externalId, change) => void put(String(get(externalId).id), change),
        remove: (_, externalId) => void people.delete(String(get(externalId).id)),
      },
    },
    options,
  );
};

import { z } from 'zod';
import type { Operation, Parameter } from '../../src/connector/operation.ts';

/** A person as it really arrives: keys that we do not know pass, a missing id does not. */
export const person = z.looseObject({
  id: z.int('an integer'),
  first: z.string('a text').nullish(),
  last: z.string('a text').nullish(),
  mail: z.string('a text').nullish(),
  mobile: z.string('a text').nullish(),
  town: z.string('a text').nullish(),
  /** Another system's id of this person. */
  ref: z.string('a text').nullish(),
  changed: z.iso.datetime('a date-time').nullish(),
});

const inPath: Parameter = { name: 'id', in: 'path', required: true, type: 'integer', schema: z.string().min(1) };
const number = (name: string): Parameter => ({
  name,
  in: 'query',
  required: false,
  type: 'integer',
  schema: z.coerce.number().int().min(0),
});
const body = { schema: person.omit({ id: true, changed: true }), required: true };

/** Every documented operation, in the order of the vendor's page. */
export const endpoints = {
  listPeople: {
    id: 'listPeople',
    summary: 'List people, by id',
    method: 'GET',
    path: '/people',
    parameters: [number('offset'), number('limit')],
    reply: z.object({ total: z.int(), people: z.array(z.unknown()) }),
    source: 'Notebook API, 1',
  },
  createPerson: {
    id: 'createPerson',
    summary: 'Create a person',
    method: 'POST',
    path: '/people',
    parameters: [],
    body,
    reply: person,
    source: 'Notebook API, 2',
  },
  readPerson: {
    id: 'readPerson',
    summary: 'Read a person',
    method: 'GET',
    path: '/people/{id}',
    parameters: [inPath],
    reply: person,
    source: 'Notebook API, 3',
  },
  updatePerson: {
    id: 'updatePerson',
    summary: 'Change some fields of a person',
    method: 'PATCH',
    path: '/people/{id}',
    parameters: [inPath],
    body,
    reply: person,
    source: 'Notebook API, 4',
  },
  deletePerson: {
    id: 'deletePerson',
    summary: 'Delete a person',
    method: 'DELETE',
    path: '/people/{id}',
    parameters: [inPath],
    source: 'Notebook API, 5',
  },
} as const satisfies Record<string, Operation>;

import assert from 'node:assert/strict';
import { fieldAt } from '../../model/entities.ts';
import { equal } from '../../model/kinds.ts';
import { type Entity, entities } from '../../model/values.ts';
import type { Connector, EntityCapabilities, ReadReply } from '../connector.ts';
import { AuthError, CrmError, GoneError, UnsupportedError } from '../errors.ts';
import { readValues, writeValues } from '../mapping.ts';
import type { Operation } from '../operation.ts';
import { type Bed, can, offline, ourId, withBed } from './bed.ts';
import { sampleValue } from './samples.ts';
import type { Check, Subject } from './subject.ts';

const verbs = ['list', 'read', 'search', 'create', 'update', 'delete'] as const;
type Verb = (typeof verbs)[number];

/** What a connector says of itself holds together, and the CRM has what it names. */
export function declarations(subject: Subject): Check[] {
  const { definition } = subject;
  const { operations, probe } = definition;
  const connector = offline(subject);
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const declared = entities.flatMap((entity): [Entity, EntityCapabilities][] => {
    const able = connector.capabilities[entity];
    return able ? [[entity, able]] : [];
  });

  return [
    {
      name: 'needs no option',
      async run() {
        const parsed = definition.options.safeParse({});
        assert(parsed.success, `options: {} is refused: ${parsed.error?.message}`);
        const plain = offline({ definition, specimens: {} });
        assert.deepEqual(plain.capabilities, definition.capabilities, 'capabilities differ from those without options');
        assert.deepEqual(
          Object.keys(plain.mappings),
          Object.keys(definition.mappings),
          'mappings differ from those without options',
        );
      },
    },
    {
      name: 'names each operation once, with the parameters of its path and its source',
      async run() {
        assert.equal(byId.size, operations.length, 'two operations have the same id');
        const routes = new Set(operations.map(({ method, path }) => `${method} ${path}`));
        assert.equal(routes.size, operations.length, 'two operations have the same method and path');
        for (const { id, path, parameters, source } of operations) {
          const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
          assert.deepEqual(inPath, namesIn(path), `${id}: path parameters`);
          assert(source.trim() !== '', `${id}: says where it is documented`);
        }
      },
    },
    {
      name: 'has every operation answered by its sandbox',
      run: () =>
        withBed(subject, async ({ sandbox }) => {
          for (const operation of operations) {
            const reply = await fetch(sandbox.url + operation.path.replace(/\{\w+\}/g, '0'), {
              method: operation.method,
              headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
              ...(operation.method !== 'GET' && { body: '{}' }),
            });
            await reply.arrayBuffer();
            assert.equal(sandbox.requests.at(-1)?.operation, operation.id, `${operation.id}: reaches itself`);
            assert(![405, 501].includes(reply.status), `${operation.id}: the sandbox has no handler for it`);
            assert(reply.status < 500 || reply.status === 503, `${operation.id}: the sandbox failed`);
          }
        }),
    },
    {
      name: 'has a cheap call that shows whether the credentials are good',
      run: () =>
        withBed(subject, async ({ http, sandbox }) => {
          const operation = byId.get(probe.operation) as Operation;
          assert(operation, `the probe names ${probe.operation}, which there is not`);
          const ask = () => http.call(operation, { params: probe.params });
          // A record that is not there is an answer too, and takes good credentials.
          await ask().catch((error: unknown) => assert(error instanceof GoneError, `the probe failed: ${error}`));
          assert.equal(sandbox.requests.length, 1, 'the probe is one request');
          sandbox.faults.refuseToken = true;
          await assert.rejects(ask(), AuthError);
        }),
    },
    {
      name: 'maps what it declares, and declares what it maps',
      async run() {
        assert.deepEqual(Object.keys(connector.mappings).sort(), declared.map(([entity]) => entity).sort());
        for (const [entity, able] of declared) {
          for (const verb of [...verbs, 'modifiedStamp', 'xref'] as const) {
            const ability = able[verb];
            if ('via' in ability)
              for (const id of ability.via) assert(byId.has(id), `${entity} ${verb}: there is no operation ${id}`);
            else assert(ability.absent.trim() !== '', `${entity} ${verb}: an absence says why`);
          }
          for (const path of able.markOf ?? []) {
            const isRead = connector.mappings[entity]?.fields.some((field) => field.path === path);
            assert(
              isRead && fieldAt(entity, path).kind === 'reference',
              `${entity} markOf: ${path} is no reference that is mapped`,
            );
          }
          for (const { path, access } of connector.mappings[entity]?.fields ?? []) {
            const needed: readonly Verb[] =
              access === 'readOnly' ? [] : access === 'createOnly' ? ['create'] : ['create', 'update'];
            assert(
              needed.length === 0 || needed.some((verb) => can(able, verb)),
              `${entity} ${path} is ${access}, but ${needed.join(' and ')} ${needed.length > 1 ? 'are' : 'is'} absent`,
            );
          }
        }
      },
    },
    {
      name: 'refuses what it does not declare, and asks the CRM for nothing',
      run: () =>
        withBed(subject, async (bed) => {
          for (const entity of entities)
            for (const verb of verbs) {
              const able = bed.connector.capabilities[entity];
              if (able && can(able, verb)) continue;
              const before = bed.calls();
              await assert.rejects(
                doing(bed, entity, verb),
                UnsupportedError,
                `${verb} ${entity} is not declared, so it throws UnsupportedError`,
              );
              assert.equal(bed.calls(), before, `${verb} ${entity} is not declared, so it calls nothing`);
            }
        }),
    },
    ...declared.flatMap(([entity, able]): Check[] => [
      {
        name: `${entity}: refused credentials are told as such by every verb`,
        run: () =>
          withBed(subject, async (bed) => {
            const id = bed.plant(entity, 1);
            const { locator } = (can(able, 'list') || can(able, 'read') ? await bed.look(entity, id) : undefined) ?? {};
            bed.sandbox.faults.refuseToken = true;
            for (const verb of verbs)
              if (can(able, verb)) await assert.rejects(doing(bed, entity, verb, id, locator), AuthError, verb);
          }),
      },
      {
        name: `${entity}: an id that is none of this CRM’s finds nothing, and does no harm`,
        run: () => withBed(subject, (bed) => strangeIds(bed, entity, able)),
      },
    ]),
    ...declared.map(([entity]) => ({
      name: `${entity}: what the mapping writes it reads back`,
      run: async () => roundTrip(subject, connector, entity),
    })),
  ];
}

/** Every verb with something to do, e.g. to see it refused. */
async function doing(bed: Bed, entity: Entity, verb: Verb, externalId = '1', locator?: string): Promise<unknown> {
  const { connector } = bed;
  const canonicalId = ourId(1);
  switch (verb) {
    case 'list':
      for await (const _ of connector.list(entity));
      return undefined;
    case 'read':
      return await connector.read(entity, externalId, locator);
    case 'search':
      return await connector.search(entity, { email: 'nobody@example.com' });
    case 'create':
      return await connector.create(entity, {
        canonicalId,
        values: bed.values(entity, 1, 'readWrite', 'writeOnly', 'createOnly'),
      });
    case 'update':
      return await connector.update(entity, externalId, {
        canonicalId,
        changes: bed.values(entity, 2, 'readWrite'),
        known: {},
        ...(locator !== undefined && { locator }),
      });
    case 'delete':
      return await connector.delete(entity, externalId, locator);
    default:
      return verb satisfies never;
  }
}

/** Ids as another system, or a damaged database, may bring them; some would lead to another path. */
const STRANGE_IDS = ['0', 'no such id', '../..', '%2e%2e', 'a/b?c#d', 'Łódź'];

async function strangeIds(bed: Bed, entity: Entity, able: EntityCapabilities): Promise<void> {
  bed.plant(entity, 1);
  const before = structuredClone(bed.sandbox.people.all(entity));
  for (const id of STRANGE_IDS)
    for (const verb of ['read', 'update', 'delete'] as const) {
      if (!can(able, verb)) continue;
      const reply = await doing(bed, entity, verb, id).catch((error: unknown) => {
        // A RangeError: the id cannot even be said in a path.
        assert(
          error instanceof CrmError || error instanceof RangeError,
          `${verb} of id ${id}: a CrmError is due, not ${error}`,
        );
        return error;
      });
      const state = reply instanceof Error ? 'refused' : verb === 'read' ? (reply as ReadReply).state : 'done';
      assert(['refused', 'gone', 'unknown'].includes(state), `${verb} of id ${id}: ${state}`);
    }
  assert.deepEqual(bed.sandbox.people.all(entity), before);
}

function roundTrip({ specimens }: Subject, connector: Connector, entity: Entity): void {
  const mapping = connector.mappings[entity];
  assert(mapping);
  const own = specimens[entity]?.values?.(1) ?? {};
  for (const { path, access } of mapping.fields) {
    const { kind } = fieldAt(entity, path);
    const value = own[path] ?? (kind === 'reference' ? '1' : sampleValue(kind, 1));
    if (access !== 'readWrite' || value === undefined) continue;
    const back = readValues(mapping, writeValues(mapping, { [path]: value }));
    assert(
      equal(kind, back[path], value, connector.phoneRegion === undefined ? {} : { region: connector.phoneRegion }),
      `${path}: ${JSON.stringify(value)} was written and ${JSON.stringify(back[path])} read back`,
    );
    assert.deepEqual(
      Object.keys(back).filter((other) => other !== path && back[other] !== null),
      [],
      `${path}: writing it shows in no other field`,
    );
  }
}

function namesIn(path: string): (string | undefined)[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
}

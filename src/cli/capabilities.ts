import type { Command } from 'commander';
import type { Registry } from '../config/parts.ts';
import { absence, type ConnectorDefinition, type EntityCapabilities } from '../connector/connector.ts';
import type { FieldMapping } from '../connector/mapping.ts';
import { fieldsOf } from '../model/entities.ts';
import { type Entity, entities } from '../model/values.ts';
import type { Session } from './session.ts';
import { markdownTable, table, wrapped } from './table.ts';

const abilities = ['list', 'read', 'search', 'create', 'update', 'delete', 'modifiedStamp', 'xref'] as const;
const abilityTitles = ['list', 'read', 'search', 'create', 'update', 'delete', 'mod.', 'xref'];
const accessTitles: Readonly<Record<FieldMapping['access'], string>> = {
  readWrite: 'RW',
  readOnly: 'R',
  writeOnly: 'W',
  createOnly: 'R, W once',
};

/** `concordat capabilities`: what each API can do, from the connectors' own declarations. Needs no configuration. */
export function addCapabilities(program: Command, session: Session): void {
  program
    .command('capabilities')
    .description('Show what each CRM’s API can do: entities, abilities, fields, operations.')
    .option('--markdown', 'print the tables as Markdown')
    .addHelpText(
      'after',
      '\nExamples:\n  concordat capabilities\n  concordat capabilities --json | jq .connectors.treepl.operations',
    )
    .action(async (options: { readonly markdown?: boolean }) => {
      const registry = await session.registry();
      if (session.isJson) session.printJson({ connectors: capabilitiesDocument(registry) });
      else if (options.markdown) session.print(capabilitiesMarkdown(registry));
      else session.print(...capabilitiesText(registry, session.io.stdout.columns));
    });
}

/** The README's tables. */
export function capabilitiesMarkdown(registry: Registry): string {
  const fields = entities.flatMap((entity) => {
    const { head, rows } = fieldTable(registry, entity);
    return rows.length === 0 ? [] : ['', ...markdownTable(head, rows)];
  });
  const { head, rows } = abilityTable(registry);
  return [...markdownTable(head, rows), ...fields].join('\n');
}

function capabilitiesDocument(registry: Registry): Record<string, unknown> {
  return Object.fromEntries(
    [...registry].map(([name, definition]) => [
      name,
      {
        title: definition.title,
        entities: Object.fromEntries(
          entitiesOf(definition).map(([entity, able]) => [
            entity,
            {
              ...able,
              fields: Object.fromEntries(
                fieldsAt(definition, entity).map(({ path, wire, access }) => [path, { wire, access }]),
              ),
            },
          ]),
        ),
        operations: definition.operations.map(({ id, method, path, summary }) => ({ id, method, path, summary })),
      },
    ]),
  );
}

function capabilitiesText(registry: Registry, columns: number): string[] {
  const able = abilityTable(registry);
  const notes = [...registry.values()].flatMap((definition) =>
    entitiesOf(definition).flatMap(([entity, its]) =>
      abilities.flatMap((ability) => {
        const note = absence(its[ability]) ?? noteOf(its, ability);
        return note === undefined ? [] : wrapped(`${definition.name} ${entity} ${ability}: ${note}`, columns - 2, '  ');
      }),
    ),
  );
  const fields = entities.flatMap((entity) => {
    const { head, rows } = fieldTable(registry, entity);
    return rows.length === 0 ? [] : ['', ...table(head, rows)];
  });
  return [
    ...table(able.head, able.rows),
    '',
    'Notes',
    ...notes,
    ...fields,
    '',
    'R read, W written, once: when the record is created. known ids: no list; the ids that are known are read.',
    'Operations: --json, or concordat call CONNECTION --list',
  ];
}

function abilityTable(registry: Registry): { head: string[]; rows: string[][] } {
  const rows = [...registry.values()].flatMap((definition) =>
    entities.map((entity) => {
      const able = definition.capabilities[entity];
      return [definition.name, entity, ...abilities.map((ability) => (able ? cell(able, ability) : '–'))];
    }),
  );
  return { head: ['connector', 'entity', ...abilityTitles], rows };
}

function cell(able: EntityCapabilities, ability: (typeof abilities)[number]): string {
  if (ability === 'list' && isByKnownIds(able)) return 'known ids';
  if (absence(able[ability]) !== undefined) return '–';
  if (ability === 'read') return 'by' in able.read ? `by ${able.read.by}` : 'yes';
  if (ability === 'update') return 'style' in able.update ? able.update.style : 'yes';
  return 'yes';
}

/** Whether records are enumerated by asking for the ids that are known: there is no list, but a read by id. */
function isByKnownIds({ list, read }: EntityCapabilities): boolean {
  return absence(list) !== undefined && 'by' in read && read.by === 'id';
}

/** What can be done with a field: what is mapped both ways is written once only where the entity cannot be updated. */
function accessCell({ access }: FieldMapping, able: EntityCapabilities | undefined): string {
  const isUpdated = able !== undefined && absence(able.update) === undefined;
  if (access === 'readWrite' && !isUpdated) return accessTitles.createOnly;
  if (access === 'writeOnly' && !isUpdated) return 'W once';
  return accessTitles[access];
}

function fieldTable(registry: Registry, entity: Entity): { head: string[]; rows: string[][] } {
  const able = [...registry.values()].filter((definition) => definition.mappings[entity]);
  const rows = Object.keys(fieldsOf[entity]).flatMap((path) => {
    const cells = able.map((definition) => {
      const mapped = fieldsAt(definition, entity).find((field) => field.path === path);
      return mapped ? accessCell(mapped, definition.capabilities[entity]) : '–';
    });
    return cells.every((access) => access === '–') ? [] : [[path, ...cells]];
  });
  return { head: [`${entity} field`, ...able.map(({ name }) => name)], rows };
}

function entitiesOf(definition: ConnectorDefinition): [Entity, EntityCapabilities][] {
  return entities.flatMap((entity) => {
    const able = definition.capabilities[entity];
    return able ? [[entity, able] as [Entity, EntityCapabilities]] : [];
  });
}

function fieldsAt(definition: ConnectorDefinition, entity: Entity): readonly FieldMapping[] {
  return definition.mappings[entity]?.fields ?? [];
}

function noteOf(able: EntityCapabilities, ability: (typeof abilities)[number]): string | undefined {
  const its = able[ability];
  return 'note' in its ? its.note : undefined;
}

/** Writes the pages of docs/ that tell what the code declares: `npm run reference`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connectors } from '../connectors/index.ts';
import { markdownTable } from '../src/cli/table.ts';
import { jsonSchema } from '../src/config/json-schema.ts';
import type { Registry } from '../src/config/parts.ts';
import { absence, type ConnectorDefinition } from '../src/connector/connector.ts';
import { entities } from '../src/model/values.ts';

/** What this script reads of JSON Schema (draft-07). */
interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly { readonly if: Schema; readonly then: Schema }[];
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
}

const generated = '<!-- Written by `npm run reference` from what the code declares: change it there. -->';
/** What is longer than this is told by the description. */
const longestTaken = 100;
const columns = ['key', 'takes', 'default', 'what it means'];

/** Every page that is generated: its path under docs/ and its text. */
export function referencePages(registry: Registry): ReadonlyMap<string, string> {
  const schema = jsonSchema(registry) as Schema;
  const options = optionsOf(schema);
  return new Map([
    ['configuration.md', configurationPage(schema)],
    ...[...registry.values()].map(
      (definition) =>
        [`connectors/${definition.name}.md`, connectorPage(definition, options.get(definition.name), schema)] as const,
    ),
  ]);
}

function configurationPage(schema: Schema): string {
  const sections = Object.entries(schema.properties ?? {}).flatMap(([key, section]) => [
    '',
    `## \`${key}\``,
    ...(section.description ? ['', section.description] : []),
    '',
    ...markdownTable(columns, rowsOf(schema, key, section, schema.required?.includes(key) === true)),
  ]);
  return page(
    '# The configuration file',
    '',
    'One YAML file, `./concordat.yaml` unless `--config FILE` says otherwise. An example with comments is',
    '[examples/concordat.yaml](../examples/concordat.yaml); `concordat init` writes a first one. Editors complete it where its',
    'first line names [the schema](../examples/concordat.schema.json).',
    '',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how the file refers to the environment
    '`${NAME}` and `${NAME:-default}` come from the environment, in any text; a missing variable is an error with its line.',
    'Durations read `30s`, `5m`, `24h`, `30d`; limits `5%` or a number. NAME stands for a name of yours, PATH for a canonical',
    'field such as `email.primary`. An unknown key, or a value of another form, is an error with file, line and column; all',
    'faults come in one report. A changed file counts from the next command on; the worker has to be restarted.',
    ...sections,
  );
}

function connectorPage(definition: ConnectorDefinition, options: Schema | undefined, root: Schema): string {
  const { name, title, operations } = definition;
  const parts = entities.flatMap((entity) => {
    const able = definition.capabilities[entity];
    const fields = definition.mappings[entity]?.fields ?? [];
    if (!able) return ['', `## ${headline(entity)}`, '', 'The API has no such records.'];
    const rows = (['list', 'read', 'search', 'create', 'update', 'delete', 'modifiedStamp', 'xref'] as const).map(
      (ability) => {
        const its = able[ability];
        const missing = absence(its);
        const how = ['by', 'style', 'order'].flatMap((key) =>
          key in its ? [String(its[key as keyof typeof its])] : [],
        );
        const note = 'note' in its ? its.note : undefined;
        return [ability, missing === undefined ? ['yes', ...how].join(', ') : 'no', missing ?? note ?? ''];
      },
    );
    return [
      ...['', `## ${headline(entity)}`, '', ...markdownTable(['ability', '', 'note'], rows)],
      ...[
        '',
        ...markdownTable(
          ['field', 'there', 'access'],
          fields.map((field) => [field.path, `\`${field.wire}\``, words[field.access]]),
        ),
      ],
    ];
  });
  const optionRows = options
    ? Object.entries(options.properties ?? {}).flatMap(([key, one]) =>
        rowsOf(root, key, one, options.required?.includes(key) === true),
      )
    : [];
  return page(
    `# ${title}: \`connector: ${name}\``,
    '',
    `What the connector declares, and what its options are. How it maps, and what it assumes where the vendor’s text is silent:`,
    `[its README](../../connectors/${name}/README.md).`,
    ...parts,
    ...['', '## Options', ''],
    ...(optionRows.length > 0
      ? [`Under \`connections.NAME.options\`.`, '', ...markdownTable(columns, optionRows)]
      : ['None.']),
    ...[
      '',
      '## Operations',
      '',
      `Each can be called: \`concordat call CONNECTION OPERATION\`; \`--help\` after it shows parameters and body.`,
      '',
    ],
    ...markdownTable(
      ['operation', 'call', 'what it does'],
      operations.map(({ id, method, path, summary }) => [`\`${id}\``, `\`${method} ${path}\``, summary]),
    ),
  );
}

const words = {
  readWrite: 'read, written',
  readOnly: 'read',
  writeOnly: 'written',
  createOnly: 'read; written once, when created',
};

/** A row for a key and for each key below it. */
function rowsOf(root: Schema, key: string, written: Schema, isRequired: boolean): string[][] {
  const schema = resolved(root, written);
  const below = Object.entries(schema.properties ?? {}).flatMap(([inner, one]) =>
    rowsOf(root, `${key}.${inner}`, one, schema.required?.includes(inner) === true),
  );
  const named =
    typeof schema.additionalProperties === 'object'
      ? namedRows(root, `${key}.NAME`, resolved(root, schema.additionalProperties))
      : [];
  const isSection = below.length > 0 || named.length > 0;
  if (isSection && !key.includes('.')) return [...below, ...named];
  const preset = shownDefault(schema.default, isRequired);
  const takes = isSection ? 'a mapping' : taken(root, schema);
  const own = [`\`${key}\``, takes.length > longestTaken ? 'see right' : takes, preset, meaning(schema, preset)];
  return [own, ...below, ...named];
}

/** Of what stands under a name of one's own: only where that is a mapping again. */
function namedRows(root: Schema, key: string, schema: Schema): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([inner, one]) =>
    rowsOf(root, `${key}.${inner}`, one, schema.required?.includes(inner) === true),
  );
}

function shownDefault(value: unknown, isRequired: boolean): string {
  if (isRequired) return 'required';
  if (value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0))
    return '';
  return `\`${cell(JSON.stringify(value).replaceAll('"', ''))}\``;
}

/**
 * What a key takes, in words.
 * @param within the definitions that this one is part of: one may hold itself
 */
function taken(root: Schema, written: Schema, within: readonly string[] = []): string {
  const { $ref: ref } = written;
  if (ref !== undefined && within.includes(ref)) return 'another one';
  const inside = ref === undefined ? within : [...within, ref];
  const schema = resolved(root, written);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices?.some(({ type }) => type === 'number' || type === 'integer'))
    return choices.some(({ pattern }) => pattern?.includes('%')) ? 'a number or a share such as `5%`' : 'a number';
  if (choices) return [...new Set(choices.map((one) => taken(root, one, inside)))].join(' or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const).replaceAll('"', '') || "''"}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${String(one)}\``).join(' or ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeWords(type)).join(' or ');
  if (schema.type === 'array') return schema.items ? `a list: ${taken(root, schema.items, inside)}` : 'a list';
  if (schema.type === 'object') {
    const { additionalProperties: rest } = schema;
    if (typeof rest === 'object' && Object.keys(rest).length > 0) return `a mapping to ${taken(root, rest, inside)}`;
    const keys = Object.entries(schema.properties ?? {}).map(([key, one]) => `${key}: ${taken(root, one, inside)}`);
    return keys.length > 0 ? `{ ${keys.join(', ')} }` : 'a mapping';
  }
  return typeWords(String(schema.type ?? 'anything'));
}

function typeWords(type: string): string {
  if (type === 'string') return 'text';
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'null') return 'nothing';
  return type === 'integer' || type === 'number' ? 'a number' : type;
}

function resolved(root: Schema, { $ref: ref, ...schema }: Schema): Schema {
  if (ref === undefined) return schema;
  return { ...resolved(root, root.definitions?.[ref.replace('#/definitions/', '')] ?? {}), ...schema };
}

/** The options of each connector, by its name. */
function optionsOf(schema: Schema): ReadonlyMap<string, Schema> {
  const connection = schema.properties?.connections?.additionalProperties as Schema;
  return new Map(
    (connection.allOf ?? []).map(({ if: when, then }) => [
      String(when.properties?.connector?.const),
      then.properties?.options ?? {},
    ]),
  );
}

function headline(entity: string): string {
  return `${entity.charAt(0).toUpperCase()}${entity.slice(1)}s`;
}

/** The description; what stands in the column of defaults already is left out. */
function meaning({ description = '' }: Schema, preset: string): string {
  return cell(preset === '' ? description : description.replace(/ Default [^ ]+\.$/, ''));
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function page(title: string, ...lines: readonly string[]): string {
  return `${[title, '', generated, ...lines].join('\n')}\n`;
}

if (import.meta.main) {
  for (const [path, text] of referencePages(connectors)) {
    const file = new URL(`../docs/${path}`, import.meta.url);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, text);
  }
}

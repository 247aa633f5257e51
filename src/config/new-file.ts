import { stringify } from 'yaml';
import type { Entity } from '../model/values.ts';
import { listed } from './words.ts';

/** What a person has decided about a new configuration file. It holds names of environment variables, never a secret. */
export interface NewFile {
  readonly connections: readonly NewConnection[];
  readonly syncs: readonly NewSync[];
  /** Connections whose CRMs call when something changes. */
  readonly webhooks: readonly string[];
  readonly hasDashboard: boolean;
}

export interface NewConnection {
  readonly name: string;
  readonly connector: string;
  readonly baseUrl: string;
  readonly credentials:
    | { readonly kind: 'token'; readonly variable: string }
    | {
        readonly kind: 'oauth';
        readonly idVariable: string;
        readonly secretVariable: string;
        readonly tokenUrl: string;
      };
  readonly options: Readonly<Record<string, string>>;
}

export interface NewSync {
  readonly name: string;
  readonly entity: Entity;
  readonly members: readonly { readonly connection: string; readonly direction: 'read' | 'write' | 'both' }[];
  readonly conflicts: 'newest' | 'manual' | readonly string[];
  readonly deletes: 'ignore' | 'propagate';
  /** Cron pattern. */
  readonly schedule: string;
}

/** Where everything is kept, beside the file. */
const defaultDatabase = './concordat.db';
/** How often a full cycle runs where nobody says. */
export const defaultSchedule = '*/15 * * * *';

/** What syncs of an entity are called where nobody says. */
export const syncNames: Readonly<Record<Entity, string>> = { contact: 'people', account: 'companies', lead: 'leads' };

/** The variable that a connection's secret comes from, by custom: `showroom` and `TOKEN` make `SHOWROOM_TOKEN`. */
export function variableFor(connection: string, what: string): string {
  return `${connection.replaceAll('-', '_')}_${what}`.toUpperCase();
}

/** The variable of the dashboard's password. */
const dashboardVariable = 'DASHBOARD_PASSWORD';

/** A variable that the file refers to, and what it has to hold. */
export interface NeededVariable {
  readonly name: string;
  readonly holds: string;
  /** A text of the right form that is no secret. */
  readonly example: string;
}

/** Every variable that a file refers to, in the order of the file. */
export function variablesOf(file: NewFile): readonly NeededVariable[] {
  const ofConnections = file.connections.flatMap(({ name, credentials }): NeededVariable[] =>
    credentials.kind === 'token'
      ? [{ name: credentials.variable, holds: `token of ${name}`, example: 'token' }]
      : [
          { name: credentials.idVariable, holds: `client id of ${name}`, example: 'id' },
          { name: credentials.secretVariable, holds: `client secret of ${name}`, example: 'secret' },
        ],
  );
  const ofWebhooks = file.webhooks.map((name) => ({
    name: variableFor(name, 'WEBHOOK_SECRET'),
    holds: `webhook secret of ${name}: whsec_…`,
    example: 'whsec_c2VjcmV0',
  }));
  const ofDashboard = { name: dashboardVariable, holds: 'password of the dashboard', example: 'password' };
  return [...ofConnections, ...ofWebhooks, ...(file.hasDashboard ? [ofDashboard] : [])];
}

/** What a shell is told to set variables, each with what it has to hold. */
export function exportLines(variables: readonly NeededVariable[]): string[] {
  const longest = Math.max(0, ...variables.map(({ name }) => name.length));
  return variables.map(({ name, holds }) => `export ${name}=…${' '.repeat(longest - name.length)}  # ${holds}`);
}

/**
 * The commented text of a new configuration file.
 * @param schema where editors find its JSON Schema, as the file refers to it; undefined: nowhere
 */
export function newFileText(file: NewFile, schema: string | undefined): string {
  return [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}`, '#']),
    '# Configuration of concordat, written by concordat init and yours from now on. Everything that can stand here is in',
    '# examples/concordat.yaml; concordat check says whether it is right.',
    '#',
    `# \${NAME} comes from the environment: no secret stands in this file. It needs`,
    '#',
    ...exportLines(variablesOf(file)).map((line) => `#     ${line}`),
    '',
    'store:',
    '  # The database: everything concordat knows. Relative to this file, or absolute.',
    `  sqlite: ${defaultDatabase}`,
    '',
    '# Every CRM under a name of its own.',
    'connections:',
    ...file.connections.flatMap(connectionLines),
    'syncs:',
    ...file.syncs.flatMap(syncLines),
    ...(file.webhooks.length === 0 ? [] : webhookLines(file.webhooks)),
    ...(file.hasDashboard ? dashboardLines : []),
  ]
    .join('\n')
    .replace(/\n*$/, '\n');
}

function connectionLines({ name, connector, baseUrl, credentials, options }: NewConnection): string[] {
  const given = Object.entries(options);
  return [
    `  ${scalar(name)}:`,
    `    connector: ${scalar(connector)}`,
    `    baseUrl: ${scalar(baseUrl)}`,
    ...(credentials.kind === 'token'
      ? [`    token: \${${credentials.variable}}`]
      : [
          '    # An API application: the token is fetched, renewed, and kept in memory only.',
          '    oauth:',
          `      clientId: \${${credentials.idVariable}}`,
          `      clientSecret: \${${credentials.secretVariable}}`,
          `      tokenUrl: ${scalar(credentials.tokenUrl)}`,
        ]),
    ...(given.length === 0 ? [] : ['    # The connector’s own options; its README lists them.', '    options:']),
    ...given.map(([key, value]) => `      ${scalar(key)}: ${scalar(value)}`),
    '',
  ];
}

function syncLines({ name, entity, members, conflicts, deletes, schedule }: NewSync): string[] {
  return [
    `  ${scalar(name)}:`,
    `    entity: ${entity}`,
    '    # read: only learnt from. write: only written to. The first member wins where nothing else decides.',
    '    members:',
    ...members.map(({ connection, direction }) => `      ${scalar(connection)}: ${direction}`),
    '    # Who wins where two members changed one field: newest, manual (a person decides), or members by rank.',
    `    conflicts: ${typeof conflicts === 'string' ? conflicts : `[${conflicts.map(scalar).join(', ')}]`}`,
    '    # A record that is deleted in one CRM: ignore leaves it in the others, propagate deletes it there too.',
    `    deletes: ${deletes}`,
    '    # A run that would change more at a member than this stops and asks. These are the defaults:',
    '    # limits: { deletes: 5%, overwrites: 20%, blankings: 5% }',
    '    # When concordat start runs a full cycle.',
    `    schedule: ${JSON.stringify(schedule)}`,
    '',
  ];
}

function webhookLines(names: readonly string[]): string[] {
  return [
    `# Received by concordat start, so that a change in ${listed(names, 'and')} arrives in seconds: docs/webhooks.md.`,
    'webhooks:',
    '  listen: 127.0.0.1:8787',
    '  secrets:',
    ...names.map((name) => `    ${scalar(name)}: \${${variableFor(name, 'WEBHOOK_SECRET')}}`),
    '',
  ];
}

const dashboardLines = [
  '# Shown by concordat start: docs/dashboard.md.',
  'dashboard:',
  '  listen: 127.0.0.1:8788',
  `  password: \${${dashboardVariable}}`,
];

/** One value as YAML, quoted where it would mean something else; what reads as a reference stays a text. */
function scalar(value: string): string {
  const text = value.replaceAll(`\${`, () => `$\${`);
  return stringify(text, { lineWidth: 0, blockQuote: false }).trimEnd();
}

import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { OpenConnection } from '../app.ts';
import type { ConnectionConfig } from '../config/config.ts';
import { exportLines, type NewConnection, type NewFile, newFileText, variablesOf } from '../config/new-file.ts';
import type { Registry } from '../config/parts.ts';
import { ConfigError } from '../config/problems.ts';
import { type Asker, askAtTerminal, isConversation } from './ask.ts';
import { UsageError } from './failure.ts';
import { areFlagsGiven, fileByFlags, flagDefaults, type InitFlags } from './init-flags.ts';
import { surroundings } from './logs.ts';
import { type Probed, probe } from './probe.ts';
import type { Session } from './session.ts';
import { wrapped } from './table.ts';

interface InitOptions extends InitFlags {
  readonly yes?: true;
  readonly overwrite?: true;
}

const example =
  'concordat init --connection showroom=conecrm::CONECRM_TOKEN --connection site=treepl:https://www.example.com:SITE_ID,SITE_SECRET --sync people=contact:showroom=both,site=both --yes';

/** `concordat init`: asks, tries the credentials, and writes a configuration file. */
export function addInit(program: Command, session: Session): void {
  program
    .command('init')
    .description('Write a configuration file: asks at a terminal, or takes flags. Tries credentials that are set.')
    .argument('[file]', 'where to; default: that of --config')
    .option('--connection <form>', 'NAME=CONNECTOR:URL:VARIABLE; repeat', collected)
    .option('--option <form>', 'CONNECTION.KEY=VALUE, an option of its connector; repeat', collected)
    .option('--sync <form>', 'NAME=ENTITY:CONNECTION=read|write|both,…; repeat', collected)
    .option('--conflicts <rule>', 'newest, manual, or members by rank, separated by commas', flagDefaults.conflicts)
    .option('--deletes <what>', 'ignore or propagate', flagDefaults.deletes)
    .option('--schedule <pattern>', 'cron pattern of concordat start', flagDefaults.schedule)
    .option('--webhooks <connection>', 'this CRM calls when something changes; repeat', collected)
    .option('--dashboard', 'with a dashboard')
    .option('-y, --yes', 'do not ask whether to write it')
    .option('--overwrite', 'replace a file that is there')
    .addHelpText(
      'after',
      `
VARIABLE names the environment variable that holds the token; ID_VARIABLE,SECRET_VARIABLE those of an API
application with client id and secret. The file refers to them: no secret stands in it, or is asked for.
An empty URL is the vendor's own. CRMs whose variables are set are asked for one record, to see whether
the credentials are good; nothing is changed there.

Examples:
  concordat init
${wrapped(example, 96, '    ').join(' \\\n').replace(/^ {4}/, '  ')}

Exit status: 0 written; 1 stopped, nothing was written; 2 usage, or the file is there already.`,
    )
    .action(async (file: string | undefined, options: InitOptions) => await init(session, file, options));
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

async function init(session: Session, named: string | undefined, options: InitOptions): Promise<void> {
  const { io } = session;
  const name = named ?? session.configFile;
  const target = path.resolve(io.directory, name);
  const isScript = areFlagsGiven(options);
  const mayAsk = isConversation(io) && !session.isJson;
  if (!isScript && !mayAsk)
    throw new UsageError(
      `init asks its questions at a terminal, and this is none; a script answers by flags, such as\n  ${example}\nconcordat init --help tells them; nothing was written`,
    );
  if (isScript && !options.yes && !mayAsk)
    throw new UsageError(`say --yes to have ${name} written; nothing was written`);
  const registry = await session.registry();
  const ask = isScript && options.yes ? undefined : await askAtTerminal('concordat init');
  await refuseToOverwrite(target, name, options.overwrite === true, ask);
  const file = isScript || !ask ? fileByFlags(options, registry) : await askFor(session, ask, registry);
  const text = newFileText(file, schemaFor(target));
  await refuseFaults(name, text, file, registry);
  const tried = isScript ? await tryAll(session, file, registry) : [];
  ask?.show(name, summary(file));
  if (ask && !options.yes && !(await ask.confirm(`Write ${name}?`, true)))
    throw new DOMException('stopped by you', 'AbortError');
  await writeWhole(target, text);
  tell(session, name, file, tried);
}

async function askFor(session: Session, ask: Asker, registry: Registry): Promise<NewFile> {
  const { fileByQuestions } = await import('./init-questions.ts');
  const kinds = { good: 'good', bad: 'bad', unset: undefined } as const;
  return await fileByQuestions(ask, registry, async (connection) => {
    const tried = await tryOut(session, connection, registry);
    ask.tell(triedText(tried), kinds[tried.state]);
  });
}

/** A file that is there may be somebody's work. @throws UsageError */
async function refuseToOverwrite(
  target: string,
  name: string,
  isAllowed: boolean,
  ask: Asker | undefined,
): Promise<void> {
  if (!existsSync(path.dirname(target)))
    throw new UsageError(`the folder ${path.dirname(target)} does not exist; create it first`);
  if (!existsSync(target) || isAllowed) return;
  if (ask && (await ask.confirm(`${name} exists. Replace it in the end?`, false))) return;
  throw new UsageError(`${name} exists already; name another file, or let --overwrite replace it; nothing was written`);
}

/** Looks at the text as every command will, with variables that are set to something of the right form. @throws UsageError */
async function refuseFaults(name: string, text: string, file: NewFile, registry: Registry): Promise<void> {
  const { parseConfig } = await import('../config/load.ts');
  const env = Object.fromEntries(variablesOf(file).map((variable) => [variable.name, variable.example]));
  try {
    parseConfig(name, text, env, registry);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Lines of a file that is not written would lead nowhere.
    const lines = error.problems.map(({ path: at, message }) => `${at}: ${message}`);
    throw new UsageError([...lines, 'nothing was written'].join('\n'));
  }
}

/** How it stands with the credentials of a connection. */
type Tried = { readonly connection: string } & (
  | { readonly state: 'unset'; readonly variables: readonly string[] }
  | ({ readonly state: 'good' | 'bad' } & Probed)
);

async function tryAll(session: Session, { connections }: NewFile, registry: Registry): Promise<readonly Tried[]> {
  return await Promise.all(connections.map((connection) => tryOut(session, connection, registry)));
}

async function tryOut(session: Session, connection: NewConnection, registry: Registry): Promise<Tried> {
  const { name, baseUrl, credentials } = connection;
  const definition = registry.get(connection.connector)!;
  const names =
    credentials.kind === 'token' ? [credentials.variable] : [credentials.idVariable, credentials.secretVariable];
  const values = names.map((variable) => session.io.env[variable] ?? '');
  const variables = names.filter((_, index) => values[index] === '');
  if (variables.length > 0) return { connection: name, state: 'unset', variables };
  const [first = '', second = ''] = values;
  const config: ConnectionConfig = {
    name,
    definition,
    baseUrl,
    allowPlainHttp: false,
    credentials:
      credentials.kind === 'token'
        ? { kind: 'token', token: first }
        : { kind: 'oauth', clientId: first, clientSecret: second, tokenUrl: credentials.tokenUrl },
    options: definition.options.parse(connection.options),
    requestsPerSecond: undefined,
    concurrent: 1,
    timeoutMs: 10_000,
  };
  const { openConnection } = await import('../app.ts');
  let open: OpenConnection | undefined;
  try {
    open = openConnection(config, { ...surroundings(session), readOnly: true });
    const probed = await probe(open, session.io.signal);
    return { connection: name, state: probed.ok ? 'good' : 'bad', ...probed };
  } catch (error) {
    // A token that no header can carry.
    if (!(error instanceof RangeError)) throw error;
    return { connection: name, state: 'bad', ok: false, message: error.message };
  } finally {
    await open?.close();
  }
}

function triedText(tried: Tried): string {
  if (tried.state !== 'unset')
    return [`${tried.connection}: ${tried.message}`, ...(tried.next === undefined ? [] : [`→ ${tried.next}`])].join(
      '\n',
    );
  const exports = tried.variables.map((variable) => `  export ${variable}=…`);
  return [`${tried.connection}: not tried, for its credentials are not in the environment yet:`, ...exports].join('\n');
}

function summary({ connections, syncs, webhooks, hasDashboard }: NewFile): string[] {
  return [
    ...connections.map(({ name, connector, baseUrl }) => `${name}: ${connector} at ${baseUrl}`),
    ...syncs.flatMap(({ name, entity, members, conflicts, deletes, schedule }) => [
      '',
      `${name}: ${entity}s, ${schedule}`,
      ...members.map(({ connection, direction }) => `  ${connection}: ${direction}`),
      `  conflicts: ${typeof conflicts === 'string' ? conflicts : conflicts.join(' before ')}; deletes: ${deletes}`,
    ]),
    '',
    `webhooks: ${webhooks.join(', ') || 'none'}; dashboard: ${hasDashboard ? 'yes' : 'no'}`,
  ];
}

/** All of it or nothing, for its owner alone: what is there is replaced when the new one is complete. */
async function writeWhole(target: string, text: string): Promise<void> {
  const half = `${target}.${process.pid}.new`;
  try {
    await writeFile(half, text, { mode: 0o600, flag: 'wx' });
    await rename(half, target);
  } catch (error) {
    await rm(half, { force: true });
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new UsageError(`${target} cannot be written (${String(error.code)})`);
  }
}

/** Where the JSON Schema of this installation is, as seen from the file; undefined where it is not installed. */
function schemaFor(target: string): string | undefined {
  const roots = ['../../', '../../../'].map((up) => fileURLToPath(new URL(up, import.meta.url)));
  const schema = roots
    .map((root) => path.join(root, 'examples/concordat.schema.json'))
    .find((each) => existsSync(each));
  if (schema === undefined) return undefined;
  const relative = path.relative(path.dirname(target), schema);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function tell(session: Session, name: string, file: NewFile, tried: readonly Tried[]): void {
  const { env, directory } = session.io;
  const missing = variablesOf(file).filter((variable) => (env[variable.name] ?? '') === '');
  const isDefault = path.resolve(directory, name) === path.resolve(directory, 'concordat.yaml');
  const config = isDefault ? '' : ` --config ${name}`;
  if (session.isJson)
    session.printJson({ file: path.resolve(directory, name), tried, missing: missing.map((one) => one.name) });
  session.print(
    ...tried.flatMap((one) => triedText(one).split('\n')),
    `Written: ${name}, for its owner alone. Next:`,
    '',
    ...exportLines(missing).map((line) => `  ${line}`),
    `  concordat check${config}    # is everything right?`,
    `  concordat plan${config}     # what a sync would do; writes nothing`,
  );
}

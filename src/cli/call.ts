import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { z } from 'zod';
import type { OpenConnection } from '../app.ts';
import { expectedBy, kindOf, valueAt } from '../config/faults.ts';
import { didYouMean, listed } from '../config/words.ts';
import { CrmError } from '../connector/errors.ts';
import type { Operation } from '../connector/operation.ts';
import { describeOperation } from './describe.ts';
import { FailedError, UsageError } from './failure.ts';
import type { Io } from './io.ts';
import { surroundings } from './logs.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';

interface CallOptions {
  readonly param?: readonly string[];
  readonly body?: string;
  readonly list?: boolean;
  readonly describe?: boolean;
}

/** `concordat call`: any documented operation of a connection's API, checked before it is sent. */
export function addCall(program: Command, session: Session): void {
  program
    .command('call')
    .description('Call any documented operation of a CRM’s API and print the reply.')
    .argument('<connection>', 'name of a connection in the configuration')
    .argument('[operation]', 'operation id; --list shows them')
    .option('-p, --param <name=value>', 'path or query parameter; repeat for more', collected)
    .option('-b, --body <json>', 'request body as JSON, or @FILE that holds it (@-: stdin)')
    .option('-l, --list', 'list the operations')
    .option('-d, --describe', 'describe the operation: parameters, body, reply, source')
    .addHelpText(
      'after',
      `
Examples:
  concordat call site --list
  concordat call site contact_item --describe
  concordat call site contact_item --param id=42
  concordat call site contact_create --body '{"Email":"ada@example.com"}'

What is sent goes to the live CRM. Exit status 1: the CRM refused or could not be reached.`,
    )
    .action(async (connection: string, operation: string | undefined, options: CallOptions) => {
      await call(session, connection, operation, options);
    });
}

async function call(session: Session, name: string, id: string | undefined, options: CallOptions): Promise<void> {
  const config = await session.loadConfig();
  const found = config.connections.get(name);
  if (!found) {
    const known = [...config.connections.keys()];
    throw new UsageError(`there is no connection "${name}"${didYouMean(name, known)}; known: ${listed(known, 'and')}`);
  }
  const { operations } = found.definition;
  if (options.list) return list(session, operations);
  if (id === undefined)
    throw new UsageError(`which operation? concordat call ${name} --list shows all ${operations.length}`);
  const operation = operationNamed(id, operations, name);
  if (options.describe) return describe(session, operation);
  const params = checkedParams(operation, options.param ?? []);
  const body = await checkedBody(operation, options.body, session.io);
  const { openConnection } = await import('../app.ts');
  const connection = openConnection(found, surroundings(session));
  try {
    await send(session, connection, operation, params, body);
  } finally {
    await connection.close();
  }
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function list(session: Session, operations: readonly Operation[]): void {
  if (session.isJson)
    session.printJson({
      operations: operations.map(({ id, method, path: at, summary }) => ({ id, method, path: at, summary })),
    });
  session.print(
    ...table(
      ['operation', 'method', 'path'],
      operations.map(({ id, method, path: at }) => [id, method, at]),
    ),
  );
}

function describe(session: Session, operation: Operation): void {
  const { document, lines } = describeOperation(operation);
  if (session.isJson) session.printJson(document);
  session.print(...lines);
}

function operationNamed(id: string, operations: readonly Operation[], connection: string): Operation {
  const operation = operations.find((one) => one.id === id);
  if (operation) return operation;
  const near = didYouMean(
    id,
    operations.map((one) => one.id),
  );
  throw new UsageError(
    `unknown operation "${id}"${near}; concordat call ${connection} --list shows all ${operations.length}`,
  );
}

/** The parameters by name, as text. @throws UsageError that lists all that is wrong with them */
function checkedParams(operation: Operation, written: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  const faults: string[] = [];
  for (const pair of written) {
    const at = pair.indexOf('=');
    if (at < 1) faults.push(`--param: expected name=value, came ${JSON.stringify(pair)}`);
    else params[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const names = operation.parameters.map((parameter) => parameter.name);
  for (const name of Object.keys(params))
    if (!names.includes(name))
      faults.push(
        `--param ${name}: ${operation.id} has no such parameter: expected ${listed(names)}${didYouMean(name, names)}`,
      );
  for (const { name, required, type, schema } of operation.parameters) {
    const value = Object.hasOwn(params, name) ? params[name] : undefined;
    if (value === undefined && required) faults.push(`--param ${name}: missing: expected ${type}, came nothing`);
    else if (value !== undefined && !schema.safeParse(value).success)
      faults.push(`--param ${name}: wrong value: expected ${type}, came ${JSON.stringify(value)}`);
  }
  if (faults.length > 0) throw new UsageError(faults.join('\n'));
  return params;
}

/** The request body, as it was written; its schema only checks. @throws UsageError */
async function checkedBody(operation: Operation, written: string | undefined, io: Io): Promise<unknown> {
  if (written === undefined) {
    if (operation.body?.required)
      throw new UsageError(`--body: missing: ${operation.id} expects a JSON body; --describe shows it`);
    return undefined;
  }
  if (!operation.body) throw new UsageError(`--body: ${operation.id} takes none`);
  const json = written.startsWith('@') ? await bodyFrom(written.slice(1), io) : written;
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch {
    // The parser's own words would repeat pieces of the body.
    throw new UsageError('--body: expected JSON, or @FILE with JSON in it, came something else');
  }
  const parsed = operation.body.schema.safeParse(body);
  if (parsed.success) return body;
  const faults = parsed.error.issues.map((issue) => {
    const where = issue.path.map(String).join('.') || 'the whole';
    return `--body: ${where}: expected ${expectedBy(issue)}, came ${kindOf(valueAt(body, issue.path))}`;
  });
  throw new UsageError(faults.join('\n'));
}

/** @param file `-` for stdin. @throws UsageError when it cannot be read */
async function bodyFrom(file: string, { stdin, directory, signal }: Io): Promise<string> {
  try {
    return file === '-'
      ? await text(addAbortSignal(signal, stdin))
      : await readFile(path.resolve(directory, file), 'utf8');
  } catch (error) {
    if (signal.aborted) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new UsageError(`--body: @${file} cannot be read (${code})`);
  }
}

async function send(
  session: Session,
  { http, config }: OpenConnection,
  operation: Operation,
  params: Record<string, string>,
  body: unknown,
): Promise<void> {
  const reply = await http
    .call(operation, { params, ...(body === undefined ? {} : { body }), signal: session.io.signal })
    .catch((error: unknown) => {
      // Whoever calls by hand is who the CRM's own words are meant for.
      if (!(error instanceof CrmError) || error.detail === undefined) throw error;
      throw new FailedError(`${error.message}; the CRM says: ${error.detail}`, { cause: error });
    });
  if (reply.body === undefined && !session.isJson) session.io.stderr.line(`status ${reply.status}, no body`);
  else session.printJson(reply.body ?? null);
  const parsed = operation.reply?.safeParse(reply.body);
  if (parsed && !parsed.success)
    session.warn(
      `${config.name}: the reply differs from its description (${operation.source}): ${z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' ')}`,
    );
}

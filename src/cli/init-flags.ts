import { defaultSchedule, type NewConnection, type NewFile, type NewSync } from '../config/new-file.ts';
import type { Registry } from '../config/parts.ts';
import { didYouMean, listed } from '../config/words.ts';
import { entities } from '../model/values.ts';
import { UsageError } from './failure.ts';

/** The flags by which a script answers what `init` would ask. */
export interface InitFlags {
  readonly connection?: readonly string[];
  readonly option?: readonly string[];
  readonly sync?: readonly string[];
  readonly conflicts: string;
  readonly deletes: string;
  readonly schedule: string;
  readonly webhooks?: readonly string[];
  readonly dashboard?: true;
}

export const flagDefaults = { conflicts: 'newest', deletes: 'ignore', schedule: defaultSchedule } as const;

const connectionForm = 'NAME=CONNECTOR:URL:VARIABLE, or …:ID_VARIABLE,SECRET_VARIABLE';
const syncForm = 'NAME=ENTITY:CONNECTION=read|write|both,…';

/** Whether any flag says something about the file: then nothing is asked. */
export function areFlagsGiven({ connection, sync }: InitFlags): boolean {
  return (connection ?? sync) !== undefined;
}

/** What the flags say. @throws UsageError with every flag that cannot be read */
export function fileByFlags(flags: InitFlags, registry: Registry): NewFile {
  const faults: string[] = [];
  const read = <Read>(action: () => Read): Read[] => {
    try {
      return [action()];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      faults.push(error.message);
      return [];
    }
  };
  const named = (flags.connection ?? []).flatMap((written) => read(() => connectionOf(written, registry)));
  const connections = named.map((one) => ({ ...one, options: optionsOf(one.name, flags.option ?? []) }));
  const rules = { ...rulesOf(flags, faults), schedule: flags.schedule };
  const syncs = (flags.sync ?? []).flatMap((written) => read(() => ({ ...syncOf(written), ...rules })));
  for (const written of flags.option ?? [])
    if (!connections.some(({ name }) => /^[^=]+=./.test(written) && written.startsWith(`${name}.`)))
      faults.push(`--option: expected CONNECTION.KEY=VALUE of a --connection, came ${JSON.stringify(written)}`);
  for (const kind of ['connection', 'sync'] as const) if (flags[kind] === undefined) faults.push(`--${kind}: missing`);
  for (const [kind, list] of [
    ['connection', connections],
    ['sync', syncs],
  ] as const)
    for (const [index, { name }] of list.entries())
      if (list.findIndex((one) => one.name === name) < index) faults.push(`--${kind} ${name}: given twice`);
  if (faults.length > 0) throw new UsageError([...faults, 'nothing was written'].join('\n'));
  return { connections, syncs, webhooks: flags.webhooks ?? [], hasDashboard: flags.dashboard === true };
}

function connectionOf(written: string, registry: Registry): Omit<NewConnection, 'options'> {
  // The address has colons of its own; the name of a connector and of a variable have none.
  const parts = /^([^=:]+)=([^:]*):(.*):([^:]*)$/.exec(written);
  const variables = /^([A-Za-z_]\w*)(?:,([A-Za-z_]\w*))?$/.exec(parts?.[4] ?? '');
  if (!parts || !variables)
    // What came is not repeated: where the name of a variable belongs, somebody may have put the token itself.
    throw new UsageError(`--connection: expected ${connectionForm}, came something else`);
  const [, name = '', connector = '', address = ''] = parts;
  const definition = registry.get(connector);
  const known = [...registry.keys()];
  if (!definition)
    throw new UsageError(
      `--connection ${name}: there is no connector "${connector}"${didYouMean(connector, known)}; known: ${listed(known, 'and')}`,
    );
  const { setup } = definition;
  const baseUrl = address || (setup?.isShared ? setup.baseUrl : '');
  if (baseUrl === '')
    throw new UsageError(
      `--connection ${name}: the address is missing: expected ${name}=${connector}:${setup?.baseUrl ?? 'https://…'}:VARIABLE`,
    );
  const [, variable = '', secretVariable] = variables;
  if (secretVariable === undefined) return { name, connector, baseUrl, credentials: { kind: 'token', variable } };
  const tokenUrl = tokenUrlAt(baseUrl, setup?.tokenPath);
  if (tokenUrl === undefined)
    throw new UsageError(
      `--connection ${name}: ${definition.title} has no client id and secret: expected one variable, for its token`,
    );
  return { name, connector, baseUrl, credentials: { kind: 'oauth', idVariable: variable, secretVariable, tokenUrl } };
}

/** Where tokens are fetched, on the host of an API. */
export function tokenUrlAt(baseUrl: string, tokenPath: string | undefined): string | undefined {
  return tokenPath === undefined ? undefined : URL.parse(tokenPath, baseUrl)?.href;
}

function optionsOf(connection: string, written: readonly string[]): Record<string, string> {
  const own = written
    .filter((each) => each.startsWith(`${connection}.`))
    .map((each) => each.slice(connection.length + 1));
  return Object.fromEntries(
    own.flatMap((pair) => {
      const at = pair.indexOf('=');
      return at < 1 ? [] : [[pair.slice(0, at), pair.slice(at + 1)]];
    }),
  );
}

function rulesOf({ conflicts, deletes }: InitFlags, faults: string[]): Pick<NewSync, 'conflicts' | 'deletes'> {
  if (deletes !== 'ignore' && deletes !== 'propagate')
    faults.push(`--deletes: expected ignore or propagate, came ${JSON.stringify(deletes)}`);
  return {
    conflicts: conflicts === 'newest' || conflicts === 'manual' ? conflicts : conflicts.split(','),
    deletes: deletes === 'propagate' ? 'propagate' : 'ignore',
  };
}

function syncOf(written: string): Pick<NewSync, 'name' | 'entity' | 'members'> {
  const wrong = () => new UsageError(`--sync: expected ${syncForm}, came ${JSON.stringify(written)}`);
  const [, name = '', entityName, list = ''] = /^([^=:]+)=([^:]+):(.+)$/.exec(written) ?? [];
  const entity = entities.find((one) => one === entityName);
  if (!entity) throw wrong();
  const members = list.split(',').map((pair) => {
    const [, connection = '', direction] = /^([^=]+)=(read|write|both)$/.exec(pair) ?? [];
    if (direction === undefined) throw wrong();
    return { connection, direction: direction as NewSync['members'][number]['direction'] };
  });
  return { name, entity, members };
}

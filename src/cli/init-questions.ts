import { Cron } from 'croner';
import { capabilitiesWith } from '../config/abilities.ts';
import {
  defaultSchedule,
  type NewConnection,
  type NewFile,
  type NewSync,
  syncNames,
  variableFor,
} from '../config/new-file.ts';
import type { Registry } from '../config/parts.ts';
import { syncShape } from '../config/schema.ts';
import { listed } from '../config/words.ts';
import { checkAddress } from '../connector/address.ts';
import { absence, type ConnectorDefinition } from '../connector/connector.ts';
import { type Entity, entities } from '../model/values.ts';
import type { Asker, Choice } from './ask.ts';
import { FailedError } from './failure.ts';
import { tokenUrlAt } from './init-flags.ts';

/** Looks whether a connection works, as far as that can be known now, and says so. */
type Try = (connection: NewConnection) => Promise<void>;

/** Asks for everything that a first configuration file needs. */
export async function fileByQuestions(ask: Asker, registry: Registry, tryOut: Try): Promise<NewFile> {
  const connections: NewConnection[] = [];
  do {
    const connection = await askConnection(ask, registry, connections);
    await tryOut(connection);
    connections.push(connection);
  } while (connections.length < 2 || (await ask.confirm('Another CRM?', false)));
  const { completed, syncs } = await askSyncs(ask, registry, connections);
  const webhooks = await ask.chooseSome(
    'Which CRMs will call when something changes (webhooks)? None is fine: every cycle reads everything',
    completed.map(({ name }) => ({ value: name, label: name })),
    0,
  );
  const hasDashboard = await ask.confirm('A dashboard for whoever is on duty?', true);
  return { connections: completed, syncs, webhooks, hasDashboard };
}

async function askConnection(ask: Asker, registry: Registry, others: readonly NewConnection[]): Promise<NewConnection> {
  const definition = await ask.choose(
    others.length === 0 ? 'Your first CRM' : 'The next CRM',
    [...registry.values()].map((value) => ({ value, label: value.title, hint: entitiesOf(value) })),
  );
  const taken = others.map(({ name }) => name);
  const name = await ask.text('A name of your own for it', unused(definition.name, taken), (answer) => {
    if (taken.includes(answer)) return 'that name is taken';
    return isName(answer) ? undefined : 'a letter, then letters, digits, - and _, at most 63';
  });
  const { setup } = definition;
  const baseUrl = await ask.text(
    setup?.isShared ? 'Where is its API?' : 'Where is its API? An address of your own, in this form',
    setup?.baseUrl ?? 'https://',
    (answer) => addressFault(answer, setup),
  );
  const credentials = await askCredentials(ask, definition, name, baseUrl);
  return { name, connector: definition.name, baseUrl, credentials, options: {} };
}

async function askCredentials(
  ask: Asker,
  { setup }: ConnectorDefinition,
  name: string,
  baseUrl: string,
): Promise<NewConnection['credentials']> {
  const variable = (what: string, custom: string) =>
    ask.text(`Which environment variable holds ${what}? Its name, not what it holds`, custom, (answer) =>
      /^[A-Za-z_]\w{0,199}$/.test(answer) ? undefined : 'a letter or _, then letters, digits and _',
    );
  const tokenUrl = tokenUrlAt(baseUrl, setup?.tokenPath);
  const kind =
    tokenUrl === undefined
      ? 'token'
      : await ask.choose('How do we log in?', [
          { value: 'oauth', label: 'client id and secret', hint: 'an API application, OAuth 2.0' },
          { value: 'token', label: 'a token that you have' },
        ] as const);
  if (kind === 'token' || tokenUrl === undefined)
    return { kind: 'token', variable: await variable('the token', variableFor(name, 'TOKEN')) };
  return {
    kind,
    idVariable: await variable('the client id', variableFor(name, 'CLIENT_ID')),
    secretVariable: await variable('the client secret', variableFor(name, 'CLIENT_SECRET')),
    tokenUrl,
  };
}

async function askSyncs(
  ask: Asker,
  registry: Registry,
  connections: readonly NewConnection[],
): Promise<{ completed: readonly NewConnection[]; syncs: readonly NewSync[] }> {
  const possible = entities.filter((entity) => canBeSynced(entity, registry, connections));
  const [only, ...others] = possible;
  if (!only) throw new FailedError('these CRMs have nothing in common that could be synced; nothing was written');
  const chosen =
    others.length === 0
      ? [only]
      : await ask.chooseSome(
          'What is to be kept the same?',
          possible.map((value) => ({ value, label: `${value}s` })),
          1,
        );
  let completed = connections;
  const drafts: Pick<NewSync, 'name' | 'entity' | 'members'>[] = [];
  for (const entity of chosen) {
    const members = await askMembers(ask, registry, completed, entity);
    drafts.push({ name: syncNames[entity], entity, members });
    completed = await askNeeds(ask, registry, completed, entity, members);
  }
  const rules = await askRules(ask, drafts);
  return { completed, syncs: drafts.map((draft) => ({ ...draft, ...rules(draft) })) };
}

/** Asks for directions until at least one member is read and another one is written. */
async function askMembers(
  ask: Asker,
  registry: Registry,
  connections: readonly NewConnection[],
  entity: Entity,
): Promise<NewSync['members']> {
  for (;;) {
    const members: NewSync['members'][number][] = [];
    for (const connection of connections) {
      const directions = directionsOf(connection, entity, registry);
      if (directions.length === 0) continue;
      const direction = await ask.choose(`${entity}s of ${connection.name}`, [
        ...directions.map((value) => ({ value, label: directionTexts[value] })),
        { value: 'none', label: 'leave them alone' } as const,
      ]);
      if (direction !== 'none') members.push({ connection: connection.name, direction });
    }
    const [read, written] = [isRead, isWritten].map((is) => members.filter(is).length);
    if (members.length >= 2 && read && written) return members;
    ask.tell('At least two CRMs have to take part, one of them read and one of them written: once more', 'bad');
  }
}

const directionTexts = {
  both: 'read and write',
  read: 'only read: learn from it, change nothing there',
  write: 'only write: what happens there is not looked at',
} as const;

/** Options without which an entity cannot be made at a CRM. What a person does not know yet stays open. */
async function askNeeds(
  ask: Asker,
  registry: Registry,
  connections: readonly NewConnection[],
  entity: Entity,
  members: NewSync['members'],
): Promise<readonly NewConnection[]> {
  const completed: NewConnection[] = [];
  for (const connection of connections) {
    const definition = registry.get(connection.connector);
    const isMember = members.some((member) => member.connection === connection.name && isWritten(member));
    const needed = (isMember && definition?.setup?.needs?.[entity]) || [];
    const options = { ...connection.options };
    for (const key of needed) {
      const answer = await ask.text(
        `${connection.name} makes no ${entity} without the id of its ${key}. Leave it empty to look it up later: concordat check says where`,
        '',
        (written) => (written === '' ? undefined : optionFault(definition, { [key]: written })),
      );
      if (answer !== '') options[key] = answer;
    }
    completed.push({ ...connection, options });
  }
  return completed;
}

type Rules = Pick<NewSync, 'conflicts' | 'deletes' | 'schedule'>;

async function askRules(
  ask: Asker,
  syncs: readonly Pick<NewSync, 'members'>[],
): Promise<(sync: Pick<NewSync, 'members'>) => Rules> {
  const kind = await ask.choose('Who wins where two CRMs changed the same field?', [
    { value: 'newest', label: 'the newest change' },
    { value: 'ranked', label: 'always the same CRM' },
    { value: 'manual', label: 'nobody: a person decides' },
  ] as const);
  const rank = kind === 'ranked' ? await askRank(ask, namesOf(syncs)) : [];
  const deletes = await ask.choose('What becomes of a record that is deleted in one CRM?', [
    { value: 'ignore', label: 'the others keep it' },
    { value: 'propagate', label: 'it is deleted in the others too', hint: 'unless somebody has edited it meanwhile' },
  ] as const);
  const schedule = await askSchedule(ask);
  return ({ members }) => ({
    conflicts: kind === 'ranked' ? rank.filter((name) => members.some(({ connection }) => connection === name)) : kind,
    deletes,
    schedule,
  });
}

function namesOf(syncs: readonly Pick<NewSync, 'members'>[]): readonly string[] {
  return [...new Set(syncs.flatMap(({ members }) => members.map(({ connection }) => connection)))];
}

async function askRank(ask: Asker, names: readonly string[]): Promise<readonly string[]> {
  const rank: string[] = [];
  while (rank.length < names.length - 1) {
    const left = names.filter((name) => !rank.includes(name));
    const question = rank.length === 0 ? 'Which CRM wins?' : `And after ${listed(rank, 'and')}?`;
    rank.push(
      await ask.choose(
        question,
        left.map((name) => ({ value: name, label: name })),
      ),
    );
  }
  return [...rank, ...names.filter((name) => !rank.includes(name))];
}

const schedules: readonly Choice<string>[] = [
  { value: defaultSchedule, label: 'every 15 minutes' },
  { value: '*/5 * * * *', label: 'every 5 minutes' },
  { value: '0 * * * *', label: 'every hour' },
  { value: '0 3 * * *', label: 'at 3 in the night' },
  { value: '', label: 'another cron pattern' },
];

async function askSchedule(ask: Asker): Promise<string> {
  const chosen = await ask.choose('When does concordat start run a full cycle?', schedules);
  return chosen || (await ask.text('Cron pattern', defaultSchedule, scheduleFault));
}

function scheduleFault(pattern: string): string | undefined {
  const expected = 'a cron pattern of five fields, such as */5 * * * *';
  try {
    const fields = pattern.split(/\s+/).length;
    const isGood = (fields === 5 || fields === 6) && new Cron(pattern, { paused: true }).nextRun() !== null;
    return isGood ? undefined : expected;
  } catch {
    return expected;
  }
}

function addressFault(address: string, setup: ConnectorDefinition['setup']): string | undefined {
  if (setup && !setup.isShared && address === setup.baseUrl) return 'that is only an example: the address of your own';
  try {
    checkAddress('this', address);
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message;
  }
}

function optionFault(definition: ConnectorDefinition | undefined, options: Record<string, string>): string | undefined {
  return definition?.options.safeParse(options).error?.issues[0]?.message;
}

const isRead = ({ direction }: NewSync['members'][number]) => direction !== 'write';
const isWritten = ({ direction }: NewSync['members'][number]) => direction !== 'read';

/** Whether the file takes it as the name of a connection. */
function isName(text: string): boolean {
  return syncShape.members.safeParse({ [text]: 'both' }).success;
}

function unused(name: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}${number}`;
    if (!taken.includes(candidate)) return candidate;
  }
}

function entitiesOf({ capabilities }: ConnectorDefinition): string {
  return listed(
    Object.keys(capabilities).map((entity) => `${entity}s`),
    'and',
  );
}

/** The directions in which a connection can take part in a sync of an entity, the fullest first. */
function directionsOf(
  { connector, options }: NewConnection,
  entity: Entity,
  registry: Registry,
): readonly (keyof typeof directionTexts)[] {
  const definition = registry.get(connector);
  const able = definition && capabilitiesWith(definition, definition.options.parse(options))[entity];
  if (!able) return [];
  const has = (...abilities: readonly object[]) => abilities.some((ability) => absence(ability) === undefined);
  const needs = definition.setup?.needs?.[entity] ?? [];
  const isReadable = has(able.list, able.read, able.search);
  // What waits for options that are not given yet may be asked for: they come next.
  const isWritable = has(able.create, able.update, able.delete) || needs.length > 0;
  if (isReadable && isWritable)
    return ['both', 'read', ...(has(able.create, able.update, able.delete) ? ['write' as const] : [])];
  return isReadable ? ['read'] : isWritable ? ['write'] : [];
}

function canBeSynced(entity: Entity, registry: Registry, connections: readonly NewConnection[]): boolean {
  const able = connections.map((connection) => directionsOf(connection, entity, registry));
  const taking = able.filter((directions) => directions.length > 0);
  return (
    taking.length >= 2 &&
    taking.some((directions) => directions.some((direction) => direction !== 'write')) &&
    taking.some((directions) => directions.some((direction) => direction !== 'read'))
  );
}

import { Cron } from 'croner';
import { absence } from '../connector/connector.ts';
import type { Mapping } from '../connector/mapping.ts';
import { fieldsOf } from '../model/entities.ts';
import { type Entity, withArticle } from '../model/values.ts';
import { identityPaths } from '../sync/identity.ts';
import type { Schedule } from '../sync/policy.ts';
import { capabilitiesWith } from './abilities.ts';
import { type Faults, valueAt } from './faults.ts';
import { mappingAt, type Registry, wellFormed } from './parts.ts';
import { syncShape } from './schema.ts';
import type { ConfigSource, Path } from './source.ts';
import { didYouMean, listed } from './words.ts';

/** The rules of one sync: its members exist and can do their part, and every name in it names something. */
export function checkSync(source: ConfigSource, name: string, registry: Registry, faults: Faults): void {
  const path: Path = ['syncs', name];
  const raw = mappingAt(source, path);
  if (!raw) return;
  const { entity, conflicts, schedule } = wellFormed(syncShape, raw);
  const members = mappingAt(source, [...path, 'members']);
  if (members) {
    checkMembers(source, path, members, faults);
    if (entity) checkAbilities(source, path, entity, members, registry, faults);
  }
  if (schedule !== undefined) checkSchedule(source, [...path, 'schedule'], schedule, faults);
  for (const section of ['owners', 'where', 'fields'] as const)
    for (const field of Object.keys(mappingAt(source, [...path, section]) ?? {}))
      if (entity) checkField([...path, section, field], entity, field, section, faults);
  if (entity) checkDates(source, [...path, 'where'], entity, faults);
  if (!members) return;
  const names = Object.keys(members);
  const isMember = (at: Path, member: unknown) => {
    if (typeof member === 'string' && !names.includes(member))
      faults.add(at, 'no member of this sync', listed(names), `${faults.came(at)}${didYouMean(member, names)}`);
  };
  for (const [field, owner] of Object.entries(mappingAt(source, [...path, 'owners']) ?? {})) {
    isMember([...path, 'owners', field], owner);
    if (typeof owner === 'string' && members[owner] === 'write')
      faults.warn(
        [...path, 'owners', field],
        `${owner} is only written to, so that it never has a value of its own: this line has no effect`,
      );
  }
  checkDirections(source, path, members, isMember, faults);
  if (entity) checkDefaults(source, path, entity, members, registry, faults);
  if (!Array.isArray(conflicts)) return;
  for (const [rank, member] of conflicts.entries()) {
    isMember([...path, 'conflicts', rank], member);
    if (conflicts.indexOf(member) < rank) faults.add([...path, 'conflicts', rank], 'named twice', 'each member once');
  }
}

function checkMembers(
  source: ConfigSource,
  path: Path,
  members: Readonly<Record<string, unknown>>,
  faults: Faults,
): void {
  const names = Object.keys(members);
  const directions = Object.values(members);
  const at = [...path, 'members'];
  const connections = mappingAt(source, ['connections']);
  const known = Object.keys(connections ?? {});
  for (const name of names)
    if (connections && !known.includes(name))
      faults.add(
        [...at, name],
        'no such connection',
        listed(known),
        `${JSON.stringify(name)}${didYouMean(name, known)}`,
        'key',
      );
  const readable = directions.filter((direction) => direction !== 'write').length;
  const writable = directions.filter((direction) => direction !== 'read').length;
  if (names.length < 2) faults.add(at, 'too few members', 'at least two', String(names.length), 'key');
  else if (readable === 0) faults.add(at, 'no member is read', 'at least one with read or both', 'write only', 'key');
  else if (writable === 0)
    faults.add(at, 'no member is written', 'at least one with write or both', 'read only', 'key');
  for (const [index, name] of names.entries())
    for (const other of names.slice(0, index))
      if (isSameCrm(connections?.[name], connections?.[other]))
        faults.warn(
          [...at, name],
          `${name} and ${other} have the same address and the same credentials: if they are one CRM, it would be synced with itself`,
        );
}

function isSameCrm(a: unknown, b: unknown): boolean {
  const marks = (connection: unknown) =>
    JSON.stringify(
      [['connector'], ['baseUrl'], ['token'], ['oauth', 'clientId']].map((path) => valueAt(connection, path)),
    );
  return valueAt(a, ['baseUrl']) !== undefined && marks(a) === marks(b);
}

/** A member that can take no part is an error; what a member cannot do besides counts as unsupported when it comes up. */
function checkAbilities(
  source: ConfigSource,
  path: Path,
  entity: Entity,
  members: Readonly<Record<string, unknown>>,
  registry: Registry,
  faults: Faults,
): void {
  for (const [name, direction] of Object.entries(members)) {
    const connector = valueAt(source.data, ['connections', name, 'connector']);
    const definition = typeof connector === 'string' ? registry.get(connector) : undefined;
    if (!definition) continue;
    const at = [...path, 'members', name];
    const options = definition.options.safeParse(valueAt(source.data, ['connections', name, 'options']) ?? {});
    const capabilities = options.success ? capabilitiesWith(definition, options.data) : definition.capabilities;
    const abilities = capabilities[entity];
    if (!abilities) {
      const able = Object.keys(capabilities).join(', ');
      faults.add(at, `${definition.title} has no ${entity}s`, `an entity that it has (${able})`, entity, 'key');
      continue;
    }
    const { list, read, search, create, update, delete: remove } = abilities;
    const [whyNoRead, whyNoWrite] = [[list, read, search].map(absence), [create, update, remove].map(absence)];
    if (direction === 'write' && whyNoWrite.every((reason) => reason !== undefined))
      faults.add(at, `${definition.title} cannot be written ${entity}s (${whyNoWrite[0]})`, 'read', 'write');
    if (direction === 'read' && whyNoRead.every((reason) => reason !== undefined))
      faults.add(at, `${definition.title} cannot be read ${entity}s (${whyNoRead[0]})`, 'write', 'read');
  }
}

function checkField(
  path: Path,
  entity: Entity,
  field: string,
  section: 'owners' | 'where' | 'fields' | 'defaults',
  faults: Faults,
): void {
  const known = Object.keys(fieldsOf[entity]);
  const spec = Object.hasOwn(fieldsOf[entity], field) ? fieldsOf[entity][field] : undefined;
  if (spec?.viewOf && section !== 'where')
    faults.add(
      path,
      'no field of its own',
      `one of the fields it shows (${spec.viewOf.join(', ')})`,
      JSON.stringify(field),
      'key',
    );
  if (spec || /^custom\../.test(field)) return;
  faults.add(
    path,
    `unknown field of ${entity}`,
    `one of ${known.join(', ')}`,
    `${JSON.stringify(field)}${didYouMean(field, known)}`,
    'key',
  );
}

/** Members in `fields` are there, once each, and have the direction that the field needs. */
function checkDirections(
  source: ConfigSource,
  path: Path,
  members: Readonly<Record<string, unknown>>,
  isMember: (at: Path, member: unknown) => void,
  faults: Faults,
): void {
  const owners = mappingAt(source, [...path, 'owners']);
  for (const field of Object.keys(mappingAt(source, [...path, 'fields']) ?? {})) {
    const at = [...path, 'fields', field];
    const { from, to, owner } = mappingAt(source, at) ?? {};
    for (const [key, named, needed] of [
      ['from', from, 'read'],
      ['to', to, 'write'],
    ] as const)
      for (const [index, member] of listAt(named).entries()) {
        const place = [...at, key, index];
        isMember(place, member);
        if (listAt(named).indexOf(member) < index) faults.add(place, 'named twice', 'each member once');
        const way = members[String(member)];
        if (way === (needed === 'read' ? 'write' : 'read'))
          faults.add(
            place,
            `${member} is only ${way === 'read' ? 'read' : 'written to'}`,
            `a member with ${needed} or both`,
          );
      }
    if (owner === undefined) continue;
    const place = [...at, 'owner'];
    isMember(place, owner);
    if (owners?.[field] !== undefined && owners[field] !== owner)
      faults.add(place, 'two owners', `${String(owners[field])}, as in owners`);
    if (Array.isArray(from) && !from.includes(owner))
      faults.add(place, 'an owner whose edits do not count', listed(from.map(String)));
    if (members[String(owner)] === 'write')
      faults.warn(
        place,
        `${owner} is only written to, so that it never has a value of its own: this line has no effect`,
      );
  }
}

/** Defaults are given to members that are written to, in fields that these take with a create, and make nobody somebody else. */
function checkDefaults(
  source: ConfigSource,
  path: Path,
  entity: Entity,
  members: Readonly<Record<string, unknown>>,
  registry: Registry,
  faults: Faults,
): void {
  const names = Object.keys(members);
  for (const member of Object.keys(mappingAt(source, [...path, 'defaults']) ?? {})) {
    const at = [...path, 'defaults', member];
    if (!names.includes(member))
      faults.add(
        at,
        'no member of this sync',
        listed(names),
        `${JSON.stringify(member)}${didYouMean(member, names)}`,
        'key',
      );
    else if (members[member] === 'read')
      faults.add(at, `${member} is only read`, 'a member with write or both', 'read', 'key');
    const connector = valueAt(source.data, ['connections', member, 'connector']);
    const definition = typeof connector === 'string' ? registry.get(connector) : undefined;
    for (const field of Object.keys(mappingAt(source, at) ?? {})) {
      const place = [...at, field];
      checkField(place, entity, field, 'defaults', faults);
      const kind = fieldsOf[entity][field]?.kind;
      const to = valueAt(source.data, [...path, 'fields', field, 'to']);
      if (identityPaths.has(field) || kind === 'email' || kind === 'phone' || kind === 'reference')
        faults.add(place, 'no field for a default', 'a field by which nobody is recognised', field, 'key');
      else if (kind !== 'tags' && Array.isArray(valueAt(source.data, place)))
        faults.add(place, 'wrong value', 'one value', 'a list');
      else if (Array.isArray(to) && !to.includes(member))
        faults.add(
          place,
          `a field that is not written to ${member}`,
          `${member} in fields.${field}.to, or no default`,
          field,
          'key',
        );
      else if (definition && kind && !isTaken(definition.mappings[entity], field))
        faults.warn(
          place,
          `${definition.title} takes no ${field} with ${withArticle(entity)}: this line has no effect`,
        );
    }
  }
}

function isTaken(mapping: Mapping | undefined, field: string): boolean {
  return mapping?.fields.some(({ path, access }) => path === field && access !== 'readOnly') ?? false;
}

function listAt(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Only what may hold a date is older or newer than another one; a custom field may. */
function checkDates(source: ConfigSource, path: Path, entity: Entity, faults: Faults): void {
  for (const field of Object.keys(mappingAt(source, path) ?? {})) {
    const kind = fieldsOf[entity][field]?.kind;
    if (kind === undefined || kind === 'date' || kind === 'dateTime') continue;
    for (const at of [
      [...path, field],
      [...path, field, 'not'],
    ])
      for (const key of ['olderThan', 'newerThan'])
        if (valueAt(source.data, [...at, key]) !== undefined)
          faults.add([...at, key], 'no date', 'a field that holds a date or a date-time', `${field} (${kind})`, 'key');
  }
}

function checkSchedule(source: ConfigSource, path: Path, { pattern, timeZone }: Schedule, faults: Faults): void {
  const isMapping = mappingAt(source, path) !== undefined;
  const at = isMapping ? [...path, 'pattern'] : path;
  const expected = 'a cron pattern of five fields such as "*/5 * * * *" (six with seconds)';
  const fields = pattern.trim().split(/\s+/).length;
  let next: Date | null | undefined;
  try {
    if (fields !== 5 && fields !== 6) throw new RangeError('fields');
    next = new Cron(pattern, { paused: true }).nextRun();
  } catch {
    // croner throws plain TypeErrors and RangeErrors for what it cannot read.
    faults.add(at, 'wrong value', expected);
  }
  if (next === null) faults.add(at, 'a schedule that never comes', 'a cron pattern with a next time');
  if (timeZone !== undefined && !isTimeZone(timeZone))
    faults.add([...path, 'timeZone'], 'unknown time zone', 'an IANA time zone such as Europe/Berlin');
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

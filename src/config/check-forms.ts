import { fieldsOf } from '../model/entities.ts';
import type { KindName } from '../model/kinds.ts';
import { caseless } from '../model/text.ts';
import { type Entity, entities } from '../model/values.ts';
import { type Faults, valueAt } from './faults.ts';
import { fieldsIn } from './forms.ts';
import { mappingAt, type Registry } from './parts.ts';
import type { ConfigSource, Path } from './source.ts';
import { didYouMean, listed } from './words.ts';

/** The rules of a connection's `values` and `transforms`: they are for fields that there are, and of a kind that can be so. */
export function checkForms(source: ConfigSource, name: string, registry: Registry, faults: Faults): void {
  const connector = valueAt(source.data, ['connections', name, 'connector']);
  const definition = typeof connector === 'string' ? registry.get(connector) : undefined;
  for (const section of ['values', 'transforms'] as const) {
    const path: Path = ['connections', name, section];
    for (const entity of Object.keys(mappingAt(source, path) ?? {})) {
      if (!isEntity(entity)) continue;
      const able = definition?.capabilities;
      if (able && !able[entity])
        faults.add(
          [...path, entity],
          `${definition.title} has no ${entity}s`,
          listed(Object.keys(able)),
          entity,
          'key',
        );
      for (const field of Object.keys(mappingAt(source, [...path, entity]) ?? {})) {
        const at = [...path, entity, field];
        if (!checkField(at, entity, field, faults)) continue;
        if (section === 'values') checkWords(source, at, entity, field, faults);
        else checkTransform(source, at, entity, field, faults);
      }
    }
  }
}

function isEntity(text: string): text is Entity {
  return (entities as readonly string[]).includes(text);
}

function checkField(at: Path, entity: Entity, field: string, faults: Faults): boolean {
  if (Object.hasOwn(fieldsOf[entity], field) || field.startsWith('custom.')) return true;
  const known = Object.keys(fieldsOf[entity]);
  const came = `${JSON.stringify(field)}${didYouMean(field, known)}`;
  faults.add(at, `unknown field of ${entity}`, `one of ${known.join(', ')}`, came, 'key');
  return false;
}

/** The kind of a field; custom fields, whose kind nobody knows, may be of any. */
function kindOf(entity: Entity, field: string): KindName | 'custom' {
  return fieldsOf[entity][field]?.kind ?? 'custom';
}

function checkWords(source: ConfigSource, at: Path, entity: Entity, field: string, faults: Faults): void {
  const kind = kindOf(entity, field);
  if (kind !== 'option' && kind !== 'custom')
    faults.add(at, 'no field of options', 'a field that holds an option, or a custom one', `${field} (${kind})`, 'key');
  const wires = new Set<string>();
  const canonicals = new Map<string, string>();
  for (const [wire, canonical] of Object.entries(mappingAt(source, at) ?? {})) {
    const place = [...at, wire];
    if (wires.has(caseless(wire)))
      faults.add(place, 'named twice', 'each value of the CRM once', JSON.stringify(wire), 'key');
    wires.add(caseless(wire));
    const before = canonicals.get(caseless(String(canonical)));
    if (before === undefined) canonicals.set(caseless(String(canonical)), wire);
    else
      faults.note(
        place,
        `${before} and ${wire} mean the same: ${String(canonical)} is written as ${before}, the first`,
      );
  }
}

/**
 * A canonical value that one connection names must not be a word of another one that means something else there, unless
 * that one has a word for it: it would be written as that word, and come back as what it means.
 */
export function checkWordsTogether(source: ConfigSource, faults: Faults): void {
  const named = new Map<string, string>();
  const maps = Object.keys(mappingAt(source, ['connections']) ?? {}).flatMap((name) =>
    Object.keys(mappingAt(source, ['connections', name, 'values']) ?? {}).flatMap((entity) => {
      const path: Path = ['connections', name, 'values', entity];
      return Object.keys(mappingAt(source, path) ?? {}).map((field) => ({
        name,
        at: [...path, field],
        of: `${entity} ${field}`,
      }));
    }),
  );
  const wordsAt = (at: Path) =>
    Object.entries(mappingAt(source, at) ?? {}).map(([wire, to]) => [wire, String(to)] as const);
  for (const { name, at, of } of maps)
    for (const [, canonical] of wordsAt(at))
      named.set(`${of} ${caseless(canonical)}`, named.get(`${of} ${caseless(canonical)}`) ?? name);
  for (const { at, of } of maps) {
    const written = new Set(wordsAt(at).map(([, canonical]) => caseless(canonical)));
    for (const [wire, canonical] of wordsAt(at)) {
      const by = named.get(`${of} ${caseless(wire)}`);
      if (by !== undefined && !written.has(caseless(wire)))
        faults.add(
          [...at, wire],
          `${by} has a canonical value ${JSON.stringify(wire)}, which would be written here as a word that means ${canonical}`,
          `a word of this CRM for it as well`,
          'none',
          'key',
        );
    }
  }
}

const texts: readonly string[] = ['text', 'email', 'region', 'url', 'option', 'custom'];

function checkTransform(source: ConfigSource, at: Path, entity: Entity, field: string, faults: Faults): void {
  const kind = kindOf(entity, field);
  const written = valueAt(source.data, at);
  const came = `${field} (${kind})`;
  for (const step of Array.isArray(written) ? written : [written]) {
    if (typeof step === 'string' && !texts.includes(kind))
      faults.add(at, 'no text', 'a field that holds a text', came, 'key');
    if (has(step, 'phone') && kind !== 'phone' && kind !== 'custom')
      faults.add(at, 'no phone number', 'a field that holds a phone number', came, 'key');
  }
  if (has(written, 'date') && kind !== 'date') faults.add(at, 'no date', 'a field that holds a date', came, 'key');
  if (!has(written, 'template')) return;
  if (kind !== 'text' && kind !== 'custom') faults.add(at, 'no text', 'a field that holds a text', came, 'key');
  const known = Object.keys(fieldsOf[entity]);
  for (const path of fieldsIn(String(valueAt(written, ['template']))))
    if (path === field) faults.add([...at, 'template'], 'made of itself', 'other fields', JSON.stringify(path));
    else if (!known.includes(path) && !path.startsWith('custom.'))
      faults.add(
        [...at, 'template'],
        `unknown field of ${entity}`,
        `one of ${known.join(', ')}`,
        `${JSON.stringify(path)}${didYouMean(path, known)}`,
      );
}

function has(written: unknown, key: string): boolean {
  return valueAt(written, [key]) !== undefined;
}

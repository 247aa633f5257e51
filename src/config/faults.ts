import type { z } from 'zod';
import type { ConfigProblem } from './problems.ts';
import { oneOf } from './shapes.ts';
import { type ConfigSource, mostFaults, type Path, unresolved } from './source.ts';
import { didYouMean } from './words.ts';

/** Keys whose values may be shown in a message. All others could be secrets, or be one by mistake. */
const showable = new Set(
  [
    ['values', 'transforms'],
    ['connector', 'baseUrl', 'tokenUrl', 'timeout', 'perSecond', 'concurrent', 'allowPlainHttp', 'listen'],
    ['sqlite', 'retention'],
    ['scheme', 'header', 'algorithm', 'encoding', 'deliveryHeader', 'body', 'words'],
    [
      'entity',
      'members',
      'match',
      'conflicts',
      'owners',
      'where',
      'fields',
      'defaults',
      'deletes',
      'overwrites',
      'limits',
      'schedule',
    ],
  ].flat(),
);
const longestShownChars = 60;

/** Collects faults, warnings and notes of one file, each with its place, what was expected and what came. */
export class Faults {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];
  readonly notes: ConfigProblem[] = [];
  readonly #source: ConfigSource;

  constructor(source: ConfigSource) {
    this.#source = source;
    this.problems.push(...source.problems);
  }

  /** A fault at the value of `path`; at its key where the key is what is wrong. `came` defaults to the value there. */
  add(path: Path, what: string, expected: string, came: string = this.came(path), at: 'key' | 'value' = 'value'): void {
    this.#push(this.problems, path, `${what}: expected ${expected}, came ${came}`, at);
  }

  /** What works, and was perhaps not meant: said by every command. */
  warn(path: Path, message: string): void {
    this.#push(this.warnings, path, message, 'value');
  }

  /** What is as it may be meant: said where somebody looks the file through. */
  note(path: Path, message: string): void {
    this.#push(this.notes, path, message, 'value');
  }

  /** Everything that a schema found, below `prefix`. `foreign`: the schema's texts are whole sentences, not what belongs behind "expected". */
  addIssues(issues: readonly z.core.$ZodIssue[], prefix: Path = [], foreign = false): void {
    for (const issue of issues) {
      if (this.#isFull) return;
      const path = [...prefix, ...issue.path];
      const value = valueAt(this.#source.data, path);
      if (value === unresolved) continue;
      const inside = issue.code === 'invalid_union' && kindOf(value) === 'a mapping' && issue.errors.find(isInside);
      if (inside) {
        this.addIssues(inside, path, foreign);
        continue;
      }
      if (issue.code === 'unrecognized_keys') this.#unknownKeys(path, issue, foreign);
      else if (issue.code === 'invalid_key')
        this.add(path, 'wrong name', issue.message, JSON.stringify(String(path.at(-1))), 'key');
      else if (value === undefined || value === null)
        this.add(path, 'missing', foreign ? expectedBy(issue) : issue.message, 'nothing');
      else this.add(path, 'wrong value', foreign ? expectedBy(issue) : issue.message);
    }
  }

  /** What stands at `path`, in words; the value itself only where it can be no secret. */
  came(path: Path): string {
    const value = valueAt(this.#source.data, path);
    if (value === undefined || value === null || typeof value === 'object') return kindOf(value);
    const isShowable = !path.includes('options') && withoutName(path).some((step) => showable.has(String(step)));
    if (!isShowable) return kindOf(value);
    if (typeof value !== 'string') return String(value);
    const written = this.#source.written(path);
    const shown = JSON.stringify(withoutUserInfo(written?.shown ?? value).slice(0, longestShownChars));
    return written?.referred ? `${shown} with another value than that` : shown;
  }

  #unknownKeys(path: Path, issue: z.core.$ZodIssueUnrecognizedKeys, foreign: boolean): void {
    const known = !foreign && issue.message.startsWith(oneOf) ? issue.message.slice(oneOf.length).split(', ') : [];
    for (const key of issue.keys) {
      if (this.#isFull) return;
      const expected = foreign ? 'a key that its connector knows' : issue.message;
      this.add([...path, key], 'unknown key', expected, `${JSON.stringify(key)}${didYouMean(key, known)}`, 'key');
    }
  }

  /** Whether so much is wrong already that no more is told. */
  get #isFull(): boolean {
    return this.problems.length >= mostFaults;
  }

  #push(list: ConfigProblem[], path: Path, message: string, at: 'key' | 'value'): void {
    if (list.length >= mostFaults) return;
    const { file } = this.#source;
    list.push({ file, position: this.#source.position(path, at), path: path.map(String).join('.'), message });
  }
}

/** A connection may have the name of a key that can be shown, and its secret still is one. */
function withoutName(path: Path): Path {
  if (path[1] === 'secrets') return path.slice(3);
  return path[0] === 'connections' || path[0] === 'syncs' ? path.slice(2) : path;
}

/** Whether what is wrong is within the mapping that came: another form of the value was not meant. */
function isInside(issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys');
}

/** The value at `path` of plain data; undefined where there is none. */
export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Readonly<Record<PropertyKey, unknown>>)[step]
        : undefined,
    data,
  );
}

/** A value in words that do not show it. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'a text';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** What a schema that is not ours wanted: the phrase behind "expected". */
export function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return kinds[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(', ');
  return issue.message.replace(/^[^:]*: expected /, '');
}

/** `https://user:password@host` without what comes before the @. */
function withoutUserInfo(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//…@');
}

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { hideReferences, type Interpolated, interpolate, showReferences, withoutDefaults } from './interpolate.ts';
import type { ConfigProblem } from './problems.ts';

export type Path = readonly PropertyKey[];
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a scalar's text came from. */
export interface Written {
  /** The text in the file, references unresolved, defaults left out: fit to be shown where the value is no secret. */
  readonly shown: string;
  readonly referred: boolean;
  readonly defaulted: boolean;
}

const largestFileChars = 200_000;
const deepest = 50;
const mostNodes = 20_000;
/** Each costs a walk through the file. */
const mostAliases = 100;
/** Faults that are told; nobody reads more, and a file of nothing else would take minutes to describe. */
export const mostFaults = 200;

/** A parsed YAML file: plain data, and the way back from a path in it to a place in the text. */
export class ConfigSource {
  readonly file: string;
  /** Mappings as objects without a prototype, references resolved. Undefined when the syntax is broken. */
  readonly data: unknown;
  readonly problems: readonly ConfigProblem[];
  readonly #lines = new LineCounter();
  readonly #document: Document | undefined;
  readonly #written = new Map<Node, Written>();
  readonly #found: ConfigProblem[] = [];
  readonly #env: Environment;
  #nodes = 0;
  #aliases = 0;

  /** Never throws: what is wrong with the text is in `problems`. */
  constructor(file: string, text: string, env: Environment) {
    this.file = file;
    this.problems = this.#found;
    this.#env = env;
    this.#document = this.#parse(text);
    this.data = this.#document ? this.#plain(this.#document.contents as Node | null, [], new Set()) : undefined;
  }

  /** Position of the value at `path` or of its key; of the nearest thing around it where the file has no such value. */
  position(path: Path, at: 'key' | 'value' = 'value'): { line: number; column: number } {
    let node: Node | null | undefined = this.#document?.contents as Node | null | undefined;
    let offset = node?.range?.[0] ?? 0;
    let keyOffset = offset;
    for (const [depth, step] of path.entries()) {
      const inner: Node | null | undefined = node && isAlias(node) ? this.#resolved(node) : node;
      if (isMap(inner)) {
        const pair = (inner.items as Pair<Node, Node | null>[]).find(({ key }) => keyText(key) === String(step));
        if (!pair) return this.#at(keyOffset);
        keyOffset = pair.key.range?.[0] ?? keyOffset;
        offset = keyOffset;
        node = pair.value;
        if (depth === path.length - 1 && at === 'key') break;
        // An empty value has no place of its own: its key is where a person looks.
        if (node && !(isScalar(node) && node.source === '')) offset = startOf(node) ?? offset;
      } else if (isSeq(inner) && typeof step === 'number') {
        node = inner.items[step] as Node | null | undefined;
        if (!node) break;
        offset = startOf(node) ?? offset;
      } else break;
    }
    return this.#at(offset);
  }

  /** How the scalar at `path` is written; undefined where there is no text. */
  written(path: Path): Written | undefined {
    let node: Node | null | undefined = this.#document?.contents as Node | null | undefined;
    for (const step of path) {
      if (node && isAlias(node)) node = this.#resolved(node);
      if (isMap(node))
        node = (node.items as Pair<Node, Node | null>[]).find(({ key }) => keyText(key) === String(step))?.value;
      else if (isSeq(node)) node = node.items[Number(step)] as Node | undefined;
      else return undefined;
    }
    if (node && isAlias(node)) node = this.#resolved(node);
    return node ? this.#written.get(node) : undefined;
  }

  #parse(text: string): Document | undefined {
    if (text.length > largestFileChars) {
      this.#fault(
        undefined,
        [],
        `the file is too large: expected at most ${largestFileChars} characters, came ${text.length}`,
      );
      return undefined;
    }
    let document: Document;
    try {
      document = parseDocument(hideReferences(text), {
        lineCounter: this.#lines,
        prettyErrors: false,
        // Compares every key with every other: a file of many keys would take hours. `#plain` looks for doubles.
        uniqueKeys: false,
        // Anything quieter would also keep silent about a second document.
        logLevel: 'error',
      });
    } catch (error) {
      // The parser recurses; a text that is only opening brackets exhausts the stack.
      if (!(error instanceof RangeError)) throw error;
      this.#fault(undefined, [], 'the file nests too deeply to be read');
      return undefined;
    }
    let isBroken = false;
    for (const fault of [...document.errors, ...document.warnings]) {
      this.#fault(fault.pos[0], [], syntaxMessage(fault));
      isBroken ||= fault.code !== 'TAG_RESOLVE_FAILED';
    }
    // Behind a broken line everything else would be read wrongly: say nothing about it.
    return isBroken ? undefined : document;
  }

  #plain(node: Node | null | undefined, path: Path, open: ReadonlySet<Node>): unknown {
    if (!node) return null;
    this.#nodes += 1;
    if (this.#nodes === mostNodes || path.length > deepest || open.has(node)) {
      if (this.#nodes <= mostNodes)
        this.#fault(node.range?.[0], path, `nests too deeply or repeats itself: expected at most ${deepest} levels`);
      return null;
    }
    if (this.#nodes > mostNodes) return null;
    const inside = new Set([...open, node]);
    if (isAlias(node)) {
      this.#aliases += 1;
      if (this.#aliases === mostAliases + 1)
        this.#fault(node.range?.[0], path, `too many aliases: expected at most ${mostAliases}, came more`);
      if (this.#aliases > mostAliases) return unresolved;
      const target = this.#resolved(node);
      if (target) return this.#plain(target, path, inside);
      this.#fault(node.range?.[0], path, `unknown alias: expected an anchor &${node.source} before it, came none`);
      return unresolved;
    }
    if (isMap(node)) {
      const data = Object.create(null) as Record<string, unknown>;
      for (const pair of node.items as Pair<Node, Node | null>[]) {
        const key = keyText(pair.key);
        if (key === undefined)
          this.#fault(pair.key?.range?.[0], path, 'wrong key: expected a text, came something else');
        else if (key in data)
          this.#fault(pair.key.range?.[0], path, 'key given twice: expected each key once in its mapping');
        else data[key] = this.#plain(pair.value, [...path, key], inside);
      }
      return data;
    }
    if (isSeq(node)) return node.items.map((item, index) => this.#plain(item as Node, [...path, index], inside));
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  #scalar(node: Node & { value: unknown }, path: Path): unknown {
    if (typeof node.value !== 'string') return node.value;
    const text = showReferences(node.value);
    const result: Interpolated = interpolate(text, this.#env);
    const { referred, defaulted } = result;
    this.#written.set(node, { shown: withoutDefaults(text), referred, defaulted });
    for (const name of new Set(result.missing))
      this.#fault(
        startOf(node),
        path,
        `missing variable: expected ${name} in the environment, came nothing (\${${name}:-…} gives a default)`,
      );
    if (result.malformed)
      this.#fault(
        startOf(node),
        path,
        `malformed reference: expected \${NAME} or \${NAME:-default}, came another \${ ($\${ stands for \${ itself)`,
      );
    // Undefined marks what has been reported already: no further fault is told about it.
    return result.missing.length > 0 || result.malformed ? unresolved : result.value;
  }

  #resolved(alias: Node): Node | undefined {
    return isAlias(alias) && this.#document ? (alias.resolve(this.#document) as Node | undefined) : undefined;
  }

  #at(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #fault(offset: number | undefined, path: Path, message: string): void {
    if (this.#found.length >= mostFaults) return;
    const position = offset === undefined ? undefined : this.#at(offset);
    this.#found.push({ file: this.file, position, path: path.map(String).join('.'), message });
  }
}

/** Stands in the data for a text whose references could not be resolved, which has been reported. */
export const unresolved: unique symbol = Symbol('unresolved');

function startOf(node: Node): number | undefined {
  return node.range?.[0];
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  const { value } = key;
  if (typeof value === 'string') return showReferences(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** The parser's words without the pieces of the file that it quotes: they could be secrets. */
function syntaxMessage({ code, message }: YAMLError): string {
  if (code === 'TAG_RESOLVE_FAILED') return 'unknown tag: expected a plain value, came one with a tag (!…)';
  if (code === 'MULTIPLE_DOCS') return 'several documents: expected one, came a second one after ---';
  if (code === 'TAB_AS_INDENT') return 'not YAML: expected spaces for indentation, came a tab';
  return `not YAML: ${message.replace(/:? *".*$/s, '').replace(/\s+/g, ' ')}`;
}

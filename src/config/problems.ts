/** One fault, or one warning, of a configuration file. */
export interface ConfigProblem {
  /** As the person named it. */
  readonly file: string;
  /** Both start at 1; undefined when the file as a whole is meant. */
  readonly position: { readonly line: number; readonly column: number } | undefined;
  /** Keys from the top of the file, joined by dots; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, what was expected and what came. Never the value of a secret, never a value of the environment. */
  readonly message: string;
}

/** `file:line:column: path: message`, the form that editors and terminals turn into a link. */
export function problemText({ file, position, path, message }: ConfigProblem): string {
  const place = position ? `${file}:${position.line}:${position.column}` : file;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** In the order of the file; what concerns the file as a whole comes first. */
export function byPosition(a: ConfigProblem, b: ConfigProblem): number {
  return (
    (a.position?.line ?? 0) - (b.position?.line ?? 0) ||
    (a.position?.column ?? 0) - (b.position?.column ?? 0) ||
    (a.message < b.message ? -1 : 1)
  );
}

/** The configuration cannot be used. Holds every fault that was found, in the order of the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'configuration';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort(byPosition);
    super(sorted.map(problemText).join('\n'));
    this.problems = sorted;
  }
}

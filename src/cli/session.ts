import pino, { type Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Loaded } from '../config/load.ts';
import type { Registry } from '../config/parts.ts';
import { problemText } from '../config/problems.ts';
import { type ExitStatus, exit } from './failure.ts';
import type { Io } from './io.ts';

/** Options that every command takes. */
export interface SharedOptions {
  readonly config: string;
  readonly json?: boolean;
  readonly logLevel: string;
  /** Whether a person, or the environment, has named the level. */
  readonly isLogLevelChosen?: boolean;
}

/** One invocation of one command. */
export class Session {
  readonly io: Io;
  /** The connectors there are. */
  readonly registry: () => Promise<Registry>;
  status: ExitStatus = exit.done;
  #options: SharedOptions = { config: './concordat.yaml', logLevel: 'warn' };
  #log: Logger | undefined;

  constructor(io: Io, registry: () => Promise<Registry>) {
    this.io = io;
    this.registry = registry;
  }

  /** Called once the arguments are parsed. */
  begin(options: SharedOptions): void {
    this.#options = options;
  }

  get isJson(): boolean {
    return this.#options.json === true;
  }

  get configFile(): string {
    return this.#options.config;
  }

  get isDebug(): boolean {
    return this.#options.logLevel === 'debug' || this.#options.logLevel === 'trace';
  }

  /** For a command whose log is what it shows: level info, unless another one was chosen. Before anything is logged. */
  logIsDisplay(): void {
    if (!this.#options.isLogLevelChosen) this.#options = { ...this.#options, logLevel: 'info' };
  }

  /** Structured, on stderr. */
  get log(): Logger {
    this.#log ??= pino(
      { level: this.#options.logLevel, base: null },
      { write: (line: string) => this.io.stderr.write(line) },
    );
    return this.#log;
  }

  /** The configuration; its warnings go to stderr. @throws ConfigError */
  async loadConfig(): Promise<Config> {
    return (await this.loadConfigAndNotes()).config;
  }

  /** The same, with what is good to know of it. */
  async loadConfigAndNotes(): Promise<Omit<Loaded, 'warnings'>> {
    const { loadConfig } = await import('../config/load.ts');
    const { config, warnings, notes } = await loadConfig(
      this.configFile,
      this.io.env,
      await this.registry(),
      this.io.directory,
    );
    for (const warning of warnings) this.warn(problemText(warning));
    return { config, notes };
  }

  /** One line on stderr for the person. */
  warn(message: string): void {
    this.io.stderr.line(`${this.io.stderr.style('yellow', 'warning:')} ${message}`);
  }

  /** The one JSON document of `--json`. */
  printJson(document: unknown): void {
    this.io.stdout.line(JSON.stringify(document, null, 2));
  }

  /** Lines of a result, or nothing where the result is a JSON document. */
  print(...lines: readonly string[]): void {
    if (!this.isJson) for (const line of lines) this.io.stdout.line(line);
  }
}

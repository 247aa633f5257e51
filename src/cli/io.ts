import type { Readable } from 'node:stream';
import { styleText } from 'node:util';

/** Everything a command knows of the terminal and the process around it. */
export interface Io {
  /** Where results go. */
  readonly stdout: Output;
  /** Where logs, warnings and errors go. */
  readonly stderr: Output;
  /** What is handed in. Nothing is taken from it before a command reads it. */
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Aborts when the person or the system asks us to stop. */
  readonly signal: AbortSignal;
  /** Says that being stopped is the ordinary end of this command: its own exit status counts then, too. */
  runsUntilStopped(): void;
}

type Style = Parameters<typeof styleText>[0];

/** A text stream that may be a terminal, and whose reader may go away at any time. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #isBroken = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // A closed pipe (`concordat status | head`) ends the output, not the work.
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.#isBroken = true;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Characters in a line; 80 where nobody knows. */
  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  write(text: string): void {
    if (!this.#isBroken) this.#stream.write(text);
  }

  line(text = ''): void {
    this.write(`${text}\n`);
  }

  /** Coloured on a terminal, unless `NO_COLOR` says otherwise. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stream });
  }

  /** Resolves when everything has been handed over. */
  async flushed(): Promise<void> {
    if (this.#isBroken || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }
}

import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';

const sources = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** What a terminal sends for keys that are no characters. */
export const keys = {
  enter: '\r',
  up: '\x1b[A',
  down: '\x1b[B',
  space: ' ',
  escape: '\x1b',
  backspace: '\x7f',
  ctrlC: '\x03',
} as const;

/** A command that has not said by then what is awaited of it does not say it any more. */
const patienceMs = 25_000;

/** A command that runs at a pseudo-terminal. */
export interface Terminal {
  /** Everything that was shown until the end, without escape sequences: what was drawn over stands in it, too. */
  readonly ended: Promise<{ readonly status: number; readonly text: string }>;
  type(keys: string): void;
  /**
   * Resolves when the text has been shown, after the text that was awaited before: the same question can be awaited
   * twice. Words that a prompt draws on several lines are to be awaited line by line.
   * @throws Error with what was shown instead when the command ends without it, or never says it: then it is killed
   */
  says(text: string): Promise<void>;
}

interface TerminalOptions {
  readonly directory?: string;
  readonly env?: Record<string, string>;
  readonly columns?: number;
  readonly rows?: number;
}

/** Starts the real program at a terminal of its own, 80 by 40 unless told otherwise: it sees a person. */
export function startInTerminal(args: readonly string[], options: TerminalOptions = {}): Terminal {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, [sources, ...args], {
    name: 'xterm-256color',
    cols: options.columns ?? 80,
    rows: options.rows ?? 40,
    cwd: options.directory ?? tmpdir(),
    env: { PATH, NODE_COMPILE_CACHE, SITE_TOKEN: 'site-token', ROOM_TOKEN: 'room-token', ...options.env },
  });
  let shown = '';
  let awaited = 0;
  let hasEnded = false;
  // Stripped as a whole: an escape sequence may come in two pieces.
  const text = () => stripVTControlCharacters(shown).replaceAll('\r', '');
  child.onData((data) => {
    shown += data;
  });
  const ended = new Promise<{ status: number; text: string }>((resolve) => {
    child.onExit(({ exitCode }) => {
      hasEnded = true;
      resolve({ status: exitCode, text: text() });
    });
  });
  return {
    ended,
    type: (typed) => child.write(typed),
    async says(wanted) {
      const from = performance.now();
      for (;;) {
        const isOver = hasEnded;
        const at = text().indexOf(wanted, awaited);
        if (at >= 0) {
          awaited = at + wanted.length;
          return;
        }
        if (isOver) throw new Error(`the command ended without saying "${wanted}" but:\n${text().slice(awaited)}`);
        if (performance.now() - from > patienceMs) {
          child.kill('SIGKILL');
          throw new Error(`the command does not say "${wanted}" but:\n${text().slice(awaited)}`);
        }
        await wait(10);
      }
    },
  };
}

import { stripVTControlCharacters } from 'node:util';
import type { Counts, Progress } from '../engine/engine.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { heldText } from './held.ts';
import type { Output } from './io.ts';
import { problemText } from './report.ts';
import { count, counted, withoutName } from './table.ts';

/** What a person sees while syncs run. */
export interface Display {
  begin(sync: SyncPolicy): void;
  show(progress: Progress): void;
  /** Leaves the last state on the screen. */
  end(): void;
}

/** Shows nothing, for `--json`. */
export const silentDisplay: Display = { begin: () => {}, show: () => {}, end: () => {} };

/** Shows of a rehearsal what is read: what is pushed is written nowhere, and told elsewhere. */
export function readingOnly(display: Display): Display {
  return {
    begin: (sync) => display.begin(sync),
    show: (progress) => {
      if (progress.step !== 'push' && progress.step !== 'pushed') display.show(progress);
    },
    end: () => display.end(),
  };
}

/** Redraws at most this often. */
const frameMs = 80;

/** A live display on a terminal, plain lines elsewhere. */
export function displayOn(output: Output, now: () => number): Display {
  return output.isTerminal ? new LiveDisplay(output, now) : new PlainDisplay(output);
}

/** One line for everything that is finished, as it is finished. */
class PlainDisplay implements Display {
  readonly #output: Output;
  #sync = '';

  constructor(output: Output) {
    this.#output = output;
  }

  begin(sync: SyncPolicy): void {
    this.#sync = sync.name;
    this.#output.line(beginning(sync));
  }

  show(progress: Progress): void {
    if (progress.step === 'pulled')
      this.#output.line(`${this.#sync}/${progress.connection}: ${pulled(progress.counts)}`);
    if (progress.step === 'pushed') this.#output.line(`${this.#sync}/${progress.connection}: ${pushed(progress)}`);
    if (progress.step === 'problem') this.#output.line(problemText(progress.problem));
    if (progress.step === 'stopped') this.#output.line(`${this.#sync}/${heldText(progress.stop)}: stopped`);
  }

  end(): void {}
}

/** One line per member, redrawn in place. */
class LiveDisplay implements Display {
  readonly #output: Output;
  readonly #now: () => number;
  #names: readonly string[] = [];
  #lines = new Map<string, string>();
  /** Members whose line says what went wrong, and goes on saying it. */
  readonly #failed = new Set<string>();
  #drawn = 0;
  #drawnAt = 0;

  constructor(output: Output, now: () => number) {
    this.#output = output;
    this.#now = now;
  }

  begin(sync: SyncPolicy): void {
    this.end();
    this.#output.line(this.#output.style('bold', beginning(sync)));
    this.#failed.clear();
    this.#names = sync.members.map(({ connection }) => connection);
    this.#lines = new Map(this.#names.map((name) => [name, 'waiting']));
    this.#draw();
  }

  show(progress: Progress): void {
    switch (progress.step) {
      case 'pull': {
        const total = progress.total === undefined ? '' : ` of ${count(progress.total)}`;
        this.#lines.set(progress.connection, `pulling ${count(progress.read)}${total} …`);
        break;
      }
      case 'pulled':
        this.#lines.set(progress.connection, pulled(progress.counts));
        break;
      case 'match':
        for (const name of this.#names)
          if (!this.#failed.has(name) && !this.#lines.get(name)?.includes('pushing'))
            this.#lines.set(name, `matching: ${count(progress.decided)} decided …`);
        break;
      case 'push':
        this.#lines.set(progress.connection, `pushing: ${count(progress.written)} written …`);
        break;
      case 'pushed':
        this.#lines.set(progress.connection, this.#output.style('green', pushed(progress)));
        break;
      case 'stopped': {
        const { connection } = progress.stop;
        this.#lines.set(connection, this.#output.style('yellow', withoutName(heldText(progress.stop), connection)));
        break;
      }
      case 'problem': {
        const { connection, message } = progress.problem;
        this.#failed.add(connection);
        this.#lines.set(connection, this.#output.style('red', withoutName(message, connection)));
        break;
      }
    }
    const isNews = progress.step === 'pulled' || progress.step === 'pushed' || progress.step === 'problem';
    if (isNews || this.#now() - this.#drawnAt >= frameMs) this.#draw();
  }

  end(): void {
    if (this.#drawn > 0) this.#draw();
    this.#drawn = 0;
    this.#lines.clear();
  }

  #draw(): void {
    const width = Math.max(...this.#names.map((name) => name.length), 0);
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    const lines = [...this.#lines].map(
      ([name, text]) => `\u001b[2K  ${name.padEnd(width)}  ${this.#fitted(text, width + 4)}\n`,
    );
    this.#output.write(up + lines.join(''));
    this.#drawn = lines.length;
    this.#drawnAt = this.#now();
  }

  /** A line that wraps would be two on the screen, and the next redraw would leave half of it behind. */
  #fitted(text: string, taken: number): string {
    const room = Math.max(this.#output.columns - taken - 1, 10);
    const plain = stripVTControlCharacters(text);
    return plain.length <= room ? text : `${plain.slice(0, room - 1)}…`;
  }
}

function beginning({ name, entity, members }: SyncPolicy): string {
  return `${name}: ${entity}s of ${members.map(({ connection, direction }) => (direction === 'both' ? connection : `${connection} (${direction})`)).join(', ')}`;
}

function pulled({ read, unchanged, quarantined }: Counts): string {
  return `read ${count(read)}, ${count(unchanged)} of them unchanged${quarantined > 0 ? `, ${count(quarantined)} unusable` : ''}`;
}

function pushed({ counts, waiting }: Extract<Progress, { step: 'pushed' }>): string {
  const { created, updated, deleted, failed } = counts;
  const isIdle = created + updated + deleted + failed === 0;
  if (isIdle && waiting === 0) return 'nothing to write';
  // For another sync that a guard holds, for a person, for another process.
  if (isIdle) return `nothing written, ${counted(waiting, 'write')} waiting`;
  const parts = [`${count(created)} created`, `${count(updated)} updated`];
  if (deleted > 0) parts.push(`${count(deleted)} deleted`);
  if (failed > 0) parts.push(`${count(failed)} failed`);
  if (waiting > 0) parts.push(`${count(waiting)} waiting`);
  return parts.join(', ');
}

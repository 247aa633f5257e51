import { constants } from 'node:os';
import { type Io, Output } from './io.ts';
import { run } from './program.ts';

/**
 * Runs the command that this process was started for, and ends the process. The first SIGINT or SIGTERM aborts the
 * command, which then stops cleanly; a second one ends the process at once.
 */
export async function main(): Promise<void> {
  const stdout = new Output(process.stdout);
  const stderr = new Output(process.stderr);
  const stop = new AbortController();
  let interruptedBy: 'SIGINT' | 'SIGTERM' | undefined;
  let isStopOrdinary = false;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interruptedBy) process.exit(128 + constants.signals[name]);
      interruptedBy = name;
      stderr.line('stopping: what is under way is finished first; once more ends it at once');
      stop.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
    });
  }
  const registry = async () => (await import('../../connectors/index.ts')).connectors;
  const io: Io = {
    ...{ stdout, stderr, env: process.env, directory: process.cwd(), signal: stop.signal },
    get stdin() {
      return process.stdin;
    },
    runsUntilStopped: () => {
      isStopOrdinary = true;
    },
  };
  const status = await run(process.argv.slice(2), io, registry);
  await Promise.all([stdout.flushed(), stderr.flushed()]);
  // Not by letting the loop run dry: keep-alive connections would hold the process for seconds.
  process.exit(interruptedBy && !isStopOrdinary ? 128 + constants.signals[interruptedBy] : status);
}

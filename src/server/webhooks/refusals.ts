import type { Clock } from '../../connector/clock.ts';
import type { Log } from '../../engine/engine.ts';

/** One line of the log at most in this time for each connection and reason, milliseconds. */
const quietMs = 60_000;

export interface Refused {
  /** Undefined where what was asked for is none: a stranger's words are not for the log. */
  readonly connection: string | undefined;
  readonly status: number;
  readonly code: string;
  /** Where an error of ours was thrown. */
  readonly at?: string;
}

interface Line {
  at: number;
  /** Refusals since then that were not told. */
  untold: number;
}

/**
 * Tells of refused requests in the log, so seldom that a stranger cannot fill the disk: what is refused for the same
 * reason within a minute is counted and told with the next one.
 * @returns notes a refusal
 */
export function refusalLog(log: Log, clock: Clock): (refused: Refused) => void {
  const lines = new Map<string, Line>();
  return (refused) => {
    const key = `${refused.connection ?? ''} ${refused.code}`;
    const last = lines.get(key);
    const now = clock.now();
    if (last !== undefined && now - last.at < quietMs) {
      last.untold += 1;
      return;
    }
    lines.set(key, { at: now, untold: 0 });
    log.warn({ ...refused, before: last?.untold ?? 0 }, 'webhook refused');
  };
}

import type { Session } from './session.ts';
import { wrapped } from './table.ts';

/** What `check` looks at. */
export type Subject =
  | 'configuration'
  | 'database'
  | 'redis'
  | 'connection'
  | 'clock'
  | 'sync'
  | 'webhooks'
  | 'dashboard';

/** One line of what `check` has found. */
export interface Finding {
  /** Nothing stands in the way. */
  readonly ok: boolean;
  /** It works, and should be looked at. */
  readonly isDoubtful?: true;
  readonly what: Subject;
  /** Of the file, the connection, or `SYNC/CONNECTION`. */
  readonly name: string;
  readonly message: string;
  /** What to do, where something is wrong or doubtful. */
  readonly next?: string;
  /** What a member cannot do; no fault. */
  readonly unsupported?: readonly string[];
}

/** Green. */
export function good(what: Subject, name: string, message: string): Finding {
  return { ok: true, what, name, message };
}

/** Yellow. */
export function doubtful(what: Subject, name: string, message: string, next: string): Finding {
  return { ok: true, isDoubtful: true, what, name, message, next };
}

/** Red. */
export function bad(what: Subject, name: string, message: string, next: string): Finding {
  return { ok: false, what, name, message, next };
}

/** A finding for people, with what to do below. */
export function findingLines({ ok, isDoubtful, what, name, message, next }: Finding, { io }: Session): string[] {
  const { stdout } = io;
  const mark = !ok
    ? stdout.style('red', 'FAIL ')
    : isDoubtful
      ? stdout.style('yellow', 'look ')
      : stdout.style('green', 'ok   ');
  const width = Math.min(stdout.columns, 100);
  const [first = '', ...rest] = wrapped(`${what}${name === '' ? '' : ` ${name}`}: ${message}`, width - 5);
  return [
    mark + first,
    ...rest.map((line) => `     ${line}`),
    ...(next === undefined ? [] : wrapped(`→ ${next}`, width, '     ')),
  ];
}

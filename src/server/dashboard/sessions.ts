import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../connector/clock.ts';

/** `operator` may act; `reader` may look. */
export type Role = 'operator' | 'reader';

/** Somebody who is logged in. */
export interface Session {
  readonly id: string;
  readonly role: Role;
  /** Has to come with everything that this session asks to be done. */
  readonly token: string;
  /** Epoch milliseconds. */
  readonly endsAt: number;
  /** What is told once, on the next page. */
  notice: Notice | undefined;
}

/** What became of something that was asked for. */
export interface Notice {
  readonly kind: 'done' | 'failed';
  readonly text: string;
}

/** How long a session lasts, whatever happens in it. */
export const sessionMs = 12 * 60 * 60_000;
/** More than these at once are somebody's mistake: the oldest ends. */
const mostSessions = 1_000;

/** Who is logged in, in memory: after a restart everybody logs in again. */
export class Sessions {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #sessions = new Map<string, Session>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  begin(role: Role): Session {
    const now = this.#clock.now();
    for (const { id, endsAt } of this.#sessions.values()) if (endsAt <= now) this.#sessions.delete(id);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= mostSessions && oldest !== undefined) this.#sessions.delete(oldest);
    const session: Session = {
      id: randomBytes(32).toString('base64url'),
      role,
      token: randomBytes(32).toString('base64url'),
      endsAt: now + sessionMs,
      notice: undefined,
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** The session of that id, unless it has ended. */
  of(id: string | undefined): Session | undefined {
    const session = id === undefined ? undefined : this.#sessions.get(id);
    return session && session.endsAt > this.#clock.now() ? session : undefined;
  }

  end(id: string): void {
    this.#sessions.delete(id);
  }
}

/** Whether two secrets are the same; how long it takes says nothing about either, nor about their lengths. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The role that a password gives; all passwords are compared, also after the right one. */
export function roleOf(given: string, { password, readPassword }: Passwords): Role | undefined {
  const isOperator = password !== undefined && isSameSecret(given, password);
  const isReader = readPassword !== undefined && isSameSecret(given, readPassword);
  return isOperator ? 'operator' : isReader ? 'reader' : undefined;
}

interface Passwords {
  readonly password: string | undefined;
  readonly readPassword: string | undefined;
}

const firstWaitMs = 1_000;
const longestWaitMs = 5 * 60_000;
/** Addresses that are remembered; beyond, the oldest is forgotten. */
const mostAddresses = 10_000;

/** Makes guessing slow: after each wrong password an address has to wait twice as long before the next is looked at. */
export class Throttle {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #failures = new Map<string, { readonly count: number; readonly until: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** How long an address has still to wait, milliseconds; 0: it may try. */
  waitMs(address: string): number {
    const failure = this.#failures.get(address);
    return failure ? Math.max(0, failure.until - this.#clock.now()) : 0;
  }

  failed(address: string): void {
    const count = (this.#failures.get(address)?.count ?? 0) + 1;
    const waitMs = Math.min(firstWaitMs * 2 ** Math.min(count - 1, 20), longestWaitMs);
    this.#failures.delete(address);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size >= mostAddresses && oldest !== undefined) this.#failures.delete(oldest);
    this.#failures.set(address, { count, until: this.#clock.now() + waitMs });
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}

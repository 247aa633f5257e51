import type { Clock } from './clock.ts';

/** How a call ended, as far as it tells whether the CRM is there. `unclear`: cancelled, or stopped before it was sent. */
export type Reach = 'reached' | 'unreachable' | 'unclear';

/** What a caller learns at the door: let in, to be followed by exactly one `leave`, or refused. */
type Entry = { readonly leave: (reach: Reach) => void } | { readonly openSince: number; readonly waitMs: number };

export interface Breaker {
  enter(): Entry;
  /** Until when nobody gets in, epoch milliseconds; undefined while calls are let in. */
  openUntil(): number | undefined;
}

/**
 * Stops calling a CRM that is down. After `threshold` calls in a row that did not reach it, nobody gets in for
 * `halfOpenAfterMs`; then one call tries, and its end decides. Own code and not a library's, because the handed-in
 * clock must own the time.
 */
export function createBreaker(
  clock: Clock,
  { threshold = 8, halfOpenAfterMs = 10_000 }: { threshold?: number; halfOpenAfterMs?: number } = {},
): Breaker {
  let failures = 0;
  let open: { readonly since: number; retryAt: number; probing: boolean } | undefined;

  return {
    openUntil: () => (open && open.retryAt > clock.now() ? open.retryAt : undefined),
    enter() {
      const now = clock.now();
      const waitMs = open ? open.retryAt - now : 0;
      if (open && (waitMs > 0 || open.probing)) return { openSince: open.since, waitMs: Math.max(waitMs, 0) };
      const probe = open;
      if (probe) probe.probing = true;
      return {
        leave(reach) {
          if (probe) probe.probing = false;
          if (reach === 'reached') {
            failures = 0;
            open = undefined;
          } else if (reach === 'unreachable') {
            failures += 1;
            // A call that had been let in before the door closed does not keep it closed for longer.
            if (open && open === probe) open.retryAt = clock.now() + halfOpenAfterMs;
            else if (!open && failures >= threshold) {
              open = { since: clock.now(), retryAt: clock.now() + halfOpenAfterMs, probing: false };
            }
          }
        },
      };
    },
  };
}

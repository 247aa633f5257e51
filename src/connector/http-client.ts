import pRetry from 'p-retry';
import { callUrl, checkAddress } from './address.ts';
import type { Auth, Headers } from './auth.ts';
import { createBreaker, type Reach } from './breaker.ts';
import type { Clock } from './clock.ts';
import { CrmError, type ErrorCode, LookAgainError, RetryableError } from './errors.ts';
import { createGate, HeldError, type RateLimit } from './gate.ts';
import { type Held, type Http, type HttpCall, type HttpReply, WithheldError } from './http.ts';
import { connectionTrouble, createNetwork, DeadlineError } from './network.ts';
import type { Operation } from './operation.ts';
import { firstOf, parseErrorReply, parseReply, retryAfterMs } from './reply.ts';
import { type Attempted, judge, type Trouble, type Verdict } from './verdict.ts';

export interface HttpOptions {
  /** The connection's name, for messages. */
  readonly connection: string;
  /** May have a path (alpha's `/api/v1`) and end with a slash. https, or plain http to loopback. */
  readonly baseUrl: string;
  readonly auth: Auth;
  readonly clock: Clock;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** From sending a request to the end of its reply; waiting for a turn does not count. Default 30 000. */
  readonly timeoutMs?: number;
  /** Default: 4 at once, as many a second as come. */
  readonly rateLimit?: Partial<RateLimit>;
  /** Default 32 MiB. */
  readonly maxReplyBytes?: number;
  /** Attempts after the first, of what may be tried again. Default 4. */
  readonly retries?: number;
  /** First back-off; doubles each time, half of it by chance, at most 10 s. Default 300. */
  readonly backoffMs?: number;
  /** Longer pauses that the CRM asks for are not waited out but surface at once. Default 60 000. */
  readonly maxRetryAfterMs?: number;
  /** Sends nothing that would change something: such calls throw `WithheldError`. Default false. */
  readonly readOnly?: boolean;
  /** Lets credentials travel in the clear to other machines. Default false. */
  readonly allowPlainHttp?: boolean;
  /** The connector's reading of an error body (`ConnectorDefinition.errorMessage`). */
  readonly errorMessage: (status: number, body: unknown) => string;
  readonly log?: (event: HttpEvent) => void;
}

/** One attempt, as it may be logged: no address, no query, no body, no header. */
export interface HttpEvent {
  readonly connection: string;
  /** Operation id. */
  readonly operation: string;
  readonly status: number | undefined;
  /** From 1. */
  readonly attempt: number;
  /** How long it waited for its turn: for the rate limit, a place among those under way, the end of a pause. */
  readonly waitedMs: number;
  readonly durationMs: number;
  readonly outcome: 'ok' | 'aborted' | ErrorCode;
}

const MAX_BACKOFF_MS = 10_000;

export interface HttpClient extends Http {
  close(): Promise<void>;
  /** Undefined while calls are sent. */
  held(): Held | undefined;
}

/** Carries a verdict through p-retry. Never leaves this file. */
class FailedAttempt extends Error {
  readonly verdict: Verdict;
  constructor(verdict: Verdict) {
    super(verdict.error.message);
    this.verdict = verdict;
  }
}

/**
 * The HTTP client of one connection (design.md §10, 5). Beyond what `Http` promises: when the caller's signal aborts, the
 * call rejects with the signal's reason (of a create that was under way the outcome is then unknown).
 * `close` waits for the requests that are under way and refuses later ones.
 *
 * @throws RangeError for a `baseUrl` that credentials must not be sent to; `call` throws it for a mistake in our own
 * code, such as a missing path parameter.
 */
export function createHttp(options: HttpOptions): HttpClient {
  const { connection, auth, clock, random, errorMessage, log } = options;
  const { timeoutMs = 30_000, retries = 4, backoffMs = 300, maxRetryAfterMs = 60_000 } = options;
  const maxReplyBytes = options.maxReplyBytes ?? 32 * 1024 * 1024;
  const concurrent = options.rateLimit?.concurrent ?? 4;
  const base = checkAddress(`${connection}: baseUrl`, options.baseUrl, options.allowPlainHttp);
  const network = createNetwork(base.origin, { connections: concurrent, maxReplyBytes });
  const gate = createGate({ perSecond: options.rateLimit?.perSecond, concurrent }, maxRetryAfterMs, clock);
  const breaker = createBreaker(clock);
  let closed = false;

  /** Sends once and reads the whole reply. Rejects only with the reason of the caller's signal. */
  async function exchange(prepared: Prepared, headers: Headers): Promise<HttpReply | Trouble> {
    const { operation, url, method, body, signal } = prepared;
    const failed = (error: unknown): Trouble => {
      if (error instanceof DeadlineError) return { kind: 'timeout', afterMs: timeoutMs };
      return { kind: network.isUnconnected(error) ? 'unconnected' : 'lost', what: connectionTrouble(error) };
    };
    const incoming = await network.send({
      url,
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body,
      timeoutMs,
      signal,
    });
    const { status, headers: got, error } = incoming;
    if (error !== undefined) signal?.throwIfAborted();
    if (status === undefined) return failed(error);

    const ok = status >= 200 && status < 300;
    // The status of an error reply says enough, and of a success without a documented body, too.
    if (error !== undefined && ok && operation.reply) return cutBody(error, status, failed);
    const raw = {
      bytes: error === undefined ? incoming.bytes : new Uint8Array(),
      contentType: firstOf(got['content-type']),
      contentEncoding: firstOf(got['content-encoding']),
    };
    if (!ok) {
      const pause = retryAfterMs(firstOf(got['retry-after']), firstOf(got.date), clock.now());
      return { kind: 'status', status, detail: errorMessage(status, parseErrorReply(raw)), retryAfterMs: pause };
    }
    const parsed = parseReply(raw, operation.reply !== undefined);
    if ('wrong' in parsed) return { kind: 'malformed', status, what: parsed.wrong, again: true };
    const date = Date.parse(firstOf(got.date) ?? '');
    return { status, body: parsed.body, bytes: raw.bytes.length, ...(!Number.isNaN(date) && { date }) };
  }

  function cutBody(error: unknown, status: number, failed: (error: unknown) => Trouble): Trouble {
    const isTooLong = error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
    if (isTooLong) {
      return { kind: 'malformed', status, what: `is longer than ${maxReplyBytes} bytes`, again: false };
    }
    const trouble = failed(error);
    if (trouble.kind === 'timeout') return trouble;
    return { kind: 'malformed', status, what: `was cut off (${connectionTrouble(error)})`, again: true };
  }

  /** One turn at the gate: one request, or two where a renewed token makes a second one worth while. */
  async function attempt(prepared: Prepared, number: number, waitedMs: number): Promise<HttpReply> {
    if (closed) throw new FailedAttempt(refusedHere(`${connection}: the connection is closed; nothing was sent`));
    const headers = await auth.headers(prepared.signal).catch((error: unknown) => {
      if (!(error instanceof CrmError)) throw error;
      const pause = error instanceof RetryableError ? error.retryAfterMs : undefined;
      const again = error instanceof RetryableError && (pause ?? 0) <= maxRetryAfterMs;
      if (pause) gate.hold(pause);
      throw new FailedAttempt({ error, again, reach: 'unclear', retryAfterMs: pause });
    });
    const startedAt = clock.now();
    const report = (outcome: HttpEvent['outcome'], status?: number) =>
      log?.({
        connection,
        operation: prepared.operation.id,
        status,
        attempt: number,
        waitedMs,
        durationMs: clock.now() - startedAt,
        outcome,
      });
    const result = await exchange(prepared, headers).catch((reason: unknown) => {
      report('aborted');
      throw reason;
    });
    if (!('kind' in result)) {
      report('ok', result.status);
      return result;
    }
    const verdict = judge(result, prepared);
    report(verdict.error.code, verdict.error.status);
    if (verdict.retryAfterMs) gate.hold(verdict.retryAfterMs);
    // 401 is decided at the door, so that even a create may be sent again.
    if (verdict.error.status === 401 && !prepared.isRenewed && auth.refused(headers)) {
      prepared.isRenewed = true;
      return await attempt(prepared, number, 0);
    }
    throw new FailedAttempt(verdict);
  }

  function refusedHere(message: string, waitMs?: number): Verdict {
    const fields = waitMs === undefined ? { connection } : { connection, retryAfterMs: waitMs };
    return { error: new RetryableError(message, fields), again: false, reach: 'unclear' };
  }

  async function call(operation: Operation, call: HttpCall = {}): Promise<HttpReply> {
    const readsOnly = operation.readsOnly ?? operation.method === 'GET';
    const { signal, repeatable = readsOnly || operation.method !== 'POST', restsOnLook = false } = call;
    if (options.readOnly && !readsOnly)
      throw new WithheldError(`${connection}: ${operation.id} was not sent: this connection only reads`);
    const prepared: Prepared = {
      connection,
      repeatable,
      maxRetryAfterMs,
      operation,
      url: callUrl(base, operation, call.params),
      method: operation.method,
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      signal,
      isRenewed: false,
    };
    let leave: ((reach: Reach) => void) | undefined;
    const enter = () => {
      if (leave) return;
      const entry = breaker.enter();
      if ('leave' in entry) {
        leave = entry.leave;
        return;
      }
      const since = new Date(entry.openSince).toISOString();
      const message = `${connection}: not reachable since ${since}; ${operation.id} was not sent, next try in ${entry.waitMs} ms`;
      throw new FailedAttempt(refusedHere(message, entry.waitMs));
    };
    let reach: Reach = 'unclear';
    try {
      const reply = await pRetry(
        async (number) => {
          const askedAt = clock.now();
          return await gate.run(
            async () => {
              enter();
              return await attempt(prepared, number, clock.now() - askedAt);
            },
            signal,
            restsOnLook ? 0 : maxRetryAfterMs,
            // While it waits for its turn, somebody may edit what the look has shown.
            restsOnLook,
          );
        },
        {
          retries: restsOnLook ? 0 : retries,
          // The waiting is done below, on the handed-in clock.
          minTimeout: 0,
          shouldRetry: ({ error }) => error instanceof FailedAttempt && error.verdict.again,
          onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
            if (!(error instanceof FailedAttempt) || !error.verdict.again || retriesLeft === 0) return;
            // The gate holds every call, this one too, for as long as the CRM asked.
            if (error.verdict.retryAfterMs) return;
            const ms = Math.min(backoffMs * 2 ** (attemptNumber - 1), MAX_BACKOFF_MS);
            await clock.sleep(ms / 2 + (random() * ms) / 2, signal);
          },
        },
      );
      reach = 'reached';
      return reply;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof HeldError) {
        const message = `${connection}: the CRM asked for a pause; ${operation.id} was not sent, next try in ${error.waitMs} ms`;
        const held = refusedHere(message, error.waitMs).error;
        throw restsOnLook && error.waitMs <= maxRetryAfterMs ? new LookAgainError(held) : held;
      }
      if (!(error instanceof FailedAttempt)) throw error;
      // The look that follows will tell whether the CRM is there.
      if (restsOnLook && error.verdict.again) throw new LookAgainError(error.verdict.error);
      reach = error.verdict.reach;
      throw error.verdict.error;
    } finally {
      leave?.(reach);
    }
  }

  return {
    call,
    held() {
      const unreachableUntil = breaker.openUntil();
      if (unreachableUntil !== undefined) return { why: 'unreachable', until: unreachableUntil };
      const until = gate.heldUntil();
      return until > clock.now() ? { why: 'asked', until } : undefined;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await network.close();
    },
  };
}

/** One call, ready to be sent, as often as it takes. */
interface Prepared extends Attempted {
  readonly operation: Operation;
  readonly url: URL;
  readonly method: Operation['method'];
  readonly body: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether the token was already renewed for this call: once is enough. */
  isRenewed: boolean;
}

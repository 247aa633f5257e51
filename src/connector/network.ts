import type { IncomingHttpHeaders } from 'node:http';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { Method } from './operation.ts';

/** One request as it goes out. */
export interface Outgoing {
  /** On the origin of the network. */
  readonly url: URL;
  readonly method: Method;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What came back, as far as it came. */
export interface Incoming {
  /** Undefined: not even that; then there is an error. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array;
  /** Why it is not whole: a `DeadlineError`, the signal's reason, or what the network says. */
  readonly error?: unknown;
}

/** The reply was not there in time. */
export class DeadlineError extends Error {
  override readonly name = 'TimeoutError';
}

/** The sockets of one connection, and the knowledge which errors came before there was any. */
export interface Network {
  /** Sends once and reads the whole reply. Never rejects. */
  send(request: Outgoing): Promise<Incoming>;
  /** Whether this error arose while connecting, so that no request can have been sent. */
  isUnconnected(error: unknown): boolean;
  /** Waits for the requests that are under way. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @param limits `connections`: sockets at most; `maxReplyBytes`: a longer body is cut off and its socket destroyed. */
export function createNetwork(
  origin: string,
  limits: { readonly connections: number; readonly maxReplyBytes: number },
): Network {
  // Error codes cannot tell: a reset may come before or after the request went out. Who raised the error can.
  const unconnected = new WeakSet<object>();
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false });
  const pool = new Pool(origin, {
    connections: limits.connections,
    maxResponseSize: limits.maxReplyBytes,
    // Our own deadline is exact; undici's timeouts are coarse below a second.
    headersTimeout: 0,
    bodyTimeout: 0,
    // One request per socket: a broken connection then concerns one call alone.
    pipelining: 1,
    allowH2: false,
    connect: (options, callback) =>
      connect(options, (...result) => {
        if (result[0]) unconnected.add(result[0]);
        callback(...result);
      }),
  });
  return {
    send: ({ url, method, headers, body, timeoutMs, signal }) =>
      new Promise((resolve) => {
        const exchange = new Exchange(timeoutMs, signal, resolve);
        if (signal?.aborted) exchange.end(signal.reason);
        else pool.dispatch({ path: url.pathname + url.search, method, headers, body: body ?? null }, exchange);
      }),
    isUnconnected: (error) => typeof error === 'object' && error !== null && unconnected.has(error),
    close: () => pool.close(),
  };
}

/**
 * One request under way. undici's `request` hands the body on as a stream and listens to the deadline as to a signal, which
 * together cost as much as everything else about a short call: replies are read whole here, and a timer is enough.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (incoming: Incoming) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = () => this.end(this.#signal?.reason);
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #headers: IncomingHttpHeaders = {};
  #isOver = false;

  constructor(timeoutMs: number, signal: AbortSignal | undefined, resolve: (incoming: Incoming) => void) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#timer = setTimeout(() => this.end(new DeadlineError(`no reply within ${timeoutMs} ms`)), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort);
  }

  /** @param error undefined: the reply is whole */
  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const [first] = this.#chunks;
    const bytes = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, bytes, ...(error !== undefined && { error }) });
    // What is still under way concerns nobody any more; after the answer nothing is.
    if (error !== undefined) this.#controller?.abort(error as Error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for its socket until nobody wanted it any more: it is never sent.
    if (this.#isOver) controller.abort(new DeadlineError('given up before it was sent'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // An interim reply, before the one that counts.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.end(error);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'name server does not answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connecting timed out',
  UND_ERR_SOCKET: 'connection closed by the other side',
};

/**
 * A network error in words, made of its code alone: the error itself may hold an address or, from the HTTP parser, a
 * piece of the reply.
 */
export function connectionTrouble(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'timed out';
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'no code';
  return WORDS[code] ?? code;
}

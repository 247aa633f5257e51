import { Agent, buildConnector } from 'undici';

/** The sockets of one connection, and the knowledge which errors came before there was any. */
export interface Network {
  readonly agent: Agent;
  /** Whether this error arose while connecting, so that no request can have been sent. */
  isUnconnected(error: unknown): boolean;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @param limits `connections`: sockets at most; `maxReplyBytes`: a longer body is cut off and its socket destroyed. */
export function createNetwork(limits: { readonly connections: number; readonly maxReplyBytes: number }): Network {
  // Error codes cannot tell: a reset may come before or after the request went out. Who raised the error can.
  const unconnected = new WeakSet<object>();
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false });
  const agent = new Agent({
    connections: limits.connections,
    maxResponseSize: limits.maxReplyBytes,
    // The request's signal is the deadline, and is exact; undici's own timeouts are coarse below a second.
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
    agent,
    isUnconnected: (error) => typeof error === 'object' && error !== null && unconnected.has(error),
  };
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

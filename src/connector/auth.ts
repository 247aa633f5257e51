import { Agent, request } from 'undici';
import { checkAddress } from './address.ts';
import type { Clock } from './clock.ts';
import { AuthError, RetryableError } from './errors.ts';
import { connectionTrouble } from './network.ts';
import { firstOf, parseErrorReply, parseReply, retryAfterMs } from './reply.ts';

export type Headers = Readonly<Record<string, string>>;

/** How a connection proves who it is. */
export interface Auth {
  /** The headers to send. @throws AuthError, RetryableError (nothing was sent to the CRM), or the signal's reason. */
  headers(signal?: AbortSignal): Promise<Headers>;
  /**
   * The CRM answered 401 to `used`, which must be the object that `headers` gave.
   * @returns whether asking `headers` again gives others, so that a second try makes sense.
   */
  refused(used: Headers): boolean;
}

/** Where the token travels. */
export interface HeaderForm {
  /** Default `authorization`. */
  readonly header?: string;
  /** Default `Bearer`; empty: the bare token. */
  readonly scheme?: string;
}

/** A token that never changes. @throws RangeError when it cannot travel in a header. */
export function bearer(token: string, form: HeaderForm = {}): Auth {
  const headers = tokenHeaders(token.trim(), form);
  if (!headers) throw new RangeError('the token is empty or holds characters that no header can carry');
  return { headers: async () => headers, refused: () => false };
}

/**
 * OAuth 2.0 client credentials (outside-facts.md, "Treepl": grant and form are assumed, hence each is an option).
 * Secrets and tokens are never logged and never part of an error.
 */
export interface ClientCredentials extends HeaderForm {
  /** The connection's name, for messages. */
  readonly connection: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** https, or plain http to loopback. It may be on another origin than the CRM: only id and secret go there. */
  readonly tokenUrl: string;
  readonly scope?: string;
  /** Default `client_credentials`. */
  readonly grantType?: string;
  /** How the request's body is written. Default `form`. */
  readonly bodyForm?: 'form' | 'json';
  /** Default 30 000. */
  readonly timeoutMs?: number;
}

const DEFAULT_LIFE_MS = 5 * 60_000;
/** A token is renewed when this part of its life is left, but never more than a minute early. */
const MARGIN = 0.1;
const MAX_MARGIN_MS = 60_000;
const MAX_TOKEN_REPLY_BYTES = 1024 * 1024;

/**
 * Fetches a token, shares it (and the fetch itself) between all requests, renews it shortly before it ends and after a
 * 401, and keeps it in memory only.
 *
 * @throws RangeError for a `tokenUrl` that secrets must not be sent to.
 */
export function clientCredentials(options: ClientCredentials, clock: Clock): Auth {
  const { connection } = options;
  const url = checkAddress(`${connection}: oauth.tokenUrl`, options.tokenUrl);
  let current: { readonly headers: Headers; readonly renewAt: number } | undefined;
  let pending: Promise<Headers> | undefined;

  async function renew(): Promise<Headers> {
    const { token, lifeMs } = await fetchToken(options, url, clock);
    const headers = tokenHeaders(token, options);
    if (!headers) throw new RetryableError(`${connection}: the token endpoint gave an unusable token`, { connection });
    current = { headers, renewAt: clock.now() + lifeMs - Math.min(lifeMs * MARGIN, MAX_MARGIN_MS) };
    return headers;
  }

  return {
    async headers(signal) {
      if (current && clock.now() < current.renewAt) return current.headers;
      // The fetch serves everybody who waits, so no single caller's signal may end it.
      pending ??= renew().finally(() => {
        pending = undefined;
      });
      return await unlessAborted(pending, signal);
    },
    refused(used) {
      // A late 401 for an older token says nothing about the one fetched meanwhile.
      if (current?.headers === used) current = undefined;
      return true;
    },
  };
}

async function fetchToken(
  options: ClientCredentials,
  url: URL,
  clock: Clock,
): Promise<{ token: string; lifeMs: number }> {
  const { connection, clientId, clientSecret, scope, grantType = 'client_credentials' } = options;
  const call = `${connection}: the token endpoint`;
  const fields = {
    grant_type: grantType,
    client_id: clientId,
    client_secret: clientSecret,
    ...(scope === undefined ? {} : { scope }),
  };
  const asJson = options.bodyForm === 'json';
  // Tokens are fetched once an hour or so: a connection of its own, gone afterwards, needs no one to close it.
  const agent = new Agent({ maxResponseSize: MAX_TOKEN_REPLY_BYTES, allowH2: false });
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': asJson ? 'application/json' : 'application/x-www-form-urlencoded',
      },
      body: asJson ? JSON.stringify(fields) : new URLSearchParams(fields).toString(),
      signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
    });
    const raw = {
      bytes: await body.bytes(),
      contentType: firstOf(headers['content-type']),
      contentEncoding: firstOf(headers['content-encoding']),
    };
    if (statusCode >= 200 && statusCode < 300) {
      const parsed = parseReply(raw, true);
      const reply: unknown = 'wrong' in parsed ? undefined : parsed.body;
      const found = typeof reply === 'object' && reply !== null ? (reply as Readonly<Record<string, unknown>>) : {};
      if (typeof found.access_token !== 'string') {
        const why = 'wrong' in parsed ? `, and its reply ${parsed.wrong}` : ' without an access_token';
        throw new RetryableError(`${call} answered ${statusCode}${why}`, {
          connection,
          status: statusCode,
        });
      }
      const lifeSecs = Number(found.expires_in);
      return { token: found.access_token, lifeMs: lifeSecs > 0 ? lifeSecs * 1000 : DEFAULT_LIFE_MS };
    }
    if (statusCode === 408 || statusCode === 429 || statusCode >= 500) {
      const waitMs = retryAfterMs(firstOf(headers['retry-after']), firstOf(headers.date), clock.now());
      throw new RetryableError(`${call} answered ${statusCode}; may work later`, {
        connection,
        status: statusCode,
        ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
      });
    }
    throw new AuthError(`${call} ${refusal(statusCode, parseErrorReply(raw))}`, { connection, status: statusCode });
  } catch (error) {
    if (error instanceof AuthError || error instanceof RetryableError) throw error;
    throw new RetryableError(`${call} could not be asked (${connectionTrouble(error)}); may work later`, {
      connection,
    });
  } finally {
    await agent.destroy();
  }
}

function refusal(status: number, body: unknown): string {
  if (status < 400) return `redirects (${status}), which is not followed; correct oauth.tokenUrl`;
  if (status === 404 || status === 405) return `is not there (${status}); correct oauth.tokenUrl`;
  const code = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  // RFC 6749 §5.2 names the codes; anything else might repeat what we sent.
  const known = typeof code === 'string' && /^[a-z]+(_[a-z]+){1,3}$/.test(code) ? `, ${code}` : '';
  return `refuses the client (${status}${known}); was the secret rotated or the application disabled? Correct clientId and clientSecret`;
}

function tokenHeaders(token: string, { header = 'authorization', scheme = 'Bearer' }: HeaderForm): Headers | undefined {
  return /^[\x21-\x7e]+$/.test(token) ? { [header]: scheme ? `${scheme} ${token}` : token } : undefined;
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

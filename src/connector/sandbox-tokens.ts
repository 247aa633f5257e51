import type { IncomingMessage } from 'node:http';
import type { Faults, SandboxOAuth, SandboxOptions } from './sandbox.ts';

/** The credentials of one sandbox. */
export interface Tokens {
  /** The static bearer token. */
  readonly token: string;
  readonly oauth: SandboxOAuth | undefined;
  accepts(authorization: string | undefined): boolean;
  /** Answers a client-credentials request (RFC 6749 §4.4, errors §5.2); `form` is the decoded body. */
  exchange(request: IncomingMessage, form: unknown): { status: number; body: unknown };
}

const TOKEN_LIFE_SECS = 3600;

/** @param tokenUrl undefined: no OAuth here, only the static token. */
export function sandboxTokens(
  connector: string,
  options: SandboxOptions,
  faults: Faults,
  tokenUrl: string | undefined,
): Tokens {
  const token = options.token ?? `sandbox-token-${connector}`;
  const lifeSecs = options.tokenLifeSecs ?? TOKEN_LIFE_SECS;
  /** Issued token → when it ends, epoch milliseconds. */
  const issued = new Map<string, number>();
  let count = 0;
  const oauth: SandboxOAuth | undefined = tokenUrl
    ? {
        tokenUrl,
        clientId: `sandbox-client-${connector}`,
        clientSecret: `sandbox-secret-${connector}`,
        issued: () => count,
        revokeTokens: () => issued.clear(),
      }
    : undefined;

  return {
    token,
    oauth,
    accepts(authorization) {
      const given = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
      if (given === undefined || faults.refuseToken) return false;
      return given === token || (issued.get(given) ?? 0) > Date.now();
    },
    exchange(request, form) {
      const fields = (typeof form === 'object' && form !== null ? form : {}) as Readonly<Record<string, unknown>>;
      if (request.method !== 'POST') return { status: 405, body: { error: 'invalid_request' } };
      if (fields.grant_type !== 'client_credentials') return { status: 400, body: { error: 'unsupported_grant_type' } };
      const known = fields.client_id === oauth?.clientId && fields.client_secret === oauth?.clientSecret;
      if (!known || faults.refuseClient) return { status: 401, body: { error: 'invalid_client' } };
      const access = `sandbox-access-${connector}-${++count}`;
      issued.set(access, Date.now() + lifeSecs * 1000);
      return { status: 200, body: { access_token: access, token_type: 'Bearer', expires_in: lifeSecs } };
    },
  };
}

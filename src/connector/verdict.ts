import type { Reach } from './breaker.ts';
import {
  AuthError,
  type CrmError,
  type CrmErrorFields,
  GoneError,
  MalformedReplyError,
  RejectedError,
  RetryableError,
  UnknownOutcomeError,
} from './errors.ts';

/** Why an attempt brought no usable reply. Texts hold no address, no token and nothing of a body. */
export type Trouble =
  /** No connection was made, so the CRM cannot have acted. */
  | { readonly kind: 'unconnected'; readonly what: string }
  /** The connection was lost before a whole head came. */
  | { readonly kind: 'lost'; readonly what: string }
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly detail: string;
      readonly retryAfterMs?: number | undefined;
    }
  /** A 2xx that is no data. `again`: asking once more may help. */
  | { readonly kind: 'malformed'; readonly status: number; readonly what: string; readonly again: boolean };

/** What an attempt was part of. */
export interface Attempted {
  readonly connection: string;
  readonly operation: { readonly id: string };
  readonly repeatable: boolean;
  /** The longest pause we sit out ourselves. */
  readonly maxRetryAfterMs: number;
}

/** What follows from a trouble: the error to surface, and whether to try again first. */
export interface Verdict {
  readonly error: CrmError;
  readonly again: boolean;
  readonly reach: Reach;
  /** The whole connection has to wait that long. */
  readonly retryAfterMs?: number | undefined;
}

/** The CRM's way of saying "not now". 425 is Too Early. */
const NOT_NOW = new Set([408, 425, 429]);
const REDIRECTS = new Set([300, 301, 302, 303, 307, 308]);
/** From a gateway whose CRM is not there. A plain 500 may be one record's fault and must not close the whole connection. */
const NOBODY_HOME = new Set([502, 503, 504]);

/**
 * Decides what a trouble means (design.md §10). A call that is not repeatable is tried again only where the CRM cannot
 * have acted; in doubt its outcome is unknown, for a second create would be a duplicate (law 3).
 */
export function judge(trouble: Trouble, attempted: Attempted): Verdict {
  const { connection, repeatable } = attempted;
  const operation = attempted.operation.id;
  const call = `${connection}: ${operation}`;
  const fields = { connection, operation };
  switch (trouble.kind) {
    case 'unconnected':
      return {
        error: new RetryableError(
          `${call} could not connect (${trouble.what}); nothing was sent, may work later`,
          fields,
        ),
        again: true,
        reach: 'unreachable',
      };
    case 'lost':
      return inDoubt(`lost its connection (${trouble.what})`, fields, repeatable);
    case 'timeout':
      return inDoubt(`was not answered within ${trouble.afterMs} ms`, fields, repeatable);
    case 'malformed': {
      const withStatus = { ...fields, status: trouble.status };
      const what = `${call}: the reply (${trouble.status}) ${trouble.what}`;
      return {
        error: repeatable
          ? new MalformedReplyError(`${what}; it is not used`, withStatus)
          : new UnknownOutcomeError(`${what}; outcome unknown, look before repeating`, withStatus),
        again: repeatable && trouble.again,
        reach: 'reached',
      };
    }
    case 'status':
      return ofStatus(trouble, attempted);
    default:
      return trouble satisfies never;
  }
}

function ofStatus(trouble: Trouble & { kind: 'status' }, attempted: Attempted): Verdict {
  const { connection, repeatable, maxRetryAfterMs } = attempted;
  const operation = attempted.operation.id;
  const { status, detail, retryAfterMs } = trouble;
  const call = `${connection}: ${operation}`;
  const fields = { connection, operation, status, detail };
  const final = (error: CrmError): Verdict => ({ error, again: false, reach: 'reached' });

  if (status < 400) {
    const what = REDIRECTS.has(status)
      ? `${call} was redirected (${status}), which is not followed; correct the connection's baseUrl`
      : `${call}: the reply (${status}) has no data and is no refusal; it is not used`;
    return final(repeatable ? new MalformedReplyError(what, fields) : new UnknownOutcomeError(what, fields));
  }
  if (status === 401) {
    return final(new AuthError(`${call}: the credentials are refused (401); give the connection valid ones`, fields));
  }
  if (status === 403) {
    return final(
      new AuthError(`${call}: the credentials are accepted but lack a permission or scope for this (403)`, fields),
    );
  }
  if (status === 404 || status === 410) return final(new GoneError(`${call} found nothing (${status})`, fields));
  if (status < 500 && !NOT_NOW.has(status)) {
    return final(new RejectedError(`${call} was rejected (${status}); set aside until the record changes`, fields));
  }

  const reach = NOBODY_HOME.has(status) ? 'unreachable' : 'reached';
  // 429 is decided at the door; any other may have come after the work was done.
  if (!repeatable && status !== 429) {
    const what = `${call} failed at the CRM (${status}); outcome unknown, look before repeating`;
    return { error: new UnknownOutcomeError(what, fields), again: false, reach, retryAfterMs };
  }
  const pause = retryAfterMs === undefined ? '' : ` and asked for a pause of ${retryAfterMs} ms`;
  return {
    error: new RetryableError(
      `${call} failed at the CRM (${status})${pause}; may work later`,
      retryAfterMs === undefined ? fields : { ...fields, retryAfterMs },
    ),
    again: (retryAfterMs ?? 0) <= maxRetryAfterMs,
    reach,
    retryAfterMs,
  };
}

function inDoubt(what: string, fields: CrmErrorFields, repeatable: boolean): Verdict {
  const message = `${fields.connection}: ${fields.operation} ${what}`;
  return {
    error: repeatable
      ? new RetryableError(`${message}; may work later`, fields)
      : new UnknownOutcomeError(`${message}; outcome unknown, look before repeating`, fields),
    again: repeatable,
    reach: 'unreachable',
  };
}

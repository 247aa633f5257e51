/**
 * Errors by what the caller should do (design.md §10). Messages carry ids, names of operations and status codes,
 * never values, addresses, tokens or bodies; what the CRM said is in `detail`, for the store only.
 */
export const errorCodes = [
  'retryable',
  'auth',
  'rejected',
  'gone',
  'outcome_unknown',
  'malformed_reply',
  'unsupported',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface CrmErrorFields {
  readonly connection: string;
  /** Operation id. */
  readonly operation?: string;
  readonly status?: number;
  /** The CRM's own words. May hold personal data: never logged. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** What every failure of a CRM is: a class below by what to do, a stable `code`, and where it happened. */
export class CrmError extends Error {
  override readonly name: string = 'CrmError';
  readonly code: ErrorCode;
  readonly connection: string;
  readonly operation: string | undefined;
  readonly status: number | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, fields: CrmErrorFields) {
    super(message, fields.cause === undefined ? {} : { cause: fields.cause });
    this.code = code;
    this.connection = fields.connection;
    this.operation = fields.operation;
    this.status = fields.status;
    this.detail = fields.detail;
  }
}

/** Network trouble, 408, 429, 5xx: the same call may work later. */
export class RetryableError extends CrmError {
  override readonly name = 'RetryableError';
  /** How long the CRM asked us to wait, milliseconds; concerns the whole connection. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, fields: CrmErrorFields & { readonly retryAfterMs?: number }) {
    super('retryable', message, fields);
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/**
 * A write did not get through, and is not sent again as it is: it rests on a look that is old by now, and a person may
 * have edited the record since (law 4). Look again, decide again, send again. `failure` is what went wrong.
 */
export class LookAgainError extends CrmError {
  override readonly name = 'LookAgainError';
  readonly failure: CrmError;
  constructor(failure: CrmError) {
    super(failure.code, failure.message, {
      connection: failure.connection,
      ...(failure.operation !== undefined && { operation: failure.operation }),
      ...(failure.status !== undefined && { status: failure.status }),
      ...(failure.detail !== undefined && { detail: failure.detail }),
      cause: failure,
    });
    this.failure = failure;
  }
}

/** The CRM refuses our credentials (401) or they lack a permission (403): pause the connection, tell a person. */
export class AuthError extends CrmError {
  override readonly name = 'AuthError';
  constructor(message: string, fields: CrmErrorFields) {
    super('auth', message, fields);
  }
}

/** The CRM does not take this record (other 4xx): set it aside until it changes. */
export class RejectedError extends CrmError {
  override readonly name = 'RejectedError';
  constructor(message: string, fields: CrmErrorFields) {
    super('rejected', message, fields);
  }
}

/** The record is not there any more (404, 410): a delete seen there, never a reason to create again. */
export class GoneError extends CrmError {
  override readonly name = 'GoneError';
  constructor(message: string, fields: CrmErrorFields) {
    super('gone', message, fields);
  }
}

/** The CRM may or may not have done what we asked: look first, never repeat by guess (law 3). */
export class UnknownOutcomeError extends CrmError {
  override readonly name = 'UnknownOutcomeError';
  constructor(message: string, fields: CrmErrorFields) {
    super('outcome_unknown', message, fields);
  }
}

/** A 2xx whose body is no data: HTML, truncated JSON, another shape, a listing that cannot be complete. */
export class MalformedReplyError extends CrmError {
  override readonly name = 'MalformedReplyError';
  constructor(message: string, fields: CrmErrorFields) {
    super('malformed_reply', message, fields);
  }
}

/** The API cannot do this; the planner should not have asked. */
export class UnsupportedError extends CrmError {
  override readonly name = 'UnsupportedError';
  constructor(message: string, fields: CrmErrorFields) {
    super('unsupported', message, fields);
  }
}

import {
  AuthError,
  type CrmError,
  type CrmErrorFields,
  GoneError,
  RejectedError,
  RetryableError,
  UnknownOutcomeError,
} from '../../src/connector/errors.ts';

/** Longest message that we keep of an error reply. */
const MAX_MESSAGE = 300;

type Fields = Readonly<Record<string, unknown>>;

/**
 * One readable line, at most 300 characters, from an error body. Error bodies are not documented (upgradechat.md §6):
 * read are `{ error: { message, details, validationErrors } }`, bare or in an envelope, the usual keys of others, and
 * plain text. A body of another shape is never quoted, for it may repeat what was sent, a password among it.
 */
export function errorMessage(status: number, body: unknown): string {
  const line = wordsOf(body).join('; ').replace(/\s+/g, ' ').trim();
  if (line === '') return `status ${status} without a text`;
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE - 1)}…`;
}

/** Keys under which a text for people is usually found. */
const MESSAGE_KEYS = ['message', 'details', 'error_description', 'error', 'title', 'detail'];

function wordsOf(body: unknown): string[] {
  if (typeof body === 'string') return [body.replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ')];
  if (!isFields(body)) return [];
  const inner = isFields(body.error) ? body.error : body;
  const words = MESSAGE_KEYS.map((key) => inner[key]).filter((word) => typeof word === 'string' && word !== '');
  const validation = Array.isArray(inner.validationErrors) ? inner.validationErrors : [];
  return [...(words as string[]), ...validation.flatMap((fault) => (isFields(fault) ? wordsOf(fault) : []))];
}

/** Whether a reply that came with a 2xx is a refusal in an envelope. */
export function isRefusal(body: unknown): body is Fields {
  return isFields(body) && (body.success === false || (isFields(body.error) && !('contactId' in body)));
}

/** Statuses of a CRM that cannot do it now, as in `verdict.ts`. */
const NOT_NOW = new Set([408, 425, 429]);

/**
 * The error that an envelope with `success: false` stands for. Its `error.code` counts like a status; 0, or none, is a
 * refusal of this record.
 * @param isSafe whether the call may be repeated; one that may not has an unknown outcome where the CRM failed.
 */
export function refusal(body: Fields, fields: CrmErrorFields, isSafe: boolean): CrmError {
  const error = isFields(body.error) ? body.error : {};
  const code = typeof error.code === 'number' ? error.code : 0;
  const all = { ...fields, ...(code === 0 ? {} : { status: code }), detail: errorMessage(code, body) };
  const call = `${fields.connection}: ${fields.operation}`;
  const said = `in a reply with success: false${code === 0 ? '' : ` (${code})`}`;
  if (body.unAuthorizedRequest === true || code === 401 || code === 403)
    return new AuthError(`${call}: the credentials are refused, or lack a permission, ${said}`, all);
  if (code === 404 || code === 410) return new GoneError(`${call} found nothing, ${said}`, all);
  if (!NOT_NOW.has(code) && code < 500)
    return new RejectedError(`${call} was rejected ${said}; set aside until the record changes`, all);
  return isSafe || code === 429
    ? new RetryableError(`${call} failed at the CRM, ${said}; may work later`, all)
    : new UnknownOutcomeError(`${call} failed at the CRM, ${said}; outcome unknown, look before repeating`, all);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

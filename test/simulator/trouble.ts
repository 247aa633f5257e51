import {
  AuthError,
  type CrmError,
  LookAgainError,
  MalformedReplyError,
  RejectedError,
  RetryableError,
  UnknownOutcomeError,
} from '../../src/connector/errors.ts';
import type { SimVerb, Trouble } from './life.ts';

const ofListings: readonly Trouble[] = ['page repeats', 'ends early'];
const afterwards: readonly Trouble[] = ['answer lost', 'failed late', 'no data'];

/** Whether a call of that kind can go wrong in that way. */
export function happens(trouble: Trouble, verb: SimVerb): boolean {
  if (ofListings.includes(trouble)) return verb === 'list';
  if (trouble === 'rejected') return verb === 'create' || verb === 'update' || verb === 'delete';
  return true;
}

/** Whether the CRM has done what it was asked when the trouble comes. */
export function isAfterwards(trouble: Trouble): boolean {
  return afterwards.includes(trouble);
}

/** Whether nobody can tell any more whether the CRM has done what it was asked. */
export function isOpen(trouble: Trouble): boolean {
  return !['refused', 'too many', 'rejected', 'credentials refused'].includes(trouble);
}

/**
 * What a connector throws when a call has gone wrong, its own retries included: the table of `src/connector/verdict.ts`, and what the
 * HTTP client makes of it for a write that rests on a look.
 */
export function errorOf(trouble: Trouble, verb: SimVerb, connection: string): CrmError {
  const fields = { connection, operation: verb };
  const said = `${connection}: ${verb} went wrong (${trouble})`;
  const retryable = (status?: number) =>
    new RetryableError(said, { ...fields, ...(status !== undefined && { status }) });
  switch (trouble) {
    case 'credentials refused':
      return new AuthError(said, { ...fields, status: 401 });
    case 'rejected':
      return new RejectedError(said, { ...fields, status: 400 });
    case 'refused':
      return again(verb, retryable());
    case 'too many':
      return again(verb, retryable(429));
    case 'reset':
    case 'answer lost':
      return verb === 'create' ? new UnknownOutcomeError(said, fields) : again(verb, retryable());
    case 'unavailable':
    case 'failed late': {
      const status = trouble === 'unavailable' ? 503 : 500;
      return verb === 'create' ? new UnknownOutcomeError(said, { ...fields, status }) : again(verb, retryable(status));
    }
    case 'no data':
      return verb === 'create'
        ? new UnknownOutcomeError(said, { ...fields, status: 200 })
        : again(verb, new MalformedReplyError(said, { ...fields, status: 200 }));
    case 'page repeats':
    case 'ends early':
      throw new RangeError(`${trouble} is no error: the listing goes on`);
    default:
      return trouble satisfies never;
  }
}

function again(verb: SimVerb, failure: CrmError): CrmError {
  return verb === 'update' || verb === 'delete' ? new LookAgainError(failure) : failure;
}

import type { Operation } from './operation.ts';

/** One call of one operation. */
export interface HttpCall {
  readonly params?: Readonly<Record<string, string | number | boolean>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /**
   * Whether doing it twice is the same as doing it once. Default: what only reads, PUT, PATCH and DELETE are, POST is not.
   * What is not repeatable is retried only when the CRM cannot have acted (connection refused, 429).
   */
  readonly repeatable?: boolean;
  /**
   * Whether what is sent rests on a look of the moment before, as an update does. It is then sent at once or not at all:
   * where another call would be tried again, or wait for the end of a pause, it throws `LookAgainError`. Default false.
   */
  readonly restsOnLook?: boolean;
  readonly signal?: AbortSignal;
}

/** A successful (2xx) reply. */
export interface HttpReply {
  readonly status: number;
  /** The parsed JSON body; undefined when the body was empty. */
  readonly body: unknown;
  /** Length of the body in bytes. */
  readonly bytes: number;
  /** The CRM's clock when it answered, to the second, epoch milliseconds. Undefined where it does not tell. */
  readonly date?: number;
}

/** Why nothing is sent to a CRM at the moment. `asked`: it asked for a pause. `unreachable`: it did not answer for a while. */
export interface Held {
  readonly why: 'asked' | 'unreachable';
  /** Epoch milliseconds. */
  readonly until: number;
}

/** What a read-only client throws instead of sending a request that would change something. */
export class WithheldError extends Error {
  override readonly name = 'WithheldError';
}

/** The one way to a CRM: adds the credentials, keeps the limits, retries what is safe, turns every failure into a class of `errors.ts`. */
export interface Http {
  call(operation: Operation, call?: HttpCall): Promise<HttpReply>;
}

import { ConfigError, problemText } from '../config/problems.ts';
import { CrmError } from '../connector/errors.ts';
import { StoreError } from '../store/errors.ts';

/** Exit statuses (design.md §11). */
export const exit = { done: 0, failed: 1, usage: 2, needsPerson: 3 } as const;
export type ExitStatus = (typeof exit)[keyof typeof exit];

/** The person asked for something that does not exist or does not fit: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** Something we were told to expect went wrong, in words for the person: exit status 1. */
export class FailedError extends Error {
  override readonly name = 'FailedError';
  readonly code = 'failed';
}

/** What is told about an error that ends a command. */
export interface Failure {
  readonly status: ExitStatus;
  readonly code: string;
  /** One line each. */
  readonly lines: readonly string[];
  /** Whether it is a mistake of ours, whose stack helps. */
  readonly isUnexpected: boolean;
}

/** What to tell about an error that ended a command, and with which exit status. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ConfigError) {
    const count = error.problems.length;
    const lines = [
      ...error.problems.map(problemText),
      `${count} fault${count === 1 ? '' : 's'} in the configuration; nothing was done`,
    ];
    return { status: exit.usage, code: error.code, lines, isUnexpected: false };
  }
  if (error instanceof UsageError) return expected(exit.usage, error.code, error.message);
  if (error instanceof FailedError) return expected(exit.failed, error.code, error.message);
  if (error instanceof CrmError || error instanceof StoreError) return expected(exit.failed, error.code, error.message);
  if (error instanceof DOMException && error.name === 'AbortError')
    return expected(exit.failed, 'aborted', `${error.message} before it was done`);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown';
  const line = `unexpected: ${message.replace(/\s+/g, ' ')}; this is a mistake of concordat: please report it with the output of --log-level debug`;
  return { status: exit.failed, code: 'unexpected', lines: [line], isUnexpected: true };
}

function expected(status: ExitStatus, code: string, message: string): Failure {
  return { status, code, lines: message.split('\n'), isUnexpected: false };
}

import { z } from 'zod';
import type { CrmError } from '../src/connector/errors.ts';

/** A failure of a CRM in the words in which a job hands it back: without personal data, and without the CRM's own words. */
export const failure = z.strictObject({ connection: z.string(), code: z.string(), message: z.string() });
export type Failure = z.output<typeof failure>;

/** What a job tells about an error of a CRM. */
export function asFailure({ connection, code, message }: CrmError): Failure {
  return { connection, code, message };
}

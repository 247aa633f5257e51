import { count } from '../engine/in-words.ts';
import type { Example } from '../engine/stop.ts';

export { heldText } from '../engine/in-words.ts';

/** A few of the records, by their ids in the CRM: `for example site:17, site:23`. */
export function exampleText(connection: string, examples: readonly Example[]): string {
  return `for example ${examples.map(({ externalId }) => `${connection}:${externalId}`).join(', ')}`;
}

/** The limit beside what it was compared with: `at most 3 of 40 pass without a question`. */
export function limitText(allowed: number, of: number): string {
  return `at most ${count(allowed)} of ${count(of)} pass without a question`;
}

import type { Doubt } from '../engine/doubts.ts';
import { counted, wrapped } from './table.ts';

/** So many links of each sort are named. */
const mostShown = 5;

/** Links whose evidence does not count any more, with what would end them. */
export function doubtLines(doubted: readonly Doubt[], width: number): readonly string[] {
  return doubted.flatMap(({ sync, entity, connection, evidence, rule, count, links }) => [
    '',
    ...wrapped(
      `${sync}/${connection}: ${counted(count, 'link')} found by "${evidence}", which does not count without ${rule} in match. They stay; a wrong one is ended so:`,
      width,
    ),
    ...links
      .slice(0, mostShown)
      .map(({ externalId, canonicalId }) => `  concordat split ${entity} ${canonicalId} ${connection}:${externalId}`),
    ...(count > mostShown ? [`  … (--json names up to 20 of each sort)`] : []),
  ]);
}

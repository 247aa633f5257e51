import type { Entity } from '../model/values.ts';
import { ruleBehind } from '../sync/matching.ts';
import type { MatchRule, SyncPolicy } from '../sync/policy.ts';
import { xrefEvidence } from './claims.ts';
import type { EngineContext } from './engine.ts';

/** Links that were found by evidence which does not count any more, since the rules of matching have changed. */
export interface Doubt {
  readonly sync: string;
  readonly entity: Entity;
  readonly connection: string;
  /** In words, without values. */
  readonly evidence: string;
  /** The rule that is not among those of the sync any more. */
  readonly rule: MatchRule;
  readonly count: number;
  /** Some of them. */
  readonly links: readonly { readonly externalId: string; readonly canonicalId: string }[];
}

/** So many links are named of each sort. */
const mostNamed = 20;

/**
 * Finds links whose evidence would not do under the rules as they are now: nothing but a person ends them. Reads the store
 * only. What people have linked is in no doubt, and a link is in none while another sync of both has the rule.
 */
export async function findDoubts(
  { store, syncs }: Pick<EngineContext, 'store' | 'syncs'>,
  chosen: readonly SyncPolicy[],
): Promise<readonly Doubt[]> {
  const found: Doubt[] = [];
  for (const entity of new Set(chosen.map((sync) => sync.entity)))
    for (const { connection, evidence, count } of await store.evidence(entity)) {
      const rule = evidence === xrefEvidence ? 'xref' : ruleBehind(evidence);
      const isIts = (sync: SyncPolicy) =>
        sync.entity === entity && sync.members.some((member) => member.connection === connection);
      const sync = chosen.find(isIts);
      if (!rule || !sync || syncs.some((one) => isIts(one) && one.match.includes(rule))) continue;
      const links = await store.linksBy(connection, entity, evidence, mostNamed);
      const named = links.map(({ externalId, recordId }) => ({ externalId, canonicalId: recordId }));
      found.push({ sync: sync.name, entity, connection, evidence, rule, count, links: named });
    }
  return found;
}

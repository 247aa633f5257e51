import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isEmpty } from '../../src/model/values.ts';
import { wantedAt } from '../../src/queue/wanted.ts';
import type { SimCrm } from './crm.ts';
import { syncsOf } from './life.ts';
import type { Cycle, Lived } from './live.ts';
import { driftOf } from './oracle.ts';

const entity = 'contact';

/** What a CRM has to say. */
export interface Notice {
  readonly connection: string;
  readonly externalId: string;
  readonly what: 'changed' | 'deleted';
}

/** Breaches of law 6: hints that are ended, though nothing is known of what they told, and no cycle is asked for. */
export async function unheard(
  { world, life, crms }: Pick<Lived, 'world' | 'life' | 'crms'>,
  letters: readonly Notice[],
): Promise<readonly string[]> {
  const { store } = world;
  for (const { name } of syncsOf(life)) if ((await wantedAt(store, name)) !== undefined) return [];
  const found = new Set<string>();
  for (const { connection, externalId } of letters) {
    const crm = crms.get(connection)!;
    if (crm.spec.reads !== 'id' || !crm.ids(entity).includes(externalId)) continue;
    if ((await store.hints(connection, entity, 1_000)).some((hint) => hint.externalId === externalId)) continue;
    const aggregate = await world.recordOf(connection, entity, externalId);
    const link = aggregate?.links.find((one) => one.connection === connection && one.externalId === externalId);
    const isAside = (await store.quarantined(connection, entity, 1_000)).some((one) => one.externalId === externalId);
    // What was sent without an answer is known to be open.
    if (link?.state !== 'live' || link.underway || isAside) continue;
    for (const breach of driftOf(crm, link))
      found.add(`law 6: a hint was ended, and nothing is known of it: ${breach}`);
  }
  return [...found];
}

/** For how long rounds are one run, milliseconds. */
const windowMs = 10 * 60_000;

/** Breaches of law 8: rounds of ten minutes that put more over what a CRM holds than two runs may do. */
export function floods({ cycles, life }: Lived): readonly string[] {
  const { overwrites } = life.sync.limits;
  if (!('count' in overwrites) || life.others || life.steps.some((step) => step.do === 'approve')) return [];
  // What was held back once is approved sooner or later.
  const stopped = cycles.findIndex(({ outcome }) => (outcome?.stops.length ?? 0) > 0);
  const rounds = cycles.slice(0, stopped < 0 ? undefined : stopped).filter(({ isRound }) => isRound);
  for (const [index, { at }] of rounds.entries())
    for (const { connection } of life.sync.members) {
      const together = rounds.slice(index).filter((one) => one.at < at + windowMs);
      const harmed = new Set(
        together
          .flatMap(({ writes }) => writes)
          .filter((write) => write.connection === connection && isOver(write))
          .map(({ externalId }) => externalId),
      );
      // Ten minutes may see the end of one run and the beginning of the next, and cycles beside them.
      const runs = 2 + together.filter(({ isAlone }) => !isAlone).length;
      if (harmed.size > overwrites.count * runs)
        return [`law 8: rounds of ten minutes put something over ${[...harmed].join(', ')} at ${connection}`];
    }
  return [];
}

/** Whether a write put another value over one that was there. */
function isOver({ verb, values, before }: Cycle['writes'][number]): boolean {
  return (
    verb === 'update' &&
    Object.entries(values).some(([path, value]) => {
      const { kind } = fieldAt(entity, path);
      return kind !== 'tags' && !isEmpty(before[path]) && !isEmpty(value) && !equal(kind, before[path], value, {});
    })
  );
}

/** What is wrong with a create in a round: a search would have found the person there. */
export function unsearched(name: string, crm: SimCrm, address: string): string | undefined {
  const found = crm.found(entity, address).map(({ externalId }) => externalId);
  return found.length > 0
    ? `law 3: ${address} was created at ${name} in a round, where a search finds ${found.join(', ')}`
    : undefined;
}

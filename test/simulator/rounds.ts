import { fieldAt } from '../../src/model/entities.ts';
import { equal } from '../../src/model/kinds.ts';
import { isEmpty } from '../../src/model/values.ts';
import { wantedAt } from '../../src/queue/wanted.ts';
import { windowOf } from '../../src/queue/window.ts';
import type { SimCrm } from './crm.ts';
import { type Life, syncsOf } from './life.ts';
import type { Cycle, Lived } from './live.ts';
import { driftOf } from './oracle.ts';

const entity = 'contact';

/** What a CRM has to say. */
export interface Notice {
  readonly connection: string;
  readonly externalId: string;
  readonly what: 'changed' | 'deleted';
}

/** The runs to which the rounds of a life belong by now, as one text. */
export async function windowsOf({ store }: Lived['world'], life: Life): Promise<string> {
  const runs = await Promise.all(syncsOf(life).map(({ name }) => windowOf(store, name)));
  return runs.map((window) => window?.run).join(' ');
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

/** Breaches of law 8: rounds of one run that put more over what a CRM holds than its limit lets one run do. */
export function floods({ cycles, life }: Lived): readonly string[] {
  const { overwrites } = life.sync.limits;
  if (!('count' in overwrites) || life.others) return [];
  const found: string[] = [];
  // What was held back once is approved sooner or later.
  const stopped = cycles.findIndex(({ outcome }) => (outcome?.stops.length ?? 0) > 0);
  const free = life.steps.some((step) => step.do === 'approve')
    ? []
    : cycles.slice(0, stopped < 0 ? undefined : stopped);
  for (const [run, rounds] of Map.groupBy(
    free.filter(({ window }) => window !== undefined),
    ({ window }) => window!,
  ))
    for (const { connection } of life.sync.members) {
      const harmed = new Set(
        rounds
          .flatMap(({ writes }) => writes)
          .filter((one) => one.connection === connection && isOver(one))
          .map(({ externalId }) => externalId),
      );
      // One that ran beside a cycle stands for two runs.
      const runs = 1 + rounds.filter(({ isAlone }) => !isAlone).length;
      if (harmed.size > overwrites.count * runs)
        found.push(
          `law 8: the rounds of ${run} put something over ${[...harmed]} at ${connection}, allowed: ${overwrites.count}`,
        );
    }
  return found;
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

import fc from 'fast-check';
import { type SeededIds, seededIds } from '../../src/connector/seeded-ids.ts';
import type { Value } from '../../src/model/values.ts';
import type { Death } from '../worlds/deaths.ts';
import { invented, plans, policyOf, valuesOf } from '../worlds/generated.ts';
import { type Cast, editableAt, pick, type Weather } from './cast.ts';
import { type Act, type Edit, type Life, type SimSpec, type Step, type Trouble, troubles } from './life.ts';
import { scene } from './scenes.ts';
import { Whereabouts } from './whereabouts.ts';

/** How many people there may be; the last ones are there at no CRM before the first cycle. */
const people = 7;
const newcomers = 3;

const none = { share: 1, atLeast: 1 };

/** Somebody runs the sync again at once. */
const impatient: Step = { do: 'sync', restMs: 1_000 };

/** Whom and what a round is mostly about: what happens to one person in several places is what goes wrong. */
interface Topic {
  readonly who: number;
  readonly path: string;
}

/** Everything that happens in a world of a seed. The same seed gives the same life, on every machine. */
export function generateLife(seed: number): Life {
  const dice = seededIds(seed);
  const [plan] = fc.sample(plans({ minCrms: 2, maxCrms: 2 + pick(dice, [0, 0, 1, 1, 2]), rounds: 0 }), {
    seed,
    numRuns: 1,
  });
  const known = dice.integer(6) === 0 ? plan!.crms.length - 1 : undefined;
  const crms = plan!.crms.map(
    (spec, at): SimSpec => ({
      ...spec,
      skewMs: pick(dice, [0, 0, 0, 1_500, -1_500, 90_000, -3_600_000]),
      lagMs: pick(dice, [0, 0, 800, 4_000, 4_000]),
      counts: dice.integer(2) === 0,
      deletes: dice.integer(6) > 0,
      // The first one lists, or nobody would ever be read.
      lists: at !== known,
      ...(at === known && { reads: 'id' as const }),
      knowsOurIds: dice.integer(8) === 0,
    }),
  );
  const weather: Weather = {
    troubles: dice.integer(10) < 6,
    deaths: dice.integer(10) < 4,
    pairs: dice.integer(10) < 3,
    departures: dice.integer(3) > 0,
    rounds: dice.integer(2) === 0,
  };
  const deletes = dice.integer(3) === 0 ? 'ignore' : 'propagate';
  const limit = dice.integer(5) === 0 ? { count: 1 } : { share: 1, atLeast: 1 };
  const limits = { deletes: limit, overwrites: pick(dice, [limit, none]), blankings: pick(dice, [limit, none]) };
  const sync = { ...policyOf(plan!), deletes, limits } as const;
  const steps = stepsOf(dice, crms, weather, deletes);
  const isBoth = sync.members.every(({ direction }) => direction === 'both');
  if (crms.length < 3 || !isBoth || dice.integer(3) > 0) return withRounds({ seed, crms, sync, steps }, weather);
  const members = sync.members.slice(0, -1);
  const others = crms.slice(-2).map(({ name }) => name);
  return withRounds({ seed, crms, sync: { ...sync, members }, others, steps }, weather);
}

/** The same life with webhooks, where the weather has them. Their dice are their own: what else happens stays as it was. */
function withRounds(life: Life, weather: Weather): Life {
  const dice = seededIds(life.seed + 500_000_000);
  if (!weather.rounds) return life;
  const mail = () => dice.integer(1_000_000);
  const death = () => (weather.deaths && dice.integer(3) === 0 ? { death: deathOf(dice) } : {});
  const steps = life.steps.flatMap((step): readonly Step[] => {
    if (step.do === 'sync' && !step.death && dice.integer(5) === 0)
      return [{ do: 'round beside', mail: mail(), pace: mail(), ...death() }];
    const isMoment = step.do !== 'meanwhile' && dice.integer(3) === 0;
    return isMoment ? [step, { do: 'round', mail: mail(), ...death() }] : [step];
  });
  const crms = life.crms.map((crm) => ({ ...crm, searches: dice.integer(2) === 0 }));
  if (dice.integer(4) > 0) return { ...life, crms, steps };
  // Rounds write nothing where nobody can look.
  const open = crms.map((crm): SimSpec => ({ ...crm, reads: 'id' }));
  const limits = { ...life.sync.limits, overwrites: { count: 1 } };
  return { ...life, crms: open, sync: { ...life.sync, limits }, steps: [...flood(dice, open, mail), ...steps] };
}

/** Everybody is known everywhere, and then somebody changes one field of one after the other; now and then nobody can look. */
function flood(dice: SeededIds, crms: readonly SimSpec[], mail: () => number): readonly Step[] {
  const [crm] = crms;
  const paths = editableAt(crm!).filter((path) =>
    crms.some(({ fields, readOnly }, at) => at > 0 && fields.contact!.includes(path) && !readOnly.includes(path)),
  );
  if (!crm || paths.length === 0) return [];
  const path = pick(dice, paths);
  const all = Array.from({ length: people - 1 }, (_, who) => who);
  const rest: Step = { do: 'sync', restMs: 60_000 };
  const values = (who: number) => ({
    ...valuesOf(who, dice.integer(10), crm.fields.contact ?? []),
    [path]: invented(path, who + 1, false),
  });
  return [
    ...all.map((who): Step => ({ do: 'enter', crm: crm.name, who, values: values(who) })),
    ...[rest, rest],
    ...all.flatMap((who): readonly Step[] => [
      { do: 'edit', crm: crm.name, who, path, to: invented(path, who + 11, false) },
      ...(dice.integer(2) === 0
        ? [{ do: 'trouble', crm: crm.name, verb: 'read', skip: 0, times: 1, what: 'unavailable' } as const]
        : []),
      { do: 'round', mail: mail() },
    ]),
  ];
}

function stepsOf(
  dice: SeededIds,
  crms: readonly SimSpec[],
  weather: Weather,
  deletes: Life['sync']['deletes'],
): readonly Step[] {
  const steps: Step[] = [];
  let number = 100;
  let topic: Topic = { who: 0, path: '' };
  const whereabouts = new Whereabouts(crms, deletes);
  const add = (...more: readonly Step[]) => {
    for (const step of more) whereabouts.note(step);
    steps.push(...more);
  };
  const cast: Cast = {
    ...{ dice, crms, weather, whereabouts },
    number: () => {
      number += 1;
      return number;
    },
  };
  const someone = () => (dice.integer(2) === 0 ? topic.who : dice.integer(people));
  const someoneWhoIsThere = () => {
    const there = whereabouts.anywhere();
    return there.length > 0 && dice.integer(4) > 0 ? pick(dice, there) : dice.integer(people);
  };
  const enter = (who: number, { name, fields }: SimSpec) =>
    add({ do: 'enter', crm: name, who, values: valuesOf(who, dice.integer(10), fields.contact ?? []) });
  const edit = (): Edit => {
    const crm = pick(dice, crms);
    const paths = editableAt(crm);
    const path = dice.integer(2) === 0 && paths.includes(topic.path) ? topic.path : pick(dice, paths);
    const what = dice.integer(10);
    const to: Value = what < 2 ? null : invented(path, cast.number(), what < 5);
    return { do: 'edit', crm: crm.name, who: someone(), path, to };
  };
  for (const crm of crms)
    for (let who = 0; who < people - newcomers; who += 1) if (dice.integer(crms.length + 1) === 0) enter(who, crm);
  add(...troublesOf(dice, crms, weather), ...cycles(dice, weather));
  for (let round = 1 + dice.integer(5); round > 0; round -= 1) {
    if (dice.integer(3) > 0) add(...scene(cast));
    topic = { who: someoneWhoIsThere(), path: pick(dice, editableAt(pick(dice, crms))) };
    for (let acts = dice.integer(5); acts > 0; acts -= 1) {
      if (dice.integer(4) === 0) enter(someone(), pick(dice, crms));
      else if (weather.departures && dice.integer(3) === 0) add(departure(dice, pick(dice, crms).name, someone()));
      else add(edit());
    }
    for (let more = dice.integer(3); more > 0; more -= 1) add(meanwhile(dice, crms, edit()));
    if (dice.integer(8) === 0) add({ do: 'job', crm: pick(dice, crms).name, who: dice.integer(people) });
    add(...troublesOf(dice, crms, weather));
    if (weather.departures && dice.integer(4) === 0) add({ do: 'approve' });
    add(...cycles(dice, weather));
    // Rest in between, so that what comes next is contested by nothing.
    if (dice.integer(2) === 0) add({ do: 'sync', restMs: 60_000 }, { do: 'sync', restMs: 60_000 });
  }
  return steps;
}

function meanwhile(dice: SeededIds, crms: readonly SimSpec[], edit: Edit): Step {
  const at = pick(dice, ['list', 'read', 'update'] as const);
  return { do: 'meanwhile', at, skip: dice.integer(3), ...(at === 'list' && { of: pick(dice, crms).name }), edit };
}

function troublesOf(dice: SeededIds, crms: readonly SimSpec[], weather: Weather): readonly Step[] {
  if (!weather.troubles || dice.integer(4) === 0) return [];
  return Array.from({ length: 1 + dice.integer(3) }, () => trouble(dice, pick(dice, crms).name));
}

/** A cycle, and often another one right behind it: what has just died is started again, and people are impatient. */
function cycles(dice: SeededIds, weather: Weather): readonly Step[] {
  const death = weather.deaths && dice.integer(2) === 0 ? { death: deathOf(dice) } : undefined;
  const again = dice.integer(3) < (death ? 2 : 1) ? [impatient] : [];
  if (weather.pairs && dice.integer(2) === 0)
    return [{ do: 'two at once', pace: dice.integer(1_000_000), ...death }, ...again];
  return [{ do: 'sync', restMs: pick(dice, [10_000, 60_000, 86_400_000]), ...death }, ...again];
}

function departure(dice: SeededIds, crm: string, who: number): Act {
  switch (pick(dice, ['delete', 'delete', 'delete', 'restore', 'merge'] as const)) {
    case 'delete':
      return { do: 'delete', crm, who };
    case 'restore':
      return { do: 'restore', crm, who, as: pick(dice, ['same id', 'new id']) };
    case 'merge':
      return { do: 'merge', crm, who, stays: pick(dice, ['older', 'newer']) };
  }
}

function trouble(dice: SeededIds, crm: string): Step {
  const what: Trouble = pick(dice, troubles);
  const verb = pick(dice, ['list', 'list', 'read', 'create', 'create', 'update', 'delete'] as const);
  return {
    do: 'trouble',
    crm,
    verb: what === 'page repeats' || what === 'ends early' ? 'list' : verb,
    skip: dice.integer(3),
    times: pick(dice, [1, 1, 1, 2, 5, 100]),
    what,
  };
}

/** How many calls of each sort a process makes in full before it dies: mostly few, as a cycle that has not much to do makes few. */
const spans = { call: [4, 13, 151], commit: [4, 13, 61], write: [1, 3, 9] } as const;

function deathOf(dice: SeededIds): Death {
  const of = pick(dice, ['call', 'commit', 'write', 'write'] as const);
  return {
    of,
    step: dice.integer(pick(dice, spans[of])),
    when: pick(dice, ['before', 'after', 'late']),
    delayCalls: dice.integer(151),
  };
}

import { clearedBySilence, disagreements, doubles, lostEdits, needlessWrites, unexplained } from '../worlds/laws.ts';
import type { Life } from './life.ts';
import { type Lived, live } from './live.ts';
import { againstTheRule, drift, falseCounts, falseSum, overturned, setAside, unfounded } from './oracle.ts';

/** What came of a life. */
export interface Judgement {
  /** Each begins with the law that was broken. */
  readonly breaches: readonly string[];
  /** The life in readable lines. */
  readonly story: readonly string[];
  /** Everything that was written to any CRM, in order: two runs of one life have the same. */
  readonly trace: string;
}

const entity = 'contact';

/** Cycles after which nothing may be left to do. */
const convergence = 2;

/** Lives a life, lets it come to rest, and holds it against the laws. */
export async function judge(life: Life): Promise<Judgement> {
  const lived = await live(life);
  try {
    if (lived.breaches.length === 0) lived.breaches.push(...(await rest(lived)));
    const { cycles, story, breaches } = lived;
    const trace = JSON.stringify(cycles.map(({ outcome, writes, listed }) => [outcome, writes, [...listed]]));
    return { breaches, story: story.lines(), trace };
  } finally {
    await lived.close();
  }
}

/** Brings a life to its quiet end. @returns the laws that it breaks */
async function rest(lived: Lived): Promise<readonly string[]> {
  const { world, life, breaches, story } = lived;
  const isTroubled = life.steps.some(
    (step) => ['trouble', 'job', 'two at once'].includes(step.do) || ('death' in step && step.death),
  );
  story.rest();
  // What requests of dead processes do comes before the rest.
  while (lived.isAdrift()) await lived.rest();
  for (let left = convergence; left > 0 && breaches.length === 0; left -= 1) await lived.rest();
  if (breaches.length > 0) return [];
  const aside = await setAside(lived);
  const isAside = (said: string) => [...aside].some((one) => one.split(' ').every((word) => said.includes(word)));
  const found: string[] = [];
  const add = (law: string, said: readonly string[]) => found.push(...said.map((one) => `${law}: ${one}`));

  add(
    'law 1',
    (await disagreements(world, entity)).filter((said) => !isAside(said)),
  );
  add('law 3', doubles(world, entity, 'email.primary'));
  add('law 4', await lostEdits(world));
  add('law 5', await clearedBySilence(world, entity));
  if (!isTroubled) add('law 11', needlessWrites(world));
  if (!life.steps.some((step) => step.do === 'two at once')) add('law 10', await unexplained(world, entity));
  // What is set aside may still have a create without an answer: it is looked up for as long as it takes.
  for (const { connection, pending, openIntents, dead } of await world.store.standing())
    if (pending > dead || openIntents > dead)
      add('law 1', [
        `${connection} still has ${pending} pending, of which ${dead} are set aside, and ${openIntents} creates without an answer`,
      ]);
  found.push(
    ...(await unfounded(lived)),
    ...(await overturned(lived)),
    ...(await againstTheRule(lived)),
    ...lived.cycles.flatMap(falseCounts),
    ...falseSum(lived),
    ...(await drift(lived)),
  );
  for (const more of [1, 2]) {
    const quiet = await lived.rest();
    for (const { connection, verb, externalId, values } of quiet.writes)
      add('law 2', [`rest ${more}: ${connection} ${verb} ${externalId}: ${Object.keys(values).join(' ')}`]);
  }
  return found;
}

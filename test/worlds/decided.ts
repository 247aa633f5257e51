import { isEmpty } from '../../src/model/values.ts';
import { ann, both } from './small.ts';
import type { World } from './world.ts';

/** The same address and another family name: only a person can tell. */
export const annMarried = { ...ann, 'name.family': 'Brennecke-Li', jobTitle: 'Tailor' };
/** The same name and another address. */
export const annAtWork = { ...ann, 'email.primary': 'ann@work.example', jobTitle: 'Tailor' };
export const paths = ['jobTitle'];

/** Two CRMs that are only read, so that nobody is created there, and one that gets everything. */
export const readers = both(['alpha', 'bravo', 'charlie'], {
  members: [
    { connection: 'alpha', direction: 'read' },
    { connection: 'bravo', direction: 'read' },
    { connection: 'charlie', direction: 'both' },
  ],
});

/** The filled values of everybody in a CRM. */
export function held(world: World, name: string): readonly object[] {
  const one = world.crms.get(name)!;
  return one
    .ids('contact')
    .map((id) => Object.fromEntries(Object.entries(one.holds('contact', id)).filter(([, value]) => !isEmpty(value))));
}

export async function idOf(world: World, connection: string, externalId: string): Promise<string> {
  return (await world.recordOf(connection, 'contact', externalId))!.record.id;
}

/** Every record's links, as CONNECTION:EXTERNALID. */
export async function groups(world: World): Promise<readonly string[]> {
  const records = await world.records('contact');
  const named = records.map(({ links }) =>
    links.filter(({ state }) => state === 'live').map(({ connection, externalId }) => `${connection}:${externalId}`),
  );
  return named.map((names) => names.toSorted().join(' ')).toSorted();
}

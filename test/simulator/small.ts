import { expect } from 'vitest';
import { crm } from '../worlds/small.ts';
import { judge } from './judge.ts';
import type { Life, SimSpec, Step } from './life.ts';

const paths = ['jobTitle', 'notes', 'tags'];

/** A CRM of a life that does everything right. */
export function spec(name: string, overrides: Partial<SimSpec> = {}): SimSpec {
  return {
    ...crm(name, paths, { pageSize: 2, ...overrides }),
    skewMs: 0,
    lagMs: 0,
    counts: true,
    lists: true,
    knowsOurIds: false,
    ...overrides,
  };
}

/** What somebody's record holds at first. */
export const person = (who: number, jobTitle: string) => ({
  'name.given': ['Quentin', 'Rosalind', 'Sebastian', 'Theodora', 'Ulrich'][who]!,
  'name.family': ['Ashworth', 'Brennecke', 'Castellanos', 'Dubois', 'Eriksson'][who]!,
  'email.primary': [
    'Quentin.Ashworth0@mail0.example',
    'Rosalind.Brennecke1@mail1.example',
    'Sebastian.Castellanos2@mail2.example',
    'Theodora.Dubois3@mail3.example',
    'Ulrich.Eriksson4@mail4.example',
  ][who]!,
  jobTitle,
});

/** An ordinary cycle. */
export const sync = { do: 'sync', restMs: 60_000 } as const satisfies Step;

/** @returns the story of a life, after it was held against all laws */
export async function expectAllLaws(life: Life): Promise<readonly string[]> {
  const { breaches, story } = await judge(life);
  expect(breaches, story.join('\n')).toEqual([]);
  return story;
}

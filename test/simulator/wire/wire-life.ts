import { type SeededIds, seededIds } from '../../../src/connector/seeded-ids.ts';
import type { Death } from '../../worlds/deaths.ts';
import { editable, type Field, type Name, names } from './bed.ts';

/** What goes wrong on the wire. */
export const wireTroubles = [
  'cut before',
  'cut after',
  'html',
  'truncated',
  'content type',
  'empty',
  '408',
  '429',
  '429 with Retry-After',
  '429 with a long Retry-After',
  '500',
  '503',
  'token refused',
] as const;
export type WireTrouble = (typeof wireTroubles)[number];

export type WireStep =
  | { readonly do: 'enter'; readonly crm: Name; readonly who: number }
  | { readonly do: 'edit'; readonly crm: Name; readonly who: number; readonly field: Field; readonly to: string }
  /** Until the next cycle is over. */
  | {
      readonly do: 'trouble';
      readonly crm: Name;
      readonly of: 'reads' | 'writes';
      readonly skip: number;
      readonly times: number;
      readonly what: WireTrouble;
    }
  | { readonly do: 'sync'; readonly death?: Death };

/** A life over real connectors and the real HTTP client, as plain data. */
export interface WireLife {
  readonly seed: number;
  readonly steps: readonly WireStep[];
}

const people = 5;

/** The same seed gives the same life. */
export function generateWireLife(seed: number): WireLife {
  const dice = seededIds(seed);
  const steps: WireStep[] = [];
  const pick = <T>(among: readonly T[]): T => among[dice.integer(among.length)]!;
  // Each field of each person is one CRM's to edit: what it typed last has to stand everywhere.
  const editors = new Map<string, Name>();
  const edit = (number: number) => {
    const who = dice.integer(people);
    const field = pick(editable);
    const crm = editors.get(`${who} ${field}`) ?? pick(names);
    editors.set(`${who} ${field}`, crm);
    steps.push({ do: 'edit', crm, who, field, to: `${field} ${number}` });
  };
  for (let who = 0; who < people; who += 1) steps.push({ do: 'enter', crm: pick(names), who });
  steps.push(...troublesOf(dice), { do: 'sync', ...deathOf(dice) });
  for (let round = 1 + dice.integer(3); round > 0; round -= 1) {
    for (let edits = 1 + dice.integer(3); edits > 0; edits -= 1) edit(round * 10 + edits);
    steps.push(...troublesOf(dice), { do: 'sync', ...deathOf(dice) });
  }
  return { seed, steps };
}

function troublesOf(dice: SeededIds): readonly WireStep[] {
  return Array.from({ length: dice.integer(3) }, (): WireStep => {
    const what = wireTroubles[dice.integer(wireTroubles.length)]!;
    return {
      do: 'trouble',
      crm: names[dice.integer(names.length)]!,
      of: dice.integer(2) === 0 ? 'reads' : 'writes',
      skip: dice.integer(4),
      times: [1, 1, 2, 4, 100][dice.integer(5)]!,
      what,
    };
  });
}

function deathOf(dice: SeededIds): { readonly death?: Death } {
  if (dice.integer(3) > 0) return {};
  return {
    death: {
      of: (['call', 'commit', 'write'] as const)[dice.integer(3)]!,
      step: dice.integer([4, 13, 151][dice.integer(3)]!),
      when: dice.integer(2) === 0 ? 'before' : 'after',
    },
  };
}

import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import { editable } from '../worlds/generated.ts';
import type { SimSpec } from './life.ts';
import type { Whereabouts } from './whereabouts.ts';

/** What a life's weather may bring. */
export interface Weather {
  readonly troubles: boolean;
  readonly deaths: boolean;
  readonly pairs: boolean;
  /** People delete, bring back, merge, and enter twice. */
  readonly departures: boolean;
  /** Webhooks come, and rounds follow. */
  readonly rounds: boolean;
}

/** What a life is made up from. */
export interface Cast {
  readonly dice: SeededIds;
  readonly crms: readonly SimSpec[];
  readonly weather: Weather;
  readonly whereabouts: Whereabouts;
  /** A number that no other value was made from. */
  number(): number;
}

/** What people change at a CRM. */
export function editableAt({ fields }: SimSpec): readonly string[] {
  return (fields.contact ?? []).filter((path) => (editable as readonly string[]).includes(path));
}

/** One of them, by chance. */
export function pick<T>(dice: SeededIds, among: readonly T[]): T {
  return among[dice.integer(among.length)]!;
}

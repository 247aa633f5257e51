import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import type { Heard } from './bed.ts';

/** When a command is to be killed. Requests are counted over all CRMs, from 1, while the command runs. */
export type Death =
  | { readonly at: 'time'; readonly afterMs: number }
  /** `refused`: the request is cut off unheard; `done`: the CRM has done it, the answer never arrives. */
  | { readonly at: 'request' | 'write'; readonly number: number; readonly outcome: 'refused' | 'done' };

/** How long commands that nobody kills take, and how much they ask for: what deaths are spread over. */
export class Usual {
  #durations: number[] = [];
  #requests: number[] = [];

  note(durationMs: number, requests: number): void {
    this.#durations = [...this.#durations, durationMs].slice(-8);
    this.#requests = [...this.#requests, requests].slice(-8);
  }

  get durationMs(): number {
    return mean(this.#durations) || 1_500;
  }

  get requests(): number {
    return Math.ceil(mean(this.#requests) || 20);
  }
}

/** A random death, spread over the whole life of a command: its start, its listings, its writes, and a little beyond. */
export function randomDeath(random: SeededIds, usual: Usual): Death {
  const dice = random.integer(100);
  if (dice < 45) return { at: 'time', afterMs: random.integer(Math.ceil(usual.durationMs * 1.1)) };
  const outcome = random.integer(2) === 0 ? 'refused' : 'done';
  if (dice < 70) return { at: 'request', number: 1 + random.integer(Math.ceil(usual.requests * 1.2)), outcome };
  return { at: 'write', number: 1 + random.integer(6), outcome };
}

/** Waits for the moment of a death among the requests of a command. `kill` is called at most once. */
export function watchFor(death: Death, kill: () => void): (heard: Heard) => 'refuse' | undefined {
  if (death.at === 'time') return () => undefined;
  let counted = 0;
  let isOver = false;
  return ({ request, when }) => {
    if (isOver) return undefined;
    if (when === 'before' && (death.at === 'request' || isWrite(request))) counted += 1;
    if (counted !== death.number || (death.outcome === 'done') !== (when === 'after')) return undefined;
    isOver = true;
    kill();
    return death.outcome === 'refused' ? 'refuse' : undefined;
  };
}

export function deathWords(death: Death): string {
  return death.at === 'time' ? `after ${death.afterMs} ms` : `at ${death.at} ${death.number}, ${death.outcome}`;
}

/** ConeCRM's query builder is asked with a POST that writes nothing. */
export function isWrite({ method, operation }: Heard['request']): boolean {
  return method !== 'GET' && operation !== 'post_api_query_builder_filter';
}

function mean(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

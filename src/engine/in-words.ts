import type { Value } from '../model/values.ts';
import type { AsideClass, Guarded } from '../store/store.ts';
import type { Explanation } from './explain.ts';

/*
 * Numbers, times and findings in words, for people at a terminal and at the dashboard. Imports types only: help and usage
 * errors answer without loading the engine.
 */

/** A number for people: `12,300`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A number with its noun: `1 record`, `12,300 records`. */
export function counted(value: number, noun: string, nouns = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}

/** Milliseconds for people: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 days`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

/** A moment for people, in UTC: `2026-11-21 16:05:11`. @param at epoch milliseconds */
export function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/**
 * A value of a record for people, on one line. Characters that would move a terminal's cursor or turn the direction of
 * writing are spelt out, so that no record can forge what stands around it.
 * @param most characters that are shown of a long text; the rest is counted
 */
export function valueText(value: Value, most = 300): string {
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return '(empty)';
  const text = (Array.isArray(value) ? value.join(', ') : String(value)).replace(
    /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
  const whole = text === text.trim() ? text : JSON.stringify(text);
  return whole.length <= most ? whole : `${whole.slice(0, most)} … (${count(whole.length)} characters)`;
}

/** A process by the name that it has in leases: `process 4711 on host`. */
export function processText(owner: string | undefined): string {
  const [host, pid] = (owner ?? '').split(/[/#]/);
  return pid === undefined ? 'another process' : `process ${pid} on ${host}`;
}

/** A message without the name in front that its line begins with anyway. */
export function withoutName(message: string, name: string): string {
  const front = `${name}: `;
  return message.startsWith(front) ? message.slice(front.length) : message;
}

/** What a guard holds, in words: `site: 12 records would be deleted`. */
export function heldText(held: {
  readonly connection: string;
  readonly what: Guarded;
  readonly records: number;
  readonly madeBy?: string;
}): string {
  const { connection, what, records, madeBy } = held;
  const [one, many] = heldPhrases[what];
  const text = `${connection}: ${counted(records, 'record')} ${records === 1 ? one : many}`;
  return madeBy === undefined ? text : `${text}: made by run ${madeBy}, which is to be taken back`;
}

const heldPhrases: Readonly<Record<Guarded, readonly [string, string]>> = {
  absence: ['that was there is not shown any more', 'that were there are not shown any more'],
  delete: ['would be deleted', 'would be deleted'],
  overwrite: ['would get other values over those it has', 'would get other values over those they have'],
  blanking: ['would have fields emptied', 'would have fields emptied'],
};

/** What the error codes of dead letters mean, in words. */
const codeWords: Readonly<Record<string, string>> = {
  rejected: 'the CRM does not take the record',
  retryable: 'the CRM failed at the record again and again',
  outcome_unknown: 'the CRM answered a create as done, or not at all, and does not show the record',
};

/** Why writes were not taken: `rejected (the CRM does not take the record)`. */
export function codeText(code: string): string {
  const words = codeWords[code];
  return words === undefined ? code : `${code} (${words})`;
}

/** One class of what is set aside at a connection: `3 dead letters: rejected (the CRM does not take the record)`. */
export function asideText({
  connection,
  what,
  reason,
  count: many,
}: Pick<AsideClass, 'connection' | 'what' | 'reason' | 'count'>): string {
  switch (what) {
    case 'dead':
      return `${counted(many, 'dead letter')}: ${codeText(reason)}`;
    case 'unsupported':
      return `${counted(many, 'write')} not possible: ${withoutName(reason, connection)}`;
    case 'quarantined':
      return `${counted(many, 'record')} in quarantine: ${reason}`;
  }
}

/** A short number for every run that is named, in the order of time. */
export function runNumbers({ runs, timeline, links, fields, open }: Explanation): ReadonlyMap<string, number> {
  const named = [
    ...runs.map(({ id }) => id),
    ...timeline.map((event) => event.run),
    ...links.map((link) => link.run),
    ...open.intents.map((intent) => intent.run),
    ...fields.flatMap(({ origin, replaced }) => [origin?.run ?? [], replaced?.origin?.run ?? []].flat()),
  ];
  return new Map([...new Set(named)].map((id, index) => [id, index + 1]));
}

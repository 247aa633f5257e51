import type { Suggestion, ToldConflict } from '../engine/conflict-list.ts';
import { moment, valueText } from '../engine/in-words.ts';
import type { Output } from './io.ts';
import { counted, wrapped } from './table.ts';

/** What lines are made for. */
type Lines = Pick<Output, 'columns' | 'style'>;

/** A conflict for people at a terminal: both values, whose they are, and what decided. */
export function conflictLines(conflict: ToldConflict, output: Lines): string[] {
  const width = Math.min(output.columns, 100);
  const { id, state, entity, field, known, canonicalId, winner, loser, rule, at, now } = conflict;
  const isWaiting = state === 'waiting';
  const record = known.length > 0 ? known.join(', ') : canonicalId;
  const names = [winner, loser].map(({ connection }) => connection);
  const nameWidth = Math.max(...names.map((name) => name.length));
  const side = (word: string, { connection, value }: ToldConflict['winner']) => {
    const before = `    ${word}  ${connection.padEnd(nameWidth)}  `;
    return wrapped(valueText(value, 200), width - before.length).map((line, index) =>
      index === 0 ? before + line : ' '.repeat(before.length) + line,
    );
  };
  return [
    ...wrapped(`${output.style('bold', `${id}  ${field}`)} of ${entity} ${record}`, width).map((line, index) =>
      index === 0 ? line : `    ${line}`,
    ),
    ...side(isWaiting ? 'has ' : 'won ', winner),
    ...side(isWaiting ? 'or  ' : 'lost', loser),
    ...(now === undefined ? [] : wrapped(`now   ${valueText(now, 200)}: edited since`, width, '    ')),
    ...wrapped(isWaiting ? `waits since ${moment(at)}, ${rule}` : `${moment(at)}, ${rule}`, width, '    '),
  ];
}

/** What follows from what people chose, as lines for the configuration. */
export function suggestionLines(suggestions: readonly Suggestion[], output: Lines): string[] {
  const width = Math.min(output.columns, 100);
  return suggestions.flatMap(({ sync, field, owner, choices }) => [
    '',
    ...wrapped(
      `In ${field} the value of ${owner} was taken each time (${counted(choices, 'choice')}). To let it win by itself, in the sync ${sync}:`,
      width,
    ),
    `    owners: { ${field}: ${owner} }`,
  ]);
}

/** What settling a conflict has done, and what comes next. */
export function settledLines(
  { entity, field, known, canonicalId }: Pick<ToldConflict, 'entity' | 'field' | 'known' | 'canonicalId'>,
  { to, pending }: { readonly to: ToldConflict['winner']['value']; readonly pending: readonly string[] },
  output: Lines,
): string[] {
  const record = known[0] ?? canonicalId;
  const next =
    pending.length === 0
      ? 'Nothing has to be written.'
      : `To be written to ${pending.join(' and ')} by the next sync: concordat sync`;
  return wrapped(`${field} of ${entity} ${record} is ${valueText(to, 200)}. ${next}`, Math.min(output.columns, 100));
}

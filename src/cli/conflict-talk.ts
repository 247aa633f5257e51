import type { ToldConflict } from '../engine/conflict-list.ts';
import type { EngineContext } from '../engine/engine.ts';
import { valueText } from '../engine/in-words.ts';
import type { Choice } from '../engine/settle.ts';
import type { Asker } from './ask.ts';
import { conflictLines, settledLines } from './conflict-lines.ts';
import type { Io } from './io.ts';
import { counted } from './table.ts';

/** What a person may answer about one conflict. */
type Answer = 'winner' | 'loser' | 'typed' | 'later' | 'stop';

/** A prompt takes some room for its frame. */
const frame = 6;

/**
 * Goes through conflicts that wait, one after the other. Each is settled as soon as it is answered; who ends the
 * conversation leaves the others as they are.
 */
export async function settleOneByOne(
  context: EngineContext,
  waiting: AsyncIterable<ToldConflict>,
  { stdout }: Io,
  ask: Asker,
): Promise<void> {
  const { SettleError, settleConflict } = await import('../engine/settle.ts');
  const narrow = { columns: Math.min(stdout.columns, 100) - frame, style: stdout.style.bind(stdout) };
  let settled = 0;
  let left = 0;
  for await (const conflict of waiting) {
    ask.show(`Conflict ${conflict.id}`, conflictLines(conflict, narrow));
    const choice = await askOne(context, conflict, ask);
    if (choice === 'stop') break;
    if (choice === 'later') {
      left += 1;
      continue;
    }
    try {
      const done = await settleConflict(context, conflict.id, choice);
      ask.tell(settledLines(conflict, done, narrow).join('\n'), 'good');
      settled += 1;
    } catch (error) {
      if (!(error instanceof SettleError)) throw error;
      ask.tell(`${error.message}; nothing was changed`, 'bad');
    }
  }
  if (settled + left === 0) ask.tell('No conflict waits for a person.');
  else ask.tell(`${counted(settled, 'conflict')} settled${left > 0 ? `, ${left} left for later` : ''}.`, 'good');
}

async function askOne(context: EngineContext, conflict: ToldConflict, ask: Asker): Promise<Choice | 'later' | 'stop'> {
  const { SettleError, typedValue } = await import('../engine/settle.ts');
  const { id, winner, loser, field, entity } = conflict;
  for (;;) {
    const answer = await ask.choose<Answer>(`Which value of ${field}?`, [
      { value: 'winner', label: `${valueText(winner.value, 40)} (${winner.connection})` },
      { value: 'loser', label: `${valueText(loser.value, 40)} (${loser.connection})` },
      { value: 'typed', label: 'another one' },
      { value: 'later', label: 'not now' },
      { value: 'stop', label: 'stop here' },
    ]);
    if (answer === 'later' || answer === 'stop') return answer;
    if (answer !== 'typed') return { take: answer };
    const typed = await ask.text(`${field}:`, '', () => undefined);
    try {
      return { set: await typedValue(context, { number: id, entity, path: field }, typed) };
    } catch (error) {
      if (!(error instanceof SettleError)) throw error;
      ask.tell(error.message, 'bad');
    }
  }
}

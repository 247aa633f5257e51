import type { Config } from '../config/config.ts';
import type { EngineContext } from '../engine/engine.ts';
import type { ReviewItem } from '../engine/reviews.ts';
import type { Verdict } from '../engine/settle-review.ts';
import type { OpenReview } from '../store/store.ts';
import type { Asker } from './ask.ts';
import { doneLines, forecastLines, foresee, orRefused } from './decide.ts';
import { UsageError } from './failure.ts';
import { letter, reviewLines } from './review-lines.ts';
import { deciding } from './review-verdict.ts';
import type { Session } from './session.ts';
import { counted } from './table.ts';

/** A prompt takes some room for its frame. */
const frame = 6;

/**
 * Goes through reviews, one after the other: shows, asks, shows what would follow, asks again. Each is settled when it is
 * confirmed; who ends the conversation leaves this one and all that come after it as they are.
 */
export async function settleOneByOne(
  session: Session,
  config: Config,
  context: EngineContext,
  open: readonly OpenReview[],
  ask: Asker,
): Promise<void> {
  const { readReview } = await import('../engine/reviews.ts');
  const { stdout } = session.io;
  const narrow = { columns: Math.min(stdout.columns, 100) - frame, style: stdout.style.bind(stdout) };
  let settled = 0;
  for (const [index, review] of open.entries()) {
    const item = await readReview(context, review);
    // Somebody else has settled it meanwhile, or it is not there any more.
    if (!item) continue;
    ask.show(`Review ${index + 1} of ${open.length}`, reviewLines(item, narrow));
    const verdict = await askOne(item, ask);
    if (verdict === 'stop') break;
    try {
      if (await settleOne(session, config, context, { review, item }, verdict, ask)) settled += 1;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      ask.tell(error.message, 'bad');
    }
  }
  ask.tell(settled === 0 ? 'Nothing was settled.' : `${counted(settled, 'review')} settled.`, 'good');
}

async function askOne({ candidates }: ReviewItem, ask: Asker): Promise<Verdict | 'stop'> {
  return await ask.choose<Verdict | 'stop'>('Who is it?', [
    ...candidates.flatMap(({ canonicalId, links, twin }, index) =>
      twin === null
        ? [
            {
              value: { say: 'link', recordId: canonicalId } as const,
              label: `${letter(index)}: the same as ${links.join(', ') || canonicalId}`,
            },
          ]
        : [],
    ),
    { value: { say: 'create' }, label: 'somebody of its own' },
    { value: { say: 'keep-apart' }, label: 'none of them; let the next sync decide without them' },
    { value: { say: 'skip' }, label: 'not now' },
    { value: 'stop', label: 'stop here' },
  ]);
}

/** @returns whether it was settled */
async function settleOne(
  session: Session,
  config: Config,
  context: EngineContext,
  { review, item }: { readonly review: OpenReview; readonly item: ReviewItem },
  verdict: Verdict,
  ask: Asker,
): Promise<boolean> {
  const chosen = item.candidates.find(({ canonicalId }) => verdict.say === 'link' && verdict.recordId === canonicalId);
  const decision = await deciding(review, verdict, chosen?.links.join(', '));
  if (verdict.say !== 'skip') {
    const { columns } = session.io.stdout;
    const expected = await foresee(session, config, decision);
    const lines = forecastLines(expected, decision, session.io, Math.min(columns, 100) - frame);
    ask.show('What would follow', lines);
    if (!(await ask.confirm('Do this?', true))) return false;
  }
  const end = await orRefused(() => decision.decide(context));
  ask.tell(doneLines(decision.words(end), end, session.io).join('\n'), 'good');
  return verdict.say !== 'skip';
}

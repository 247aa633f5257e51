import type { ReviewEnd, Verdict } from '../engine/settle-review.ts';
import type { OpenReview } from '../store/store.ts';
import type { Deciding } from './decide.ts';

/**
 * A review and what is said about it, as a decision.
 * @param other what the record is called to which it is to be linked
 */
export async function deciding(review: OpenReview, verdict: Verdict, other = ''): Promise<Deciding<ReviewEnd>> {
  const { settleReview } = await import('../engine/settle-review.ts');
  const name = `${review.entity} ${review.connection}:${review.externalId}`;
  return {
    entity: review.entity,
    decide: async (context) => await settleReview(context, review, verdict),
    words: ({ recordId }) => {
      switch (verdict.say) {
        case 'link':
          return `${name} is the same as ${other}: ${recordId}.`;
        case 'keep-apart':
          return `${name} is kept apart from ${verdict.recordIds?.join(', ') ?? 'all whom it might have been'}, for ever; the next sync decides who it is without them.`;
        case 'create':
          return `${name} is somebody of its own, kept apart from all whom it might have been: ${recordId}.`;
        case 'skip':
          return `${name} is left for later: it stays unlinked.`;
      }
    },
  };
}

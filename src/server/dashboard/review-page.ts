import { count, counted, moment, valueText } from '../../engine/in-words.ts';
import { type ReviewField, type ReviewItem, reviewId } from '../../engine/reviews.ts';
import { isEmpty, type Value } from '../../model/values.ts';
import type { OpenReview } from '../../store/store.ts';
import { type Html, html, when } from './html.ts';
import { actionButton } from './page.ts';
import type { Session } from './sessions.ts';
import { type Column, table } from './table.ts';
import { recordLink, reviewLink } from './waiting-page.ts';

/** How many reviews are listed. */
const mostShown = 100;

/** Everybody of whom only a person can say who it is: ids and reasons, no values. */
export function reviewsBody(open: readonly OpenReview[]): Html {
  return html`<div class="line"><h1>Reviews</h1><p class="muted">is this the same one? Until it is settled, nothing is created for it elsewhere</p></div>
${open.length === 0 ? html`<p class="muted">None: nobody waits for a person to say who they are.</p>` : table('Reviews', open.slice(0, mostShown), reviewId, reviewColumns)}
${when(open.length > mostShown, () => html`<p class="muted">The first ${mostShown} of ${count(open.length)}.</p>`)}`;
}

const reviewColumns: readonly Column<OpenReview>[] = [
  { title: 'record in the CRM', cell: (review) => reviewLink(review) },
  { title: 'entity', cell: ({ entity }) => entity },
  { title: 'why', cell: ({ reason }) => reason },
  {
    title: 'may be',
    cell: ({ candidates }) => (candidates.length === 0 ? 'nobody known' : counted(candidates.length, 'record')),
  },
  {
    title: 'since (UTC)',
    cell: ({ at, skippedAt }) =>
      html`${moment(at)}${when(skippedAt !== undefined, () => html`<small>left for later ${moment(skippedAt!)}</small>`)}`,
  },
];

/** One of them, side by side with those whom it may be, and what a person may say about it. */
export function reviewBody(item: ReviewItem, session: Session): Html {
  const { id, entity, connection, externalId, reason, candidates, fields } = item;
  const name = `${connection}:${externalId}`;
  const say = (what: string, label: string, more: Readonly<Record<string, string>> = {}) =>
    actionButton(session, '/actions/review', { item: id, say: what, ...more }, label, name);
  return html`<h1>Who is ${entity} <code>${name}</code>?</h1>
<p>${reason}</p>
<p class="muted">This page shows personal data: the values of the records.</p>
<section aria-labelledby="values"><h2 id="values">Side by side</h2>${table('Values', fields, ({ path }) => path, [
    { title: 'field', cell: ({ path, title }) => html`<code>${path}</code><small>${title}</small>` },
    { title: name, cell: ({ value }) => shown(value) },
    ...candidates.map((_, index) => ({
      title: letter(index),
      cell: ({ value, others }: ReviewField) => beside(value, others[index]!),
    })),
  ])}</section>
<section aria-labelledby="candidates"><h2 id="candidates">Whom it may be</h2>${table(
    'Candidates',
    candidates.map((candidate, index) => ({ ...candidate, letter: letter(index) })),
    ({ canonicalId }) => canonicalId,
    [
      {
        title: 'candidate',
        cell: ({ letter: its, links }) =>
          html`<strong>${its}</strong> ${links.map((link) => html`<code>${link}</code> `)}`,
      },
      { title: 'record', cell: ({ canonicalId }) => recordLink(entity, canonicalId) },
      { title: 'evidence', cell: ({ evidence }) => evidence },
      { title: 'score, of 1,000', isNumber: true, cell: ({ score }) => score },
      {
        title: 'action',
        cell: ({ canonicalId, letter: its, twin }) =>
          twin === null
            ? say('link', `The same as ${its}`, { record: canonicalId })
            : html`<span class="muted">has <code>${twin}</code> there: if it is the same, merge the two in ${connection}</span>`,
      },
    ],
  )}</section>
${when(
  session.role === 'operator',
  () => html`<section aria-labelledby="others"><h2 id="others">Or</h2>
<ul class="list">
<li>${say('create', 'Somebody of its own')} and kept apart from all of them, for ever.</li>
<li>${say('keep-apart', 'None of them')} for ever; the next sync decides who it is without them.</li>
<li>${say('skip', 'Not now')} It stays unlinked, and is listed last.</li>
</ul><p class="muted">The next cycle writes what follows. <code>concordat review</code> shows what that would be before it is done; a link is taken back by <code>concordat split</code>.</p></section>`,
)}`;
}

function letter(index: number): string {
  return index < 26 ? String.fromCodePoint(65 + index) : `#${index + 1}`;
}

function shown(value: Value): Html {
  if (isEmpty(value)) return html`<span class="muted">–</span>`;
  return html`<span class="value">${valueText(value, 2_000)}</span>`;
}

/** Silence is neither the same nor another value. */
function beside(value: Value, other: ReviewField['others'][number]): Html {
  if (other.isSame || isEmpty(value) || isEmpty(other.value))
    return html`${when(other.isSame, () => html`<span class="muted">= </span>`)}${shown(other.value)}`;
  return html`<b class="warn">≠ </b>${shown(other.value)}`;
}

import { asideText, codeText, count, heldText, moment } from '../../engine/in-words.ts';
import { reviewId } from '../../engine/reviews.ts';
import type { Stands } from '../../engine/stands.ts';
import type { Entity } from '../../model/values.ts';
import type { DeadLetter, QuarantineRow, ReviewRow } from '../../store/store.ts';
import { type Fragment, type Html, html, when } from './html.ts';
import { actionButton } from './page.ts';
import type { Session } from './sessions.ts';
import { type Column, table } from './table.ts';

/** How many of each sort are shown. */
export const mostShown = 50;

/** Everything that waits for a person, by class: ids and reasons, no values. */
export function waitingBody(stands: Stands, session: Session): Html {
  const { connections, held, reviews, conflicts, quarantine, deadLetters } = stands;
  const sum = (key: 'dead' | 'reviews' | 'quarantined' | 'waitingConflicts') =>
    connections.reduce((total, one) => total + one[key], 0);
  const classes = connections.flatMap((one) =>
    one.reasons.map((reason) => ({ connection: one.connection, entity: one.entity, ...reason })),
  );
  const writes = classes.filter(({ what }) => what !== 'quarantined');
  return html`<div class="line"><h1>Waiting</h1><p class="muted">ids and reasons; values are on the record pages</p></div>
${section(
  'held',
  'Stopped by a guard',
  held.length,
  held.length,
  html`${table('Stopped by a guard', held, ({ sync, connection, what }) => `${sync} ${connection} ${what}`, [
    { title: 'sync', cell: ({ sync }) => html`<strong>${sync}</strong>` },
    { title: 'what', cell: (set) => heldText(set) },
    {
      title: 'for example',
      cell: ({ connection, examples }) => list(examples.map(({ externalId }) => `${connection}:${externalId}`)),
    },
    { title: 'to let it be written, once', cell: ({ sync }) => html`<code>concordat approve ${sync}</code>` },
  ])}<p class="muted">If it is wrong, put it right in the CRM: the next sync then goes on by itself.</p>`,
)}
${section(
  'classes',
  'Set aside, by reason',
  writes.length,
  writes.length,
  table('Set aside', writes, ({ connection, entity, what, reason }) => `${connection} ${entity} ${what} ${reason}`, [
    { title: 'connection', cell: ({ connection, entity }) => html`<strong>${connection}</strong> ${entity}` },
    { title: 'what', cell: (one) => asideText(one) },
    {
      title: 'action',
      cell: (one) =>
        one.what === 'dead'
          ? actionButton(
              session,
              '/actions/retry',
              { connection: one.connection, code: one.reason },
              'Retry all',
              `${one.connection}, ${one.reason}`,
            )
          : undefined,
    },
  ]),
)}
${section(
  'dead',
  'Dead letters: records that a CRM did not take',
  deadLetters.length,
  sum('dead'),
  table(
    'Dead letters',
    deadLetters.slice(0, mostShown),
    ({ connection, recordId }) => `${connection} ${recordId}`,
    deadColumns(session),
  ),
)}
${section(
  'reviews',
  'Reviews: is this the same one?',
  reviews.length,
  sum('reviews'),
  table(
    'Reviews',
    reviews.slice(0, mostShown),
    ({ connection, entity, externalId }) => `${connection} ${entity} ${externalId}`,
    reviewColumns,
  ),
)}
${section(
  'conflicts',
  'Conflicts that nobody but a person may settle',
  conflicts.length,
  sum('waitingConflicts'),
  html`<p class="muted"><a href="/conflicts">Both values, and settling them</a></p>${table(
    'Conflicts',
    conflicts.slice(0, mostShown),
    ({ recordId, path }) => `${recordId} ${path}`,
    [
      { title: 'record', cell: ({ entity, recordId }) => recordLink(entity, recordId) },
      { title: 'field', cell: ({ path }) => html`<code>${path}</code>` },
      { title: 'rule', cell: ({ rule }) => rule },
      { title: 'since (UTC)', cell: ({ at }) => moment(at) },
    ],
  )}`,
)}
${section(
  'quarantine',
  'Quarantine: records that could not be used',
  quarantine.length,
  sum('quarantined'),
  table(
    'Quarantine',
    quarantine.slice(0, mostShown),
    ({ connection, entity, externalId, at }) => `${connection} ${entity} ${externalId ?? at}`,
    quarantineColumns,
  ),
)}`;
}

function section(id: string, title: string, listed: number, all: number, content: Fragment): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title} <span class="count">${count(Math.max(all, listed))}</span></h2>${
    listed === 0 ? html`<p class="muted">None.</p>` : content
  }${when(all > mostShown, () => html`<p class="muted">The first ${mostShown}; <code>concordat status --json</code> lists more.</p>`)}</section>`;
}

function deadColumns(session: Session): readonly Column<DeadLetter>[] {
  return [
    { title: 'connection', cell: ({ connection }) => html`<strong>${connection}</strong>` },
    { title: 'record', cell: ({ entity, recordId }) => recordLink(entity, recordId) },
    { title: 'why', cell: ({ code, message }) => html`${codeText(code)}<small>${message}</small>` },
    { title: 'tried', isNumber: true, cell: ({ attempts }) => attempts },
    {
      title: 'action',
      cell: ({ connection, recordId }) =>
        actionButton(
          session,
          '/actions/retry',
          { connection, record: recordId },
          'Retry',
          `${connection}, ${recordId}`,
        ),
    },
  ];
}

const reviewColumns: readonly Column<ReviewRow>[] = [
  { title: 'record in the CRM', cell: (review) => reviewLink(review) },
  { title: 'why', cell: ({ reason }) => reason },
  {
    title: 'may be',
    cell: ({ entity, candidates }) =>
      candidates.length === 0
        ? 'nobody known'
        : candidates.map(({ recordId, evidence }) => html`${recordLink(entity, recordId)}<small>${evidence}</small>`),
  },
  { title: 'since (UTC)', cell: ({ at }) => moment(at) },
];

const quarantineColumns: readonly Column<QuarantineRow>[] = [
  {
    title: 'record in the CRM',
    cell: ({ connection, externalId }) => html`<code>${connection}:${externalId ?? '(no id)'}</code>`,
  },
  { title: 'entity', cell: ({ entity }) => entity },
  { title: 'why', cell: ({ reason }) => reason },
  { title: 'seen (UTC)', cell: ({ at }) => moment(at) },
];

function list(items: readonly string[]): Html {
  return html`${items.map((item) => html`<code>${item}</code> `)}`;
}

/** A link to the page of a record. */
export function recordLink(entity: Entity, recordId: string): Html {
  return html`<a href="/records/${entity}/${recordId}"><code>${recordId}</code></a>`;
}

/** A link to the page of a review. */
export function reviewLink(review: Pick<ReviewRow, 'entity' | 'connection' | 'externalId'>): Html {
  return html`<a href="/reviews/${reviewId(review)}"><code>${review.connection}:${review.externalId}</code></a>`;
}

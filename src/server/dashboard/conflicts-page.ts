import type { Suggestion, ToldConflict } from '../../engine/conflict-list.ts';
import { count, counted, moment, valueText } from '../../engine/in-words.ts';
import { type Fragment, type Html, html, when } from './html.ts';
import { actionButton, tokenField } from './page.ts';
import type { Session } from './sessions.ts';
import { table } from './table.ts';
import { recordLink } from './waiting-page.ts';

/** How many conflicts are shown. */
export const mostConflicts = 50;

/** Conflicts that wait for a person, with both values, and what an operator may make of them. */
export function conflictsBody(
  conflicts: readonly ToldConflict[],
  suggestions: readonly Suggestion[],
  session: Session,
): Html {
  const shown = conflicts.slice(0, mostConflicts);
  return html`<h1>Conflicts <span class="count">${conflicts.length > mostConflicts ? `${count(mostConflicts)} and more` : count(shown.length)}</span></h1>
<p class="muted">Two CRMs changed one field to different values, and the sync leaves it to a person. The other fields went through.
This page shows personal data: the values of these fields. What you choose is written to every CRM by the next cycle.</p>
${
  shown.length === 0
    ? html`<p class="muted">None waits. Those that a rule has settled: <code>concordat conflicts</code></p>`
    : table('Conflicts', shown, ({ id }) => String(id), [
        {
          title: 'field and record',
          cell: ({ field, id, at, entity, canonicalId, known }) =>
            html`<strong><code>${field}</code></strong> of ${entity} ${known.map((name) => html`<code>${name}</code> `)}<small>${recordLink(entity, canonicalId)}</small><small>no. ${id}, since ${moment(at)} UTC</small>`,
        },
        { title: 'it has', cell: ({ winner }) => side(winner) },
        { title: 'against', cell: ({ loser }) => side(loser) },
        { title: 'action', cell: (conflict) => choices(conflict, session) },
      ])
}
${suggestions.map(
  ({ sync, field, owner, choices: chosen }) =>
    html`<p class="banner">In <code>${field}</code> the value of <strong>${owner}</strong> was taken each time (${counted(chosen, 'choice')}).
To let it win by itself, in the sync ${sync}: <code>owners: { ${field}: ${owner} }</code></p>`,
)}`;
}

function side({ connection, value }: ToldConflict['winner']): Html {
  return html`<span class="value">${valueText(value, 500)}</span><small>${connection}</small>`;
}

function choices({ id, field, winner, loser }: ToldConflict, session: Session): Fragment {
  const conflict = String(id);
  const button = (take: 'winner' | 'loser', { connection }: ToldConflict['winner']) =>
    actionButton(session, '/actions/settle', { conflict, take }, `Take ${connection}`, `${field}, no. ${id}`);
  return html`${button('winner', winner)}${button('loser', loser)}${when(
    session.role === 'operator',
    () => html`<form class="action typed" method="post" action="/actions/settle">${tokenField(session.token)}<input type="hidden" name="conflict" value="${conflict}">
<label>another value <input name="value" maxlength="4000" autocomplete="off"></label><button aria-label="Set: ${field}, no. ${id}">Set</button></form>`,
  )}`;
}

import type {
  ExplainedField,
  ExplainedLink,
  ExplainedOrigin,
  Explanation,
  TimelineEvent,
} from '../../engine/explain.ts';
import type { AsideRecord, Found } from '../../engine/find-record.ts';
import { codeText, counted, moment, runNumbers, valueText, withoutName } from '../../engine/in-words.ts';
import { type Entity, entities } from '../../model/values.ts';
import { type Fragment, type Html, html, when } from './html.ts';
import { actionButton, state, tokenField } from './page.ts';
import type { Session } from './sessions.ts';
import { type Column, table } from './table.ts';
import { recordLink } from './waiting-page.ts';

/** What was looked for. */
export interface Query {
  readonly entity: Entity;
  readonly which: string;
}

/** The form that finds a record. What is typed does not become part of an address: it may be somebody's e-mail. */
function searchForm({ token }: Session, query?: Query): Html {
  return html`<form class="search" method="post" action="/records">${tokenField(token)}
<label>Entity <select name="entity">${entities.map(
    (entity) => html`<option${entity === query?.entity ? html` selected` : undefined}>${entity}</option>`,
  )}</select></label>
<label class="wide">E-mail, CONNECTION:EXTERNALID, external id or canonical id
<input name="which" required maxlength="400" autocomplete="off" spellcheck="false" value="${query?.which ?? ''}"></label>
<button>Find</button></form>`;
}

/** The page on which records are looked for, with what was found when it was not exactly one. */
export function searchBody(session: Session, query?: Query, found?: Found): Html {
  return html`<h1>Records</h1>
<p class="muted">A record’s page shows its values. Other pages show those alone from which somebody has to choose.</p>
${searchForm(session, query)}
${when(query !== undefined && found !== undefined, () => findings(query!, found!))}`;
}

function findings({ entity, which }: Query, { records, aside }: Found): Html {
  if (records.length > 0)
    return html`<h2>${counted(records.length, entity)} fit “${which}”</h2>
<ul class="list">${records.map(
      ({ record, links }) =>
        html`<li>${recordLink(entity, record.id)} ${links.flatMap(({ connection, externalId, state: its }) =>
          its === 'live' ? [html`<code>${connection}:${externalId}</code> `] : [],
        )}</li>`,
    )}</ul>`;
  if (aside.length > 0) return html`${aside.map((one) => asideFinding(entity, one))}`;
  return html`<p class="banner warn" role="status">There is no ${entity} “${which}”. Try its address, CONNECTION:EXTERNALID, or the canonical id.</p>`;
}

function asideFinding(entity: Entity, { connection, externalId, state: its, review, quarantine }: AsideRecord): Html {
  const name = html`<code>${connection}:${externalId}</code>`;
  if (its === 'quarantined')
    return html`<p class="banner warn">${name} could not be used: ${quarantine?.reason ?? 'unknown why'}. It is to be corrected in ${connection}; every sync looks at it again.</p>`;
  return html`<p class="banner warn">${name} is known and linked to nothing: ${review?.reason ?? 'the next sync decides who it is'}.
Until that is settled, nothing is created for it elsewhere.</p>
<ul class="list">${(review?.candidates ?? []).map(
    ({ recordId, evidence }) => html`<li>it may be ${recordLink(entity, recordId)}: ${evidence}</li>`,
  )}</ul>`;
}

/** Everything about one record, with its values: what `concordat explain` tells. */
export function recordBody(explanation: Explanation, session: Session): Html {
  const { entity, canonicalId, state: its, mergedInto, version, links, fields, timeline, runs } = explanation;
  const open = openMatters(explanation, session);
  const numbers = runNumbers(explanation);
  const run: RunName = (id) => html`<a href="#run-${numbers.get(id)}" title="${id}">run ${numbers.get(id)}</a>`;
  const known = new Map(runs.map((one) => [one.id, one]));
  return html`${searchForm(session)}
<h1>${entity} <code>${canonicalId}</code></h1>
<p class="muted">${mergedInto ? html`Merged into ${recordLink(entity, mergedInto)}. ` : its === 'live' ? '' : 'Deleted; kept so that it is not born again. '}${counted(links.length, 'link')}, ${counted(fields.length, 'field')}, version ${version}.
This page shows personal data: the values of the record.</p>
${when(open.length > 0, () => html`<section aria-labelledby="open"><h2 id="open">Open</h2><ul class="list">${open.map((one) => html`<li>${one}</li>`)}</ul></section>`)}
<section aria-labelledby="links"><h2 id="links">Links</h2>${table('Links', links, ({ connection, externalId }) => `${connection} ${externalId}`, linkColumns)}</section>
<section aria-labelledby="fields"><h2 id="fields">Fields</h2>${table('Fields', fields, ({ path }) => path, fieldColumns(run))}</section>
<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>${table(
    'Timeline',
    timeline.map((event, index) => ({ event, index })).toReversed(),
    ({ index }) => String(index),
    [
      { title: 'when (UTC)', isTight: true, cell: ({ event }) => moment(event.at) },
      { title: 'what', cell: ({ event }) => eventText(event) },
      { title: 'run', isTight: true, cell: ({ event }) => run(event.run) },
    ],
  )}</section>
<section aria-labelledby="runs"><h2 id="runs">Runs</h2>${table('Runs', [...numbers], ([, number]) => String(number), [
    { title: 'run', isTight: true, cell: ([, number]) => html`<span id="run-${number}">run ${number}</span>` },
    { title: 'id', cell: ([id]) => html`<code>${id}</code>` },
    { title: 'sync', cell: ([id]) => known.get(id)?.sync ?? 'not in the log any more' },
    { title: 'started (UTC)', isTight: true, cell: ([id]) => (known.has(id) ? moment(known.get(id)!.startedAt) : '') },
  ])}</section>`;
}

/** Shows a run by its number, with a way to its id. */
type RunName = (id: string) => Html;

const linkColumns: readonly Column<ExplainedLink>[] = [
  { title: 'record in the CRM', cell: ({ connection, externalId }) => html`<code>${connection}:${externalId}</code>` },
  {
    title: 'state',
    cell: ({ state: its, isUnanswered }) =>
      isUnanswered
        ? state('warn', 'our last write was not answered')
        : {
            live: state('good', 'linked'),
            gone: state('idle', 'deleted there'),
            removed: state('idle', 'deleted there by us'),
            unlinked: state('idle', 'unlinked by the merge'),
          }[its],
  },
  { title: 'evidence', cell: ({ evidence }) => evidence },
  {
    title: 'last written or read anew (UTC)',
    cell: ({ writtenAt }) => (writtenAt === null ? 'not since it was first seen' : moment(writtenAt)),
  },
];

function fieldColumns(run: RunName): readonly Column<ExplainedField>[] {
  return [
    { title: 'field', cell: ({ path, title }) => html`<code>${path}</code><small>${title}</small>` },
    {
      title: 'value',
      cell: ({ value }) => (value === undefined ? html`<span class="muted">no value yet</span>` : shown(value)),
    },
    { title: 'from', cell: ({ origin }) => (origin ? originText(origin, run) : undefined) },
    {
      title: 'replaced',
      cell: ({ replaced }) =>
        replaced
          ? html`${shown(replaced.value)}${when(replaced.origin !== null, () => html`<small>of ${replaced.origin!.connection}, ${replaced.origin!.rule}, ${moment(replaced.origin!.at)}</small>`)}`
          : html`<span class="muted">–</span>`,
    },
    {
      title: 'held by',
      cell: ({ held }) => {
        const same = held.filter(({ compared }) => compared === 'same').map(({ connection }) => connection);
        return html`${when(same.length > 0, () => state('good', same.join(', ')))}${held
          .filter(({ compared }) => compared !== 'same')
          .map(({ connection, compared, value }) => {
            const isKept = compared === 'kept as';
            const words = html`${connection} ${isKept ? 'keeps it as' : 'holds'}`;
            return html`<div>${state(isKept ? 'idle' : 'warn', words)} ${shown(value)}</div>`;
          })}`;
      },
    },
  ];
}

function shown(value: NonNullable<ExplainedField['value']> | null): Html {
  return html`<span class="value">${valueText(value, 2_000)}</span>`;
}

function originText({ connection, externalId, at, rule, run: id }: ExplainedOrigin, run: RunName): Html {
  return html`<code>${connection}${externalId === undefined ? '' : `:${externalId}`}</code><small>${rule} · ${moment(at)} · ${run(id)}</small>`;
}

function eventText(event: TimelineEvent): Fragment {
  switch (event.what) {
    case 'linked':
      return html`linked to <code>${event.connection}:${event.externalId}</code>: ${event.evidence}`;
    case 'first values':
      return html`<strong>${event.connection}</strong> brought ${event.paths.join(', ')} (${event.rule})`;
    case 'changed':
      return html`<code>${event.path}</code> ${event.from === undefined ? undefined : html`${shown(event.from)} → `}${shown(event.to)} from <strong>${event.connection}</strong> (${event.rule})`;
    case 'conflict': {
      const { path, winner, loser, rule } = event;
      const verb = event.state === 'waiting' ? 'waits for a person with' : 'won with';
      return html`conflict in <code>${path}</code>: <strong>${winner.connection}</strong> ${verb} ${shown(winner.value)} against <strong>${loser.connection}</strong> with ${shown(loser.value)} (${rule})`;
    }
  }
}

/** What has still to happen, or waits for a person. */
function openMatters({ open, canonicalId, entity }: Explanation, session: Session): readonly Html[] {
  return [
    ...open.conflicts.map(
      ({ path, winner, loser }) =>
        html`Conflict in <code>${path}</code>: <strong>${winner.connection}</strong> has ${shown(winner.value)}, <strong>${loser.connection}</strong> has ${shown(loser.value)}; it waits for a person: <a href="/conflicts">settle it</a>.`,
    ),
    ...open.reviews.map(
      ({ connection, externalId, reason }) =>
        html`Review: <code>${connection}:${externalId}</code> may be this ${entity}: ${reason}.`,
    ),
    ...open.held.map(
      ({ sync, connection, what, approved }) =>
        html`Held by a guard: ${what} at ${connection}; ${approved ? 'approved, the next sync writes it.' : html`<code>concordat approve ${sync}</code>`}`,
    ),
    ...open.intents.map(
      ({ connection, at }) =>
        html`Create at ${connection}, ${moment(at)}: not answered; it is looked for before anything is sent.`,
    ),
    ...open.writes.map(({ connection, state: its, since, attempts, failure }) => {
      const why = failure ? withoutName(failure.message, connection) : '';
      const words =
        failure?.detail === undefined ? undefined : html`<small>the CRM’s words: ${valueText(failure.detail)}</small>`;
      if (its === 'unsupported') return html`Not possible at ${connection}: ${why}`;
      if (its === 'dead')
        return html`Dead letter at ${connection}, ${codeText(failure?.code ?? 'rejected')}: ${why} ${actionButton(session, '/actions/retry', { connection, record: canonicalId }, 'Retry', connection)}${words}`;
      return html`To be written to ${connection} since ${moment(since)}${attempts > 0 ? `, tried ${counted(attempts, 'time')}: ${why}` : ''}${words}`;
    }),
  ];
}

import { asideText, count, duration, heldText, moment, processText, withoutName } from '../../engine/in-words.ts';
import type { Run } from '../../engine/stands.ts';
import type { AsideClass, Standing } from '../../store/store.ts';
import { type Fragment, type Html, html, when } from './html.ts';
import {
  type ConnectionFacts,
  countsOf,
  type Overview,
  type RunCounts,
  type SyncFacts,
  writtenIn,
} from './overview-facts.ts';
import { actionButton, ago, state } from './page.ts';
import type { Session } from './sessions.ts';
import { type Column, table } from './table.ts';

/** The first page: is everything well, and what needs somebody. */
export function overviewBody(overview: Overview, session: Session): Html {
  const { at, redisAwaySince, connections, syncs, held, runs } = overview;
  const classes = connections
    .flatMap((one) => one.reasons.map((reason) => ({ one, reason })))
    .sort((a, b) => urgency.indexOf(a.reason.what) - urgency.indexOf(b.reason.what));
  return html`${when(
    redisAwaySince !== undefined,
    () => html`<p class="banner bad" role="alert"><strong>Redis does not answer since ${moment(redisAwaySince!)} UTC.</strong>
Webhooks are stored; nothing is lost. Work goes on by itself when it is back; until then schedules and “Sync now” do nothing.</p>`,
  )}
${held.map(
  (
    set,
  ) => html`<p class="banner warn">${set.madeBy === undefined ? '' : 'A revert in '}<strong>${set.sync}</strong> is stopped by a guard: ${heldText(set)}.
If that is right: <code>concordat approve ${set.sync}</code>; else put it right in the CRM.</p>`,
)}
<div class="line"><h1>Overview</h1><p class="muted">as of ${moment(at)} UTC</p></div>
<section aria-labelledby="syncs"><h2 id="syncs">Syncs</h2>${table('Syncs', syncs, ({ policy }) => policy.name, syncColumns(session, at))}</section>
<section aria-labelledby="connections"><h2 id="connections">Connections</h2>${table(
    'Connections',
    connections,
    ({ connection, entity }) => `${connection} ${entity}`,
    connectionColumns(at),
  )}</section>
<div class="columns">
<section aria-labelledby="aside"><h2 id="aside">Set aside, by reason</h2>${
    classes.length === 0
      ? html`<p class="muted">Nothing.</p>`
      : html`<ul class="list">${classes
          .slice(0, mostClasses)
          .map(
            ({ one, reason }) =>
              html`<li><strong>${one.connection}</strong> ${one.entity}: ${asideText({ ...one, ...reason })}</li>`,
          )}</ul><p><a href="/waiting">Everything that waits</a></p>`
  }</section>
<section aria-labelledby="runs"><h2 id="runs">Last runs</h2>${
    runs.length === 0
      ? html`<p class="muted">None yet.</p>`
      : table('Last runs', runs, ({ id, sync }) => `${id} ${sync}`, runColumns(at))
  }</section>
</div>`;
}

/** What a person can do something about comes first. */
const urgency: readonly AsideClass['what'][] = ['dead', 'quarantined', 'unsupported'];
const mostClasses = 8;

function syncColumns(session: Session, now: number): readonly Column<SyncFacts>[] {
  return [
    {
      title: 'sync',
      cell: ({ policy }) =>
        html`<strong>${policy.name}</strong><small>${policy.entity} · ${policy.members.map(({ connection }) => connection).join(', ')}</small>`,
    },
    { title: 'last run', cell: (sync) => lastRun(sync, now) },
    ...(
      [
        ['read', 'read'],
        ['created', 'created'],
        ['updated', 'updated'],
        ['deleted', 'deleted'],
        ['failed', 'failed'],
      ] as const satisfies readonly (readonly [keyof RunCounts, string])[]
    ).map(([key, title]): Column<SyncFacts> => ({ title, isNumber: true, cell: ({ counts }) => number(counts[key]) })),
    {
      title: 'read/s',
      isNumber: true,
      cell: ({ perSecond }) => (perSecond === undefined ? '–' : count(Math.round(perSecond))),
    },
    { title: 'written, 1 h', isNumber: true, cell: ({ writtenInHour }) => number(writtenInHour) },
    {
      title: 'next run',
      isTight: true,
      cell: ({ pausedSince, nextAt }) =>
        pausedSince !== undefined
          ? state('warn', html`paused ${ago(pausedSince, now)}`)
          : nextAt === undefined
            ? 'never'
            : ago(nextAt, now),
    },
    {
      title: 'actions',
      isTight: true,
      cell: ({ policy: { name }, pausedSince }) =>
        session.role !== 'operator'
          ? html`<span class="muted">none</span>`
          : html`${actionButton(session, '/actions/sync-now', { sync: name }, 'Sync now', name)}${
              pausedSince === undefined
                ? actionButton(session, '/actions/pause', { sync: name }, 'Pause', name)
                : actionButton(session, '/actions/resume', { sync: name }, 'Resume', name)
            }`,
    },
  ];
}

function lastRun({ policy, last, current, isBroken, held }: SyncFacts, now: number): Fragment {
  const running = current && state('good', html`running since ${ago(current.startedAt, now)}`);
  const broken = isBroken ? state('warn', 'broken off: its process died; the next run goes on') : undefined;
  return html`${running}${broken}${last ? outcome(last, policy.name, held.length > 0, now) : when(!current, () => state('idle', 'none yet'))}`;
}

const outcomeKinds = { done: 'good', waiting: 'warn', failed: 'bad' } as const;

function outcome({ end, startedAt }: Run, sync: string, isHeld: boolean, now: number): Fragment {
  if (!end) return undefined;
  const waiting = isHeld ? 'stopped by a guard' : 'done, a person is needed';
  const words = { done: 'done', waiting, failed: 'failed' }[end.outcome];
  return html`${state(outcomeKinds[end.outcome], words)}${when(
    end.error !== undefined,
    () => html`<small>${withoutName(end.error!, sync)}</small>`,
  )}<small>${ago(end.endedAt, now)}, took ${duration(end.endedAt - startedAt)}</small>`;
}

function number(value: number | undefined): Fragment {
  return value === undefined ? '–' : value === 0 ? 0 : count(value);
}

const freshnessKinds = { good: 'good', late: 'warn', old: 'bad', never: 'bad', cannot: 'idle' } as const;
const freshnessWords = { good: 'good', late: 'late', old: 'old', never: 'never', cannot: 'cannot be read' } as const;

const countColumns = [
  ['links', 'linked'],
  ['pending', 'pending'],
  ['dead', 'dead'],
  ['unsupported', 'not possible'],
  ['quarantined', 'quarantine'],
  ['reviews', 'reviews'],
  ['waitingConflicts', 'conflicts'],
  ['openIntents', 'unanswered'],
] as const satisfies readonly (readonly [keyof Standing, string])[];

function connectionColumns(now: number): readonly Column<ConnectionFacts>[] {
  return [
    {
      title: 'connection',
      cell: ({ connection, entity }) => html`<strong>${connection}</strong><small>${entity}</small>`,
    },
    {
      title: 'last good poll',
      isTight: true,
      cell: ({ lagMs, freshness, isPartial }) =>
        html`${state(
          freshnessKinds[freshness],
          lagMs === null
            ? freshnessWords[freshness]
            : html`${ago(now - lagMs, now)}${freshness === 'good' ? '' : `, ${freshnessWords[freshness]}`}`,
        )}${when(isPartial, () => html`<small>lists some only</small>`)}`,
    },
    ...countColumns.map(
      ([key, title]): Column<ConnectionFacts> => ({
        title,
        isNumber: true,
        cell: (one) =>
          needsPerson.has(key) && one[key] > 0 ? html`<b class="warn">${count(one[key])}</b>` : number(one[key]),
      }),
    ),
    {
      title: 'open hints',
      isNumber: true,
      cell: ({ hints }) => (hints ? html`${count(hints.count)}<small>oldest ${ago(hints.oldestAt, now)}</small>` : 0),
    },
    {
      title: 'calls',
      cell: ({ hold, seat }) => {
        const by = seat && (seat.here ? 'this process' : processText(seat.owner));
        if (hold)
          return html`${state('warn', html`waits, goes on ${ago(hold.until, now)}`)}<small>${hold.reason}; ${by}</small>`;
        return seat ? html`${state('good', 'open')}<small>${by}</small>` : state('idle', 'nobody yet');
      },
    },
  ];
}

const needsPerson: ReadonlySet<keyof Standing> = new Set(['dead', 'quarantined', 'reviews', 'waitingConflicts']);

function runColumns(now: number): readonly Column<Run>[] {
  return [
    { title: 'sync', isTight: true, cell: ({ sync }) => sync },
    {
      title: 'outcome',
      isTight: true,
      cell: (run) => {
        if (!run.end) return state('idle', 'not ended');
        const words = { done: 'done', waiting: 'a person is needed', failed: 'failed' }[run.end.outcome];
        return state(outcomeKinds[run.end.outcome], words);
      },
    },
    { title: 'when', isTight: true, cell: ({ startedAt, end }) => ago(end?.endedAt ?? startedAt, now) },
    { title: 'took', isTight: true, cell: ({ startedAt, end }) => (end ? duration(end.endedAt - startedAt) : '–') },
    { title: 'read', isNumber: true, cell: (run) => number(countsOf(run).read) },
    { title: 'written', isNumber: true, cell: (run) => (run.end ? number(writtenIn(countsOf(run))) : '–') },
    { title: 'run', cell: ({ id }) => html`<code>${id}</code>` },
  ];
}

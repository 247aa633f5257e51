import type { ExplainedField, ExplainedLink, ExplainedOrigin, Explanation, TimelineEvent } from '../engine/explain.ts';
import { codeText, moment, runNumbers, valueText, withoutName } from '../engine/in-words.ts';
import type { Output } from './io.ts';
import { counted, table, wrapped } from './table.ts';

/** An explanation for people at a terminal. Runs have numbers in it, and their ids at the end. */
export function explanationLines(explanation: Explanation, output: Output): string[] {
  const { entity, canonicalId, state, mergedInto, version, links, fields, timeline, runs } = explanation;
  const width = Math.min(output.columns, 100);
  const numbers = runNumbers(explanation);
  const run = (id: string) => `run ${numbers.get(id)}`;
  const title = (text: string) => ['', output.style('bold', text)];
  const under = (lines: readonly string[], indent: string) => lines.flatMap((line) => wrapped(line, width, indent));
  const known = new Map(runs.map((one) => [one.id, one]));
  const open = openLines(explanation, run);
  return [
    `${output.style('bold', `${entity} ${canonicalId}`)}`,
    `${mergedInto ? `merged into ${mergedInto}; ` : state === 'live' ? '' : 'deleted, kept so that it is not born again; '}${counted(links.length, 'link')}, ${counted(fields.length, 'field')}, version ${version}`,
    ...(open.length === 0 ? [] : title('Open')),
    ...under(open, '  '),
    ...title('Links'),
    ...under(
      links.map((link) => linkLine(link, run)),
      '  ',
    ),
    ...title('Fields'),
    ...fields.flatMap((field) => [
      ...wrapped(
        `${output.style('cyan', field.path)}  ${field.value === undefined ? 'no value yet' : valueText(field.value)}`,
        width,
        '  ',
      ),
      ...under(fieldLines(field, run), '    '),
    ]),
    ...title('Timeline (UTC)'),
    ...timeline.flatMap((event) => {
      const [first = '', ...more] = wrapped(eventText(event), width - 23);
      return [`  ${moment(event.at)}  ${first}`, ...more.map((line) => `${' '.repeat(23)}${line}`)];
    }),
    ...title('Runs'),
    ...table(
      ['', 'run', 'sync', 'started (UTC)'],
      [...numbers].map(([id, number]) => {
        const one = known.get(id);
        return [`  ${number}`, id, one?.sync ?? 'not in the log any more', one ? moment(one.startedAt) : ''];
      }),
    ).slice(1),
  ];
}

type RunText = (id: string) => string;

const linkStates: Readonly<Record<ExplainedLink['state'], string>> = {
  live: '',
  gone: 'was deleted there; ',
  removed: 'was deleted there by us; ',
  unlinked: 'was unlinked by the merge; ',
};

function linkLine(link: ExplainedLink, run: RunText): string {
  const { connection, externalId, state, evidence, writtenAt, isUnanswered } = link;
  const written = writtenAt === null ? '' : `; last written or read anew ${moment(writtenAt)}`;
  const unanswered = isUnanswered ? '; the answer to our last write is missing' : '';
  return `${connection}:${externalId}  ${linkStates[state]}${evidence}, ${run(link.run)}${written}${unanswered}`;
}

function fieldLines({ origin, replaced, held }: ExplainedField, run: RunText): string[] {
  const same = held.filter(({ compared }) => compared === 'same').map(({ connection }) => connection);
  const name = ({ connection, externalId, path }: (typeof held)[number], own: string) =>
    `${connection}:${externalId}${path === own ? '' : ` (${path})`}`;
  return [
    ...(origin ? [`from ${originText(origin, run)}`] : []),
    ...(replaced
      ? [`replaced ${valueText(replaced.value)}${replaced.origin ? ` of ${originText(replaced.origin, run)}` : ''}`]
      : []),
    ...(same.length > 0 ? [`the same at ${same.join(', ')}`] : []),
    ...held
      .filter(({ compared }) => compared !== 'same')
      .map(
        (one) =>
          `${name(one, one.path)} ${one.compared === 'kept as' ? 'keeps it as' : 'holds'} ${valueText(one.value)}`,
      ),
  ];
}

function originText({ connection, externalId, at, rule, ...origin }: ExplainedOrigin, run: RunText): string {
  return `${connection}${externalId === undefined ? '' : `:${externalId}`}: ${rule}, ${moment(at)}, ${run(origin.run)}`;
}

function eventText(event: TimelineEvent): string {
  switch (event.what) {
    case 'linked':
      return `linked to ${event.connection}:${event.externalId}: ${event.evidence}`;
    case 'first values':
      return `${event.connection} brought ${event.paths.join(', ')} (${event.rule})`;
    case 'changed':
      return `${event.path}: ${event.from === undefined ? '' : `${valueText(event.from, 60)} → `}${valueText(event.to, 60)}, from ${event.connection} (${event.rule})`;
    case 'conflict': {
      const { winner, loser } = event;
      const verb = event.state === 'waiting' ? 'waits for a person' : 'won';
      return `conflict in ${event.path}: ${winner.connection} ${verb} with ${valueText(winner.value, 60)} against ${loser.connection} with ${valueText(loser.value, 60)} (${event.rule})`;
    }
  }
}

/** What has still to happen, or waits for a person. */
function openLines({ open, entity }: Explanation, run: RunText): string[] {
  return [
    ...open.conflicts.map(
      ({ path, winner, loser }) =>
        `conflict in ${path}: ${winner.connection} has ${valueText(winner.value)}, ${loser.connection} has ${valueText(loser.value)}; it waits for a person: concordat conflicts`,
    ),
    ...open.reviews.map(
      ({ connection, externalId, reason }) =>
        `review: ${connection}:${externalId} may be this ${entity}: ${reason}; it waits for a person`,
    ),
    ...open.held.map(
      ({ sync, connection, what, approved }) =>
        `held by a guard: ${what} at ${connection}; ${approved ? `approved, the next sync writes it` : `concordat approve ${sync}`}`,
    ),
    ...open.intents.map(
      (intent) =>
        `create at ${intent.connection}, ${moment(intent.at)}, ${run(intent.run)}: not answered; it is looked for before anything is sent`,
    ),
    ...open.writes.map(({ connection, recordId, state, since, attempts, failure }) => {
      const why = failure ? `: ${withoutName(failure.message, connection)}` : '';
      const words = failure?.detail === undefined ? '' : ` (${valueText(failure.detail)})`;
      if (state === 'unsupported') return `not possible at ${connection}${why}`;
      if (state === 'dead')
        return `dead letter at ${connection}, ${codeText(failure?.code ?? 'rejected')}${why}${words}; concordat retry --record ${recordId}`;
      const tried = attempts > 0 ? `, tried ${counted(attempts, 'time')}${why}${words}` : '';
      return `to be written to ${connection} since ${moment(since)}${tried}`;
    }),
  ];
}

import type { EngineContext, SyncOutcome } from '../engine/engine.ts';
import type { Aggregate } from '../store/store.ts';
import { type DemoCrms, type DemoName, demoEnv, demoNames } from './demo-crms.ts';
import { count, counted, wrapped } from './table.ts';

/** The demo fits on a terminal of this many columns. */
export const demoWidth = 80;

/** Which CRMs there are, what each can do, and how much they hold. */
export function openingLines({ sandboxes, folder }: DemoCrms): string[] {
  const limits: Readonly<Record<DemoName, string>> = {
    showroom: 'leads cannot be changed, contacts cannot be deleted',
    site: 'contacts only',
    office: 'nothing new, no deletes; takes status, owner, tags, next action',
    chat: 'no list: what is known is read by its id',
  };
  const size = (name: DemoName, entity: 'contact' | 'account' | 'lead', noun: string) => {
    const { length } = sandboxes[name].people.all(entity);
    return length === 0 ? [] : [counted(length, noun)];
  };
  return [
    ...demoNames.flatMap((name) => [
      `  ${name.padEnd(9)} ${sandboxes[name].connector.padEnd(11)} ${[...size(name, 'contact', 'contact'), ...size(name, 'account', 'account'), ...size(name, 'lead', 'lead')].join(', ')}`,
      `${' '.repeat(12)}${limits[name]}`,
    ]),
    ...wrapped(
      'Many are the same people and companies, typed differently: case, accents, telephone numbers, plus tags, fields that one side lacks. Each CRM is a small program on loopback that speaks its vendor’s API.',
      demoWidth,
      '  ',
    ),
    `  Configuration and database: ${folder}`,
  ];
}

/** The cases of matching: what was decided about each, and why. */
export async function whoIsWho({ store }: EngineContext, { cases, sandboxes }: DemoCrms): Promise<string[]> {
  const lines = ['What happened, and why'];
  const reviews = await store.openReviews('contact');
  for (const { title, ids } of cases) {
    lines.push(...wrapped(title, demoWidth, '  '));
    for (const name of demoNames.filter((one) => one !== 'showroom')) {
      const linked = await store.linked(name, 'contact', ids[name]);
      for (const id of ids[name]) {
        const review = reviews.find((one) => one.connection === name && one.externalId === id);
        const decided = decision(`${name}:${id}`, linked.get(id), ids.showroom, review?.reason);
        lines.push(...wrapped(`→ ${decided}`, demoWidth, '    '));
      }
    }
  }
  const unusable = await store.quarantined('site', 'contact', 5);
  if (unusable.length > 0) lines.push('  Records that cannot be used are set aside, the rest of the page goes on');
  for (const { externalId, reason } of unusable)
    lines.push(
      ...wrapped(`→ ${sandboxes.site.connector} contact ${externalId ?? '(no id)'}: ${reason}`, demoWidth, '    '),
    );
  return lines;
}

/** @param who connection and external id @param there ids of the case's records at the showroom */
function decision(
  who: string,
  aggregate: Aggregate | undefined,
  there: readonly string[],
  review: string | undefined,
): string {
  if (review !== undefined) return `${who} waits for a person: ${review}`;
  if (!aggregate) return `${who} is not decided yet`;
  const partner = aggregate.links.find(({ connection }) => connection === 'showroom');
  const own = aggregate.links.find(({ connection, externalId }) => `${connection}:${externalId}` === who);
  const why = [own?.evidence, partner?.evidence].filter((word) => word !== 'created' && word !== 'first seen');
  if (partner && there.includes(partner.externalId)) {
    if (own?.evidence === 'created') return `${who}: not made twice, but filled where it was empty`;
    return `${who}: one person, linked by ${why[0] ?? 'their values'}`;
  }
  return partner
    ? `${who}: somebody else, became a contact of the showroom of its own`
    : `${who}: somebody else, kept apart`;
}

/** What the CRMs were asked since the last `forgetRequests`. */
export function writesSeen({ sandboxes }: DemoCrms): string[] {
  return demoNames.map((name) => {
    const { requests } = sandboxes[name];
    // The query builder of ConeCRM asks by POST.
    const writes = requests.filter(
      ({ method, operation }) => method !== 'GET' && operation !== 'post_api_query_builder_filter',
    ).length;
    return `  ${`${name}:`.padEnd(9)} ${count(writes)} writes, ${count(requests.length - writes)} reads`;
  });
}

/** What stays different because an API cannot take it. */
export function unsupportedLines(outcomes: readonly SyncOutcome[]): string[] {
  const parts = outcomes.flatMap(({ sync, counts }) =>
    Object.entries(counts).flatMap(([name, { unsupported }]) =>
      unsupported === 0 ? [] : [`${sync}/${name} ${count(unsupported)}`],
    ),
  );
  if (parts.length === 0) return [];
  return wrapped(
    `Records that an API cannot take, not an error and not tried again: ${parts.join(', ')}`,
    demoWidth,
    '  ',
  );
}

/** What to look at next. @param keep whether the CRMs go on running */
export function closingLines({ configFile }: DemoCrms, keep: boolean): string[] {
  if (!keep)
    return [
      '',
      'To look around yourself: concordat demo --keep',
      'For your own CRMs: examples/concordat.yaml, then concordat check',
    ];
  const command = (rest: string) =>
    `  ${Object.entries(demoEnv)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')} npm run -s concordat -- ${rest} \\\n      --config ${configFile}`;
  return [
    '',
    'The CRMs keep running; Ctrl-C ends them. In another terminal:',
    command('status'),
    command('sync'),
    command('call site contacts_list --param Limit=3'),
  ];
}

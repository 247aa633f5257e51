import type { Sandbox } from '../connector/sandbox.ts';
import type { EngineContext } from '../engine/engine.ts';
import type { Aggregate, ConflictRow } from '../store/store.ts';
import { type DemoCrms, demoEnv } from './demo-crms.ts';
import { count, wrapped } from './table.ts';

/** The demo fits on a terminal of this many columns. */
const width = 80;

/** Which CRMs there are, and how much they hold. */
export function openingLines({ showroom, site, archive, folder }: DemoCrms): string[] {
  const line = (name: string, sandbox: Sandbox, what: string) =>
    `  ${name.padEnd(9)} ${sandbox.connector.padEnd(8)} ${what}`;
  const size = (sandbox: Sandbox, entity: 'contact' | 'account') => count(sandbox.people.all(entity).length);
  return [
    line('showroom', showroom, `${size(showroom, 'contact')} contacts, ${size(showroom, 'account')} accounts`),
    line('site', site, `${size(site, 'contact')} contacts`),
    line('archive', archive, `${size(archive, 'account')} accounts`),
    ...wrapped(
      'Many are the same people and companies, typed differently: case, accents, telephone numbers, plus tags, fields that one side lacks. Each CRM is a small program on loopback that speaks its vendor’s API.',
      width,
      '  ',
    ),
    `  Configuration and database: ${folder}`,
  ];
}

/** The cases of matching: what was decided about each, and why. */
export async function whoIsWho({ store }: EngineContext, { cases, site }: DemoCrms): Promise<string[]> {
  const lines = ['What happened, and why'];
  const reviews = await store.openReviews('contact');
  for (const { title, showroom: there, site: here } of cases) {
    const linked = await store.linked('site', 'contact', here);
    lines.push(...wrapped(title, width, '  '));
    for (const id of here) {
      const aggregate = linked.get(id);
      const review = reviews.find((one) => one.connection === 'site' && one.externalId === id);
      lines.push(...wrapped(`→ ${decision(id, aggregate, there, review?.reason)}`, width, '    '));
    }
  }
  const unusable = await store.quarantined('site', 'contact', 5);
  if (unusable.length > 0) lines.push('  Records that cannot be used are set aside, the rest of the page goes on');
  for (const { externalId, reason } of unusable)
    lines.push(...wrapped(`→ ${site.connector} contact ${externalId ?? '(no id)'}: ${reason}`, width, '    '));
  return lines;
}

function decision(
  id: string,
  aggregate: Aggregate | undefined,
  there: readonly string[],
  review: string | undefined,
): string {
  if (review !== undefined) return `site:${id} waits for a person: ${review}`;
  if (!aggregate) return `site:${id} is not decided yet`;
  const partner = aggregate.links.find(({ connection }) => connection === 'showroom');
  const evidence = aggregate.links.find(
    ({ connection, externalId }) => connection === 'site' && externalId === id,
  )?.evidence;
  const why = [evidence, partner?.evidence].filter(
    (word) => word !== undefined && word !== 'created' && word !== 'first seen',
  );
  if (partner && there.includes(partner.externalId)) return `one person: linked by ${why[0] ?? 'their values'}`;
  return partner ? `somebody else: became a contact of the showroom of its own` : 'somebody else: kept apart';
}

/** What the people of the demo changed. */
export interface Edits {
  readonly lines: readonly string[];
  readonly phone: Pair & { readonly value: string };
  readonly notes: Pair & { readonly value: string };
  readonly conflict: Pair & { readonly showroomValue: string; readonly siteValue: string };
  readonly company: { readonly showroom: string; readonly archive: string; readonly value: string };
}

/** One person in both CRMs. */
interface Pair {
  readonly showroom: string;
  readonly site: string;
}

/** Changes records behind the APIs' backs, as people at the CRMs do. */
export async function editByPeople({ store }: EngineContext, { showroom, site, archive }: DemoCrms): Promise<Edits> {
  const pairs = await pairsOf(store, 'site', site, 'contact', 'Id');
  const companies = await pairsOf(store, 'archive', archive, 'account', 'id');
  const [first, second, third] = pairs;
  const [company] = companies;
  if (!first || !second || !third || !company)
    throw new RangeError('the demo needs three people and a company that are linked');
  const phone = { showroom: first.partner, site: first.own, value: '+15145550199' };
  const notes = { showroom: second.partner, site: second.own, value: '12 rue de la Gare' };
  const conflict = { showroom: third.partner, site: third.own, showroomValue: 'Gatineau', siteValue: 'Sherbrooke' };
  showroom.people.edit('contact', phone.showroom, { mobilePhone: phone.value });
  site.people.edit('contact', notes.site, { Address: notes.value });
  showroom.people.edit('contact', conflict.showroom, { city: conflict.showroomValue });
  site.people.edit('contact', conflict.site, { City: conflict.siteValue });
  const renamed = { showroom: company.partner, archive: company.own, value: 'Boréal Motors & Sons' };
  archive.people.edit('account', renamed.archive, { name: renamed.value });
  const lines = [
    `showroom: contact ${short(phone.showroom)} gets the mobile number ${phone.value}`,
    `site:     contact ${notes.site} moves to ${notes.value}`,
    `archive:  account ${short(renamed.archive)} is renamed ${renamed.value}`,
    `both:     one person’s city becomes ${conflict.showroomValue} in the showroom and`,
    `          ${conflict.siteValue} on the site – a true conflict`,
  ].map((line) => `  ${line}`);
  return { lines, phone, notes, conflict, company: renamed };
}

/** Some records of `sandbox` that are linked to the showroom. */
async function pairsOf(
  store: EngineContext['store'],
  connection: string,
  sandbox: Sandbox,
  entity: 'contact' | 'account',
  idKey: string,
): Promise<{ own: string; partner: string }[]> {
  const ids = sandbox.people
    .all(entity)
    .slice(0, 40)
    .map((wire) => String(wire[idKey]));
  const linked = await store.linked(connection, entity, ids);
  return ids.flatMap((own) => {
    const partner = linked.get(own)?.links.find((link) => link.connection === 'showroom' && link.state === 'live');
    return partner ? [{ own, partner: partner.externalId }] : [];
  });
}

/** Where the edits arrived, and who lost the conflict. */
export async function whatTravelled({ store }: EngineContext, crms: DemoCrms, edits: Edits): Promise<string[]> {
  const { showroom, site } = crms;
  const { phone, notes, conflict, company } = edits;
  const lost = (await store.conflicts(50)).find((row) => row.path === 'address.billing.city');
  return [
    'What happened, and why',
    `  site:     contact ${phone.site} now has the phone ${shown(wireOf(site, 'contact', 'Id', phone.site)?.Phone)}`,
    `  showroom: contact ${short(notes.showroom)} now lives at ${shown(wireOf(showroom, 'contact', 'id', notes.showroom)?.address)}`,
    `  showroom: account ${short(company.showroom)} is now ${shown(wireOf(showroom, 'account', 'id', company.showroom)?.name)}`,
    ...conflictLines(lost),
    `  both now say: ${shown(wireOf(showroom, 'contact', 'id', conflict.showroom)?.city)} and ${shown(wireOf(site, 'contact', 'Id', conflict.site)?.City)}`,
    ...writesSeen(crms),
  ];
}

function conflictLines(conflict: ConflictRow | undefined): string[] {
  if (!conflict) return ['  the conflict is not in the log'];
  const { path, winner, loser, rule } = conflict;
  const told = `conflict: ${path}: ${shown(winner.value)} of ${winner.connection} won (${rule}); ${shown(loser.value)} of ${loser.connection} is kept in the conflict log`;
  return wrapped(told, width, '  ');
}

/** What the CRMs were asked since the last `forgetRequests`. */
export function writesSeen({ showroom, site, archive }: DemoCrms): string[] {
  return Object.entries({ showroom, site, archive }).map(([name, { requests }]) => {
    const reads = requests.filter(({ method }) => method === 'GET').length;
    return `  ${`${name}:`.padEnd(9)} ${count(requests.length - reads)} writes, ${count(reads)} reads`;
  });
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

function wireOf(
  sandbox: Sandbox,
  entity: 'contact' | 'account',
  idKey: string,
  id: string,
): Readonly<Record<string, unknown>> | undefined {
  return sandbox.people.all(entity).find((wire) => String(wire[idKey]) === id);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** The start of a UUID is enough for eyes. */
function short(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}

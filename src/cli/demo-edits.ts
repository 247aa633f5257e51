import type { EngineContext } from '../engine/engine.ts';
import type { Entity } from '../model/values.ts';
import type { Aggregate } from '../store/store.ts';
import { type DemoCrms, type DemoName, demoNames, idsIn, wireIn } from './demo-crms.ts';
import { demoWidth } from './demo-story.ts';
import { wrapped } from './table.ts';

/** External ids of one record, by connection. */
type Ids = Readonly<Record<string, string>>;

/** What the people of the demo changed: one record each. */
export interface Edits {
  readonly lines: readonly string[];
  readonly phone: Ids;
  readonly customer: Ids;
  readonly tagged: Ids;
  readonly noted: Ids;
  readonly contested: Ids;
  readonly lead: Ids;
  readonly renamed: Ids;
  readonly leaving: Ids;
  readonly closed: Ids;
}

const typed = {
  phone: '+15145550199',
  street: '12 rue de la Gare',
  tag: 'Winter tires',
  note: 'Prefers e-mail',
  due: '2027-03-01T09:00:00.000Z',
  showroomCity: 'Gatineau',
  siteCity: 'Sherbrooke',
  wish: 'Wants to come on Saturday',
  company: 'Boréal Motors & Sons',
} as const;

/** Changes records behind the APIs' backs, as people at the CRMs do. @throws RangeError where too few are linked */
export async function editByPeople({ store }: EngineContext, crms: DemoCrms): Promise<Edits> {
  const { showroom, site, office, chat } = Object.fromEntries(
    demoNames.map((name) => [name, crms.sandboxes[name].people]),
  ) as Readonly<Record<DemoName, DemoCrms['sandboxes'][DemoName]['people']>>;
  const everywhere = await recordsIn(store, crms, 'office', 'contact', demoNames);
  const atOffice = new Set(everywhere.map((ids) => ids.site));
  const elsewhere = (await recordsIn(store, crms, 'site', 'contact', ['showroom', 'site', 'chat'])).filter(
    (ids) => !atOffice.has(ids.site),
  );
  const companies = await recordsIn(store, crms, 'office', 'account', ['showroom', 'office']);
  const closable = companies.filter(({ office: id = '' }) => peopleOf(wireIn(crms, 'office', 'account', id)) === 0);
  const leads = await recordsIn(store, crms, 'showroom', 'lead', ['showroom', 'chat']);
  const [[phone, customer, tagged, noted, contested], [leaving], [renamed], [lead]] = [
    everywhere,
    elsewhere,
    companies,
    leads,
  ];
  const closed = closable.find((ids) => ids !== renamed);
  if (!phone || !customer || !tagged || !noted || !contested || !leaving || !renamed || !lead || !closed)
    throw new RangeError('the demo needs five people that all four CRMs know, a lead and two companies');

  showroom.edit('contact', phone.showroom!, { mobilePhone: typed.phone });
  site.edit('contact', customer.site!, { Status: 'CUSTOMER', Address: typed.street });
  const tags = [wireIn(crms, 'office', 'contact', tagged.office!)?.tags ?? []].flat();
  office.edit('contact', tagged.office!, { tags: [...tags, typed.tag] });
  chat.edit('contact', noted.chat!, { note: typed.note, followUpDate: typed.due });
  showroom.edit('contact', contested.showroom!, { city: typed.showroomCity });
  site.edit('contact', contested.site!, { City: typed.siteCity });
  showroom.edit('lead', lead.showroom!, { description: typed.wish });
  office.edit('account', renamed.office!, { name: typed.company });
  site.remove('contact', leaving.site!);
  office.remove('account', closed.office!);
  const lines = [
    `showroom: contact ${short(phone.showroom!)} gets the mobile number ${typed.phone}`,
    `site:     contact ${customer.site} becomes a customer, and moves to ${typed.street}`,
    `office:   contact ${short(tagged.office!)} gets the tag ${typed.tag}`,
    `chat:     contact ${noted.chat} gets a note, and is to be called on 1 March`,
    `both:     one person’s city becomes ${typed.showroomCity} in the showroom and`,
    `          ${typed.siteCity} on the site – a true conflict`,
    `showroom: lead ${short(lead.showroom!)}: “${typed.wish}”`,
    `office:   account ${short(renamed.office!)} is renamed ${typed.company}`,
    `site:     contact ${leaving.site} is deleted`,
    `office:   account ${short(closed.office!)} is deleted`,
  ].map((line) => `  ${line}`);
  return { lines, phone, customer, tagged, noted, contested, lead, renamed, leaving, closed };
}

/** Records that all of `names` have, in the order of one of them. */
async function recordsIn(
  store: EngineContext['store'],
  crms: DemoCrms,
  first: DemoName,
  entity: Entity,
  names: readonly DemoName[],
): Promise<readonly Ids[]> {
  const ids = idsIn(crms, first, entity).slice(0, 200);
  const linked = await store.linked(first, entity, ids);
  const found = ids.flatMap((id) => linked.get(id) ?? []).map(liveIds);
  return found.filter((one) => names.every((name) => one[name] !== undefined));
}

function liveIds({ links }: Aggregate): Ids {
  return Object.fromEntries(
    links.filter(({ state }) => state === 'live').map(({ connection, externalId }) => [connection, externalId]),
  );
}

function peopleOf(customer: Readonly<Record<string, unknown>> | undefined): number {
  return [customer?.contacts ?? []].flat().length;
}

/** Where the edits arrived, what could not be done where, and who lost the conflict. */
export async function whatTravelled({ store }: EngineContext, crms: DemoCrms, edits: Edits): Promise<string[]> {
  const { phone, customer, tagged, noted, contested, lead, renamed, leaving, closed } = edits;
  const at = (name: DemoName, ids: Ids, key: string, entity: Entity = 'contact') =>
    wireIn(crms, name, entity, ids[name] ?? '')?.[key];
  const isThere = (name: DemoName, ids: Ids, entity: Entity) =>
    wireIn(crms, name, entity, ids[name] ?? '') ? 'is still there' : 'is gone';
  const rows = (value: unknown, key: string) =>
    [value ?? []].flat().map((row) => shown((row as Readonly<Record<string, unknown>>)[key]));
  const lost = (await store.conflicts(50)).find(
    ({ path, loser }) => path === 'address.billing.city' && loser.value === typed.siteCity,
  );
  const lines = [
    `showroom → site: the phone is now ${shown(at('site', phone, 'Phone'))}`,
    `showroom → chat: the phone is now ${rows(at('chat', phone, 'phoneNumbers'), 'phoneNumber')[0]}`,
    `site → office: the status is now ${shown(at('office', customer, 'crmStatus'))}`,
    `site → showroom: the street is now ${shown(at('showroom', customer, 'address'))}`,
    `office → chat: the tags are now ${rows(at('chat', tagged, 'tags'), 'name').join(', ')}`,
    `chat → site: the note is now “${shown(at('site', noted, 'Notes'))}”`,
    `chat → office: the next action is due ${shown(at('office', noted, 'nextActionDueDate'))}`,
    `showroom → chat: the lead’s description is now “${shown((at('chat', lead, 'trackingInfo', 'lead') as { comments?: unknown } | undefined)?.comments)}”`,
    `office → showroom: the account is now ${shown(at('showroom', renamed, 'name', 'account'))}`,
    `site → chat: the deleted contact ${isThere('chat', leaving, 'contact')}`,
    `site → showroom: it ${isThere('showroom', leaving, 'contact')}, for this API deletes no contacts`,
    `office → showroom: the deleted account ${isThere('showroom', closed, 'account')}`,
    lost
      ? `conflict: ${lost.path}: ${shown(lost.winner.value)} of ${lost.winner.connection} won (${lost.rule}); ${shown(lost.loser.value)} of ${lost.loser.connection} is kept in the conflict log`
      : 'the conflict is not in the log',
    `both now say: ${shown(at('showroom', contested, 'city'))} and ${shown(at('site', contested, 'City'))}`,
  ];
  return ['What happened, and why', ...lines.flatMap((line) => wrapped(line, demoWidth, '  '))];
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** The start of a UUID is enough for eyes. */
function short(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}

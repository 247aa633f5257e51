/** The people and companies of `concordat demo`: made up, on example domains, the same ones for the same seed. */

type Wire = Readonly<Record<string, unknown>>;

/** One person as the showroom (ConeCRM), the web site (Treepl) and the office (Alpha) know them; undefined where one does not. */
export interface DemoPerson {
  readonly showroom?: Wire;
  readonly site?: Wire;
  readonly office?: Wire;
  /** What the showroom hopes to sell to this person. */
  readonly showroomLead?: Wire;
}

/** One company as the showroom and the office know it. */
export interface DemoCompany {
  readonly showroom?: Wire;
  readonly office?: Wire;
}

const givenNames =
  'Émilie Łukasz Zoë Jürgen Anaïs Siobhán Noël Søren Inês Björn Chloé Tomáš Renée Mária Aymeric Olga Hugo Priya Kenji Amina Diego Ingrid Omar Leïla Mateo Freya Ravi Élodie Marek Yara Théo Nadia Pavel Lucía Aaron Mei Gaël Ines Viktor Salma'.split(
    ' ',
  );
const familyNames =
  'Gagné Müller Østergaard Kowalczyk Lévesque Nuñez Côté Håkansson Ionescu Bélanger Tremblay Okafor Novák Šimunić Ferreira Lefèvre Brandão Desrochers Žižka Poirier Sánchez Ouellet Haddad Tanaka Mbeki Lindqvist Fournier Rossi Dvořák Çelik Gauthier Moreau Petrov Beaulieu Ström Pelletier Kaya Bouchard Marín Ågren Szabó Nakamura Vallée Weiß Ortega Girard Huỳnh Rahman Leclerc Öztürk'.split(
    ' ',
  );
const places = [
  ['Montréal', 'QC', 'H2X 1Y4', '514'],
  ['Québec', 'QC', 'G1R 4S9', '418'],
  ['Ottawa', 'ON', 'K1P 5M7', '613'],
  ['Toronto', 'ON', 'M5V 2T6', '416'],
  ['Vancouver', 'BC', 'V6B 1A1', '604'],
  ['Calgary', 'AB', 'T2P 2M5', '403'],
  ['Moncton', 'NB', 'E1C 4Z7', '506'],
] as const;
const streets = ['rue Principale', 'avenue du Parc', 'King Street', 'boulevard Laurier', 'Elm Avenue', 'chemin Royal'];
const trades = ['Motors', 'Auto', 'Garage', 'Tire', 'Fleet', 'Leasing', 'Carrosserie', 'Trucks'];
const emblems = ['Maple', 'Laurentide', 'Northern', 'Étoile', 'Harbour', 'Saint-Laurent', 'Prairie', 'Boréal'];

/** A small generator (mulberry32): the demo is the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').replace(/[Łł]/g, 'l').replace(/[Øø]/g, 'o').replace(/ß/g, 'ss');
}

/**
 * `count` people. Of each ten the showroom knows seven, the site seven (five of them the same) and the office four: three
 * that all know, and one of its own. One of the office's people and one of the showroom's are leads.
 */
export function demoPeople(count: number, seed = 7): DemoPerson[] {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const [given, family, place] = [pick(givenNames), pick(familyNames), pick(places)];
    const [city, province, postalCode, area] = place;
    const digits = `${200 + (index % 700)}${String(1_000 + ((index * 7) % 9_000))}`;
    const address = `${1 + Math.floor(random() * 900)} ${pick(streets)}`;
    const email = `${plain(given)}.${plain(family)}${index}@example.${pick(['com', 'org', 'net'])}`.toLowerCase();
    const showroom = {
      firstName: given,
      lastName: family,
      primaryEmail: email,
      mobilePhone: `+1${area}${digits}`,
      ...(index % 3 === 0 ? {} : { address, city, province, postalCode }),
      country: 'CA',
      language: province === 'QC' ? 'fr-CA' : 'en-CA',
      isActive: true,
    };
    const site = messy(index, {
      FirstName: given,
      LastName: family,
      Email: email,
      Phone: phoneForm(index, area, digits),
      ...(index % 4 === 0 ? {} : { Address: address, City: city, State: province, ZipCode: postalCode }),
      Country: index % 2 === 0 ? 'Canada' : 'CA',
      IsDataUsingAllowed: index % 5 !== 0,
    });
    const share = index % 10;
    const office = {
      name: `${given} ${family}`,
      email,
      phone: phoneForm(index + 1, area, digits),
      tags: pick([['Newsletter'], ['Fleet', 'Newsletter'], []]),
      ...(share === 2 ? { crmStatus: 'LEAD', leadSource: pick(['Website', 'Trade fair']) } : {}),
      ...(share === 1 ? { nextAction: 'Call back', nextActionDueDate: '2027-02-01T15:00:00Z' } : {}),
    };
    return {
      ...(share < 7 ? { showroom } : {}),
      ...(share < 5 || share === 7 || share === 8 ? { site } : {}),
      ...(share < 3 || share === 9 ? { office } : {}),
      ...(share === 5
        ? { showroomLead: { subject: pick(['Test drive', 'Trade-in', 'Winter tires']), description: 'Asked by phone' } }
        : {}),
    };
  });
}

/** The same number, as different people type it. */
function phoneForm(index: number, area: string, digits: string): string {
  const [head, tail] = [digits.slice(0, 3), digits.slice(3)];
  return [
    `(${area}) ${head}-${tail}`,
    `${area}.${head}.${tail}`,
    `+1 ${area} ${head} ${tail}`,
    `1-${area}-${head}-${tail}`,
  ][index % 4] as string;
}

/** The same person, as different people type them. */
function messy(index: number, wire: Readonly<Record<string, unknown>>): Wire {
  const { FirstName: given, LastName: family, Email: email } = wire as Readonly<Record<string, string>>;
  if (index % 7 === 1)
    return { ...wire, FirstName: given?.toUpperCase(), LastName: family?.toUpperCase(), Email: email?.toUpperCase() };
  if (index % 7 === 2) return { ...wire, FirstName: plain(given ?? ''), LastName: plain(family ?? '') };
  if (index % 7 === 3) return { ...wire, FirstName: ` ${given} `, Email: ` ${email}` };
  if (index % 7 === 4) return { ...wire, Email: email?.replace('@', '+web@') };
  return wire;
}

/** `count` companies; of each ten, six are known to both, two to each alone. A fourth of the office's name somebody there. */
export function demoCompanies(count: number, seed = 11): DemoCompany[] {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const [emblem, trade, [city, province, postalCode, area]] = [pick(emblems), pick(trades), pick(places)];
    const name = `${emblem} ${trade} ${index + 1}`;
    const domain = `${plain(name)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')}.example`;
    const digits = `${200 + (index % 700)}${String(2_000 + ((index * 11) % 7_000))}`;
    const showroom = {
      name,
      primaryEmail: `office@${domain}`,
      ...(index % 2 === 0 ? {} : { workPhone: `+1${area}${digits}` }),
      city,
      province,
      country: 'CA',
      language: 'fr-CA',
      isActive: true,
    };
    const [given, family] = [pick(givenNames), pick(familyNames)];
    const office = {
      name: index % 3 === 0 ? `${name.toUpperCase()} INC.` : name,
      email: `office@${domain}`,
      phone: phoneForm(index, area, digits),
      billingAddress: { street: pick(streets), houseNumber: String(index + 1), postalCode, city, country: 'CA' },
      crmStatus: 'CUSTOMER',
      contacts:
        index % 4 === 1
          ? [{ id: `con_${index}`, firstName: given, lastName: family, email: `buyer@${domain}`, department: 'Fleet' }]
          : [],
    };
    const share = index % 10;
    return { ...(share < 8 ? { showroom } : {}), ...(share < 6 || share > 7 ? { office } : {}) };
  });
}

/** One small story of the demo: records that show a rule of matching, by the CRM that has them. */
export interface DemoCase {
  readonly title: string;
  readonly records: Readonly<Partial<Record<'showroom' | 'site' | 'office' | 'chat', readonly Wire[]>>>;
}

/** What makes first syncs hard, one case each. */
export const demoCases: readonly DemoCase[] = [
  {
    title: 'Case and accents: Żaneta Kościelna is ZANETA KOSCIELNA',
    records: {
      showroom: [
        { firstName: 'Żaneta', lastName: 'Kościelna', primaryEmail: 'zaneta.koscielna@example.org', city: 'Łódź' },
      ],
      site: [{ FirstName: 'ZANETA', LastName: 'KOSCIELNA', Email: 'ZANETA.KOSCIELNA@EXAMPLE.ORG' }],
    },
  },
  {
    title: 'No e-mail, but the same name and number, typed differently',
    records: {
      showroom: [{ firstName: 'Aurèle', lastName: 'Lachance', mobilePhone: '+15145550142', city: 'Laval' }],
      site: [{ FirstName: 'Aurele', LastName: 'Lachance', Phone: '(514) 555-0142' }],
    },
  },
  {
    title: 'A name in one piece: Lotte van den Berg',
    records: {
      showroom: [{ firstName: 'Lotte', lastName: 'van den Berg', primaryEmail: 'lotte@example.org' }],
      office: [{ name: 'Lotte van den Berg', email: 'lotte@example.org', tags: ['Fleet'] }],
    },
  },
  {
    title: 'Ada is in the chat too, which lists nobody: the first write finds her',
    records: {
      showroom: [{ firstName: 'Ada', lastName: 'Beaumont', primaryEmail: 'ada.beaumont@example.net' }],
      site: [{ FirstName: 'Ada', LastName: 'Beaumont', Email: 'ada.beaumont+news@example.net' }],
      chat: [
        {
          firstName: 'Ada',
          lastName: 'Beaumont',
          emailAddresses: [{ emailAddress: 'ada.beaumont@example.net', isActive: true }],
          note: 'Prefers to be called Ada B.',
        },
      ],
    },
  },
  {
    title: 'A family’s mailbox: two people, one address',
    records: {
      showroom: [
        { firstName: 'Marie', lastName: 'Thibault', primaryEmail: 'famille.thibault@example.com' },
        { firstName: 'Luc', lastName: 'Thibault', primaryEmail: 'famille.thibault@example.com' },
      ],
      site: [{ FirstName: 'Luc', LastName: 'Thibault', Email: 'famille.thibault@example.com' }],
    },
  },
  {
    title: 'info@ is an office, not a person',
    records: {
      showroom: [{ firstName: 'Rosa', lastName: 'Delgado', primaryEmail: 'info@workshop.example' }],
      site: [{ FirstName: 'Viktor', LastName: 'Sandberg', Email: 'info@workshop.example' }],
    },
  },
  {
    title: 'Twice in one CRM: which of the two is meant?',
    records: {
      showroom: [{ firstName: 'Noah', lastName: 'Singh', primaryEmail: 'noah.singh@example.com' }],
      site: [
        { FirstName: 'Noah', LastName: 'Singh', Email: 'noah.singh@example.com' },
        { FirstName: 'Noah', LastName: 'Singh', Email: 'noah.singh@example.com' },
      ],
    },
  },
];

/** Records that cannot be used as they are. */
export const demoBadRecords: readonly Wire[] = [
  { FirstName: 'Wrong', LastName: 'Type', Email: ['a', 'list'] },
  { FirstName: { text: 'an object' }, LastName: 'Name', Email: 'object@example.com' },
];

/** Deterministic contacts in Treepl's shape (treepl.md §3.1), about 1.2 KB of JSON each. */

const given = ['Marta', 'Șorin', 'José', 'Anna', 'Peter', 'Zoë', 'Liam', 'Noor', 'Björn', 'Chloé', 'Ivan', 'Grace'];
const family = [
  'Kościelna',
  'Ștefănescu',
  'García',
  'Müller',
  'Novák',
  'O’Brien',
  'Jansen',
  'Lindqvist',
  'Petrov',
  'Hall',
];
const cities = ['Łódź', 'Brașov', 'Sevilla', 'Köln', 'Brno', 'Galway', 'Utrecht', 'Malmö', 'Varna', 'Leeds'];
const countries = ['PL', 'RO', 'ES', 'DE', 'CZ', 'IE', 'NL', 'SE', 'BG', 'GB'];
const filler =
  'Met at the spring fair, asked for an offer on the large hall, prefers to be called in the afternoon. ' +
  'Second visit in May; wants the catering list, the floor plan and two references from the same trade. ';

/** Where a contact's edits show: the digits after this mark, always as many. */
export const editMark = 'rev.';
const editDigits = 4;

export function editText(edit: number): string {
  return String(edit).padStart(editDigits, '0');
}

/** @param index 0, 1, 2 … @returns the wire record as JSON text */
export function contactJson(index: number): string {
  const first = given[index % given.length] as string;
  const last = family[Math.floor(index / 7) % family.length] as string;
  const place = Math.floor(index / 3) % cities.length;
  const serial = String(index).padStart(7, '0');
  return JSON.stringify({
    Id: 100_000 + index,
    Email: `${ascii(first)}.${ascii(last)}.${serial}@example.com`,
    FirstName: first,
    LastName: `${last} ${serial}`,
    CrmType: 'Contact',
    EmailConfirmed: index % 3 === 0,
    Role: 'General',
    CreatedDate: new Date(1_600_000_000_000 + index * 60_000).toISOString(),
    Address: `Main Street ${1 + (index % 200)}, ap. ${1 + (index % 40)}`,
    City: cities[place],
    State: cities[place],
    ZipCode: serial.slice(2),
    Country: countries[place],
    Site: `https://site-${serial}.example.com`,
    Phone: `+4930${serial}`,
    Status: index % 5 === 0 ? 'Lead' : 'Active',
    Notes: `${editMark}${editText(0)} ${filler}${filler}`,
    Type: 1 + (index % 4),
    CustomerTypeName: 'Reseller',
    IsDataUsingAllowed: index % 2 === 0,
    CustomCrmGroups: {
      sales: { segment: 'wholesale', score: index % 100, vip: index % 50 === 0, owner: `agent-${index % 17}` },
      fair: { hall: 'B', stand: `B-${index % 300}`, visits: index % 9, remark: filler.slice(0, 120) },
    },
  });
}

const written = [
  ...['Email', 'FirstName', 'LastName', 'Phone', 'Address', 'City', 'State', 'ZipCode', 'Country', 'Site', 'Status'],
  ...['Notes', 'IsDataUsingAllowed'],
];

/** What a create of a contact sends. @param index as in `contactJson` */
export function writtenContact(index: number): Readonly<Record<string, unknown>> {
  const contact = JSON.parse(contactJson(index)) as Record<string, unknown>;
  return Object.fromEntries(written.map((key) => [key, contact[key]]));
}

function ascii(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/[^A-Za-z]/g, '')
    .toLowerCase();
}

import { readFileSync } from 'node:fs';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { accountMapping, contactMapping, leadMapping } from '../../mappings/conecrm.ts';
import { treeplContact } from '../../mappings/treepl.ts';
import { type Mapping, readValues, writeValues } from '../../src/connector/mapping.ts';
import type { Entity } from '../../src/model/values.ts';
import '../seed.ts';

const website = '0190a000-0000-7000-8000-0000000000c1';
const lead = leadMapping({ leadSubject: 'Lead', sources: { Website: website } });

/** What the vendors' texts document of each entity (api/README.md §3–5), and how it is mapped. */
const documented: readonly (readonly [connector: string, entity: Entity, mapping: Mapping, fields: string])[] = [
  [
    'treepl',
    'contact',
    treeplContact({ clearWith: '', customFields: {} }),
    'Id CustomCrmGroups FirstName LastName Email EmailConfirmed Phone Address City State ZipCode Country Status CrmType Role Type CustomerTypeName Notes Site IsDataUsingAllowed Password CreatedDate',
  ],
  [
    'conecrm',
    'contact',
    contactMapping(),
    'id thirdPartyIds civility firstName lastName primaryEmail secondaryEmail mobilePhone workPhone workPhoneExtension homePhone address city province postalCode country companyName accounts language preferredMethodOfContact isActive',
  ],
  [
    'conecrm',
    'account',
    accountMapping,
    'id thirdPartyIds name primaryEmail secondaryEmail homePhone workPhone workPhoneExtension mobilePhone address city province postalCode country language isActive primaryContact contacts',
  ],
  [
    'conecrm',
    'lead',
    lead,
    'id subject contact account description source utmSource utmCampaign stage status isQualified assignees franchise department dueDate priority customFieldValues dateCreated dateModified dateFirstModified isDeleted dateDeleted',
  ],
];

/** The fields that a connector's README calls not mapped, of one entity; its table may leave the entity out. */
function notMapped(connector: string, entity: Entity): readonly string[] {
  const readme = readFileSync(new URL(`../../connectors/${connector}/README.md`, import.meta.url), 'utf8');
  const section = /\n## Not mapped\n([\s\S]*?)(\n## |$)/.exec(readme)?.[1] ?? '';
  const rows = [...section.matchAll(/^\| (`.*?) \|(?: ([a-z, ]+) \|)? (\S.*) \|$/gm)];
  const isOf = (of: string | undefined) => of === undefined || of === 'all' || of.split(', ').includes(entity);
  return rows
    .filter(([, , of]) => connector === 'treepl' || isOf(of))
    .flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, field]) => field as string));
}

describe('every documented field of the comparison', () => {
  test.each(documented)('of a %s %s is mapped, or its README says why not', (connector, entity, mapping, fields) => {
    const all = fields.split(' ');
    const mapped = new Set(mapping.fields.map(({ wire }) => wire.split('.')[0] as string));
    const listed = notMapped(connector, entity);
    expect(all.filter((field) => !mapped.has(field) && !listed.includes(field))).toEqual([]);
    expect(all.filter((field) => mapped.has(field) && listed.includes(field))).toEqual([]);
    expect(listed.filter((field) => !all.includes(field))).toEqual([]);
    expect([...mapped].filter((field) => !all.includes(field))).toEqual([]);
  });
});

describe('a ConeCRM lead', () => {
  const id = fc.uuid();
  const values = fc.record(
    {
      title: fc.string({ minLength: 1 }).filter((text) => text.trim() !== '' && text !== 'Lead'),
      contact: id,
      account: id,
      description: fc.string(),
      source: fc.constantFrom('Website'),
    },
    { requiredKeys: ['title'] },
  );
  property.prop([values])('is read back as it was written, no more and no less', (written) => {
    const wire = JSON.parse(JSON.stringify(writeValues(lead, written))) as Record<string, unknown>;
    expect(readValues(lead, wire)).toEqual(written);
  });
});

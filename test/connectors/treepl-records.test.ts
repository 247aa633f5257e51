import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { decoder, hasUndocumentedKeys, idOf, replacement } from '../../connectors/treepl/records.ts';
import { contact, faultOf, isUsualContact, MAX_TEXT } from '../../connectors/treepl/schemas.ts';
import { treeplContact } from '../../mappings/treepl.ts';
import { readValues, writeValues } from '../../src/connector/mapping.ts';
import type { Value, Values } from '../../src/model/values.ts';

const mapping = treeplContact({ clearWith: null, customFields: { size: 'sync.size', vip: 'sync.vip' } });
const decode = decoder(mapping, 'sync.hubId');

describe('decoding a contact', () => {
  test('ids become texts, "0" is one', () => {
    expect([4711, 0, '17', ' a-1 '].map((Id) => idOf({ Id }))).toEqual(['4711', '0', '17', 'a-1']);
    expect([null, '', '  ', 1.5, 2 ** 53, {}, undefined].map((Id) => idOf({ Id }))).toEqual(Array(7).fill(undefined));
    expect([null, 7, 'x', [{ Id: 1 }]].map(idOf)).toEqual(Array(4).fill(undefined));
  });

  test('a key that is missing is silence, null is empty', () => {
    expect(decode({ Id: 1, Email: null, FirstName: '' })).toEqual({
      externalId: '1',
      values: { 'email.primary': null, 'name.given': '' },
    });
  });

  test('unknown keys pass without effect', () => {
    expect(decode({ Id: 1, Loyalty: { Points: 3 } })).toEqual({ externalId: '1', values: {} });
  });

  test('keys are found whatever their case', () => {
    expect(decode({ id: 5, email: 'a@example.ro', Zipcode: '500187', createdDate: '2024-11-03T07:45:12Z' })).toEqual({
      externalId: '5',
      values: { 'email.primary': 'a@example.ro', 'address.billing.postalCode': '500187' },
    });
    expect(decode({ Id: 5, Email: 'a@example.ro', email: 'b@example.ro' })).toEqual({
      externalId: '5',
      values: { 'email.primary': 'a@example.ro' },
    });
    expect(decode({ Id: 5, Zipcode: 7 })).toEqual({
      externalId: '5',
      reason: 'ZipCode: expected a text, got a number',
    });
  });

  test('custom fields and our own id are read from their group', () => {
    const CustomCrmGroups = { sync: { hubId: ' 0193-a ', size: 0, vip: false }, other: { size: 'no' } };
    expect(decode({ Id: 1, CustomCrmGroups })).toEqual({
      externalId: '1',
      values: { 'custom.size': 0, 'custom.vip': false },
      xrefs: [{ system: 'concordat', id: '0193-a' }],
    });
    for (const groups of [null, {}, { sync: null }, { sync: 'x' }, { sync: { hubId: '' } }, { sync: { hubId: 7 } }])
      expect(decode({ Id: 1, CustomCrmGroups: groups })).toEqual({ externalId: '1', values: {} });
  });

  const secret = 'Ștefănescu';
  test.each([
    [null, undefined, 'the record: expected an object, got null'],
    [[secret], undefined, 'the record: expected an object, got a list'],
    [{ Email: secret }, undefined, 'Id: expected an integer or a non-empty text, got nothing'],
    [{ Id: '' }, undefined, 'Id: expected an integer or a non-empty text, got a text of 0 characters'],
    [{ Id: 2 ** 60 }, undefined, 'Id: expected an integer or a non-empty text, got a number'],
    [{ Id: 1, Email: 5 }, '1', 'Email: expected a text, got a number'],
    [{ Id: 1, LastName: [secret] }, '1', 'LastName: expected a text, got a list'],
    [
      { Id: 1, IsDataUsingAllowed: 'yes' },
      '1',
      'IsDataUsingAllowed: expected true or false, got a text of 3 characters',
    ],
    [{ Id: 1, Type: 1.5 }, '1', 'Type: expected an integer, got a number'],
    [{ Id: 1, CustomCrmGroups: [] }, '1', 'CustomCrmGroups: expected an object, got a list'],
    [{ Id: 1, CreatedDate: secret }, '1', 'CreatedDate: expected a date-time, got a text of 10 characters'],
    [
      { Id: 1, CreatedDate: '2024-13-45T00:00:00Z' },
      '1',
      'CreatedDate: expected a date-time, got a text of 20 characters',
    ],
    [{ Id: 1, CreatedDate: 'May 2024' }, '1', 'CreatedDate: expected a date-time, got a text of 8 characters'],
    [
      { Id: 1, Notes: 'n'.repeat(1_000_000) },
      '1',
      'Notes: expected a text of at most 65536 characters, got a text of 1000000 characters',
    ],
    [
      { Id: 1, CustomCrmGroups: { sync: { size: { of: secret } } } },
      '1',
      'CustomCrmGroups.sync.size: expected a text, a number, true or false, got an object',
    ],
    [
      { Id: 1, CustomCrmGroups: { sync: { size: 'n'.repeat(MAX_TEXT + 1) } } },
      '1',
      'CustomCrmGroups.sync.size: expected a text of at most 65536 characters, got one of 65537',
    ],
  ])('a bad record is told by its id and a reason without the value (%#)', (wire, externalId, reason) => {
    expect(decode(wire)).toEqual({ externalId, reason });
    expect(reason).not.toContain(secret);
  });

  test('a text of exactly 64 KiB passes', () => {
    expect(decode({ Id: 1, Notes: 'n'.repeat(MAX_TEXT) })).toHaveProperty('values.notes');
  });

  property.prop([fc.anything()], { numRuns: 2000 })('never throws, whatever arrives', (wire) => {
    const decoded = decode(wire);
    expect('values' in decoded ? decoded.externalId : decoded.reason).toBeTruthy();
  });

  const odd = fc.constantFrom<unknown>(
    ...[undefined, null, true, 0, 1.5, 2 ** 60, Number.NaN, '', ' ', 'Brașov', 'n'.repeat(MAX_TEXT), '2024-11-03'],
    ...['n'.repeat(MAX_TEXT + 1), '2024-13-45T00:00:00Z', 'May 2024', {}, { sync: { size: 0 } }, [], ['x']],
  );
  const whole = {
    ...{ Id: 7, Email: 'a@example.ro', CrmType: 'Contact', Role: 1, Notes: 'n', Type: 2, IsDataUsingAllowed: false },
    ...{ CustomCrmGroups: { sync: { size: 0 } }, EmailConfirmed: true, CreatedDate: '2024-11-03T07:45:12Z' },
  };
  property.prop([fc.constantFrom(...Object.keys(contact.shape)), odd], { numRuns: 2000 })(
    'what looks usual is valid, too',
    (key, value) => {
      expect(isUsualContact(whole)).toBe(true);
      const wire = { ...whole, [key]: value };
      if (isUsualContact(wire)) expect(faultOf(contact, wire)).toBeUndefined();
    },
  );
});

/** Values as another CRM may hold them: any mapped field filled, emptied, or not known. */
const text = fc.oneof(fc.string(), fc.constantFrom('Brașov', '', ' x ', '90-001'), fc.constant(null));
const contactValues: fc.Arbitrary<Values> = fc.record<Record<string, Value>>(
  Object.fromEntries(
    mapping.fields.map(({ path }) => [path, path === 'consent' ? fc.option(fc.boolean()) : text] as const),
  ),
  { requiredKeys: [] },
);

describe('the mapping', () => {
  property.prop([contactValues], { numRuns: 1000 })(
    'what is written reads back equal, no more and no less',
    (values) => {
      const wire = JSON.parse(JSON.stringify(writeValues(mapping, values))) as Record<string, unknown>;
      expect(readValues(mapping, wire)).toEqual(values);
      expect(decode({ Id: 1, ...wire })).toMatchObject({ values });
    },
  );

  test('an emptied text is written as the option says, an emptied consent and custom field as null', () => {
    const emptied = { notes: null, consent: null, 'custom.size': null };
    const written = { IsDataUsingAllowed: null, CustomCrmGroups: { sync: { size: null } } };
    expect(writeValues(mapping, emptied)).toEqual({ Notes: null, ...written });
    const withText = treeplContact({ clearWith: '', customFields: { size: 'sync.size' } });
    expect(writeValues(withText, emptied)).toEqual({ Notes: '', ...written });
  });

  test('what is the site’s own business is not mapped', () => {
    const mapped = mapping.fields.map(({ wire }) => wire);
    for (const key of [
      'Id',
      'Password',
      'CrmType',
      'Role',
      'Type',
      'CustomerTypeName',
      'EmailConfirmed',
      'CreatedDate',
    ])
      expect(mapped).not.toContain(key);
    expect(writeValues(mapping, { jobTitle: 'Owner', 'phone.mobile': '+40' })).toEqual({});
  });
});

const wireKey = fc.constantFrom(
  'Id',
  'Email',
  'Notes',
  'Type',
  'Loyalty',
  'zones',
  'EmailConfirmed',
  'Password',
  'password',
);
const wireContact = fc.record({
  fresh: fc.dictionary(wireKey, fc.jsonValue()),
  groups: fc.dictionary(fc.constantFrom('sync', 'shop'), fc.dictionary(fc.constantFrom('size', 'hubId'), fc.integer())),
});

describe('the body of a PUT', () => {
  property.prop([wireContact, contactValues], { numRuns: 1000 })(
    'is what was read, but for the changed fields',
    ({ fresh, groups }, changes) => {
      const wire = { ...fresh, CustomCrmGroups: groups };
      const body = replacement(wire, writeValues(mapping, changes), 'send');
      expect(readValues(mapping, body)).toEqual({ ...readValues(mapping, wire), ...changes });
      for (const key of ['Id', 'Type', 'Loyalty', 'zones']) expect(body[key]).toEqual(wire[key as keyof typeof wire]);
      for (const key of ['EmailConfirmed', 'Password', 'password']) expect(body).not.toHaveProperty(key);
      const ours = body.CustomCrmGroups as Record<string, Record<string, unknown>>;
      for (const [group, fields] of Object.entries(groups))
        for (const [alias, value] of Object.entries(fields))
          if (!(group === 'sync' && alias === 'size' && 'custom.size' in changes))
            expect(ours[group]?.[alias]).toEqual(value);
    },
  );

  test('leaves out what is not documented when told so', () => {
    const wire = {
      Id: 1,
      Email: 'a@example.ro',
      Loyalty: 3,
      CreatedDate: 'x',
      CustomCrmGroups: { shop: { vat: 'x' } },
    };
    expect(replacement(wire, { Notes: 'n' }, 'omit')).toEqual({
      Id: 1,
      Email: 'a@example.ro',
      Notes: 'n',
      CustomCrmGroups: { shop: { vat: 'x' } },
    });
    expect(hasUndocumentedKeys(wire)).toBe(true);
    expect(hasUndocumentedKeys({ Id: 1, CreatedDate: 'x', Password: 'x' })).toBe(false);
  });
});

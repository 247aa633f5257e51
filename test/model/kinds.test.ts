import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { equal, type KindName, normalise } from '../../src/model/kinds.ts';
import { isEmpty, type Value } from '../../src/model/values.ts';
import { anyValue, kindNames, kindsAndValues } from './values.ts';

const runs = { numRuns: 1_000 };

describe('the laws of every kind', () => {
  law.prop([fc.constantFrom(...kindNames), anyValue, fc.constantFrom('DE', 'US', 'XX', undefined)], runs)(
    'normalise never throws and is idempotent, for any value',
    (kind, value, region) => {
      const context = region ? { region } : {};
      const once = normalise(kind, value, context);
      expect(normalise(kind, once, context)).toEqual(once);
    },
  );

  law.prop([kindsAndValues, fc.constantFrom('DE', 'CA', undefined)], runs)(
    'normalise is idempotent for values that look like the kind',
    ([kind, value], region) => {
      const context = region ? { region } : {};
      const once = normalise(kind, value, context);
      expect(normalise(kind, once, context)).toEqual(once);
    },
  );

  law.prop([fc.constantFrom(...kindNames), anyValue, anyValue], runs)('equal is symmetric', (kind, a, b) => {
    expect(equal(kind, a, b)).toBe(equal(kind, b, a));
  });

  law.prop([kindsAndValues, kindsAndValues], runs)(
    'equal is symmetric for values that look like the kind',
    ([kind, a], [, b]) => {
      expect(equal(kind, a, b, { region: 'DE' })).toBe(equal(kind, b, a, { region: 'DE' }));
    },
  );

  law.prop([kindsAndValues], runs)('equal is reflexive, for copies as well', ([kind, value]) => {
    expect(equal(kind, value, structuredClone(value) as Value)).toBe(true);
  });

  law.prop([kindsAndValues], runs)('a value equals its normal form', ([kind, value]) => {
    expect(equal(kind, value, normalise(kind, value))).toBe(true);
  });

  law.prop([fc.constantFrom(...kindNames), anyValue, anyValue], runs)(
    'what has one normal form is equal',
    (kind, a, b) => {
      if (JSON.stringify(normalise(kind, a)) === JSON.stringify(normalise(kind, b)))
        expect(equal(kind, a, b)).toBe(true);
    },
  );

  law.prop([fc.constantFrom(...kindNames), anyValue], runs)(
    'every empty value is null, and equal to absent',
    (kind, value) => {
      if (isEmpty(value)) expect(normalise(kind, value)).toBeNull();
      expect(equal(kind, value, undefined)).toBe(normalise(kind, value) === null);
    },
  );

  law.prop([fc.constantFrom(...kindNames), fc.string({ unit: 'binary', minLength: 1 })], runs)(
    'a text that cannot be read is never taken for an empty one',
    (kind, value) => {
      if (!isEmpty(value)) expect(normalise(kind, value)).not.toBeNull();
    },
  );
});

type Row = readonly [KindName, Value | undefined, Value | undefined];

describe('equal', () => {
  const same: readonly Row[] = [
    ['text', ' Anna  Müller ', 'Anna Müller'],
    ['text', 'Mu\u0308ller', 'Müller'],
    ['text', 'line\r\nline', 'line\nline'],
    ['text', 42, '42'],
    ['text', null, ''],
    ['text', undefined, '  '],
    ['tags', [], undefined],
    ['email', ' Anna.Smith@Example.ORG ', 'anna.smith@example.org'],
    ['email', 'anna@müller.example', 'anna@xn--mller-kva.example'],
    ['phone', '+49 (0)170 123-45.67', '+491701234567'],
    ['phone', '0049 170 1234567', '+49 170 1234567'],
    ['phone', '0170 1234567', '+491701234567'],
    ['phone', '0170 1234567 ext 1', '+491701234567x1'],
    ['phone', '1701234567', '01701234567'],
    ['phone', '(438) 555-0199', '+1 438 555 0199'],
    ['phone', 'tel:+1-438-555-0199', '+14385550199'],
    ['phone', '+1 438 555 0199 ext. 12', '+14385550199x12'],
    ['phone', '＋４９ ３０ １２３４５６', '+4930123456'],
    ['phone', '+39 (0)6 698 12345', '+390669812345'],
    ['country', 'Deutschland', 'DE'],
    ['country', 'allemagne', 'DEU'],
    ['country', 'United States of America', 'usa'],
    ['country', 276, 'Germany'],
    ['country', '124', 'Canada'],
    ['country', 'UK', 'GB'],
    ['country', 'The Netherlands', 'Holland'],
    ['country', 'Österreich', 'Autriche'],
    ['country', 'Россия', 'RU'],
    ['country', '日本', 'jp'],
    ['region', 'Québec', 'QC'],
    ['region', 'quebec', 'CA-QC'],
    ['region', 'WA', 'Washington'],
    ['region', 'WA', 'US-WA'],
    ['region', 'Bayern', 'DE-BY'],
    ['region', 'Nowhere Land', 'nowhere land'],
    ['language', 'fr-CA', 'FR'],
    ['language', 'ger', 'de'],
    ['language', 'en_GB', 'English'],
    ['language', 'Français', 'fr'],
    ['currency', 'eur', 'EUR'],
    ['date', '1980-02-01T00:00:00Z', '1980-02-01'],
    ['date', '19800201', '1980-02-01'],
    ['date', '1.2.1980', '1980-02-01'],
    ['dateTime', '2026-03-01T10:00:00+02:00', '2026-03-01T08:00:00.000Z'],
    ['dateTime', '2026-03-01T10:00:00.123Z', '2026-03-01T10:00:00Z'],
    ['dateTime', '2026-03-01T10:00:00.1239999Z', '2026-03-01 10:00:00,123'],
    ['dateTime', '2026-03-01', '2026-03-01T00:00:00Z'],
    ['money', '10.50', 10.5],
    ['money', '1,234.50', '1.234,5'],
    ['money', '-0.00', 0],
    ['money', '1e3', 1000],
    ['money', '90071992547409931.10', '90071992547409931.1'],
    ['boolean', 'true', 1],
    ['boolean', 'No', false],
    ['url', 'Example.org/', 'https://example.org'],
    ['url', 'https://www.example.org/a/', 'https://example.org/a'],
    ['url', 'http://example.org', 'www.example.org'],
    ['tags', ['VIP', ' new '], ['new', 'vip', 'Vip']],
    ['reference', ' 42', 42],
    ['option', 'Active', 'active'],
    ['option', 'J\u030c', '\u01f0'],
  ];
  it.each(same)('%s: %j is %j', (kind, a, b) => {
    expect(equal(kind, a, b)).toBe(true);
    expect(equal(kind, b, a)).toBe(true);
  });

  const different: readonly Row[] = [
    ['text', 'Anna', 'anna'],
    ['text', 'Muller', 'Müller'],
    ['text', 'a\nb', 'a b'],
    ['text', '0', null],
    ['text', ['a'], 'a'],
    ['email', 'ann.a@example.org', 'anna@example.org'],
    ['phone', '+491701234567', '+441701234567'],
    ['phone', '123456', '+49123456'],
    ['phone', '+4930123456 ext 1', '+4930123456'],
    ['phone', '0170 1234567 ext 1', '+491701234567'],
    ['phone', '1-800-FLOWERS', '1-800-COFFEE'],
    ['country', 'Germany', 'Austria'],
    ['region', 'Washington', 'Western Australia'],
    ['region', 'US-WA', 'AU-WA'],
    ['language', 'fr', 'en'],
    ['language', 'fr-CA', 'fr-FR'],
    ['date', '1980-02-01', '1980-02-02'],
    ['date', '03/04/2020', '2020-04-03'],
    ['dateTime', '2026-03-01T10:00:00.123Z', '2026-03-01T10:00:00.124Z'],
    ['dateTime', '2026-03-01T10:00:00Z', '2026-03-01T10:00:01Z'],
    ['money', '90071992547409931.1', '90071992547409931.2'],
    ['money', '1,234', '1.234'],
    ['money', '-5', '5'],
    ['boolean', false, null],
    ['boolean', 0, null],
    ['url', 'https://example.org/A', 'https://example.org/a'],
    ['url', 'http://example.org', 'https://example.org'],
    ['tags', ['a'], ['a', 'b']],
    ['reference', 'a', 'A'],
  ];
  it.each(different)('%s: %j is not %j', (kind, a, b) => {
    expect(equal(kind, a, b)).toBe(false);
    expect(equal(kind, b, a)).toBe(false);
  });

  it('reads a national number in the region of the context', () => {
    expect(equal('phone', '030 1234', '+49301234', { region: 'DE' })).toBe(true);
    expect(equal('phone', '030 1234', '+49301234')).toBe(false);
  });
});

describe('normalise', () => {
  const forms: readonly (readonly [KindName, Value, Value])[] = [
    ['text', 'a  b\r\n\r\n c', 'a b\nc'],
    ['phone', '+1 (438) 555-0199 poste 7', '+14385550199;ext=7'],
    ['phone', '12 34', '1234'],
    ['phone', 'unknown', 'unknown'],
    ['country', 'Atlantis', 'Atlantis'],
    ['country', 'Congo', 'Congo'],
    ['country', 'Democratic Republic of the Congo', 'CD'],
    ['region', 'qc', 'CA-QC'],
    ['region', 'WA', 'wa'],
    ['date', '2024-02-30', '2024-02-30'],
    ['date', '29.02.2024', '2024-02-29'],
    ['dateTime', 'tomorrow', 'tomorrow'],
    ['dateTime', '2026-03-01T25:00:00Z', '2026-03-01T25:00:00Z'],
    ['money', '1 234 567,80', '1234567.8'],
    ['money', "1'234.50", '1234.5'],
    ['money', '1e999', '1e999'],
    ['money', 'ten', 'ten'],
    ['boolean', 'maybe', 'maybe'],
    ['url', 'n/a', 'n/a'],
    ['url', 'HTTP://Example.ORG:80/Path/?q=1', 'http://example.org/Path/?q=1'],
    ['tags', ['b', 'A', ' ', 'a'], ['a', 'b']],
    ['tags', [' '], null],
  ];
  it.each(forms)('%s: %j becomes %j', (kind, value, form) => {
    expect(normalise(kind, value)).toEqual(form);
  });
});

describe('a megabyte of text', () => {
  const units = ['a', 'a ', 'ä ', ' \n', 'x1', '1,', '; ext', 'a@', '-', '00', 'a.', '://'];
  it.each(kindNames.flatMap((kind) => units.map((unit) => [kind, unit] as const)))(
    'as %s of %j is read in no time',
    (kind, unit) => {
      const text = unit.repeat(1_000_000 / unit.length);
      const start = process.cpuUsage();
      normalise(kind, text);
      equal(kind, text, `${text}.`);
      // CPU time, for the machine may be busy; the square of a megabyte would be minutes.
      expect(process.cpuUsage(start).user / 1_000).toBeLessThan(5_000);
    },
  );
});

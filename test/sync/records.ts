import { fc } from '@fast-check/vitest';
import type { Value, Values } from '../../src/model/values.ts';

const text = fc.constantFrom<Value[]>('Ann', 'ANN', ' Ann ', 'Anna', 'Ann-Mari', '', null, 'Ben');

/** Records of a contact with few fields and few values, so that they often agree. No field is a view. */
export const records: fc.Arbitrary<Values> = fc.record(
  {
    'name.given': text,
    jobTitle: text,
    notes: text,
    'phone.mobile': fc.constantFrom<Value[]>('+49 171 1234567', '0171/1234567', '+49 171 7654321', null, ''),
    birthday: fc.constantFrom<Value[]>('1980-02-29', '1980-02-29T00:00:00Z', '1981-01-01', null),
    consent: fc.constantFrom<Value[]>(true, false, 'true', null),
    tags: fc.oneof(fc.uniqueArray(fc.constantFrom('red', 'green', 'blue')), fc.constant(null)),
  },
  { requiredKeys: [], noNullPrototype: true },
);

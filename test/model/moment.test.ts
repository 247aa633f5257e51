import { describe, expect, it } from 'vitest';
import { readDay, readMoment } from '../../src/model/moment.ts';

describe('readMoment', () => {
  it.each([
    '2026-02-30T10:00:00.000Z',
    '2026-02-30T10:00:00Z',
    '2026-03-01T24:00:00.000Z',
    '2026-03-01T10:60Z',
    '2026-13-01',
    '2026-03-01X10:00',
    '2026-03-01T10',
    '1772359200000',
    'Sun, 01 Mar 2026 10:00:00 GMT',
    '0000-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-01:00',
  ])('takes %s for no moment', (text) => {
    expect(readMoment(text)).toBeUndefined();
  });

  it.each([
    ['2026-03-01T10:00:00-0330', '2026-03-01T13:30:00.000Z'],
    ['2026-03-01T10:00+02', '2026-03-01T08:00:00.000Z'],
    ['2024-02-29T10:00:00.5Z', '2024-02-29T10:00:00.500Z'],
    ['2024-02-29t10:00:00z', '2024-02-29T10:00:00.000Z'],
  ])('reads %s as %s', (text, moment) => {
    expect(readMoment(text)).toBe(moment);
  });
});

describe('readDay', () => {
  it.each(['2026-02-30', '30.2.2026', '2026-03-01 about noon', '1/2/2026', '1980'])('takes %s for no day', (text) => {
    expect(readDay(text)).toBeUndefined();
  });

  it.each([
    ['2026/03/01', '2026-03-01'],
    ['2026-03-01T23:00:00-05:00', '2026-03-01'],
  ])('reads %s as %s, as it was written', (text, day) => {
    expect(readDay(text)).toBe(day);
  });
});

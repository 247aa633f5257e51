import { fc, test as law } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { seededIds } from '../../src/connector/seeded-ids.ts';
import { type DateOrder, dateTurning, turned, wordTurning } from '../../src/connector/turned.ts';
import type { Values } from '../../src/model/values.ts';
import { FakeClock } from '../worlds/clock.ts';
import { FakeCrm } from '../worlds/fake-crm.ts';
import { crm } from '../worlds/small.ts';

describe('dates in an order of their own', () => {
  const days = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
  law.prop([fc.constantFrom<DateOrder>('iso', 'dmy', 'mdy'), days])('in %s come back as they went', (order, day) => {
    const iso = day.toISOString().slice(0, 10);
    const { toWire, toCanonical } = dateTurning(order);
    expect(toCanonical(toWire(iso))).toBe(iso);
  });

  it.each<[DateOrder, string, string]>([
    ['dmy', '1.2.2026', '2026-02-01'],
    ['dmy', '01/02/2026', '2026-02-01'],
    ['mdy', '1/2/2026', '2026-01-02'],
    ['mdy', '13/2/2026', '13/2/2026'],
    ['dmy', '31.2.2026', '31.2.2026'],
    ['dmy', '1.2.26', '1.2.26'],
    ['dmy', '2026-02-01', '2026-02-01'],
    ['iso', '01/02/2026', '01/02/2026'],
  ])('%s reads %s as %s', (order, wire, canonical) => {
    expect(dateTurning(order).toCanonical(wire)).toBe(canonical);
  });

  it('are written of what can be read as a day, and of nothing else', () => {
    expect(['31.12.2026', 'soon', null, true].map(dateTurning('mdy').toWire)).toEqual([
      '12/31/2026',
      'soon',
      null,
      true,
    ]);
  });
});

describe('a turned connector', () => {
  const open = () => new FakeCrm(crm('alpha', ['status', 'notes']), new FakeClock(), seededIds(1));
  const status = wordTurning({ Won: 'customer', Closed: 'customer', Lost: 'lost' });

  it('says canonical values and hears them in every verb, and leaves other fields and other entities alone', async () => {
    const inner = open();
    const outer = turned(inner, { contact: { status } });
    const { externalId, record } = await outer.create('contact', {
      canonicalId: 'c',
      values: { status: 'customer', notes: 'customer' },
    });
    expect(inner.holds('contact', externalId)).toMatchObject({ status: 'Won', notes: 'customer' });
    expect(record?.values).toMatchObject({ status: 'customer', notes: 'customer' });
    const changes: Values = { status: 'lost' };
    const reply = await outer.update('contact', externalId, { canonicalId: 'c', changes, known: {} });
    expect([inner.holds('contact', externalId).status, reply.record?.values.status]).toEqual(['Lost', 'lost']);
    inner.type('contact', externalId, { status: 'CLOSED' });
    const read = await outer.read('contact', externalId, undefined);
    expect(read.state === 'found' && read.record.values.status).toBe('customer');
    const listed = async () => (await Array.fromAsync(outer.list('contact'))).flatMap(({ records }) => records);
    expect((await listed()).map(({ values }) => values.status)).toEqual(['customer']);
    inner.type('contact', externalId, { status: null });
    expect((await listed()).map(({ values }) => values.status)).toEqual([null]);
  });

  it('does not say that a CRM holds a word of which we only know what it means', async () => {
    const inner = open();
    const told: Values[] = [];
    inner.update = async (_entity, externalId, { known }) => {
      told.push(known);
      return { externalId };
    };
    const outer = turned(inner, { contact: { status } });
    const known = { status: 'customer', notes: 'n' };
    await outer.update('contact', '1', { canonicalId: 'c', changes: { notes: 'm' }, known });
    await outer.update('contact', '1', { canonicalId: 'c', changes: { notes: 'm' }, known: { status: 'lost' } });
    expect(told).toEqual([{ notes: 'n' }, { status: 'Lost' }]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DashboardBed, openDashboardBed, password, readPassword, Visitor } from './bed.ts';

let bed: DashboardBed;
let visitor: Visitor;
beforeEach(async () => {
  bed = await openDashboardBed();
  visitor = new Visitor(bed.url);
});
afterEach(() => bed.close());

const waiting = async () => (await bed.world.store.conflictPage({ state: 'waiting' }, undefined, 9))[0];
const page = async () => await (await visitor.get('/conflicts')).text();
/** What Ann's notes are at both CRMs. */
const notes = () =>
  [...bed.world.crms.values()].flatMap((crm) =>
    crm.ids('contact').flatMap((id) => {
      const held = crm.holds('contact', id);
      return held['name.given'] === 'Ann' ? [held.notes] : [];
    }),
  );

describe('the page of conflicts', () => {
  it('shows both values, whose they are, and what can be done; a reader may look', async () => {
    await visitor.logIn(readPassword);
    const text = await page();
    for (const words of [
      'overheard secret of room',
      'overheard secret of site',
      '<small>room</small>',
      'personal data',
    ])
      expect(text).toContain(words);
    expect(text).toContain(`/records/contact/${bed.recordId}`);
    expect(text).not.toContain('/actions/settle');
    const { number } = (await waiting())!;
    const refused = await visitor.act('settle', { conflict: String(number), take: 'loser' });
    expect(refused.status).toBe(403);
    expect((await waiting())?.number).toBe(number);
    expect(await (await visitor.get('/waiting')).text()).toContain('href="/conflicts"');
  });

  it('settles with one side, and the next cycle writes it', async () => {
    await visitor.logIn(password);
    const { number, loser } = (await waiting())!;
    expect(await page()).toContain(`Take ${loser.connection}`);
    const done = await visitor.act('settle', { conflict: String(number), take: 'loser' });
    expect([done.status, done.headers.get('location')]).toEqual([303, '/conflicts']);
    const text = await page();
    expect(text).toContain(`notes, no. ${number}: settled. To be written to`);
    expect(text).toContain('None waits.');
    expect(bed.control.asked).toContain('wake');
    await bed.world.store.takeBack({ state: 'dead' });
    await bed.world.store.approve('people');
    await bed.world.cycle();
    expect(notes()).toEqual([loser.value, loser.value]);
  });

  it('settles with another value; one that is none is refused, and nothing typed is logged', async () => {
    const logged: string[] = [];
    const log = (fields: unknown) => void logged.push(JSON.stringify(fields));
    Object.assign(bed.world.context.log, { info: log, warn: log });
    await visitor.logIn(password);
    const { number } = (await waiting())!;
    await visitor.act('settle', { conflict: String(number), value: 'typed by hand' });
    const { record } = (await bed.world.store.aggregates([bed.recordId])).get(bed.recordId)!;
    expect(record.values.notes).toBe('typed by hand');
    expect(logged.join()).toContain('"action":"settle"');
    expect(logged.join()).not.toContain('typed by hand');
    const again = await visitor.act('settle', { conflict: String(number), take: 'winner' });
    expect(again.status).toBe(303);
    expect(await page()).toContain('Not done: somebody has settled this conflict, or it is over');
    for (const form of [{ take: 'winner' }, { conflict: 'x', take: 'winner' }, { conflict: '1', take: 'both' }])
      expect((await visitor.act('settle', form as Record<string, string>)).status).toBe(403);
  });

  it('takes no form of another page', async () => {
    await visitor.logIn(password);
    const { number } = (await waiting())!;
    const forged = await visitor.post('/actions/settle', { conflict: String(number), take: 'loser', token: 'x' });
    expect(forged.status).toBe(403);
    expect((await waiting())?.number).toBe(number);
  });
});

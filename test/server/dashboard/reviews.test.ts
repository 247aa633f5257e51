import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReviews, reviewId } from '../../../src/engine/reviews.ts';
import { type DashboardBed, openDashboardBed, password, personal, readPassword, Visitor } from './bed.ts';

let bed: DashboardBed;
let visitor: Visitor;
beforeEach(async () => {
  bed = await openDashboardBed();
  visitor = new Visitor(bed.url);
});
afterEach(() => bed.close());

const open = async () => await openReviews(bed.world.context);
const idOf = async (index: number) => reviewId((await open())[index]!);
const people = () => bed.world.crms.get('room')!.ids('contact').length;

async function say(form: Readonly<Record<string, string>>) {
  return await visitor.post('/actions/review', { token: await visitor.token(), ...form });
}

describe('the pages of reviews', () => {
  it('list ids and reasons, and show values on the page of one alone', async () => {
    await visitor.logIn(readPassword);
    const list = await (await visitor.get('/reviews')).text();
    expect(list).not.toMatch(personal);
    const [review] = await open();
    expect(list).toContain(`/reviews/${reviewId(review!)}`);
    expect(list).toContain(review!.reason);
    expect(await (await visitor.get('/waiting')).text()).toContain(`/reviews/${reviewId(review!)}`);
    const page = await (await visitor.get(`/reviews/${reviewId(review!)}`)).text();
    expect(page).toContain('ben@brennecke.example');
    expect(page).toContain(review!.candidates[0]!.evidence);
    expect(page).not.toContain('/actions/review');
    expect((await visitor.get('/reviews/00000000')).status).toBe(404);
  });

  it('let nobody settle anything who may only look, or comes from elsewhere', async () => {
    await visitor.logIn(readPassword);
    const item = await idOf(0);
    expect((await say({ item, say: 'create' })).status).toBe(403);
    await visitor.logIn(password);
    expect((await visitor.post('/actions/review', { token: 'guessed', item, say: 'create' })).status).toBe(403);
    for (const form of [
      { item, say: 'merge' },
      { item, say: 'link' },
      { item, say: 'link', record: bed.recordId },
      { item },
    ])
      expect((await say(form)).status, JSON.stringify(form)).toBe(403);
    expect(await open()).toHaveLength(2);
  });

  it('settle what is asked, lead on to the others, and say it when somebody was faster', async () => {
    await visitor.logIn(password);
    const [first, second] = [await idOf(0), await idOf(1)];
    const { recordId } = (await open())[0]!.candidates[0]!;
    const reply = await say({ item: first, say: 'skip' });
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/reviews']);
    expect(await idOf(1)).toBe(first);
    const before = people();
    await say({ item: first, say: 'link', record: recordId });
    expect(await (await visitor.get('/reviews')).text()).toContain('linked. The next cycle writes');
    await say({ item: first, say: 'create' });
    expect(await (await visitor.get('/reviews')).text()).toContain('Not done: there is no open review');
    await say({ item: second, say: 'keep-apart' });
    expect(await open()).toEqual([]);
    expect(bed.control.asked).toContain('wake');
    await bed.world.store.hold('people', 'site', 'overwrite', [], 1);
    await bed.world.cycle();
    expect(people()).toBe(before + 1);
  });
});

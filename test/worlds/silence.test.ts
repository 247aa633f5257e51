import { describe, expect, it } from 'vitest';
import { noHabits } from './habits.ts';
import { disagreements } from './laws.ts';
import { ann, crm, inWorld, written, writtenInOneMoreCycle } from './small.ts';

const full = { ...ann, jobTitle: 'Tailor', birthday: '1980-02-29', tags: ['red'] };
const paths = ['jobTitle', 'birthday', 'tags'];

describe('a CRM that', () => {
  for (const [what, overrides] of [
    ['cannot hold a field', { habits: { ...noHabits, drops: paths } }],
    ['cannot hold a field and leaves it out', { habits: { ...noHabits, drops: paths }, showsEmptyAs: 'absent' }],
    ['shortens and shouts a field', { habits: { ...noHabits, shortens: { jobTitle: 3 }, upper: ['jobTitle'] } }],
  ] as const)
    for (const tells of ['all', 'some', 'id'] as const)
      for (const reads of ['id', 'none'] as const)
        it(`${what} never changes it elsewhere: answers tell ${tells}, reads ${reads}`, async () => {
          await inWorld(
            [crm('alpha', paths), crm('bravo', paths, { ...overrides, tells, reads }), crm('charlie', paths)],
            async (world) => {
              world.enter('alpha', 'contact', full);
              await world.cycle();
              world.forgetCalls();
              for (let cycle = 0; cycle < 3; cycle += 1) {
                await world.cycle();
                expect(written(world)).toEqual([]);
              }
              world.edit('charlie', 'contact', 'charlie-1', { jobTitle: 'Locksmith' });
              world.edit('bravo', 'contact', 'bravo-1', { 'name.given': 'Anna' });
              await world.cycle();
              await world.cycle();
              for (const name of ['alpha', 'charlie'])
                expect(world.crms.get(name)!.holds('contact', `${name}-1`)).toEqual({
                  ...full,
                  jobTitle: 'Locksmith',
                  'name.given': 'Anna',
                });
              expect(await disagreements(world, 'contact')).toEqual([]);
              expect(await world.store.conflicts(10)).toEqual([]);
            },
          );
        });

  it('answers with a form of its own that no rule knows changes it nowhere else', async () => {
    const habits = { ...noHabits, prefixes: { jobTitle: 'Mx. ' } };
    await inWorld([crm('alpha', paths), crm('bravo', paths, { habits })], async (world) => {
      world.enter('alpha', 'contact', full);
      await world.cycle();
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1').jobTitle).toBe('Mx. Tailor');
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      await world.cycle();
      expect(await writtenInOneMoreCycle(world)).toEqual([]);
      expect(world.crms.get('alpha')!.holds('contact', 'alpha-1').jobTitle).toBe('Baker');
    });
  });

  for (const [what, holds, habit] of [
    ['shorten', { jobTitle: 'Tai' }, { shortens: { jobTitle: 3 } }],
    ['shout', { jobTitle: 'TAILOR' }, { upper: ['jobTitle'] }],
    ['drop', { jobTitle: null }, { drops: ['jobTitle'] }],
  ] as const)
    it(`replaces whole records and has come to ${what} a field changes it nowhere else when another is written`, async () => {
      const habits = { ...noHabits };
      const specs = [crm('alpha', paths), crm('bravo', paths, { habits, replaces: true }), crm('charlie', paths)];
      await inWorld(specs, async (world) => {
        world.enter('alpha', 'contact', full);
        await world.cycle();
        Object.assign(habits, habit);
        world.edit('charlie', 'contact', 'charlie-1', { 'name.given': 'Anna' });
        await world.cycle();
        expect(world.crms.get('bravo')!.holds('contact', 'bravo-1')).toEqual({
          ...full,
          ...holds,
          'name.given': 'Anna',
        });
        for (const name of ['alpha', 'charlie'])
          expect(world.crms.get(name)!.holds('contact', `${name}-1`)).toEqual({ ...full, 'name.given': 'Anna' });
        expect(await writtenInOneMoreCycle(world)).toEqual([]);
        expect(await disagreements(world, 'contact')).toEqual([]);
        world.edit('bravo', 'contact', 'bravo-1', { birthday: '1981-03-01' });
        await world.cycle();
        for (const name of ['alpha', 'charlie'])
          expect(world.crms.get(name)!.holds('contact', `${name}-1`)).toEqual({
            ...full,
            birthday: '1981-03-01',
            'name.given': 'Anna',
          });
      });
    });

  it('starts to leave a field out clears it nowhere', async () => {
    await inWorld([crm('alpha', paths, { showsEmptyAs: 'absent' }), crm('bravo', paths)], async (world) => {
      world.enter('alpha', 'contact', full);
      await world.cycle();
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: null, tags: null });
      await world.cycle();
      await world.cycle();
      expect(world.crms.get('bravo')!.holds('contact', 'bravo-1')).toEqual(full);
    });
  });

  for (const showsEmptyAs of ['null', 'text'] as const)
    it(`shows a field as empty (${showsEmptyAs}) that a person cleared there clears it everywhere`, async () => {
      await inWorld(
        [crm('alpha', paths, { showsEmptyAs }), crm('bravo', paths), crm('charlie', paths, { showsEmptyAs: 'absent' })],
        async (world) => {
          world.enter('bravo', 'contact', full);
          await world.cycle();
          world.forgetCalls();
          world.edit('alpha', 'contact', 'alpha-1', { jobTitle: '  ', tags: [] });
          await world.cycle();
          for (const name of ['bravo', 'charlie'])
            expect(world.crms.get(name)!.holds('contact', `${name}-1`)).toEqual({
              ...full,
              jobTitle: null,
              tags: null,
            });
          expect(written(world)).toEqual([
            'bravo update bravo-1: jobTitle tags',
            'charlie update charlie-1: jobTitle tags',
          ]);
          const [record] = await world.records('contact');
          expect(record!.record.values).toMatchObject({ jobTitle: null });
        },
      );
    });

  it('held nothing at first sight clears nothing and gets its gaps filled', async () => {
    for (const showsEmptyAs of ['null', 'text', 'absent'] as const)
      await inWorld([crm('alpha', paths, { showsEmptyAs }), crm('bravo', paths)], async (world) => {
        world.enter('alpha', 'contact', ann);
        world.enter('bravo', 'contact', full);
        await world.cycle();
        for (const name of ['alpha', 'bravo'])
          expect(world.crms.get(name)!.holds('contact', `${name}-1`)).toEqual(full);
        expect(written(world)).toEqual(['alpha update alpha-1: birthday jobTitle tags']);
      });
  });
});

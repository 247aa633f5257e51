import { describe, expect, it } from 'vitest';
import { both, crm, inWorld } from '../worlds/small.ts';
import { policy, runId } from '../worlds/world.ts';
import { openFileStore } from './file-store.ts';
import { judge } from './judge.ts';
import type { Life } from './life.ts';
import { expectAllLaws, person, spec, sync } from './small.ts';

describe('what lives have shown about their own judge', () => {
  it('a value typed over in a record that contradicts what is known loses by rule, and is in the log', async () => {
    const consents = { fields: { contact: ['name.given', 'name.family', 'email.primary', 'consent'] } };
    const { jobTitle: _, ...one } = person(1, '');
    const life: Life = {
      seed: 1,
      crms: [spec('alpha', consents), spec('bravo', consents)],
      sync: both(['alpha', 'bravo'], { conflicts: ['alpha'] }),
      steps: [
        { do: 'enter', crm: 'alpha', who: 1, values: { ...one, consent: false } },
        sync,
        sync,
        { do: 'enter', crm: 'bravo', who: 1, values: { ...one, consent: true } },
        { do: 'delete', crm: 'bravo', who: 1 },
        { do: 'round', mail: 256_040 },
        { do: 'edit', crm: 'bravo', who: 1, path: 'consent', to: null },
        sync,
      ],
    };
    const story = await expectAllLaws(life);
    expect(story.join('\n')).toContain('we update bravo:bravo-2: consent false');
    // Without the second entry nobody contests what Ben types, and it stands.
    const edit = { do: 'edit', crm: 'bravo', who: 1, path: 'consent', to: null } as const;
    const uncontested = await judge({ ...life, steps: [...life.steps.slice(0, 3), edit, sync] });
    expect(uncontested.breaches).toEqual([]);
    expect(uncontested.story.join('\n')).toContain('we update alpha:alpha-1: consent null');
  });

  it('a value emptied in a record that gets another id before anybody has looked is like one that was never there', async () => {
    const consents = { fields: { contact: ['name.given', 'name.family', 'email.primary', 'consent'] } };
    const { jobTitle: _, ...one } = person(0, '');
    const story = await expectAllLaws({
      seed: 1,
      crms: [spec('alpha', consents), spec('bravo', consents)],
      sync: both(['alpha', 'bravo'], { deletes: 'propagate' }),
      steps: [
        { do: 'enter', crm: 'bravo', who: 0, values: { ...one, consent: true } },
        sync,
        sync,
        { do: 'edit', crm: 'bravo', who: 0, path: 'consent', to: null },
        { do: 'merge', crm: 'bravo', who: 0, stays: 'newer' },
      ],
    });
    expect(story.join('\n')).toContain('we update bravo:bravo-2: consent true');
  });

  it('a value emptied where nothing counts, before anything is known that does, is like one that was never there', async () => {
    const { jobTitle: _, ...one } = person(1, '');
    const members = [
      { connection: 'alpha', direction: 'both' },
      { connection: 'bravo', direction: 'write' },
    ] as const;
    const story = await expectAllLaws({
      seed: 1,
      crms: [spec('alpha'), spec('bravo')],
      sync: policy(members),
      steps: [
        { do: 'enter', crm: 'bravo', who: 1, values: { ...one, jobTitle: 'Tailor' } },
        sync,
        { do: 'edit', crm: 'bravo', who: 1, path: 'jobTitle', to: null },
        { do: 'enter', crm: 'alpha', who: 1, values: { ...one, jobTitle: 'Baker' } },
      ],
    });
    expect(story.join('\n')).toContain('we update bravo:bravo-1: jobTitle "Baker"');
  });

  it('what somebody empties and types anew while the CRM cannot be listed is seen by nobody, though it was empty before', async () => {
    const story = await expectAllLaws({
      seed: 1,
      crms: [spec('alpha'), spec('bravo')],
      sync: both(['alpha', 'bravo']),
      steps: [
        { do: 'enter', crm: 'alpha', who: 1, values: { ...person(1, ''), jobTitle: null } },
        { do: 'enter', crm: 'bravo', who: 1, values: person(1, 'Tailor') },
        sync,
        { do: 'edit', crm: 'alpha', who: 1, path: 'jobTitle', to: null },
        { do: 'trouble', crm: 'alpha', verb: 'list', skip: 0, times: 9, what: 'too many' },
        sync,
        { do: 'edit', crm: 'alpha', who: 1, path: 'jobTitle', to: 'Baker' },
      ],
    });
    expect(story.join('\n')).toContain('we update bravo:bravo-1: jobTitle "Baker"');
  });

  it('what a round was shown whose process died was shown to nobody, though others were the same run', async () => {
    await inWorld([crm('alpha', ['jobTitle']), crm('bravo')], async (world) => {
      const said = async () =>
        await world.store.receive([
          {
            connection: 'alpha',
            id: undefined,
            hints: [{ entity: 'contact', externalId: 'alpha-1', what: 'changed' }],
            at: world.clock.now(),
          },
        ]);
      world.enter('alpha', 'contact', { 'email.primary': 'ann@ashworth.example', jobTitle: 'Tailor' });
      await said();
      await world.round();
      world.edit('alpha', 'contact', 'alpha-1', { jobTitle: 'Baker' });
      await said();
      await world.round();
      const what = ['alpha', 'contact', 'alpha-1', 'jobTitle', 'Baker'] as const;
      expect(world.showed(runId(1), ...what)).toBe(true);
      expect([world.showedTo(1, ...what), world.showedTo(2, ...what)]).toEqual([false, true]);
    });
  });

  it('what a process had asked of the store when it died is done before the next one begins', async () => {
    const file = await openFileStore();
    try {
      void file.store.lease('record', 'the dead', 0, 10);
      await file.reopen();
      expect(await file.store.leaseHolder('record')).toBe('the dead');
    } finally {
      await file.remove();
    }
  });
});

import { describe, expect, test } from 'vitest';
import type { PendingFailure, Store } from '../../src/store/store.ts';
import { batch, due, given, run } from './samples.ts';

const to = (recordId: string, connection = 'showroom') => ({ connection, recordId });

function failure(over: Partial<PendingFailure> = {}): PendingFailure & { version: number } {
  return { version: 1, attempts: 3, notBefore: 100, state: 'dead', code: 'rejected', message: 'no', ...over };
}

const unsupported = failure({ state: 'unsupported', code: 'unsupported', message: 'showroom cannot create a contact' });

/** What every implementation of `Store` promises about what is set aside, and the way back. @param store gives a fresh one */
export function asideContract(store: () => Store): void {
  /** `a` and `b` are dead at the showroom for two reasons, `c` cannot be there, `d` waits; `a` is dead at support too. */
  async function setAside(): Promise<void> {
    const pending = [to('a'), to('b'), to('c'), to('d'), to('a', 'support')];
    await given(store(), ['a', 'b', 'c', 'd'], { pending });
    await store().defer('showroom', 'a', failure());
    await store().defer('showroom', 'b', failure({ code: 'outcome_unknown' }));
    await store().defer('showroom', 'c', unsupported);
    await store().defer('support', 'a', failure());
  }

  describe('what is set aside', () => {
    test('is counted by reason, the largest class first', async () => {
      await setAside();
      const bad = (externalId: string, reason: string) => ({
        connection: 'site',
        entity: 'contact' as const,
        externalId,
        reason,
        at: 1,
      });
      await store().commit(batch({ quarantine: [bad('1', 'Email: x'), bad('2', 'Email: x'), bad('3', 'Name: y')] }));
      const classes = await store().setAside(9);
      expect(classes.map(({ entity: _, ...rest }) => Object.values(rest).join(' | '))).toEqual([
        'site | quarantined | Email: x | 2',
        'showroom | dead | outcome_unknown | 1',
        'showroom | dead | rejected | 1',
        'support | dead | rejected | 1',
        'site | quarantined | Name: y | 1',
        'showroom | unsupported | showroom cannot create a contact | 1',
      ]);
      expect(new Set(classes.map(({ entity }) => entity))).toEqual(new Set(['contact']));
      expect(await store().setAside(1)).toEqual(classes.slice(0, 1));
    });

    test('is told apart from what waits and what is done', async () => {
      await setAside();
      const states = await store().pendingOf('showroom', 'contact', ['a', 'b', 'c', 'd', 'nobody']);
      expect([...states].sort()).toEqual([
        ['a', 'dead'],
        ['b', 'dead'],
        ['c', 'unsupported'],
        ['d', 'waiting'],
      ]);
      expect([...(await store().pendingOf('support', 'contact', ['b', 'a']))]).toEqual([['a', 'dead']]);
      expect([...(await store().pendingOf('showroom', 'account', ['a']))]).toEqual([]);
      expect([...(await store().pendingOf('nobody', 'contact', ['a']))]).toEqual([]);
    });
  });

  describe('what is taken back', () => {
    test('waits its turn again at once, fresh; the rest stays', async () => {
      await setAside();
      const taken = await store().takeBack({ state: 'dead' });
      expect(taken).toMatchObject([
        { connection: 'showroom', entity: 'contact', what: 'dead', reason: 'outcome_unknown', count: 1 },
        { connection: 'showroom', entity: 'contact', what: 'dead', reason: 'rejected', count: 1 },
        { connection: 'support', entity: 'contact', what: 'dead', reason: 'rejected', count: 1 },
      ]);
      expect(await store().pending('showroom', 'contact', 0, 0, 9)).toMatchObject([
        { recordId: 'a', attempts: 0 },
        { recordId: 'b', attempts: 0 },
        { recordId: 'd', attempts: 0 },
      ]);
      expect(await due(store(), 'support')).toEqual(['a']);
      expect(await store().setAside(9)).toMatchObject([{ what: 'unsupported' }]);
      expect(await store().takeBack({ state: 'dead' })).toEqual([]);
    });

    test('may be that of one connection, one code, or some records alone', async () => {
      await setAside();
      expect(await store().takeBack({ state: 'dead', code: 'outcome_unknown' })).toHaveLength(1);
      expect(await due(store(), 'showroom')).toEqual(['b', 'd']);
      expect(await store().takeBack({ state: 'dead', connection: 'support', recordIds: ['b'] })).toEqual([]);
      expect(await store().takeBack({ state: 'dead', recordIds: [] })).toEqual([]);
      expect(await store().takeBack({ state: 'dead', connection: 'nobody' })).toEqual([]);
      expect(await store().takeBack({ state: 'dead', connection: 'support', recordIds: ['a'] })).toHaveLength(1);
      expect(await due(store(), 'showroom')).toEqual(['b', 'd']);
      expect(await due(store(), 'support')).toEqual(['a']);
    });

    test('is what an API cannot do only when that is asked for', async () => {
      await setAside();
      expect(await store().takeBack({ state: 'unsupported' })).toMatchObject([
        { what: 'unsupported', reason: unsupported.message, count: 1 },
      ]);
      expect(await due(store(), 'showroom')).toEqual(['c', 'd']);
    });

    test('keeps its attempts while a create is without an answer', async () => {
      await setAside();
      const intent = { ...to('b'), entity: 'contact' as const, at: 5, run, values: {} };
      await store().beginIntent(intent);
      await store().takeBack({ state: 'dead' });
      expect(await store().pending('showroom', 'contact', 0, 0, 9)).toMatchObject([
        { recordId: 'a', attempts: 0 },
        { recordId: 'b', attempts: 3 },
        { recordId: 'd', attempts: 0 },
      ]);
      expect(await store().intents('showroom', 'contact')).toEqual([intent]);
    });
  });
}

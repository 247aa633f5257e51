import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Aggregate, ConflictRow, LinkRow, Store } from '../../src/store/store.ts';
import { StaleError } from '../../src/store/store.ts';
import { asideContract } from './aside-contract.ts';
import { conflictContract } from './conflict-contract.ts';
import { decisionContract } from './decision-contract.ts';
import { departuresContract } from './departures-contract.ts';
import { inboxContract } from './inbox-contract.ts';
import { recordContract } from './record-contract.ts';
import { retentionContract } from './retention-contract.ts';
import { aggregate, batch, create, due, given, link, origin, origins, run, unmatched, update } from './samples.ts';

/** A store to be tested, and the means to open it once more, as a second process would. */
export interface StorePlace {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

/** What every implementation of `Store` promises. */
export function storeContract(makePlace: () => Promise<StorePlace>): void {
  let place: StorePlace;
  let store: Store;
  const opened: Store[] = [];
  const open = async (): Promise<Store> => {
    const each = await place.open();
    opened.push(each);
    return each;
  };
  beforeEach(async () => {
    place = await makePlace();
    store = await open();
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await place.remove();
  });

  departuresContract(() => store);
  decisionContract(() => store);
  asideContract(() => store);
  recordContract(() => store);
  retentionContract(() => store);
  conflictContract(() => store);
  inboxContract(() => store);

  describe('runs', () => {
    test('come newest first, without an end while they run', async () => {
      await store.beginRun({ id: 'r1', sync: 'people', startedAt: 10 });
      await store.beginRun({ id: 'r1', sync: 'companies', startedAt: 11 });
      await store.beginRun({ id: 'r2', sync: 'people', startedAt: 20 });
      await store.endRun('r1', 'people', { endedAt: 15, outcome: 'failed', counts: '{"site":1}', error: 'no answer' });
      await store.endRun('r1', 'companies', { endedAt: 16, outcome: 'done', counts: '{}' });
      expect(await store.runs(10)).toEqual([
        { id: 'r2', sync: 'people', startedAt: 20, end: undefined },
        { id: 'r1', sync: 'companies', startedAt: 11, end: { endedAt: 16, outcome: 'done', counts: '{}' } },
        {
          id: 'r1',
          sync: 'people',
          startedAt: 10,
          end: { endedAt: 15, outcome: 'failed', counts: '{"site":1}', error: 'no answer' },
        },
      ]);
      expect(await store.runs(1)).toHaveLength(1);
    });

    test('begin once, however often that is said', async () => {
      await store.beginRun({ id: 'r1', sync: 'people', startedAt: 10 });
      await store.beginRun({ id: 'r1', sync: 'people', startedAt: 99 });
      expect(await store.runs(10)).toEqual([{ id: 'r1', sync: 'people', startedAt: 10, end: undefined }]);
    });
  });

  describe('records', () => {
    test('come back as they were written, with links and the origin of every value', async () => {
      const first = origin();
      const second = origin({ connection: 'showroom', rule: 'edit', at: 5, modifiedAt: 4 });
      const values = {
        'name.given': 'Șorin\u0000"\\',
        tags: ['a', 'b'],
        active: false,
        amount: 12.5,
        'email.primary': null,
        notes: '',
      };
      const mixed = { ...origins(values, first), active: second, amount: { ...second } };
      const written = link('1', 'a', {
        shadow: { notes: null },
        sent: { notes: 'x' },
        locator: 'L',
        modifiedAt: 7,
        writtenAt: 8,
        evidence: 'phone and name',
      });
      await given(store, [], { creates: [create('a', { values, origins: mixed })], links: [written] });
      expect(await aggregate(store, 'a')).toEqual({
        record: { id: 'a', entity: 'contact', version: 1, values, origins: mixed, state: 'live' },
        links: [{ ...written, version: 0 }],
      });
    });

    test('keep values without an origin and origins without a value apart', async () => {
      const values = { 'name.given': 'Ada', city: 'Łódź' };
      const some = { 'name.given': origin(), 'email.primary': origin() };
      await given(store, [], { creates: [create('a', { values, origins: some })], links: [link('1', 'a')] });
      expect((await aggregate(store, 'a')).record.origins).toEqual(some);
    });

    test('that are unknown are left out', async () => {
      await given(store, ['a']);
      expect([...(await store.aggregates(['a', 'zz'])).keys()]).toEqual(['a']);
      expect((await store.aggregates([])).size).toBe(0);
    });

    test('grow their version by one with every commit that writes them', async () => {
      await given(store, ['a']);
      await store.commit(batch({ updates: [update('a', 1)] }));
      await store.commit(batch({ updates: [update('a', 2, { values: { city: 'Brno' } })] }));
      expect((await aggregate(store, 'a')).record).toMatchObject({ version: 3, values: { city: 'Brno' } });
    });

    test('are not written over a version that was not read', async () => {
      await given(store, ['a', 'b']);
      await store.commit(batch({ updates: [update('a', 1)] }));
      const before = await store.aggregates(['a', 'b']);
      for (const version of [1, 3]) {
        const stale = store.commit(batch({ updates: [update('b', 1), update('a', version)] }));
        await expect(stale).rejects.toBeInstanceOf(StaleError);
      }
      expect(await store.aggregates(['a', 'b'])).toEqual(before);
    });

    test('become tombstones and live again, and stay what they are when nothing is said', async () => {
      await given(store, ['a']);
      await store.commit(batch({ updates: [update('a', 1, { state: 'tombstone' })] }));
      await store.commit(batch({ updates: [update('a', 2)] }));
      expect((await aggregate(store, 'a')).record.state).toBe('tombstone');
      await store.commit(batch({ updates: [update('a', 3, { state: 'live' })] }));
      expect((await aggregate(store, 'a')).record.state).toBe('live');
    });

    test('are paged by canonical id: live ones of one entity', async () => {
      await given(store, ['d', 'b', 'c', 'a']);
      await given(store, ['bb'], { entity: 'account' });
      await store.commit(batch({ updates: [update('c', 1, { state: 'tombstone' })] }));
      const ids = async (after: string | undefined, limit: number) =>
        (await store.records('contact', after, limit)).map(({ record }) => record.id);
      expect(await ids(undefined, 2)).toEqual(['a', 'b']);
      expect(await ids('b', 2)).toEqual(['d']);
      expect((await store.records('account', undefined, 9))[0]?.links).toHaveLength(1);
    });

    test('without a link are refused', async () => {
      await expect(store.commit(batch({ creates: [create('a')] }))).rejects.toThrow(RangeError);
      expect((await store.aggregates(['a'])).size).toBe(0);
    });

    test('that exist already make their creation stale', async () => {
      await given(store, ['a']);
      await expect(given(store, [], { creates: [create('a')], links: [link('2', 'a')] })).rejects.toBeInstanceOf(
        StaleError,
      );
    });
  });

  describe('links', () => {
    test('are found by external id, gone ones too, each with its record and all its links', async () => {
      await given(store, ['a', 'b']);
      await store.commit(
        batch({
          links: [link('s-a', 'a', { connection: 'showroom' }), link('x-b', 'b', { state: 'gone', version: 0 })],
        }),
      );
      const found = await store.linked('site', 'contact', ['x-a', 'x-b', 'x-c']);
      expect([...found.keys()].sort()).toEqual(['x-a', 'x-b']);
      expect(
        found
          .get('x-a')
          ?.links.map(({ connection }) => connection)
          .sort(),
      ).toEqual(['showroom', 'site']);
      expect(found.get('x-b')?.links[0]?.state).toBe('gone');
      expect((await store.linked('site', 'account', ['x-a'])).size).toBe(0);
      expect((await store.linked('nobody', 'contact', ['x-a'])).size).toBe(0);
    });

    test('are changed as they were read, and count how often', async () => {
      await given(store, ['a']);
      const newer = link('x-a', 'a', { fingerprint: 'new', shadow: { city: 'Brno' }, evidence: 'email', run: 'r2' });
      for (const version of [0, 1]) {
        await store.commit(batch({ links: [{ ...newer, version }] }));
        expect((await aggregate(store, 'a')).links).toEqual([{ ...newer, version: version + 1 }]);
      }
    });

    test.each(['live', 'gone', 'removed'] as const)(
      'that another process has changed since they were read (to %s) are left as they are',
      async (state) => {
        await given(store, ['a']);
        const [read] = (await aggregate(store, 'a')).links;
        await store.commit(batch({ links: [{ ...read!, underway: { city: 'Brno' }, state }] }));
        const before = await aggregate(store, 'a');
        for (const mine of ['live', 'gone'] as const)
          for (const stale of [read!, link('x-a', 'a')])
            await expect(
              store.commit(batch({ links: [{ ...stale, state: mine, fingerprint: 'mine' }] })),
            ).rejects.toBeInstanceOf(StaleError);
        expect(await aggregate(store, 'a')).toEqual(before);
      },
    );

    test('of one external id at two connections, or of two entities, are two links', async () => {
      await given(store, ['a']);
      await given(store, [], { creates: [create('b')], links: [link('x-a', 'b', { connection: 'showroom' })] });
      await given(store, [], {
        entity: 'account',
        creates: [create('c')],
        links: [link('x-a', 'c', { entity: 'account' })],
      });
      expect((await store.linked('site', 'contact', ['x-a'])).get('x-a')?.record.id).toBe('a');
      expect((await store.linked('showroom', 'contact', ['x-a'])).get('x-a')?.record.id).toBe('b');
      expect((await store.linked('site', 'account', ['x-a'])).get('x-a')?.record.id).toBe('c');
    });

    test.each(['live', 'gone'] as const)('that are live are not taken away from their record (%s)', async (state) => {
      await given(store, ['a', 'b']);
      await expect(store.commit(batch({ links: [link('x-a', 'b', { state })] }))).rejects.toBeInstanceOf(StaleError);
      expect((await aggregate(store, 'a')).links).toHaveLength(1);
    });

    test('that are live are one per record and connection', async () => {
      await given(store, ['a']);
      await expect(store.commit(batch({ links: [link('x-2', 'a')] }))).rejects.toBeInstanceOf(StaleError);
      expect((await aggregate(store, 'a')).links.map(({ externalId }) => externalId)).toEqual(['x-a']);
    });

    test('that are gone stand beside a new one of the record, and free their external id for another record', async () => {
      await given(store, ['a', 'b']);
      await store.commit(batch({ links: [link('x-a', 'a', { state: 'gone', version: 0 }), link('x-2', 'a')] }));
      await store.commit(batch({ links: [link('x-2', 'a', { state: 'gone', version: 0 }), link('x-3', 'a')] }));
      const states = (await aggregate(store, 'a')).links.map(({ externalId, state }) => `${externalId} ${state}`);
      expect(states.sort()).toEqual(['x-2 gone', 'x-3 live', 'x-a gone']);
      await store.commit(batch({ links: [link('x-b', 'b', { state: 'gone', version: 0 }), link('x-a', 'b')] }));
      expect((await store.linked('site', 'contact', ['x-a'])).get('x-a')?.record.id).toBe('b');
      expect((await aggregate(store, 'a')).links).toHaveLength(2);
    });

    test('to a record that does not exist are refused', async () => {
      await expect(store.commit(batch({ links: [link('1', 'nobody')] }))).rejects.toThrow('record nobody does not');
    });
  });

  describe('known', () => {
    test('tells linked, gone and unmatched external ids, and leaves out the others', async () => {
      await given(store, ['a', 'b']);
      await store.commit(
        batch({ links: [link('x-b', 'b', { state: 'gone', version: 0 })], unmatched: [unmatched('x-c')] }),
      );
      expect(await store.known('site', 'contact', ['x-a', 'x-b', 'x-c', 'x-d', '0', ''])).toEqual(
        new Map([
          ['x-a', { fingerprint: 'print of x-a', state: 'linked', number: 1 }],
          ['x-b', { fingerprint: '', state: 'gone', number: 2 }],
          ['x-c', { fingerprint: 'print of x-c', state: 'unmatched', number: 0 }],
        ]),
      );
      expect((await store.known('showroom', 'contact', ['x-a'])).size).toBe(0);
      expect((await store.known('site', 'account', ['x-a', 'x-c'])).size).toBe(0);
      expect((await store.known('site', 'contact', [])).size).toBe(0);
    });

    test('calls unmatched what was linked, is gone, and came back without a decision', async () => {
      await given(store, ['a']);
      await store.commit(
        batch({ links: [link('x-a', 'a', { state: 'gone', version: 0 })], unmatched: [unmatched('x-a')] }),
      );
      expect((await store.known('site', 'contact', ['x-a'])).get('x-a')?.state).toBe('unmatched');
    });

    test('compares external ids as texts', async () => {
      await given(store, [], { creates: [create('a')], links: [link('0042', 'a')] });
      expect([...(await store.known('site', 'contact', ['42', '0042', '42.0'])).keys()]).toEqual(['0042']);
    });
  });

  test('a live link is what it was last told to be, in all that it says', async () => {
    await given(store, [], { creates: [create('a')], links: [link('1', 'a')] });
    const values = {
      sent: { website: 'x' },
      underway: { website: 'y' },
      replaced: { website: 'z' },
      shadow: { notes: 'n' },
    };
    const marks = {
      fingerprint: 'g',
      locator: 'there',
      evidence: 'e-mail',
      run: 'another',
      modifiedAt: 5,
      writtenAt: 6,
    };
    for (const [version, next] of [link('1', 'a', { ...values, ...marks }), link('1', 'a')].entries()) {
      await store.commit(batch({ links: [{ ...next, version }] }));
      expect((await store.aggregates(['a'])).get('a')!.links).toEqual([{ ...next, version: version + 1 }]);
    }
  });

  describe('a record born of one link', () => {
    const shadow = { 'name.given': 'Zoé', 'phone.primary': '+15145550142', website: null };
    const values = { 'name.given': 'Zoé', 'phone.mobile': '+15145550142' };
    const birth = (over: Partial<LinkRow> = {}) => ({
      link: link('1', 'a', { shadow, ...over }),
      origin: origin(),
      keys: [7],
      pending: ['room'],
    });
    const one = async (): Promise<Aggregate> => (await store.aggregates(['a'])).get('a')!;

    beforeEach(async () => {
      await store.commit(batch({ births: [birth()] }));
    });

    test('has the values of its link, each in its slot, and one origin for all of them', async () => {
      const { record, links } = await one();
      expect(record).toMatchObject({ id: 'a', version: 1, values, origins: origins(values), state: 'live' });
      expect(links).toEqual([{ ...birth().link, version: 0 }]);
      expect((await store.candidates('contact', [7], 5)).get(7)).toEqual(['a']);
      expect(await store.pending('room', 'contact', 0, 0, 5)).toHaveLength(1);
      expect((await store.records('contact', undefined, 5)).map((each) => each.record.values)).toEqual([values]);
    });

    test('is one of many that are born at once, each with its own link and keys', async () => {
      const many = Array.from({ length: 150 }, (_, at) => {
        const held = { 'name.given': `Zoé ${at}` };
        const born = { ...birth(), link: link(`m${at}`, `b${at}`, { shadow: held }), keys: [1_000 + at] };
        return at % 2 === 0 ? born : { ...born, shadow: JSON.stringify(held) };
      });
      await store.commit(batch({ births: many }));
      const found = await store.aggregates(many.map((born) => born.link.recordId));
      for (const { link: own, keys } of many) {
        expect(found.get(own.recordId)).toMatchObject({ record: { values: own.shadow }, links: [own] });
        expect((await store.candidates('contact', keys, 5)).get(keys[0]!)).toEqual([own.recordId]);
      }
      expect(await store.pending('room', 'contact', 0, 0, 500)).toHaveLength(151);
    });

    test.each([
      { sent: { website: 'x' } },
      { underway: { website: 'x' } },
      { underway: {} },
      { replaced: { website: 'x' } },
      { writtenAt: 7 },
    ])('may have a link that tells of a write: %j', async (told) => {
      const teller = { ...birth(), link: link('2', 'b', { shadow, ...told }) };
      await store.commit(batch({ births: [teller] }));
      expect((await store.aggregates(['b'])).get('b')!.links).toEqual([{ ...teller.link, version: 0 }]);
    });

    test('keeps its values when its link shows others, is lost, or gets a second one beside it', async () => {
      for (const links of [
        [link('1', 'a', { shadow: { 'name.given': 'ZOE' }, version: 0 })],
        [link('1', 'a', { state: 'gone', shadow: {}, version: 1 })],
        [link('9', 'a', { connection: 'room', shadow: {} })],
      ]) {
        await store.commit(batch({ links }));
        expect((await one()).record).toMatchObject({ version: 1, values, origins: origins(values) });
      }
    });

    test('is changed like any other', async () => {
      await store.commit(batch({ updates: [update('a', 1, { values: {} })] }));
      expect((await one()).record).toMatchObject({ version: 2, values: {}, origins: {} });
    });
  });

  describe('identity keys', () => {
    const big = 2 ** 52 - 1;
    test('lead to live records of the entity, and show that there are more than asked for', async () => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      await given(store, [], {
        creates: ids.map((id) => create(id, { keys: [7, big] })),
        links: ids.map((id) => link(`x-${id}`, id)),
      });
      await given(store, [], {
        entity: 'account',
        creates: [create('z', { keys: [7] })],
        links: [link('x-z', 'z', { entity: 'account' })],
      });
      await store.commit(
        batch({
          updates: [update('a', 1, { state: 'tombstone' })],
          links: [link('x-a', 'a', { state: 'gone', version: 0 })],
        }),
      );
      const found = await store.candidates('contact', [7, 8, big], 2);
      expect([...found.keys()].sort((a, b) => a - b)).toEqual([7, big]);
      expect(found.get(7)).toHaveLength(3);
      expect(found.get(7)).not.toContain('a');
      expect([...((await store.candidates('contact', [big], 9)).get(big) ?? [])].sort()).toEqual(['b', 'c', 'd', 'e']);
      expect(await store.candidates('account', [7], 9)).toEqual(new Map([[7, ['z']]]));
    });

    test('lead to a deleted record while a CRM has it, and until what left is judged', async () => {
      await given(store, [], { creates: [create('a', { keys: [7] })], links: [link('x-a', 'a')] });
      const found = async () => (await store.candidates('contact', [7], 5)).get(7) ?? [];
      await store.commit(batch({ updates: [update('a', 1, { state: 'tombstone' })] }));
      expect(await found()).toEqual(['a']);
      const departure = { connection: 'site', externalId: 'x-a', run, missedAt: 1, state: 'confirmed' } as const;
      await store.commit(batch({ links: [link('x-a', 'a', { state: 'gone', version: 0 })], departures: [departure] }));
      expect(await found()).toEqual(['a']);
      await store.commit(batch({ endedDepartures: [departure] }));
      expect(await found()).toEqual([]);
    });

    test('are added by updates, and old ones stay', async () => {
      await given(store, [], { creates: [create('a', { keys: [1] })], links: [link('1', 'a')] });
      await store.commit(batch({ updates: [update('a', 1, { keys: [2] })] }));
      expect(await store.candidates('contact', [1, 2], 5)).toEqual(
        new Map([
          [1, ['a']],
          [2, ['a']],
        ]),
      );
    });

    test('raise the epoch of their entity when they are new, and only then', async () => {
      expect(await store.identityEpoch('contact')).toBe(0);
      await given(store, [], { creates: [create('a', { keys: [1] })], links: [link('1', 'a')] });
      const first = await store.identityEpoch('contact');
      expect(first).toBeGreaterThan(0);
      expect(await store.identityEpoch('account')).toBe(0);
      await store.commit(batch({ updates: [update('a', 1, { keys: [1] })] }));
      await store.commit(batch({ updates: [update('a', 2)], identityEpoch: first }));
      expect(await store.identityEpoch('contact')).toBe(first);
      await store.commit(batch({ updates: [update('a', 3, { keys: [1, 2] })] }));
      expect(await store.identityEpoch('contact')).toBeGreaterThan(first);
    });

    test('that were added meanwhile make a decision about identity stale', async () => {
      const epoch = await store.identityEpoch('contact');
      await given(store, [], { creates: [create('a', { keys: [1] })], links: [link('1', 'a')] });
      const late = given(store, ['b'], { identityEpoch: epoch });
      await expect(late).rejects.toBeInstanceOf(StaleError);
      expect((await store.aggregates(['b'])).size).toBe(0);
      await given(store, ['b'], { identityEpoch: await store.identityEpoch('contact') });
    });

    test('are all found, and found once, however many there are', async () => {
      const size = 3000;
      const key = (index: number) => (index * 2_654_435_761) % 4_294_967_291;
      for (let start = 0; start < 3; start++) {
        const ids = Array.from({ length: size }, (_, index) => `r${start * size + index}`);
        await given(store, [], {
          creates: ids.map((id) => create(id, { keys: [key(Number(id.slice(1))), key(Number(id.slice(1)) + 1), 5] })),
          links: ids.map((id) => link(id, id)),
        });
      }
      const asked = Array.from({ length: 3 * size }, (_, index) => key(index));
      const found = await store.candidates('contact', asked, 5);
      for (let index = 1; index < 3 * size; index++)
        expect(found.get(key(index))?.toSorted()).toEqual([`r${index - 1}`, `r${index}`].toSorted());
      const epoch = await store.identityEpoch('contact');
      await store.commit(batch({ updates: [update('r0', 1, { keys: [5, key(0)] })] }));
      expect(await store.identityEpoch('contact')).toBe(epoch);
      expect((await store.candidates('contact', [key(0)], 5)).get(key(0))).toEqual(['r0']);
      expect((await store.candidates('contact', [5], 5)).get(5)).toHaveLength(6);
    });
  });

  describe('a commit', () => {
    test('that fails in its last part leaves nothing of the others', async () => {
      await given(store, ['a'], { pending: [{ connection: 'showroom', recordId: 'a' }] });
      const before = { record: await aggregate(store, 'a'), standing: await store.standing() };
      const failing = batch({
        creates: [create('n', { keys: [1] })],
        updates: [update('a', 1, { keys: [2] })],
        links: [link('x-n', 'n', { connection: 'newcomer' })],
        pending: [{ connection: 'support', recordId: 'a' }],
        done: [{ connection: 'showroom', recordId: 'a', version: 2 }],
        history: [
          { recordId: 'a', path: 'city', from: undefined, fromOrigin: undefined, to: 'Brno', origin: origin() },
        ],
        conflicts: [conflict('a', 'city')],
        quarantine: [{ connection: 'site', entity: 'contact', externalId: '9', reason: 'no', at: 1 }],
        unmatched: [
          unmatched('7', {
            claims: [
              { recordId: 'a', strength: 1 },
              { recordId: 'nobody', strength: 1 },
            ],
          }),
        ],
        checkpoint: { connection: 'site', entity: 'contact', run, startedAt: 1, read: 1, complete: undefined },
      });
      await expect(store.commit(failing)).rejects.toThrow('nobody');
      expect(await aggregate(store, 'a')).toEqual(before.record);
      expect(await store.standing()).toEqual(before.standing);
      expect(await store.identityEpoch('contact')).toBe(0);
      expect((await store.candidates('contact', [1, 2], 5)).size).toBe(0);
      expect(await due(store, 'showroom')).toEqual(['a']);
      expect(await store.history('a')).toEqual([]);
      expect(await store.conflicts(9)).toEqual([]);
      expect(await store.checkpoint('site', 'contact')).toBeUndefined();
      // Names first seen in the failed commit are as good as new.
      await given(store, ['n'], { links: [link('x-n', 'n', { connection: 'newcomer' })] });
      expect((await aggregate(store, 'n')).links[0]?.connection).toBe('newcomer');
      expect((await (await open()).aggregates(['n'])).get('n')?.links[0]?.connection).toBe('newcomer');
    });

    test('of nothing is fine', async () => {
      await store.commit(batch());
      expect(await store.standing()).toEqual([]);
    });
  });

  describe('pending', () => {
    const to = (recordId: string, connection = 'showroom') => ({ connection, recordId });

    test('comes in order, by page, per connection and entity', async () => {
      await given(store, ['c', 'a', 'b'], { pending: [to('a'), to('b'), to('c'), to('a', 'support')] });
      await given(store, ['k'], { entity: 'account', pending: [to('k')] });
      const first = await store.pending('showroom', 'contact', 0, 0, 2);
      const rest = await store.pending('showroom', 'contact', 0, first[1]?.position ?? 0, 2);
      expect([...first, ...rest].map(({ recordId }) => recordId).sort()).toEqual(['a', 'b', 'c']);
      const positions = [...first, ...rest].map(({ position }) => position);
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      expect(new Set(positions).size).toBe(3);
      expect(first[0]?.position).toBeGreaterThan(0);
      expect(await due(store, 'support')).toEqual(['a']);
      expect(await due(store, 'showroom', 0, 'account')).toEqual(['k']);
      expect(await due(store, 'nobody')).toEqual([]);
    });

    test('may name a record of another entity than the batch', async () => {
      await given(store, ['k'], { entity: 'account' });
      await given(store, ['a'], { pending: [to('k')] });
      expect(await due(store, 'showroom', 0, 'account')).toEqual(['k']);
      expect(await due(store, 'showroom')).toEqual([]);
    });

    test('waits until notBefore, and not at all when dead or unsupported', async () => {
      await given(store, ['a', 'b', 'c'], { pending: [to('a'), to('b'), to('c')] });
      const failure = {
        version: 1,
        attempts: 2,
        notBefore: 100,
        code: 'rejected',
        message: 'no',
        detail: 'their words',
      };
      await store.defer('showroom', 'a', { ...failure, state: 'waiting' });
      await store.defer('showroom', 'b', { ...failure, state: 'dead' });
      await store.defer('showroom', 'c', { ...failure, state: 'unsupported' });
      expect(await due(store, 'showroom', 99)).toEqual([]);
      expect(await store.pending('showroom', 'contact', 100, 0, 9)).toMatchObject([{ recordId: 'a', attempts: 2 }]);
      await store.commit(batch({ links: [link('x-c', 'c', { state: 'gone', version: 0 })] }));
      expect(await store.standing()).toMatchObject([
        { connection: 'showroom', pending: 1, dead: 1, unsupported: 1 },
        { connection: 'site', links: 2 },
      ]);
    });

    test('says what is not possible until it is, also while it waits to be tried again, and keeps to versions', async () => {
      await given(store, ['a', 'b', 'c'], { pending: [to('b')] });
      const cannot = (id: string, version: number) => ({ ...to(id), version, message: `no ${id}` });
      const counts = async () =>
        (await store.standing()).flatMap(({ connection, pending, unsupported }) =>
          connection === 'showroom' ? [{ pending, unsupported }] : [],
        );
      await store.commit(batch({ unsupported: [cannot('a', 1), cannot('b', 1), cannot('c', 9)] }));
      expect([await due(store, 'showroom'), await counts()]).toEqual([[], [{ pending: 0, unsupported: 2 }]]);
      await store.commit(batch({ pending: [to('a')] }));
      await store.commit(batch({ pending: [to('a')] }));
      expect([await due(store, 'showroom'), await counts()]).toEqual([['a'], [{ pending: 1, unsupported: 2 }]]);
      expect((await store.setAside(9)).map(({ what, reason }) => `${what}: ${reason}`)).toEqual([
        'unsupported: no a',
        'unsupported: no b',
      ]);
      await store.commit(batch({ supported: [to('a'), to('b'), to('c')] }));
      expect([await due(store, 'showroom'), await counts()]).toEqual([['a'], [{ pending: 1, unsupported: 1 }]]);
      await store.commit(batch({ done: [{ ...to('a'), version: 1 }] }));
      expect([await due(store, 'showroom'), await counts()]).toEqual([[], []]);
    });

    test('tells which records are dead, and why, without the words of the CRM', async () => {
      await given(store, ['a', 'b', 'c'], { pending: [to('a'), to('b'), to('c'), to('a', 'support')] });
      const failure = { version: 1, attempts: 2, notBefore: 0, code: 'rejected', message: 'no', detail: 'their words' };
      await store.defer('showroom', 'a', { ...failure, state: 'dead' });
      await store.defer('showroom', 'b', { ...failure, state: 'waiting' });
      await store.defer('showroom', 'c', { ...failure, state: 'dead' });
      const dead = { connection: 'showroom', entity: 'contact', attempts: 2, code: 'rejected', message: 'no' };
      const both = [
        { ...dead, recordId: 'a' },
        { ...dead, recordId: 'c' },
      ];
      expect(await store.deadLetters('showroom', 'contact', 9)).toEqual(both);
      expect(await store.deadLetters('showroom', 'contact', 1)).toEqual(both.slice(0, 1));
      expect(await store.deadLetters('support', 'contact', 9)).toEqual([]);
      expect(await store.deadLetters('showroom', 'account', 9)).toEqual([]);
    });

    test('is fresh again when the record becomes pending again', async () => {
      await given(store, ['a'], { pending: [to('a')] });
      await store.defer('showroom', 'a', {
        version: 1,
        attempts: 5,
        notBefore: 100,
        state: 'dead',
        code: 'rejected',
        message: 'no',
      });
      await store.commit(batch({ pending: [to('a')] }));
      expect(await store.pending('showroom', 'contact', 0, 0, 9)).toMatchObject([{ recordId: 'a', attempts: 0 }]);
    });

    test('is done only at the version that was written', async () => {
      await given(store, ['a'], { pending: [to('a'), to('a', 'support')] });
      await store.commit(batch({ updates: [update('a', 1)] }));
      await store.commit(batch({ done: [{ ...to('a'), version: 1 }] }));
      expect(await due(store, 'showroom')).toEqual(['a']);
      await store.commit(batch({ done: [{ ...to('a'), version: 2 }] }));
      expect(await due(store, 'showroom')).toEqual([]);
      expect(await due(store, 'support')).toEqual(['a']);
    });

    test('is set aside only at the version that was tried: a failure told late says nothing of a newer write', async () => {
      await given(store, ['a'], { pending: [to('a')] });
      await store.commit(batch({ updates: [update('a', 1)], pending: [to('a')] }));
      const failure = { attempts: 3, notBefore: 0, state: 'dead', code: 'rejected', message: 'no' } as const;
      await store.defer('showroom', 'a', { ...failure, version: 1 });
      expect(await store.pending('showroom', 'contact', 0, 0, 9)).toMatchObject([{ recordId: 'a', attempts: 0 }]);
      await store.defer('showroom', 'a', { ...failure, version: 2 });
      expect(await due(store, 'showroom')).toEqual([]);
      expect(await store.deadLetters('showroom', 'contact', 9)).toMatchObject([{ recordId: 'a', attempts: 3 }]);
    });

    test('is not made by deferring what is not pending', async () => {
      await given(store, ['a']);
      await store.defer('showroom', 'a', {
        version: 1,
        attempts: 1,
        notBefore: 0,
        state: 'waiting',
        code: 'x',
        message: 'x',
      });
      expect(await due(store, 'showroom')).toEqual([]);
    });

    test('tells which of some records are due, and which that a connection has', async () => {
      await given(store, ['a', 'b', 'c', 'd']);
      const pending = ['a', 'b', 'c'].map((recordId) => ({ connection: 'showroom', recordId }));
      await store.commit(
        batch({
          pending,
          links: [link('1', 'a', { connection: 'showroom' }), link('2', 'b', { connection: 'showroom' })],
        }),
      );
      const failure = {
        version: 1,
        attempts: 3,
        notBefore: 50,
        state: 'waiting',
        code: 'retryable',
        message: 'm',
      } as const;
      await store.defer('showroom', 'b', failure);
      const ids = (rows: readonly { recordId: string }[]) => rows.map(({ recordId }) => recordId);
      expect(ids(await store.pendingLinked('showroom', 'contact', 0, 9))).toEqual(['a', 'b']);
      expect(ids(await store.pendingLinked('showroom', 'contact', 0, 9, 49))).toEqual(['a']);
      expect(ids(await store.pendingAmong('showroom', 'contact', 49, ['b', 'c', 'd', 'nobody']))).toEqual(['c']);
      expect(await store.pendingAmong('showroom', 'contact', 50, ['b'])).toMatchObject([
        { recordId: 'b', attempts: 3 },
      ]);
      expect(await store.pendingAmong('showroom', 'account', 50, ['b'])).toEqual([]);
    });

    test('takes in the live records that a newcomer lacks', async () => {
      await given(store, ['has', 'had', 'dead', 'lacks', 'elsewhere', 'left']);
      await store.commit(
        batch({
          links: [
            link('1', 'has', { connection: 'showroom' }),
            link('2', 'had', { connection: 'showroom', state: 'gone' }),
            link('x-left', 'left', { state: 'gone', version: 0 }),
            link('x-elsewhere', 'elsewhere', { state: 'gone', version: 0 }),
            link('3', 'elsewhere', { connection: 'support' }),
          ],
          updates: [update('dead', 1, { state: 'tombstone' })],
        }),
      );
      await given(store, ['k'], { entity: 'account' });
      expect(await store.enqueueUnlinked('showroom', 'contact', ['site'], 5)).toBe(1);
      expect(await due(store, 'showroom')).toEqual(['lacks']);
      expect(await store.enqueueUnlinked('showroom', 'contact', ['site', 'support', 'nobody'], 5)).toBe(1);
      expect((await due(store, 'showroom')).sort()).toEqual(['elsewhere', 'lacks']);
      expect(await store.enqueueUnlinked('showroom', 'contact', ['site', 'support'], 5)).toBe(0);
    });
  });

  describe('leases', () => {
    test('are held by one owner until they end or are given back', async () => {
      expect(await store.lease('push', 'me', 0, 10)).toBe(true);
      expect(await store.lease('push', 'you', 9, 20)).toBe(false);
      expect(await store.lease('push', 'me', 9, 30)).toBe(true);
      expect(await store.lease('push', 'you', 29, 40)).toBe(false);
      expect(await store.lease('push', 'you', 30, 40)).toBe(true);
      await store.release('push', 'me');
      expect(await store.lease('push', 'me', 31, 50)).toBe(false);
      await store.release('push', 'you');
      expect(await store.lease('push', 'me', 31, 50)).toBe(true);
      expect(await store.lease('pull', 'you', 31, 50)).toBe(true);
      expect(await store.lease('pushed', 'you', 31, 50)).toBe(true);
      expect(await store.leases('push')).toEqual([
        { name: 'push', owner: 'me', until: 50 },
        { name: 'pushed', owner: 'you', until: 50 },
      ]);
    });
  });

  describe('intents', () => {
    const intent = (at: number) => ({
      connection: 'showroom',
      entity: 'contact' as const,
      recordId: 'a',
      at,
      run,
      values: { 'name.given': 'Ada', tags: ['x'] },
    });

    test('are one per connection and record, renewed, and end with a commit', async () => {
      await given(store, ['a', 'b']);
      await store.beginIntent(intent(1));
      await store.beginIntent({ ...intent(1), connection: 'support' });
      await store.beginIntent(intent(2));
      expect(await store.intents('showroom', 'contact')).toEqual([intent(2)]);
      await store.renewIntent('showroom', 'a', 3);
      expect(await store.intents('showroom', 'contact')).toEqual([{ ...intent(2), at: 3 }]);
      await store.beginIntent(intent(2));
      expect(await store.intents('showroom', 'account')).toEqual([]);
      expect(await store.intent('showroom', 'a')).toEqual(intent(2));
      expect(await store.intent('showroom', 'b')).toBeUndefined();
      expect(await store.intent('site', 'a')).toBeUndefined();
      expect((await store.standing()).find(({ connection }) => connection === 'showroom')?.openIntents).toBe(1);
      await store.commit(batch({ endedIntents: [{ connection: 'showroom', recordId: 'a' }] }));
      await store.renewIntent('showroom', 'a', 4);
      expect(await store.intents('showroom', 'contact'), 'what is over stays over').toEqual([]);
      expect(await store.intents('support', 'contact')).toHaveLength(1);
    });

    test('keep the id of what they have made, and what was sent before', async () => {
      await given(store, ['a', 'b']);
      const again = { ...intent(1), earlier: [{ 'name.given': 'Ida' }, { tags: null }] };
      await store.beginIntent(again);
      await store.noteMade('showroom', 'a', '42');
      await store.noteMade('showroom', 'b', '43');
      await store.renewIntent('showroom', 'a', 3);
      const made = { ...again, at: 3, externalId: '42' };
      expect(await store.intents('showroom', 'contact')).toEqual([made]);
      expect(await store.intent('showroom', 'a')).toEqual(made);
      await store.beginIntent(made);
      expect(await store.intent('showroom', 'a')).toEqual(made);
      await store.beginIntent(intent(2));
      expect(await store.intent('showroom', 'a')).toEqual(intent(2));
    });

    test('are begun as the first ones where nothing stands against them', async () => {
      await given(store, ['a', 'b']);
      expect(await store.beginFirstIntent(intent(1), 2), 'another version was read').toBe(false);
      expect(await store.beginFirstIntent({ ...intent(1), recordId: 'nobody' }, 1)).toBe(false);
      expect(await store.beginFirstIntent({ ...intent(1), connection: 'site' }, 1), 'it is there').toBe(false);
      expect([...(await store.intents('showroom', 'contact')), ...(await store.intents('site', 'contact'))]).toEqual(
        [],
      );
      expect(await store.beginFirstIntent(intent(1), 1)).toBe(true);
      expect(await store.beginFirstIntent(intent(2), 1), 'one is open').toBe(false);
      expect(await store.intents('showroom', 'contact')).toEqual([intent(1)]);

      const there = link('a-there', 'b', { connection: 'showroom' });
      for (const [state, isFree, version] of [
        ['live', false, undefined],
        ['gone', false, 0],
        ['removed', true, 1],
      ] as const) {
        await store.commit(batch({ links: [{ ...there, state, ...(version !== undefined && { version }) }] }));
        expect(await store.beginFirstIntent({ ...intent(1), recordId: 'b' }, 1), state).toBe(isFree);
      }
      await store.commit(batch({ endedIntents: [{ connection: 'showroom', recordId: 'b' }] }));
      const left = { connection: 'showroom', externalId: 'a-there', run, missedAt: 1, state: 'missed' } as const;
      await store.commit(batch({ departures: [left] }));
      expect(await store.beginFirstIntent({ ...intent(1), recordId: 'b' }, 1), 'somebody has left').toBe(false);
      await store.commit(batch({ endedDepartures: [left] }));
      await store.commit(batch({ unmatched: [unmatched('somebody', { claims: [{ recordId: 'b', strength: 1 }] })] }));
      expect(await store.beginFirstIntent({ ...intent(1), recordId: 'b' }, 1), 'somebody claims to be it').toBe(false);
    });

    test('share the transaction of a commit, and not its failure', async () => {
      await given(store, ['a']);
      const stale = batch({ updates: [update('a', 7)] });
      const ends = await Promise.allSettled([
        store.beginFirstIntent(intent(1), 1),
        store.commit(stale),
        store.lease('push', 'me', 0, 10),
      ]);
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.intents('showroom', 'contact')).toEqual([intent(1)]);
      expect(await store.leaseHolder('push')).toBe('me');
    });

    test('about a record that does not exist are refused', async () => {
      await expect(store.beginIntent(intent(1))).rejects.toThrow(RangeError);
    });

    test('that are written at once with one that is refused are there', async () => {
      await given(store, ['a', 'b']);
      const all = ['a', 'nobody', 'b'].map((recordId) => store.beginIntent({ ...intent(1), recordId }));
      const ends = await Promise.allSettled([...all, store.lease('push', 'me', 0, 10)]);
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
      expect((await store.intents('showroom', 'contact')).map(({ recordId }) => recordId)).toEqual(['a', 'b']);
      expect(await store.leaseHolder('push')).toBe('me');
    });
  });

  test('a checkpoint is what was written last', async () => {
    const checkpoint = { connection: 'site', entity: 'contact' as const, run, startedAt: 1, read: 100 };
    const complete = { startedAt: 1, endedAt: 9, read: 150 };
    expect(await store.checkpoint('site', 'contact')).toBeUndefined();
    await store.commit(batch({ checkpoint: { ...checkpoint, complete: undefined } }));
    expect(await store.checkpoint('site', 'contact')).toEqual({ ...checkpoint, complete: undefined });
    await store.commit(batch({ checkpoint: { ...checkpoint, read: 150, complete } }));
    expect(await store.checkpoint('site', 'contact')).toEqual({ ...checkpoint, read: 150, complete });
    expect(await store.checkpoint('site', 'account')).toBeUndefined();
    expect(await store.checkpoint('showroom', 'contact')).toBeUndefined();
  });

  test('history comes oldest first, and tells absent from null', async () => {
    await given(store, ['a', 'b']);
    const rows = [
      { recordId: 'a', path: 'city', from: undefined, fromOrigin: undefined, to: 'Brno', origin: origin() },
      { recordId: 'a', path: 'city', from: 'Brno', fromOrigin: origin(), to: null, origin: origin({ modifiedAt: 3 }) },
      { recordId: 'a', path: 'tags', from: null, fromOrigin: origin(), to: ['a'], origin: origin({ rule: 'edit' }) },
    ];
    await store.commit(batch({ history: rows.slice(0, 1) }));
    await store.commit(batch({ history: rows.slice(1) }));
    expect(await store.history('a')).toEqual(rows);
    expect(await store.history('b')).toEqual([]);
    expect(await store.history('nobody')).toEqual([]);
  });

  describe('conflicts', () => {
    test('come newest first; at most one waits per record and path', async () => {
      await given(store, ['a', 'b']);
      const settled = conflict('a', 'city', { state: 'settled', rule: 'newest', at: 1 });
      const older = conflict('a', 'city', { at: 2 });
      const newer = conflict('a', 'city', { at: 3 });
      const other = conflict('a', 'notes', { at: 4, winner: { connection: 'site', value: null } });
      const elsewhere = conflict('b', 'city', { at: 5 });
      await store.commit(batch({ conflicts: [settled, older] }));
      await store.commit(batch({ conflicts: [newer, other, elsewhere] }));
      expect(await store.conflicts(9)).toEqual([elsewhere, other, newer, settled]);
      expect(await store.conflicts(1)).toEqual([elsewhere]);
      expect(await store.conflicts(9, 'waiting')).toEqual([elsewhere, other, newer]);
      expect(await store.waitingConflicts(['a', 'a', 'nobody'])).toEqual([newer, other]);
      await store.commit(batch({ settledConflicts: [{ recordId: 'a', path: 'city' }] }));
      expect(await store.waitingConflicts(['a'])).toEqual([other]);
      expect(await store.conflicts(9)).toContainEqual({ ...newer, state: 'settled' });
      expect(await store.conflicts(1, 'waiting')).toEqual([elsewhere]);
      expect(await store.conflicts(9, 'waiting')).toEqual([elsewhere, other]);
      expect((await store.standing()).find(({ connection }) => connection === 'showroom')?.waitingConflicts).toBe(2);
    });
  });

  describe('quarantine', () => {
    const bad = (externalId: string | undefined, reason = 'Id: expected integer') => ({
      connection: 'site',
      entity: 'contact' as const,
      externalId,
      reason,
      at: 1,
    });
    const scan = (inRun: string, startedAt: number, complete?: number) => ({
      connection: 'site',
      entity: 'contact' as const,
      run: inRun,
      startedAt,
      read: 100,
      complete: complete === undefined ? undefined : { startedAt: complete, endedAt: complete + 1, read: 100 },
    });
    const nameless = async () =>
      (await store.quarantined('site', 'contact', 99)).filter(({ externalId }) => externalId === undefined).length;

    test('holds the last reason of an external id until it is fine again', async () => {
      await store.commit(batch({ quarantine: [bad('1'), bad('2')] }));
      await store.commit(batch({ quarantine: [bad('1', 'Email: too long')] }));
      expect(await store.quarantined('site', 'contact', 9)).toEqual([bad('1', 'Email: too long'), bad('2')]);
      expect(await store.quarantined('site', 'contact', 1)).toHaveLength(1);
      expect(await store.quarantined('site', 'account', 9)).toEqual([]);
      await store.commit(batch({ released: [{ connection: 'site', externalId: '1' }] }));
      expect(await store.quarantined('site', 'contact', 9)).toEqual([bad('2')]);
      expect((await store.standing())[0]?.quarantined).toBe(1);
    });

    test('holds every record without an id once, however often it is seen', async () => {
      const page = (inRun: string, startedAt: number) =>
        batch({ run: inRun, quarantine: [bad(undefined), bad(undefined)], checkpoint: scan(inRun, startedAt) });
      await store.commit(page('r1', 1));
      expect(await nameless()).toBe(2);
      await store.commit(page('r2', 2));
      expect(await nameless()).toBe(2);
    });

    test('forgets records without an id that a complete scan did not bring, and only then', async () => {
      await store.commit(batch({ run: 'r1', quarantine: [bad(undefined), bad('1')], checkpoint: scan('r1', 1, 1) }));
      await store.commit(batch({ run: 'r2', checkpoint: scan('r2', 2, 1) }));
      expect(await nameless()).toBe(1);
      await store.commit(batch({ run: 'r2', checkpoint: scan('r2', 2, 2) }));
      expect(await store.quarantined('site', 'contact', 9)).toEqual([bad('1')]);
    });
  });

  describe('unmatched records', () => {
    test('come oldest first, by page, as they were written, with their claims', async () => {
      await given(store, ['a', 'b']);
      const full = unmatched('1', {
        values: { tags: ['x'], city: null },
        xrefs: [{ system: 'erp', id: '9' }],
        locator: 'L',
        modifiedAt: 5,
        claims: [
          { recordId: 'a', strength: 2 },
          { recordId: 'b', strength: 0.5 },
        ],
      });
      await store.commit(batch({ unmatched: [full, unmatched('2'), unmatched('3')] }));
      const first = await store.unmatched('contact', 0, 2);
      expect(first.map(({ externalId }) => externalId)).toEqual(['1', '2']);
      expect(first[0]).toMatchObject({ ...full, claims: expect.arrayContaining([...full.claims]) });
      const rest = await store.unmatched('contact', first[1]?.position ?? 0, 2);
      expect(rest.map(({ externalId }) => externalId)).toEqual(['3']);
      expect(await store.unmatched('account', 0, 9)).toEqual([]);
    });

    test('are replaced with their claims by external id, and stay in their place', async () => {
      await given(store, ['a', 'b']);
      await store.commit(
        batch({ unmatched: [unmatched('1', { claims: [{ recordId: 'a', strength: 1 }] }), unmatched('2')] }),
      );
      await store.commit(
        batch({ unmatched: [unmatched('1', { fingerprint: 'new', claims: [{ recordId: 'b', strength: 3 }] })] }),
      );
      const all = await store.unmatched('contact', 0, 9);
      expect(all.map(({ externalId, fingerprint }) => `${externalId} ${fingerprint}`)).toEqual([
        '1 new',
        '2 print of 2',
      ]);
      expect(all[0]?.claims).toEqual([{ recordId: 'b', strength: 3 }]);
      expect(await store.claims(['a', 'b'])).toEqual(
        new Map([['b', [{ recordId: 'b', connection: 'site', externalId: '1', strength: 3 }]]]),
      );
    });

    test('leave with their claims when they are matched', async () => {
      await given(store, ['a']);
      const claims = [{ recordId: 'a', strength: 1 }];
      await store.commit(
        batch({ unmatched: [unmatched('1', { claims }), unmatched('1', { claims, connection: 'showroom' })] }),
      );
      expect((await store.claims(['a', 'a'])).get('a')).toHaveLength(2);
      await store.commit(batch({ matched: [{ connection: 'site', externalId: '1' }] }));
      expect((await store.unmatched('contact', 0, 9)).map(({ connection }) => connection)).toEqual(['showroom']);
      expect((await store.claims(['a'])).get('a')).toEqual([
        { recordId: 'a', connection: 'showroom', externalId: '1', strength: 1 },
      ]);
    });

    test('may claim a record that is made in the same commit', async () => {
      await given(store, ['a'], { unmatched: [unmatched('1', { claims: [{ recordId: 'a', strength: 1 }] })] });
      expect((await store.claims(['a'])).get('a')).toHaveLength(1);
    });

    test('never get the position of one that has left', async () => {
      await store.commit(batch({ unmatched: [unmatched('1')] }));
      const [first] = await store.unmatched('contact', 0, 9);
      await store.commit(batch({ matched: [{ connection: 'site', externalId: '1' }] }));
      await store.commit(batch({ unmatched: [unmatched('2')] }));
      expect(await store.unmatched('contact', first?.position ?? 0, 9)).toHaveLength(1);
    });
  });

  test('reviews are open until they are no longer needed, the last word counting', async () => {
    const review = (externalId: string, reason = 'two candidates') => ({
      entity: 'contact' as const,
      connection: 'site',
      externalId,
      candidates: [
        { recordId: 'a', evidence: 'same e-mail' },
        { recordId: 'b', evidence: 'same phone' },
      ],
      reason,
      at: 1,
      run,
    });
    await store.commit(batch({ reviews: [review('1'), review('2')] }));
    await store.commit(batch({ reviews: [review('1', 'three candidates')] }));
    expect(await store.openReviews('contact')).toEqual([review('1', 'three candidates'), review('2')]);
    expect(await store.openReviews('account')).toEqual([]);
    expect((await store.standing())[0]?.reviews).toBe(2);
    await store.commit(batch({ closedReviews: [{ connection: 'site', externalId: '1' }] }));
    expect(await store.openReviews('contact')).toEqual([review('2')]);
    await store.commit(batch({ reviews: [review('1')] }));
    expect(await store.openReviews('contact')).toHaveLength(2);
  });

  test('what is remembered is the last word', async () => {
    expect(await store.remembered('members')).toBeUndefined();
    await store.remember('members', 'a');
    await store.remember('members', 'b');
    expect(await store.remembered('members')).toBe('b');
  });

  test('everything is there again after closing and opening', async () => {
    await given(store, [], {
      creates: [create('a', { keys: [1] })],
      links: [link('1', 'a')],
      pending: [{ connection: 'showroom', recordId: 'a' }],
      unmatched: [unmatched('2')],
      conflicts: [conflict('a', 'city')],
    });
    await store.beginIntent({ connection: 'showroom', entity: 'contact', recordId: 'a', at: 1, run, values: {} });
    const seen = async (from: Store) => [
      await from.aggregates(['a']),
      await from.known('site', 'contact', ['1', '2']),
      await from.candidates('contact', [1], 5),
      await from.identityEpoch('contact'),
      await from.pending('showroom', 'contact', 0, 0, 9),
      await from.conflicts(9),
      await from.intents('showroom', 'contact'),
      await from.standing(),
    ];
    const before = await seen(store);
    await store.close();
    opened.splice(opened.indexOf(store), 1);
    expect(await seen(await open())).toEqual(before);
  });

  describe('two processes', () => {
    test('see what the other has written', async () => {
      const other = await open();
      await given(store, [], { creates: [create('a', { keys: [1] })], links: [link('1', 'a', { run: 'r9' })] });
      expect((await other.candidates('contact', [1], 5)).get(1)).toEqual(['a']);
      expect((await aggregate(other, 'a')).links[0]?.run).toBe('r9');
      await other.commit(batch({ updates: [update('a', 1)] }));
      expect((await aggregate(store, 'a')).record.version).toBe(2);
    });

    test('that decide on the same facts: one writes, the other is stale', async () => {
      const other = await open();
      const epoch = await other.identityEpoch('contact');
      await given(store, [], { creates: [create('a', { keys: [1] })], links: [link('1', 'a')] });
      for (const identityEpoch of [{ identityEpoch: epoch }, {}]) {
        const second = given(other, [], { creates: [create('b')], links: [link('1', 'b')], ...identityEpoch });
        await expect(second).rejects.toBeInstanceOf(StaleError);
      }
      expect((await store.linked('site', 'contact', ['1'])).get('1')?.record.id).toBe('a');
      await other.commit(batch({ updates: [update('a', 1)] }));
      await expect(store.commit(batch({ updates: [update('a', 1)] }))).rejects.toBeInstanceOf(StaleError);
    });

    test('never hold one lease', async () => {
      const other = await open();
      expect([await store.lease('push', 'me', 0, 9), await other.lease('push', 'you', 0, 9)]).toEqual([true, false]);
    });
  });
}

function conflict(recordId: string, path: string, over: Partial<ConflictRow> = {}): ConflictRow {
  return {
    entity: 'contact',
    recordId,
    path,
    winner: { connection: 'site', value: 'Brno' },
    loser: { connection: 'showroom', value: ['x'] },
    rule: 'manual',
    at: 1,
    run,
    state: 'waiting',
    ...over,
  };
}

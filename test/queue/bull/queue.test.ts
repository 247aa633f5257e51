import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { pause, resume } from '../../../src/queue/paused.ts';
import { disagreements } from '../../worlds/laws.ts';
import { ann, ben, both, crm } from '../../worlds/small.ts';
import { type Bed, farAway, openBed } from './bed.ts';
import { openRedisChild, type RedisChild, whyNoRedis } from './redis-child.ts';

let redis: RedisChild;

const names = ['alpha', 'bravo', 'charlie', 'delta'] as const;
const soon = { timeout: 25_000, interval: 10 };

async function bedOf(given: Parameters<typeof openBed>[1], syncs?: Parameters<typeof openBed>[2]): Promise<Bed> {
  const bed = await openBed(redis, given, syncs);
  onTestFinished(() => bed.close());
  return bed;
}

/** Lets nobody through until it is opened. */
function barrier() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  return {
    open: resolve,
    reached: reached.promise,
    async pass(signal?: AbortSignal): Promise<void> {
      reached.resolve();
      const aborted = Promise.withResolvers<void>();
      signal?.addEventListener('abort', () => aborted.resolve(), { once: true });
      await Promise.race([promise, aborted.promise]);
      signal?.throwIfAborted();
    },
  };
}

const person = (n: number) => ({
  'name.given': `Given${n}`,
  'name.family': `Family${n}`,
  'email.primary': `person${n}@example.com`,
});

/** All CRMs hold the same, nobody twice, and nothing was ever written twice at once. */
async function expectAgreement(bed: Bed, people: number): Promise<void> {
  for (const [name, one] of bed.world.crms) {
    expect(one.ids('contact'), name).toHaveLength(people);
    const creates = one.writes.filter(({ verb }) => verb === 'create').map(({ values }) => values['email.primary']);
    expect(new Set(creates).size, name).toBe(creates.length);
  }
  expect(await disagreements(bed.world, 'contact')).toEqual([]);
  expect(bed.collisions).toEqual([]);
}

const ended = (bed: Bed, count: number) =>
  vi.waitFor(async () => expect((await bed.ended()).length).toBeGreaterThanOrEqual(count), soon);

describe.skipIf(whyNoRedis)('a worker on BullMQ', () => {
  beforeAll(async () => {
    redis = await openRedisChild();
  });
  afterAll(() => redis.close());

  test('runs one cycle at its start when none has run since the schedule came, and none when one has', async () => {
    const bed = await bedOf([crm('alpha'), crm('bravo'), crm('charlie')]);
    bed.world.enter('alpha', 'contact', ann);
    bed.world.enter('bravo', 'contact', ben);
    const one = await bed.start('one');
    await ended(bed, 1);
    await expectAgreement(bed, 2);
    expect(await one.close(5_000)).toBe(true);
    await bed.start('two');
    await vi.waitFor(async () => expect((await bed.ended()).length).toBe(1), soon);
    await wait(500);
    expect(await bed.ended()).toHaveLength(1);
  });

  test('ends hints of a sync that there is no more at its start, and says how many; the others are heard', async () => {
    const bed = await bedOf([crm('alpha'), crm('bravo')]);
    const { store } = bed.world;
    const hints = (entity: 'contact' | 'account', count: number) =>
      Array.from({ length: count }, (_, n) => ({ entity, externalId: `${n}`, what: 'changed' as const }));
    await store.receive([
      { connection: 'alpha', id: undefined, at: 1, hints: [...hints('account', 501), ...hints('contact', 1)] },
      { connection: 'charlie', id: undefined, at: 1, hints: hints('contact', 2) },
    ]);
    await bed.start('one');
    const named = (await store.openHints()).filter(
      ({ connection, entity }) => connection !== 'alpha' || entity !== 'contact',
    );
    expect(named).toEqual([]);
    const told = bed.lines.filter(({ message }) => message.startsWith('hints ended unread'));
    expect(told.map(({ level, fields }) => [level, fields])).toEqual([
      ['warn', { connection: 'alpha', entity: 'account', hints: 501 }],
      ['warn', { connection: 'charlie', entity: 'contact', hints: 2 }],
    ]);
    await vi.waitFor(async () => expect(await store.openHints()).toEqual([]), soon);
    expect(bed.world.crms.get('alpha')!.calls.read).toBe(1);
  });

  test('runs a cycle when a person asks; while one is at work, one more for all who ask', async () => {
    const bed = await bedOf([crm('alpha'), crm('bravo')]);
    const queue = await bed.start('one');
    await ended(bed, 1);
    const gate = barrier();
    bed.before = (connection, verb, signal) =>
      connection === 'bravo' && verb === 'list' ? gate.pass(signal) : undefined;
    await queue.syncNow('people');
    await gate.reached;
    // Alpha has been read: what is entered there now is not in this cycle, and must not be forgotten.
    await vi.waitFor(() => expect(bed.world.crms.get('alpha')!.calls.list).toBe(2), soon);
    bed.world.enter('alpha', 'contact', ann);
    await queue.syncNow('people');
    await queue.syncNow('people');
    await queue.syncNow('people');
    gate.open();
    await ended(bed, 3);
    await wait(300);
    expect(await bed.ended()).toHaveLength(3);
    await expectAgreement(bed, 1);
    await expect(queue.syncNow('nobody')).rejects.toThrow(RangeError);
  });

  test('runs nothing of a sync that is paused', async () => {
    const bed = await bedOf([crm('alpha'), crm('bravo')]);
    await pause(bed.world.store, 'people', 1);
    const queue = await bed.start('one');
    await vi.waitFor(() => expect(queue.awaySince).toBeUndefined(), soon);
    await queue.syncNow('people');
    await wait(300);
    expect(await bed.world.store.runs(10)).toEqual([]);
    await resume(bed.world.store, 'people');
    await queue.syncNow('people');
    await ended(bed, 1);
  });

  describe('when Redis', () => {
    test('is emptied in the middle of a cycle, says so once and asks again; nothing is doubled or lost', async () => {
      const bed = await bedOf(names.map((name) => crm(name, [], { concurrent: 4 })));
      for (let n = 0; n < 60; n += 1) bed.world.enter(names[n % 4]!, 'contact', person(n));
      let creates = 0;
      bed.before = async (_connection, verb) => {
        if (verb !== 'create') return;
        creates += 1;
        const isTheOne = creates === 20;
        await wait(5);
        if (isTheOne) await redis.empty();
      };
      await bed.start('one');
      await vi.waitFor(async () => expect((await bed.ended()).map(({ end }) => end!.outcome)).toContain('done'), soon);
      const said = () => bed.lines.map(({ message }) => message).filter((message) => message.startsWith('Redis'));
      await vi.waitFor(() => expect(said()).toEqual([expect.stringMatching(/^Redis was emptied/)]), soon);
      await expectAgreement(bed, 60);
    });

    test('is away, says so once and once when it is back; what waits goes on by itself', async () => {
      const bed = await bedOf(names.map((name) => crm(name)));
      for (let n = 0; n < 20; n += 1) bed.world.enter(names[n % 4]!, 'contact', person(n));
      let creates = 0;
      bed.before = async (_connection, verb) => {
        if (verb !== 'create') return;
        creates += 1;
        if (creates === 5) await redis.stop();
      };
      const queue = await bed.start('one');
      await vi.waitFor(() => expect(bed.lines.map(({ message }) => message)).toContainEqual(awayLine), soon);
      expect(queue.awaySince).toBeGreaterThan(Date.now() - 10_000);
      await expect(queue.syncNow('people')).rejects.toMatchObject({ code: 'queue_away' });
      await expect(queue.depths()).rejects.toMatchObject({ code: 'queue_away' });
      await wait(1_500);
      await redis.start();
      await vi.waitFor(async () => expect((await bed.ended()).map(({ end }) => end!.outcome)).toContain('done'), soon);
      const said = bed.lines.map(({ message }) => message).filter((message) => message.startsWith('Redis'));
      expect(said).toEqual([awayLine, 'Redis is back']);
      expect(queue.awaySince).toBeUndefined();
      await expectAgreement(bed, 20);
    });

    test('is not there at the start, begins when it is; ends in time when it never is', async () => {
      await redis.stop();
      const bed = await bedOf([crm('alpha'), crm('bravo')]);
      const first = await bed.start('one');
      await wait(300);
      const startedAt = performance.now();
      await first.close(3_000);
      expect(performance.now() - startedAt).toBeLessThan(3_100);
      bed.world.enter('alpha', 'contact', ann);
      await bed.start('two');
      await wait(300);
      await redis.start();
      await ended(bed, 1);
      await expectAgreement(bed, 1);
    });
  });

  describe('with another one beside it', () => {
    test('shares the connections evenly, writes nothing twice, and takes over from one that ends', async () => {
      const bed = await bedOf(names.map((name) => crm(name, [], { concurrent: 4 })));
      for (let n = 0; n < 80; n += 1) bed.world.enter(names[n % 4]!, 'contact', person(n));
      bed.before = () => wait(2);
      const one = await bed.start('one');
      const two = await bed.start('two');
      await vi.waitFor(
        () =>
          expect(
            two
              .seats()
              .map(({ owner }) => owner)
              .toSorted(),
          ).toEqual(['one', 'one', 'two', 'two']),
        soon,
      );
      await ended(bed, 1);
      await two.syncNow('people');
      await ended(bed, 2);
      await expectAgreement(bed, 80);
      expect(await one.close(5_000)).toBe(true);
      await vi.waitFor(() => expect(two.seats().map(({ here }) => here)).toEqual([true, true, true, true]), soon);
      bed.world.edit('alpha', 'contact', 'alpha-1', { 'name.given': 'Renamed' });
      await two.syncNow('people');
      await ended(bed, 3);
      await expectAgreement(bed, 80);
    });

    test('goes on with what it gave back in the middle of a cycle', async () => {
      const bed = await bedOf(names.map((name) => crm(name, [], { concurrent: 2 })));
      for (let n = 0; n < 40; n += 1) bed.world.enter(names[n % 4]!, 'contact', person(n));
      let creates = 0;
      let closing: Promise<boolean> | undefined;
      const one = await bed.start('one');
      bed.before = async (_connection, verb) => {
        await wait(2);
        if (verb !== 'create') return;
        creates += 1;
        if (creates === 15) closing = one.close(5_000);
      };
      await vi.waitFor(() => expect(closing).toBeDefined(), soon);
      expect(await closing).toBe(true);
      expect(creates).toBeLessThan(100);
      await bed.start('two');
      await vi.waitFor(async () => expect((await bed.ended()).map(({ end }) => end!.outcome)).toContain('done'), soon);
      await expectAgreement(bed, 40);
    });
  });

  test('a pause that one CRM asks for holds its queues, and no others', async () => {
    const syncs = [
      both(['alpha', 'bravo'], { schedule: farAway }),
      both(['charlie', 'delta'], { name: 'others', schedule: farAway }),
    ];
    const bed = await bedOf(
      names.map((name) => crm(name)),
      syncs,
    );
    bed.world.enter('alpha', 'contact', ann);
    bed.world.enter('charlie', 'contact', ben);
    bed.held.set('bravo', { why: 'asked', until: Date.now() + 2_500 });
    const queue = await bed.start('one');
    await vi.waitFor(async () => expect(await bed.ended('others')).toHaveLength(1), soon);
    expect(await bed.ended('people')).toHaveLength(0);
    expect(queue.holds()).toEqual([
      { connection: 'bravo', until: expect.any(Number), reason: 'the CRM asked for a pause' },
    ]);
    const limited = queue.queues.find(({ name }) => name === 'pull-bravo')!;
    expect(await limited.getRateLimitTtl()).toBeGreaterThan(0);
    expect(bed.world.crms.get('bravo')!.calls.list).toBe(0);
    await vi.waitFor(async () => expect(await bed.ended('people')).toHaveLength(1), soon);
    expect(bed.world.crms.get('bravo')!.ids('contact')).toHaveLength(1);
  });
});

const awayLine = 'Redis is away: no job runs until it is back; webhooks are received, and nothing is lost';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpEvent } from '../../src/connector/http-client.ts';
import type { EngineContext } from '../../src/engine/engine.ts';
import type { QueueControl } from '../../src/queue/control.ts';
import { createMetrics, type Metrics } from '../../src/server/metrics.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

const request: HttpEvent = {
  connection: 'room',
  operation: 'getContacts',
  status: 200,
  attempt: 1,
  waitedMs: 0,
  durationMs: 40,
  outcome: 'ok',
};

describe('metrics', () => {
  let metrics: Metrics;
  let store: Store;
  let now: number;
  let control: QueueControl;

  beforeEach(async () => {
    now = Date.UTC(2026, 0, 5, 8);
    store = await openSqliteStore(':memory:');
    metrics = createMetrics('1.2.3');
    control = {
      queues: [],
      awaySince: undefined,
      depths: async () => [{ queue: 'push-room', waiting: 3, active: 1, delayed: 0, failed: 2 }],
      syncNow: async () => {},
      wake: () => {},
      holds: () => [{ connection: 'room', until: now + 30_000, reason: 'asked for a pause' }],
      seats: () => [
        { connection: 'room', owner: 'a', here: true },
        { connection: 'site', owner: 'b', here: false },
      ],
    };
  });
  afterEach(async () => {
    metrics.close();
    await store.close();
  });

  const watch = (of: Partial<QueueControl> = {}) => {
    const members = ['room', 'site'].map((connection) => ({ connection, direction: 'both' }));
    const syncs = [{ name: 'people', entity: 'contact', members }];
    const clock = { now: () => now };
    metrics.watch({ store, syncs, clock } as unknown as EngineContext, { ...control, ...of });
  };
  /** The samples whose names begin so, without that beginning. */
  const samples = async (start: string) =>
    (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith(start))
      .map((line) => line.slice(start.length));

  it('follow the conventions of Prometheus', async () => {
    watch();
    metrics.onHttp(request);
    metrics.onCounts('room', { read: 1 });
    const text = await metrics.text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!] as const);
    expect(types.length).toBeGreaterThan(20);
    for (const [name, type] of types.filter(([name]) => name.startsWith('concordat_'))) {
      expect(name).toMatch(/^concordat(_[a-z]+)+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(ms|millis|milliseconds|count|sum|bucket)(_|$)/);
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
    }
    expect(await samples('concordat_build_info')).toEqual([`{version="1.2.3",node="${process.version}"} 1`]);
    expect(metrics.contentType).toContain('text/plain');
  });

  it('count what was asked of a CRM, by outcome, and what it waited for', async () => {
    metrics.onHttp(request);
    metrics.onHttp({ ...request, waitedMs: 1_500, durationMs: 700 });
    metrics.onHttp({ ...request, outcome: 'retryable', status: 429 });
    metrics.onHttp({ ...request, outcome: 'aborted', status: undefined });
    const api = 'concordat_api_request_duration_seconds';
    expect(await samples(`${api}_count`)).toEqual([
      '{connection="room",outcome="ok"} 2',
      '{connection="room",outcome="error"} 1',
      '{connection="room",outcome="aborted"} 1',
    ]);
    expect(await samples(`${api}_sum{connection="room",outcome="ok"}`)).toEqual([' 0.74']);
    expect(await samples('concordat_rate_limit_wait_seconds_total')).toEqual(['{connection="room"} 1.5']);
    expect(await samples('concordat_errors_total')).toEqual(['{connection="room",class="retryable"} 1']);
  });

  it('count what was read and written', async () => {
    metrics.onCounts('room', { read: 10, created: 2 });
    metrics.onCounts('room', { read: 5, updated: 1, unchanged: 4 });
    expect(await samples('concordat_records_read_total')).toEqual(['{connection="room"} 15']);
    expect(await samples('concordat_writes_total')).toEqual([
      '{connection="room",action="created"} 2',
      '{connection="room",action="updated"} 1',
      '{connection="room",action="deleted"} 0',
    ]);
  });

  it('tell of the store how it stands when they are asked for', async () => {
    watch();
    await store.receive([
      {
        connection: 'room',
        id: '1',
        at: now - 90_000,
        hints: [{ entity: 'contact', externalId: '7', what: 'changed' }],
      },
      { connection: 'room', id: '2', at: now, hints: [{ entity: 'contact', externalId: '8', what: 'deleted' }] },
    ]);
    await store.commit({
      run: 'r',
      at: now,
      entity: 'contact',
      quarantine: [{ connection: 'site', entity: 'contact', externalId: '9', reason: 'no text', at: now }],
      checkpoint: {
        connection: 'room',
        entity: 'contact',
        run: 'r',
        startedAt: now - 60_000,
        read: 2,
        complete: { startedAt: now - 60_000, endedAt: now - 50_000, read: 2 },
      },
    });
    for (const [id, outcome, ago] of [
      ['r1', 'done', 500],
      ['r2', 'failed', 100],
    ] as const) {
      await store.beginRun({ id, sync: 'people', startedAt: now - ago * 1_000 - 1 });
      await store.endRun(id, 'people', { endedAt: now - ago * 1_000, outcome, counts: '{}' });
    }
    const room = '{connection="room",entity="contact"}';
    const site = '{connection="site",entity="contact"}';
    expect(await samples('concordat_poll_age_seconds')).toEqual([`${room} 60`]);
    expect(await samples('concordat_open_hints')).toEqual([`${room} 2`, `${site} 0`]);
    expect(await samples('concordat_oldest_open_hint_age_seconds')).toEqual([`${room} 90`, `${site} 0`]);
    expect(await samples('concordat_quarantined_records')).toEqual([`${room} 0`, `${site} 1`]);
    expect(await samples('concordat_pending_records')).toEqual([`${room} 0`, `${site} 0`]);
    expect(await samples('concordat_last_good_run_age_seconds')).toEqual(['{sync="people"} 500']);
    expect(await samples('concordat_last_run_failed')).toEqual(['{sync="people"} 1']);
  });

  it('read the store no more often than every two seconds', async () => {
    watch();
    await metrics.text();
    await store.receive([
      { connection: 'room', id: '1', at: now, hints: [{ entity: 'contact', externalId: '7', what: 'changed' }] },
    ]);
    const open = 'concordat_open_hints{connection="room",entity="contact"}';
    now += 1_900;
    expect(await samples(open)).toEqual([' 0']);
    now += 200;
    expect(await samples(open)).toEqual([' 1']);
  });

  it('tell of the queues, and of the connections that this process talks to', async () => {
    watch();
    expect(await samples('concordat_redis_up')).toEqual([' 1']);
    expect(await samples('concordat_queue_jobs')).toEqual([
      '{queue="push-room",state="waiting"} 3',
      '{queue="push-room",state="active"} 1',
      '{queue="push-room",state="delayed"} 0',
      '{queue="push-room",state="failed"} 2',
    ]);
    expect(await samples('concordat_connection_held_seconds')).toEqual(['{connection="room"} 30']);
    expect(await samples('concordat_connection_seat')).toEqual(['{connection="room"} 1', '{connection="site"} 0']);
  });

  it('answer while Redis is away, or hangs', async () => {
    watch({ awaySince: now, depths: () => Promise.reject(new Error('away')) });
    expect(await samples('concordat_redis_up')).toEqual([' 0']);
    expect(await samples('concordat_queue_jobs')).toEqual([]);
    now += 5_000;
    watch({ depths: () => new Promise(() => {}) });
    expect(await samples('concordat_redis_up')).toEqual([' 1']);
  });
});

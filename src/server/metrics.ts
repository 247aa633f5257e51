import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HttpEvent } from '../connector/http-client.ts';
import type { Counts, EngineContext } from '../engine/engine.ts';
import { lastPoll } from '../engine/stands.ts';
import type { QueueControl } from '../queue/control.ts';
import type { Standing } from '../store/store.ts';

/** How long what was read from the store is told again: somebody who asks all the time must not keep it busy. */
const freshMs = 2_000;

/** How long one asks Redis how many jobs there are. */
const depthsMs = 1_000;

/** What the CRMs of this trade need for an answer: tens of milliseconds to a minute. Seconds. */
const apiBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The gauges that are counted in the store, by connection and entity. */
const standings = {
  links: ['linked_records', 'Records of the CRM that are known and linked.'],
  pending: ['pending_records', 'Records that wait to be written to the connection.'],
  dead: ['dead_letters', 'Records that the CRM did not take; they wait for an edit or a person.'],
  unsupported: ['unsupported_records', 'Records that the API of the connection cannot take.'],
  quarantined: ['quarantined_records', 'Records of the CRM that could not be used.'],
  reviews: ['open_reviews', 'Records of the CRM whose identity a person has to settle.'],
  waitingConflicts: ['waiting_conflicts', 'Values of the connection that wait for a person to decide a conflict.'],
  openIntents: ['unanswered_creates', 'Creates that were started and are not yet confirmed.'],
} as const satisfies Partial<Record<keyof Standing, readonly [name: string, help: string]>>;

/** What happens in this process, counted; and how things stand in the store, when somebody asks. */
export interface Metrics {
  /** One attempt at a CRM: for `Surroundings.onHttp`. */
  onHttp(event: HttpEvent): void;
  /** What a piece of work did at one connection. */
  onCounts(connection: string, counts: Partial<Counts>): void;
  /** A request to the webhook receiver was answered with this status. */
  onWebhook(status: number): void;
  /** From now on, queues and store are told as well. */
  watch(context: EngineContext, control: QueueControl): void;
  /** Text in the format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
  /** Ends what measures the process. */
  close(): void;
}

/** The metrics of one worker, in a registry of their own. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name: `concordat_${name}`, help, labelNames, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name: `concordat_${name}_total`, help, labelNames, registers });

  gauge('build_info', 'Always 1; which version runs.', ['version', 'node']).set({ version, node: process.version }, 1);

  const api = new Histogram({
    name: 'concordat_api_request_duration_seconds',
    help: 'Attempts at a CRM, from sending to the end of the reply.',
    labelNames: ['connection', 'outcome'],
    buckets: apiBuckets,
    registers,
  });
  const waits = counter('rate_limit_wait_seconds', 'How long requests waited for their turn at a connection.', [
    'connection',
  ]);
  const errors = counter('errors', 'Attempts at a CRM that failed, by class of error.', ['connection', 'class']);
  const reads = counter('records_read', 'Records read from a connection.', ['connection']);
  const writes = counter('writes', 'Writes to a connection that were done.', ['connection', 'action']);

  const webhooks = counter('webhook_requests', 'Requests to the webhook receiver, by the status of the answer.', [
    'status',
  ]);

  const ofPair = ['connection', 'entity'] as const;
  const stands = Object.entries(standings).map(
    ([key, [name, help]]) => [key as keyof typeof standings, gauge(name, help, ofPair)] as const,
  );
  const pollAge = gauge(
    'poll_age_seconds',
    'Since the start of the last complete listing of a connection. Missing where there was none yet.',
    ofPair,
  );
  const hints = gauge('open_hints', 'Hints of webhooks that no round has finished with.', ofPair);
  const hintAge = gauge('oldest_open_hint_age_seconds', 'Since the oldest open hint came.', ofPair);
  const runAge = gauge('last_good_run_age_seconds', 'Since the last run of a sync that no member failed in ended.', [
    'sync',
  ]);
  const failing = gauge('last_run_failed', '1 when the last ended run of a sync failed.', ['sync']);
  const redisUp = gauge('redis_up', '1 while Redis answers.');
  const depth = gauge('queue_jobs', 'Jobs in a queue, by state.', ['queue', 'state']);
  const held = gauge('connection_held_seconds', 'For how long a connection of this process is not called.', [
    'connection',
  ]);
  const seats = gauge('connection_seat', '1 where this process talks to the connection.', ['connection']);

  let look: (() => Promise<void>) | undefined;
  let looking: Promise<void> | undefined;
  let freshUntil = 0;

  async function lookAtStore({ store, syncs, clock }: EngineContext): Promise<void> {
    const now = clock.now();
    const seconds = (since: number) => Math.max(0, now - since) / 1_000;
    const known = await store.standing();
    for (const { entity, members } of syncs)
      for (const { connection } of members) {
        const row = known.find((one) => one.connection === connection && one.entity === entity);
        for (const [key, one] of stands) one.set({ connection, entity }, row?.[key] ?? 0);
        const { at: polledAt } = await lastPoll(store, connection, entity);
        if (polledAt !== undefined) pollAge.set({ connection, entity }, seconds(polledAt));
        hints.set({ connection, entity }, 0);
        hintAge.set({ connection, entity }, 0);
      }
    for (const { connection, entity, count, oldestAt } of await store.openHints()) {
      hints.set({ connection, entity }, count);
      hintAge.set({ connection, entity }, seconds(oldestAt));
    }
    for (const { name } of syncs) {
      const ended = (await store.runsOf(name, lastRuns)).flatMap(({ end }) => end ?? []);
      const good = ended.find(({ outcome }) => outcome !== 'failed');
      if (good) runAge.set({ sync: name }, seconds(good.endedAt));
      if (ended[0]) failing.set({ sync: name }, ended[0].outcome === 'failed' ? 1 : 0);
    }
  }

  async function lookAtQueue({ clock }: EngineContext, control: QueueControl): Promise<void> {
    redisUp.set(control.awaySince === undefined ? 1 : 0);
    held.reset();
    for (const { connection, until } of control.holds())
      held.set({ connection }, Math.max(0, until - clock.now()) / 1_000);
    seats.reset();
    for (const { connection, here } of control.seats()) seats.set({ connection }, here ? 1 : 0);
    depth.reset();
    const depths = control.awaySince === undefined ? await withinTime(control.depths()) : [];
    for (const { queue, ...states } of depths)
      for (const [state, jobs] of Object.entries(states)) depth.set({ queue, state }, jobs);
  }

  return {
    onHttp({ connection, outcome, durationMs, waitedMs }) {
      api.observe(
        { connection, outcome: outcome === 'ok' || outcome === 'aborted' ? outcome : 'error' },
        durationMs / 1_000,
      );
      if (waitedMs > 0) waits.inc({ connection }, waitedMs / 1_000);
      if (outcome !== 'ok' && outcome !== 'aborted') errors.inc({ connection, class: outcome });
    },
    onCounts(connection, { read = 0, created = 0, updated = 0, deleted = 0 }) {
      reads.inc({ connection }, read);
      for (const [action, count] of Object.entries({ created, updated, deleted }))
        writes.inc({ connection, action }, count);
    },
    onWebhook(status) {
      webhooks.inc({ status });
    },
    watch(context, control) {
      look = async () => {
        if (context.clock.now() < freshUntil) return;
        await Promise.all([lookAtStore(context), lookAtQueue(context, control)]);
        freshUntil = context.clock.now() + freshMs;
      };
    },
    async text() {
      looking ??= look?.().finally(() => {
        looking = undefined;
      });
      await looking;
      return await registry.metrics();
    },
    contentType: registry.contentType,
    close() {
      registry.clear();
    },
  };
}

/** How far back a good run is looked for. */
const lastRuns = 50;

/** What Redis answers in time; nothing when it does not. */
async function withinTime<Row>(asked: Promise<readonly Row[]>): Promise<readonly Row[]> {
  const late = new Promise<readonly Row[]>((resolve) => setTimeout(() => resolve([]), depthsMs).unref());
  return await Promise.race([asked.catch(() => []), late]);
}

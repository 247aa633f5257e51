import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { type SeededIds, seededIds } from '../../src/connector/seeded-ids.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { concordat, type Running, start } from '../cli/harness.ts';
import { bedEnv, type CrmName, type Heard, type Kept, openBed, webhookSecret } from '../kill/bed.ts';
import { type Death, deathWords, isWrite, watchFor } from '../kill/deaths.ts';
import { Scene, type Verdict } from '../kill/scene.ts';
import { openRedisChild, type RedisChild } from '../queue/bull/redis-child.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Workers to kill before the end. */
  readonly kills: number;
  readonly deletes: 'ignore' | 'propagate';
  /** How long Redis is away when it is, at most, milliseconds. */
  readonly longestAwayMs: number;
  /** The program's file; default: the sources. */
  readonly main?: string;
}

export interface ChaosReport extends Verdict {
  /** Milliseconds that each killed worker had lived. */
  readonly killed: readonly number[];
  readonly emptied: number;
  readonly away: number;
  readonly webhooks: { readonly sent: number; readonly stored: number };
}

/** Within which everything must have come to rest once nobody disturbs any more. */
const patienceMs = 180_000;
/** design.md §11: a worker ends within this time of SIGTERM. */
const goodbyeMs = 20_000;

/**
 * One life: four CRMs that tell by webhook what people do there, one or two workers, which are killed, and a Redis that is
 * emptied, or goes away and comes back empty. Then one worker that nobody disturbs; when it has come to rest it is told to
 * stop, and the end is judged as that of killed syncs is.
 */
export async function liveThrough(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, deletes } = options;
  const random = seededIds(seed);
  const redis = await openRedisChild();
  const [webhooksPort, dashboardPort] = [await freePort(), await freePort()];
  const worker = { redis: redis.address, webhooksPort, dashboardPort, schedule: '*/4 * * * * *' };
  const latencyMs = random.integer(3) === 0 ? 1 + random.integer(30) : 0;
  const bed = await openBed({ seed, deletes, latencyMs, worker });
  let report: ChaosReport | undefined;
  try {
    report = await new Chaos(new Scene(bed, random), redis, options, webhooksPort).run();
    return report;
  } finally {
    await bed.close(report?.kept !== undefined);
    await redis.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

class Chaos {
  readonly #scene: Scene;
  readonly #redis: RedisChild;
  readonly #options: ChaosOptions;
  readonly #receiver: string;
  readonly #killed: number[] = [];
  readonly #signer = new Webhook(webhookSecret);
  readonly #posts: Promise<void>[] = [];
  #told = { entries: 0, edits: 0, removals: 0 };
  #sent = 0;
  #stored = 0;
  #emptied = 0;
  #away = 0;
  #watch: (heard: Heard) => 'refuse' | undefined = () => undefined;
  /** Things that people still do in this round, one at each write or page that the CRMs hear of. */
  #due = 0;

  constructor(scene: Scene, redis: RedisChild, options: ChaosOptions, webhooksPort: number) {
    this.#scene = scene;
    this.#redis = redis;
    this.#options = options;
    this.#receiver = `http://127.0.0.1:${webhooksPort}/webhooks`;
    scene.bed.hear((heard) => this.#hear(heard));
  }

  async run(): Promise<ChaosReport> {
    const { kills, deletes } = this.#options;
    this.#scene.begin();
    while (this.#scene.goesOn(this.#killed.length, kills)) await this.#round();
    await this.#rest();
    const verdict = await this.#scene.end(deletes, () => this.#sync());
    return {
      ...verdict,
      killed: this.#killed,
      emptied: this.#emptied,
      away: this.#away,
      webhooks: { sent: this.#sent, stored: this.#stored },
    };
  }

  /** One or two workers live, people are at work, Redis is disturbed, and in the end the workers are killed. */
  async #round(): Promise<void> {
    this.#due = this.#scene.random.integer(8);
    const count = this.#scene.random.integer(4) === 0 ? 2 : 1;
    const death = randomDeath(this.#scene.random);
    const workers = Array.from({ length: count }, () => this.#worker());
    // Mostly death comes to a worker that is at work, sometimes to one that has hardly begun.
    if (this.#scene.random.integer(4) > 0) await Promise.all(workers.map((worker) => worker.says('runs as process')));
    if (this.#scene.random.integer(3) === 0) await this.#calm();
    const startedAt = performance.now();
    const dying = Promise.withResolvers<void>();
    const timer = setTimeout(() => dying.resolve(), death.at === 'time' ? death.afterMs : longestLifeMs);
    this.#watch = watchFor(death, () => dying.resolve());
    for (let n = this.#scene.random.integer(4); n > 0; n -= 1) this.#act();
    await this.#disturbRedis();
    await dying.promise;
    clearTimeout(timer);
    this.#watch = () => undefined;
    for (const worker of workers) worker.kill('SIGKILL');
    for (const worker of workers) await this.#inspect(worker, 'SIGKILL');
    const livedMs = Math.round(performance.now() - startedAt);
    for (const _ of workers) this.#killed.push(livedMs);
    this.#scene.oracle.tell(
      `${count === 1 ? 'the worker is' : 'two workers are'} killed ${deathWords(death)} (${livedMs} ms)`,
    );
    await this.#scene.burial();
    for (let n = this.#due; n > 0; n -= 1) this.#act();
    this.#due = 0;
  }

  /** Nobody does anything until each sync has run from end to end: what stood there is known to the worker. */
  async #calm(): Promise<void> {
    const before = this.#scene.people.snapshot();
    const due = this.#due;
    this.#due = 0;
    if (await this.#untilRead(Date.now())) this.#scene.people.learn(before, false);
    this.#due = due;
  }

  async #disturbRedis(): Promise<void> {
    const dice = this.#scene.random.integer(10);
    if (dice < 2) {
      this.#emptied += 1;
      this.#scene.oracle.tell('Redis is emptied');
      await this.#redis.empty();
    } else if (dice === 2) {
      this.#away += 1;
      const forMs = this.#scene.random.integer(this.#options.longestAwayMs);
      this.#scene.oracle.tell(`Redis is away for ${forMs} ms, and comes back empty`);
      await this.#redis.stop();
      for (let left = forMs; left > 0; left -= 1_000) {
        await wait(Math.min(left, 1_000));
        if (this.#scene.random.integer(3) === 0) this.#act();
      }
      await this.#redis.start();
    }
  }

  /** A worker that nobody disturbs, until nothing is left to do; then it is told to stop. */
  async #rest(): Promise<void> {
    this.#scene.people.mergeAll();
    await Promise.all(this.#posts);
    const worker = this.#worker();
    const isAtRest = await this.#untilRead(Date.now(), 2);
    if (!isAtRest) this.#scene.violations.push(`after ${patienceMs} ms the worker had not come to rest`);
    worker.kill('SIGTERM');
    const startedAt = performance.now();
    await this.#inspect(worker, 'SIGTERM');
    if (performance.now() - startedAt > goodbyeMs) this.#scene.violations.push('the worker did not end in time');
    this.#scene.pens.lift();
  }

  /**
   * Waits until each sync has run so often from end to end since then, and nothing is left in the inbox.
   * @returns false when that does not come
   */
  async #untilRead(since: number, times = 1): Promise<boolean> {
    const deadline = Date.now() + patienceMs;
    while (Date.now() < deadline) {
      await wait(200);
      if (await this.#asks((store) => isRead(store, since, times))) return true;
    }
    return false;
  }

  /** The store is there as soon as a worker has made it. */
  async #asks<T>(question: (store: Store) => Promise<T>): Promise<T | undefined> {
    try {
      const store = await openSqliteStore(this.#scene.bed.storeFile);
      try {
        return await question(store);
      } finally {
        await store.close();
      }
    } catch {
      return undefined;
    }
  }

  #worker(): Running {
    const { main } = this.#options;
    return start(['start'], {
      directory: this.#scene.bed.folder,
      env: bedEnv,
      ...(main === undefined ? {} : { main }),
    });
  }

  async #inspect(worker: Running, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { status, stderr } = await worker.ended;
    const expected = signal === 'SIGKILL' ? null : 0;
    // The signal makes it end with its number, as every command does.
    if (status !== expected && status !== 128 + 15)
      this.#scene.violations.push(`a worker ended with status ${status}: ${stderr.slice(-2_000)}`);
    this.#scene.inspect('a worker', stderr);
  }

  async #sync(): Promise<Awaited<ReturnType<typeof concordat>>> {
    const ended = await concordat(['sync', '--json'], { directory: this.#scene.bed.folder, env: bedEnv });
    this.#scene.oracle.tell(`a sync ends with status ${ended.status}`);
    return ended;
  }

  /** Somebody does something, and the CRM tells of it: mostly, sometimes late, sometimes twice. */
  #act(): void {
    this.#scene.people.act(true);
    const { entries, edits, removals } = this.#scene.oracle;
    const changed = [...entries.slice(this.#told.entries), ...edits.slice(this.#told.edits)];
    const gone = removals.slice(this.#told.removals);
    this.#told = { entries: entries.length, edits: edits.length, removals: removals.length };
    for (const [one, what] of [
      ...changed.map((one) => [one, 'updated'] as const),
      ...gone.map((one) => [one, 'deleted'] as const),
    ]) {
      if (this.#scene.random.integer(5) === 0) continue;
      const lateMs = this.#scene.random.integer(3) === 0 ? this.#scene.random.integer(3_000) : 0;
      this.#posts.push(this.#post(one.crm, one.entity, one.externalId, what, lateMs));
      if (this.#scene.random.integer(5) === 0)
        this.#posts.push(this.#post(one.crm, one.entity, one.externalId, what, lateMs + 500));
    }
  }

  async #post(crm: CrmName, entity: Kept, id: string, what: string, lateMs: number): Promise<void> {
    await wait(lateMs);
    const at = new Date();
    const body = JSON.stringify({ type: `${entity}.${what}`, timestamp: at.toISOString(), data: { entity, id } });
    const delivery = randomUUID();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': delivery,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': this.#signer.sign(delivery, at, body),
    };
    this.#sent += 1;
    // Where nobody listens it is lost: the sender of these tells once.
    const reply = await fetch(`${this.#receiver}/${crm}`, { method: 'POST', headers, body }).catch(() => undefined);
    if (reply?.status === 202) this.#stored += 1;
    else if (reply && reply.status !== 503) this.#scene.violations.push(`a webhook was answered ${reply.status}`);
  }

  #hear(heard: Heard): 'refuse' | undefined {
    this.#scene.hear(heard);
    if (heard.when === 'after' && this.#due > 0 && this.#scene.random.integer(isWrite(heard.request) ? 2 : 6) === 0) {
      this.#due -= 1;
      // The answer goes out first: it must tell what the CRM did, not what somebody made of it afterwards.
      setImmediate(() => this.#act());
    }
    return this.#watch(heard);
  }
}

/** A worker that has met no death by then dies of this. */
const longestLifeMs = 6_000;

/** A random death, from before the first line is read to the middle of the work. */
function randomDeath(random: SeededIds): Death {
  const outcome = random.integer(2) === 0 ? 'refused' : 'done';
  const dice = random.integer(100);
  if (dice < 40) return { at: 'time', afterMs: 200 + random.integer(longestLifeMs) };
  if (dice < 65) return { at: 'request', number: 1 + random.integer(30), outcome };
  return { at: 'write', number: 1 + random.integer(8), outcome };
}

async function isRead(store: Store, since: number, times: number): Promise<boolean> {
  const runs = await store.runs(200);
  const isThrough = (sync: string) =>
    runs.filter((run) => run.sync === sync && run.startedAt >= since && run.end && run.end.outcome !== 'failed')
      .length >= times;
  return ['people', 'companies'].every(isThrough) && (await store.openHints()).every(({ count }) => count === 0);
}

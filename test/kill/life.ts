import { seededIds } from '../../src/connector/seeded-ids.ts';
import { type Ended, type Running, start } from '../cli/harness.ts';
import { bedEnv, type Heard, openBed } from './bed.ts';
import { type Death, deathWords, isWrite, randomDeath, type Usual, watchFor } from './deaths.ts';
import { Scene, type Verdict } from './scene.ts';

export interface LifeOptions {
  readonly seed: number;
  /** Deaths to bring about before the end. */
  readonly kills: number;
  readonly deletes: 'ignore' | 'propagate';
  /** The program's file; default: the sources. */
  readonly main?: string;
  readonly usual: Usual;
}

/** How one process died. */
export interface Dead {
  readonly how: Death;
  readonly afterMs: number;
  /** Requests, and writes among them, that the CRMs had heard from all commands of that moment. */
  readonly requests: number;
  readonly writes: number;
}

export interface LifeReport extends Verdict {
  readonly dead: readonly Dead[];
  /** Commands that ended by themselves. */
  readonly completed: number;
}

/** Longer than any command takes, waiting for unanswered creates and for another process included. */
const patienceMs = 90_000;

/**
 * One life: four CRMs, people at work, and one `concordat sync` after the other, most of which are killed; then two that
 * nobody disturbs, and the judgement. The seed decides what people do and what deaths are meant; where in the program a
 * death strikes is a matter of real time.
 */
export async function liveThrough({ seed, kills, deletes, main, usual }: LifeOptions): Promise<LifeReport> {
  const random = seededIds(seed);
  const latencyMs = random.integer(3) === 0 ? 1 + random.integer(40) : 0;
  const bed = await openBed({ seed, deletes, latencyMs });
  let report: LifeReport | undefined;
  try {
    const life = new Life(new Scene(bed, random), usual, main);
    await life.run(kills);
    report = await life.end(deletes);
    return report;
  } finally {
    await bed.close(report?.kept !== undefined);
  }
}

/** A command under way. */
interface Alive {
  readonly running: Running;
  readonly startedAt: number;
  readonly watch: (heard: Heard) => 'refuse' | undefined;
}

class Life {
  readonly #scene: Scene;
  readonly #usual: Usual;
  readonly #main: string | undefined;
  readonly #dead: Dead[] = [];
  #completed = 0;
  #alive: Alive[] = [];
  #heard = { requests: 0, writes: 0 };
  /** Numbers of the requests after which somebody does something. */
  #moments: number[] = [];

  constructor(scene: Scene, usual: Usual, main: string | undefined) {
    this.#scene = scene;
    this.#usual = usual;
    this.#main = main;
    scene.bed.hear((heard) => this.#hear(heard));
  }

  async run(kills: number): Promise<void> {
    const { random } = this.#scene;
    this.#scene.begin();
    while (this.#scene.goesOn(this.#dead.length, kills)) {
      this.#act(random.integer(4));
      await this.#round();
    }
  }

  /** Commands until quiet, then the judgement. */
  async end(deletes: LifeOptions['deletes']): Promise<LifeReport> {
    this.#scene.people.mergeAll();
    const verdict = await this.#scene.end(deletes, () => this.#undisturbed(), this.#main);
    return { ...verdict, dead: this.#dead, completed: this.#completed };
  }

  /** One command, sometimes two, at work while people are, too. */
  async #round(): Promise<void> {
    const usual = this.#usual.requests;
    this.#moments = Array.from({ length: this.#scene.random.integer(5) }, () => 1 + this.#scene.random.integer(usual));
    this.#heard = { requests: 0, writes: 0 };
    const count = this.#scene.random.integer(6) === 0 ? 2 : 1;
    const deaths = Array.from({ length: count }, () =>
      this.#scene.random.integer(8) === 0 ? undefined : randomDeath(this.#scene.random, this.#usual),
    );
    const before = this.#scene.people.snapshot();
    const ends = await Promise.all(deaths.map((death) => this.#command(death)));
    await this.#scene.burial();
    if (ends.every((ended) => ended !== undefined)) this.#scene.people.learn(before);
    this.#act(this.#moments.length);
    this.#moments = [];
  }

  #act(times: number): void {
    for (let n = 0; n < times; n += 1) this.#scene.people.act(this.#alive.length > 0);
  }

  async #undisturbed(): Promise<Ended> {
    this.#heard = { requests: 0, writes: 0 };
    const before = this.#scene.people.snapshot();
    const ended = await this.#command(undefined);
    this.#scene.pens.lift();
    this.#scene.people.learn(before);
    return ended!;
  }

  /** @returns how it ended; undefined when it was killed */
  async #command(death: Death | undefined): Promise<Ended | undefined> {
    const startedAt = performance.now();
    const running = start(['sync', '--json'], {
      directory: this.#scene.bed.folder,
      env: bedEnv,
      ...(this.#main === undefined ? {} : { main: this.#main }),
    });
    let died: Dead | undefined;
    const kill = (how: Death) => {
      died = { how, afterMs: Math.round(performance.now() - startedAt), ...this.#heard };
      running.kill('SIGKILL');
    };
    const alive: Alive = { running, startedAt, watch: death ? watchFor(death, () => kill(death)) : () => undefined };
    this.#alive.push(alive);
    const timer = death?.at === 'time' ? setTimeout(() => kill(death), death.afterMs) : undefined;
    let isHanging = false;
    const hanging = setTimeout(() => {
      isHanging = true;
      running.kill('SIGKILL');
    }, patienceMs);
    const ended = await running.ended;
    clearTimeout(timer);
    clearTimeout(hanging);
    this.#alive = this.#alive.filter((one) => one !== alive);
    const tookMs = Math.round(performance.now() - startedAt);
    if (isHanging) this.#scene.violations.push(`a sync had not ended after ${patienceMs} ms`);
    if (died && ended.status === null) {
      this.#scene.oracle.note(`what is killed has said: ${ended.stderr}`);
      this.#dead.push(died);
      this.#scene.oracle.tell(
        `a sync is killed ${deathWords(died.how)} (${died.afterMs} ms after its start, ${died.requests} requests and ${died.writes} writes heard)`,
      );
      return undefined;
    }
    this.#completed += 1;
    if (this.#alive.length === 0) this.#usual.note(tookMs, this.#heard.requests);
    this.#scene.oracle.tell(`a sync ends by itself after ${tookMs} ms with status ${ended.status}`);
    this.#inspect(ended);
    return ended;
  }

  /** A command may fail, but only in the ways that the contract knows. */
  #inspect({ status, stdout, stderr }: Ended): void {
    if (![0, 1, 3].includes(status ?? -1)) this.#scene.violations.push(`a sync ended with status ${status}: ${stderr}`);
    this.#scene.inspect('a sync', `${stdout}${stderr}`);
    if (status === 1) this.#scene.oracle.tell(`  it says: ${problemsIn(stdout)}`);
  }

  #hear(heard: Heard): 'refuse' | undefined {
    this.#scene.hear(heard);
    if (heard.when === 'before') {
      this.#heard.requests += 1;
      if (isWrite(heard.request)) this.#heard.writes += 1;
    }
    let verdict: 'refuse' | undefined;
    for (const { watch } of this.#alive) verdict = watch(heard) ?? verdict;
    if (heard.when === 'after') {
      const due = this.#moments.filter((moment) => moment <= this.#heard.requests);
      this.#moments = this.#moments.filter((moment) => moment > this.#heard.requests);
      // The answer goes out first: it must tell what the CRM did, not what somebody made of it afterwards.
      if (due.length > 0) setImmediate(() => this.#act(due.length));
    }
    return verdict;
  }
}

function problemsIn(stdout: string): string {
  try {
    const { problems } = JSON.parse(stdout) as { problems: { message: string }[] };
    return problems.map(({ message }) => message).join('; ');
  } catch {
    return stdout.slice(0, 500);
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import { type SeededIds, seededIds } from '../../src/connector/seeded-ids.ts';
import { type Ended, type Running, start } from '../cli/harness.ts';
import { type Bed, bedEnv, type Heard, openBed } from './bed.ts';
import { type Death, deathWords, isWrite, randomDeath, type Usual, watchFor } from './deaths.ts';
import { judge } from './judge.ts';
import { Oracle } from './oracle.ts';
import { Pens } from './pens.ts';
import { People } from './people.ts';

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

export interface LifeReport {
  readonly dead: readonly Dead[];
  readonly violations: readonly string[];
  readonly story: readonly string[];
  /** Commands that ended by themselves. */
  readonly completed: number;
  readonly people: number;
  readonly edits: number;
  readonly removals: number;
}

/** Longer than any command takes, waiting for unanswered creates and for another process included. */
const patienceMs = 90_000;
/** What a dead process has sent is read from the sockets within this time; the CRM's own delay comes on top. */
const graceMs = 60;
/** The time that the engine gives an index to follow our writes (`settleMs`), and a little more. */
const indexLagMs = 5_200;

/**
 * One life: four CRMs, people at work, and one `concordat sync` after the other, most of which are killed; then two that
 * nobody disturbs, and the judgement. The seed decides what people do and what deaths are meant; where in the program a
 * death strikes is a matter of real time.
 */
export async function liveThrough({ seed, kills, deletes, main, usual }: LifeOptions): Promise<LifeReport> {
  const random = seededIds(seed);
  const latencyMs = random.integer(3) === 0 ? 1 + random.integer(40) : 0;
  const bed = await openBed({ seed, deletes, latencyMs });
  try {
    const life = new Life(bed, random, usual, main);
    await life.run(kills);
    return await life.end(deletes);
  } finally {
    await bed.close();
  }
}

/** A command under way. */
interface Alive {
  readonly running: Running;
  readonly startedAt: number;
  readonly watch: (heard: Heard) => 'refuse' | undefined;
}

class Life {
  readonly #bed: Bed;
  readonly #random: SeededIds;
  readonly #usual: Usual;
  readonly #main: string | undefined;
  readonly #oracle = new Oracle();
  readonly #pens = new Pens();
  readonly #people: People;
  readonly #dead: Dead[] = [];
  readonly #violations: string[] = [];
  #completed = 0;
  #alive: Alive[] = [];
  #heard = { requests: 0, writes: 0 };
  /** Numbers of the requests after which somebody does something. */
  #moments: number[] = [];

  constructor(bed: Bed, random: SeededIds, usual: Usual, main: string | undefined) {
    this.#bed = bed;
    this.#random = random;
    this.#usual = usual;
    this.#main = main;
    this.#people = new People(bed, this.#oracle, this.#pens, random);
    bed.hear((heard) => this.#hear(heard));
  }

  async run(kills: number): Promise<void> {
    this.#oracle.tell(`a life begins; answers take ${this.#bed.latencyMs} ms`);
    this.#people.enterMany(6 + this.#random.integer(8));
    while (this.#dead.length < kills && this.#violations.length === 0) {
      this.#act(this.#random.integer(4));
      await this.#round();
    }
  }

  /** Commands until quiet, then the judgement. */
  async end(deletes: LifeOptions['deletes']): Promise<LifeReport> {
    this.#people.mergeAll();
    const quiet: Ended[] = [];
    quiet.push(await this.#undisturbed());
    // Where nobody can be asked, what was just written to counts as edited or gone only when no index lags any more.
    await wait(indexLagMs);
    quiet.push(await this.#undisturbed());
    for (const crm of Object.values(this.#bed.crms)) crm.forgetRequests();
    const last = await this.#undisturbed();
    const found = await judge(this.#bed, this.#oracle, deletes, last, this.#main);
    return {
      dead: this.#dead,
      violations: [...this.#violations, ...found],
      story: this.#oracle.story,
      completed: this.#completed,
      people: this.#oracle.everybody('contact').length + this.#oracle.everybody('account').length,
      edits: this.#oracle.edits.length,
      removals: this.#oracle.removals.length,
    };
  }

  /** One command, sometimes two, at work while people are, too. */
  async #round(): Promise<void> {
    const usual = this.#usual.requests;
    this.#moments = Array.from({ length: this.#random.integer(5) }, () => 1 + this.#random.integer(usual));
    this.#heard = { requests: 0, writes: 0 };
    const count = this.#random.integer(6) === 0 ? 2 : 1;
    const deaths = Array.from({ length: count }, () =>
      this.#random.integer(8) === 0 ? undefined : randomDeath(this.#random, this.#usual),
    );
    const before = this.#people.snapshot();
    const ends = await Promise.all(deaths.map((death) => this.#command(death)));
    // What a dead process has sent may still be on its way.
    await wait(graceMs + this.#bed.latencyMs);
    this.#pens.lift();
    if (ends.every((ended) => ended !== undefined)) this.#people.learn(before);
    this.#act(this.#moments.length);
    this.#moments = [];
  }

  #act(times: number): void {
    for (let n = 0; n < times; n += 1) this.#people.act(this.#alive.length > 0);
  }

  async #undisturbed(): Promise<Ended> {
    this.#heard = { requests: 0, writes: 0 };
    const before = this.#people.snapshot();
    const ended = await this.#command(undefined);
    this.#pens.lift();
    this.#people.learn(before);
    return ended!;
  }

  /** @returns how it ended; undefined when it was killed */
  async #command(death: Death | undefined): Promise<Ended | undefined> {
    const startedAt = performance.now();
    const running = start(['sync', '--json'], {
      directory: this.#bed.folder,
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
    if (isHanging) this.#violations.push(`a sync had not ended after ${patienceMs} ms`);
    if (died && ended.status === null) {
      this.#dead.push(died);
      this.#oracle.tell(
        `a sync is killed ${deathWords(died.how)} (${died.afterMs} ms after its start, ${died.requests} requests and ${died.writes} writes heard)`,
      );
      return undefined;
    }
    this.#completed += 1;
    if (this.#alive.length === 0) this.#usual.note(tookMs, this.#heard.requests);
    this.#oracle.tell(`a sync ends by itself after ${tookMs} ms with status ${ended.status}`);
    this.#inspect(ended);
    return ended;
  }

  /** A command may fail, but only in the ways that the contract knows. */
  #inspect({ status, stdout, stderr }: Ended): void {
    if (![0, 1, 3].includes(status ?? -1)) this.#violations.push(`a sync ended with status ${status}: ${stderr}`);
    if (/unexpected:|^\s+at .*:\d+:\d+/m.test(`${stdout}${stderr}`))
      this.#violations.push(`a sync met a mistake of ours: ${stdout}${stderr}`);
    if (status === 1) this.#oracle.tell(`  it says: ${problemsIn(stdout)}`);
  }

  #hear(heard: Heard): 'refuse' | undefined {
    this.#pens.hear(heard);
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

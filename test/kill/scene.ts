import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SeededIds } from '../../src/connector/seeded-ids.ts';
import { concordat, type Ended } from '../cli/harness.ts';
import { type Bed, bedEnv, type Heard } from './bed.ts';
import { judge } from './judge.ts';
import { Oracle } from './oracle.ts';
import { Pens } from './pens.ts';
import { People } from './people.ts';

/** How a life ended, whatever has lived in it. */
export interface Verdict {
  /** What does not hold, in words. */
  readonly violations: readonly string[];
  readonly story: readonly string[];
  /** Where configuration, database and diary of a life lie that has broken a law. */
  readonly kept: string | undefined;
  readonly people: number;
  readonly edits: number;
  readonly removals: number;
}

/** What a dead process has sent is read from the sockets within this time; the CRM's own delay comes on top. */
const graceMs = 60;
/** The time that the engine gives an index to follow our writes (`settleMs`), and a little more. */
const indexLagMs = 5_200;

/** What all lives share: CRMs, people at work behind their backs, and what is remembered of it for the end. */
export class Scene {
  readonly bed: Bed;
  readonly random: SeededIds;
  readonly oracle = new Oracle();
  readonly pens = new Pens();
  readonly people: People;
  readonly violations: string[] = [];

  constructor(bed: Bed, random: SeededIds) {
    this.bed = bed;
    this.random = random;
    this.people = new People(bed, this.oracle, this.pens, random);
  }

  /** The first people are entered before anything runs. */
  begin(): void {
    this.oracle.tell(`a life begins; answers take ${this.bed.latencyMs} ms`);
    this.people.enterMany(6 + this.random.integer(8));
  }

  /** Whether processes are still to be killed: what is broken is told as soon as it shows. */
  goesOn(killed: number, kills: number): boolean {
    return killed < kills && this.violations.length === 0;
  }

  /** No process lives any more; what the dead ones have sent may still be on its way. */
  async burial(): Promise<void> {
    await wait(graceMs + this.bed.latencyMs);
    this.pens.lift();
  }

  /** Hears every request: what may be about to be written, and the diary. */
  hear(heard: Heard): void {
    this.pens.hear(heard);
    const { crm, when, request } = heard;
    const { method, path: asked, query, body } = request;
    const what = when === 'before' ? 'is asked' : 'has done';
    this.oracle.note(`${crm} ${what} ${method} ${asked} ${JSON.stringify({ query, body })}`);
  }

  /** Notes what a process may have said in whatever way it ended. @param who how it is called */
  inspect(who: string, said: string): void {
    this.oracle.note(`${who} has said: ${said}`);
    if (/unexpected:|^\s+at .*:\d+:\d+/m.test(said))
      this.violations.push(`${who} met a mistake of ours: ${said.slice(-2_000)}`);
  }

  /**
   * Commands that nobody disturbs, and the judgement.
   * @param sync runs one
   * @param main the program's file; default: the sources
   */
  async end(deletes: 'ignore' | 'propagate', sync: () => Promise<Ended>, main?: string): Promise<Verdict> {
    const { bed, oracle, violations } = this;
    if ((await sync()).status === 3) await this.#approve();
    // Where nobody can be asked, what was just written to counts as edited or gone only when no index lags any more.
    await wait(indexLagMs);
    await sync();
    for (const crm of Object.values(bed.crms)) crm.forgetRequests();
    violations.push(...(await judge(bed, oracle, deletes, await sync(), main)));
    if (violations.length > 0) await writeFile(path.join(bed.folder, 'diary.txt'), oracle.diary.join('\n'));
    return {
      violations,
      story: oracle.story,
      kept: violations.length > 0 ? bed.folder : undefined,
      people: oracle.everybody('contact').length + oracle.everybody('account').length,
      edits: oracle.edits.length,
      removals: oracle.removals.length,
    };
  }

  /** Somebody took the last record away that a CRM had: that is for a person to confirm. */
  async #approve(): Promise<void> {
    const { status, stdout } = await concordat(['approve'], { directory: this.bed.folder, env: bedEnv });
    this.oracle.tell(`somebody approves, with status ${status}: ${stdout.split('\n')[0]}`);
  }
}

/** Tells a life that has broken a law, and sets the exit status; says nothing of one that has not. */
export function tellBroken(say: (text: string) => void, { violations, story, kept }: Verdict): void {
  if (violations.length === 0) return;
  say([...violations.map((one) => `! ${one}`), `Kept: ${kept}`, 'The story:', ...story].join('\n'));
  process.exitCode = 1;
}

/** The end of a line about a life. */
export function outcomeWords({ violations }: Verdict): string {
  return violations.length === 0 ? 'all well' : 'BROKEN';
}

/** Every second life carries deletes on. */
export function deletesOf(seed: number): 'ignore' | 'propagate' {
  return seed % 2 === 0 ? 'propagate' : 'ignore';
}

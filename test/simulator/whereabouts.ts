import type { Life, SimSpec, Step } from './life.ts';

/**
 * Who is most likely where, while a life is made up: after a cycle that goes well everybody is everywhere, but for those who were
 * deleted. What a life really brings may be otherwise: then something happens to nobody.
 */
export class Whereabouts {
  readonly #crms: readonly SimSpec[];
  readonly #isCarriedOn: boolean;
  readonly #here = new Map<string, Set<number>>();
  readonly #gone = new Map<string, Set<number>>();

  constructor(crms: readonly SimSpec[], deletes: Life['sync']['deletes']) {
    this.#crms = crms;
    this.#isCarriedOn = deletes === 'propagate';
    for (const { name } of crms) {
      this.#here.set(name, new Set());
      this.#gone.set(name, new Set());
    }
  }

  /** Those who are at a CRM. */
  at(crm: string): readonly number[] {
    return [...this.#here.get(crm)!];
  }

  /** Those who are at both of two CRMs. */
  atBoth(one: string, other: string): readonly number[] {
    return this.at(one).filter((who) => this.#here.get(other)!.has(who));
  }

  /** Everybody who is somewhere. */
  anywhere(): readonly number[] {
    return [...new Set([...this.#here.values()].flatMap((people) => [...people]))].sort((a, b) => a - b);
  }

  /** Learns what follows from a step. */
  note(step: Step): void {
    if (step.do === 'enter' || step.do === 'restore') {
      this.#here.get(step.crm)!.add(step.who);
      for (const gone of this.#gone.values()) gone.delete(step.who);
    } else if (step.do === 'delete') {
      this.#here.get(step.crm)!.delete(step.who);
      this.#gone.get(step.crm)!.add(step.who);
    } else if (step.do === 'sync' || step.do === 'two at once' || step.do === 'round beside') this.#spread();
  }

  #spread(): void {
    const isGone = (who: number) => [...this.#gone.values()].some((gone) => gone.has(who));
    for (const who of this.anywhere())
      for (const { name } of this.#crms)
        if (this.#isCarriedOn && isGone(who)) this.#here.get(name)!.delete(who);
        else if (!this.#gone.get(name)!.has(who)) this.#here.get(name)!.add(who);
  }
}

import type { SyncOutcome } from '../../../src/engine/engine.ts';
import { kinds } from './crms.ts';
import { isNamedOnly } from './vendors.ts';
import { directionOf, syncsOf, type WireAct, type WireLife, type WireStep } from './wire-life.ts';

/** A life on the wire, told in lines that a person can follow. */
export class WireStory {
  readonly #life: WireLife;
  readonly #lines: string[] = [];
  #number = 0;
  #current = '';
  #details: string[] = [];

  constructor(life: WireLife) {
    this.#life = life;
  }

  /** The world, then what happened, step by step. */
  lines(): readonly string[] {
    const { seed, deletes, conflicts, crms } = this.#life;
    const rules = typeof conflicts === 'string' ? conflicts : conflicts.join(' before ');
    return [
      `Life ${seed} on the wire. ${syncsOf(this.#life)
        .map(({ name, members }) => `${name}: ${members.map(({ connection }) => connection).join(', ')}`)
        .join('; ')}. conflicts: ${rules}, deletes: ${deletes}.`,
      ...crms.map(({ name, traits }) => {
        const direction = directionOf(this.#life, name, 'contact');
        return `${name} is ${kinds[name]}${direction === 'both' ? '' : `, only ${direction === 'read' ? 'read' : 'written to'}`}: ${JSON.stringify(traits)}`;
      }),
      ...this.#lines,
    ];
  }

  begin(step: WireStep): void {
    this.#number += 1;
    this.#current = saidOfStep(step);
    this.#details = [];
  }

  /** @param hasHappened false: there was nothing that it could be done to */
  end(hasHappened: boolean): void {
    if (hasHappened)
      this.#lines.push(`${this.#number}. ${this.#current}`, ...this.#details.map((line) => `     ${line}`));
  }

  meanwhile(act: WireAct): void {
    this.#details.push(`meanwhile ${saidOfAct(act)}`);
  }

  cycle(writes: readonly string[], end: readonly SyncOutcome[] | 'died'): void {
    const ends =
      end === 'died'
        ? ['the process dies']
        : end.map(
            ({ sync, state, stops, problems }) =>
              `${sync} ends ${state}${stops.map((stop) => `, stopped by ${stop.records} ${stop.what}s at ${stop.connection}`).join('')}${problems.map(({ connection, code, message }) => `, ${connection}: ${code} (${message})`).join('')}`,
          );
    const lines = [...writes, ...ends];
    if (this.#current === '') this.#lines.push('Then a quiet cycle', ...lines.map((line) => `     ${line}`));
    else this.#details.push(...lines);
  }

  /** From here on, only what is quiet follows. */
  rest(): void {
    this.#current = '';
  }
}

function saidOfStep(step: WireStep): string {
  switch (step.do) {
    case 'sync':
      return `The sync runs${step.death ? ` and is to die ${step.death.when} ${step.death.of} ${step.death.step}` : ''}.`;
    case 'trouble':
      if (step.of === 'one record')
        return `A record at ${step.crm} will not be shown ${step.times} times: ${step.what}, the one after ${step.skip} others.`;
      return `${step.times} of the ${step.of} at ${step.crm} will go wrong: ${step.what}, after ${step.skip}.`;
    case 'meanwhile':
      return `While the listing is read, at request ${step.skip + 1}: ${saidOfAct(step.act)}.`;
    case 'import':
      return 'All ids of chats are made known.';
    default:
      return `${saidOfAct(step)}.`;
  }
}

function saidOfAct(act: WireAct): string {
  const somebody = `somebody at ${act.crm}`;
  const whom = 'entity' in act && act.entity === 'account' ? `Harbour${act.who}` : `Marlow${act.who}`;
  switch (act.do) {
    case 'enter': {
      const reach = act.entity === 'contact' && isNamedOnly(act.who) ? ' (by name only)' : '';
      return `${somebody} enters ${whom}${reach}${act.house === undefined ? '' : ` of Harbour${act.house}`}: ${JSON.stringify(act.values)}`;
    }
    case 'edit':
      return `${somebody} changes ${act.field} of ${act.entity === 'lead' ? 'the lead ' : ''}${whom} to ${JSON.stringify(act.to)}`;
    case 'tag':
      return `${somebody} tags ${whom} "${act.tag}"`;
    case 'untag':
      return `${somebody} takes a tag from ${whom}`;
    case 'note':
      return `${somebody} notes ${act.note} of ${whom}`;
    case 'remove':
      return `${somebody} deletes ${whom}`;
    case 'lead':
      return `${somebody} makes ${whom} a lead: ${JSON.stringify(act.values)}`;
  }
}

import type { SyncOutcome } from '../../src/engine/engine.ts';
import type { Value, Values } from '../../src/model/values.ts';
import { valuesOf } from '../worlds/generated.ts';
import type { SimCrm } from './crm.ts';
import { type Act, directionOf, type Edit, type Life, type SimSpec, type Step } from './life.ts';
import type { Cycle } from './live.ts';

const colleagues: Readonly<Record<string, string>> = { alpha: 'Ana', bravo: 'Ben', charlie: 'Cleo', delta: 'Dan' };

/** A life told in lines that a person can follow. */
export class Story {
  readonly #lines: string[] = [];
  readonly #life: Life;
  #number = 0;
  #current = '';
  #details: string[] = [];

  constructor(life: Life) {
    this.#life = life;
  }

  /** The world, then what happened, step by step. */
  lines(): readonly string[] {
    const { sync, others, crms, seed } = this.#life;
    const rules = [
      `conflicts: ${Array.isArray(sync.conflicts) ? sync.conflicts.join(' before ') : sync.conflicts}`,
      ...Object.entries(sync.owners).map(([path, name]) => `${path} is ${name}'s`),
      `deletes: ${sync.deletes}`,
      ...(others ? [`a second sync: ${others.join(' and ')}`] : []),
    ];
    return [`Life ${seed}. ${rules.join(', ')}.`, ...crms.map((crm) => this.#introduced(crm)), ...this.#lines];
  }

  begin(step: Step): void {
    this.#number += 1;
    this.#current = said(step);
    this.#details = [];
  }

  mail(lines: readonly string[]): void {
    this.#details.push(...lines);
  }

  /** @param hasHappened false: there was nothing that it could be done to */
  end(hasHappened: boolean): void {
    if (!hasHappened) return;
    this.#lines.push(`${this.#number}. ${this.#current}`, ...this.#details.map((line) => `     ${line}`));
  }

  meanwhile(edit: Edit): void {
    this.#details.push(`meanwhile ${saidOf(edit)}`);
  }

  cycle(
    { writes, outcome }: Cycle,
    ends: readonly (Readonly<Record<string, SyncOutcome>> | 'died')[],
    crms: readonly SimCrm[],
  ): void {
    const isQuietEnd = this.#current === '';
    const lines = [
      ...crms.flatMap(({ spec, suffered }) => suffered.map((what) => `${spec.name}, ${what}`)),
      ...writes.map(
        ({ connection, verb, externalId, values }) =>
          `we ${verb} ${connection}:${externalId}${verb === 'delete' ? '' : `: ${listed(values)}`}`,
      ),
      ...(ends.includes('died') ? ['the process dies'] : []),
      ...(outcome
        ? [
            `it ends ${outcome.state}${outcome.stops.map((stop) => `, stopped by ${stop.records} ${stop.what}s at ${stop.connection}`).join('')}${outcome.problems.map(({ connection, code }) => `, ${connection}: ${code}`).join('')}`,
          ]
        : []),
    ];
    if (isQuietEnd) this.#lines.push('Then a quiet cycle', ...lines.map((line) => `     ${line}`));
    else this.#details.push(...lines);
  }

  /** From here on, only what is quiet follows. */
  rest(): void {
    this.#current = '';
  }

  #introduced(spec: SimSpec): string {
    const direction = directionOf(this.#life, spec.name);
    const { habits } = spec;
    const traits = [
      direction === 'both' ? '' : `only ${direction === 'read' ? 'read' : 'written to'}`,
      `answers a write with ${{ all: 'the record', some: 'some of it', id: 'its id' }[spec.tells]}`,
      { id: 'is read by id', search: 'is searched', none: 'shows lists only' }[spec.reads],
      `shows empty as ${spec.showsEmptyAs}`,
      spec.stamps ? `stamps (clock ${spec.skewMs / 1000} s ahead)` : '',
      spec.lists ? '' : 'lists nothing',
      spec.knowsOurIds ? 'knows our ids' : '',
      spec.deletes === false ? 'cannot delete' : '',
      spec.lagMs > 0 ? `lags ${spec.lagMs} ms` : '',
      ...Object.entries(habits).flatMap(([habit, how]) => {
        const isOff = how === false || Object.keys(how as object).length === 0;
        return isOff && how !== true ? [] : [how === true ? habit : `${habit} ${JSON.stringify(how)}`];
      }),
      spec.readOnly.length > 0 ? `shows only: ${spec.readOnly.join(' ')}` : '',
    ];
    return `${spec.name}: ${traits.filter((trait) => trait !== '').join(', ')}`;
  }
}

function said(step: Step): string {
  switch (step.do) {
    case 'sync':
      return `The sync runs${step.death ? ` and is to die ${step.death.when} ${step.death.of} ${step.death.step}` : ''}.`;
    case 'round':
    case 'round beside':
      return `The mail comes${step.do === 'round' ? '' : ' while the sync runs'}${step.death ? `, and a process is to die ${step.death.when} ${step.death.of} ${step.death.step}` : ''}.`;
    case 'two at once':
      return 'The sync runs twice at once.';
    case 'trouble':
      return `${step.times} ${step.verb}${step.times > 1 ? 's' : ''} at ${step.crm} will go wrong: ${step.what}, after ${step.skip}.`;
    case 'meanwhile':
      return `While it runs, at ${step.at} ${step.skip} of ${step.of ?? step.edit.crm}, ${saidOf(step.edit)}.`;
    case 'approve':
      return 'What the guards hold back is approved.';
    case 'job':
      return `A job about ${nameOf(step.who)} comes once more for ${step.crm}.`;
    default:
      return `${saidOf(step)}.`;
  }
}

function saidOf(act: Act): string {
  const somebody = `${colleagues[act.crm] ?? 'Somebody'} at ${act.crm}`;
  const whom = nameOf(act.who);
  switch (act.do) {
    case 'enter':
      return `${somebody} enters ${whom}: ${listed(act.values)}`;
    case 'edit':
      return `${somebody} changes ${act.path} of ${whom} to ${shown(act.to)}`;
    case 'delete':
      return `${somebody} deletes ${whom}`;
    case 'restore':
      return `${somebody} brings ${whom} back under ${act.as === 'same id' ? 'the same id' : 'a new id'}`;
    case 'merge':
      return `${somebody} merges what is there of ${whom}: the ${act.stays} record stays, or one alone gets another id`;
    default:
      return act satisfies never;
  }
}

function nameOf(who: number): string {
  const values = valuesOf(who, 0, ['name.given']);
  return String(values['name.given']);
}

function listed(values: Values): string {
  return Object.entries(values)
    .map(([path, value]) => `${path} ${shown(value)}`)
    .join(', ');
}

function shown(value: Value): string {
  return JSON.stringify(value);
}

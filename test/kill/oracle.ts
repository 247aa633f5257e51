import type { CrmName, Kept } from './bed.ts';
import type { FieldName } from './fields.ts';

/** One field that a person changed. `at` orders all acts of a life. */
export interface Edit {
  readonly at: number;
  readonly who: string;
  readonly entity: Kept;
  readonly crm: CrmName;
  readonly externalId: string;
  readonly field: FieldName;
  /** Null: emptied. */
  readonly value: string | null;
}

/** A record that a person took away, with what it held then. */
export interface Removal {
  readonly at: number;
  readonly who: string;
  readonly entity: Kept;
  readonly crm: CrmName;
  readonly externalId: string;
  /** `merge`: it was one of two of the same person at that CRM. */
  readonly why: 'delete' | 'merge';
  readonly held: Readonly<Partial<Record<FieldName, string | null>>>;
  /** Fields whose value no command can be shown to have seen. */
  readonly unread: readonly FieldName[];
  /** Those among them whose value may have come from a write of ours that no command has heard to be done. */
  readonly unanswered: readonly FieldName[];
}

/** A record that a person entered. */
export interface Entry {
  readonly at: number;
  readonly who: string;
  readonly entity: Kept;
  readonly crm: CrmName;
  readonly externalId: string;
}

/** Everything that people did in one life, and nothing that the command did: what the end is judged by. */
export class Oracle {
  readonly entries: Entry[] = [];
  readonly edits: Edit[] = [];
  readonly removals: Removal[] = [];
  /** Contact → the account at `room` that a person put it into, both by external id. */
  readonly homes = new Map<string, string>();
  /** One line for each thing that happened. */
  readonly story: string[] = [];
  /** The same, each with its moment, among all that CRMs were asked and processes have said. */
  readonly diary: string[] = [];
  #clock = 0;
  #tokens = 0;

  /** The next moment; no two acts share one. */
  tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  /** A number that occurs nowhere else in this life: values made with it can be traced. */
  token(): number {
    this.#tokens += 1;
    return this.#tokens;
  }

  tell(line: string): void {
    this.story.push(`${this.story.length + 1}. ${line}`);
    this.note(`${this.story.length}. ${line}`);
  }

  /** Writes down what is told only when something is broken. */
  note(line: string): void {
    this.diary.push(`${new Date().toISOString()} ${line}`);
  }

  /** All people and companies that were ever entered. */
  everybody(entity: Kept): readonly string[] {
    return [...new Set(this.entries.filter((entry) => entry.entity === entity).map(({ who }) => who))];
  }

  editsOf(entity: Kept, who: string): readonly Edit[] {
    return this.edits.filter((edit) => edit.entity === entity && edit.who === who);
  }

  /** Whether the one who was removed was entered anywhere since, or was ever entered twice at one CRM. */
  isEnteredAgain({ entity, who, at }: Removal): boolean {
    const theirs = this.entries.filter((entry) => entry.entity === entity && entry.who === who);
    return theirs.some((entry) => entry.at > at) || new Set(theirs.map(({ crm }) => crm)).size < theirs.length;
  }

  /** When somebody was last deleted at a CRM, and not entered there again since; undefined: never, or is back. */
  deletedAt(entity: Kept, who: string, crm: CrmName): Removal | undefined {
    const isTheirs = (act: Entry | Removal) => act.entity === entity && act.who === who && act.crm === crm;
    const removal = this.removals.findLast((one) => isTheirs(one) && one.why === 'delete');
    const isBack = this.entries.some((entry) => isTheirs(entry) && entry.at > (removal?.at ?? 0));
    return isBack ? undefined : removal;
  }
}

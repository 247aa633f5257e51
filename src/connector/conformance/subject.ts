import type { Entity, Value, Values } from '../../model/values.ts';
import type { ConnectorDefinition } from '../connector.ts';
import type { StartSandbox } from '../sandbox.ts';

/** A record as the CRM's own people and API write it. */
export type Wire = Readonly<Record<string, unknown>>;

/** One thing that every connector does. */
export interface Check {
  /** What it does, as a sentence. */
  readonly name: string;
  /** @throws Error whose message says what was expected, and what came. */
  run(): Promise<void>;
}

/** Records of one entity, for the checks to work with. Every text is made up: the names end in `example.com`. */
export interface Specimen {
  /** Key of the id in the wire record, e.g. `Id`. */
  readonly id: string;
  /**
   * Record number `n`, from 1, as a person enters it: all mapped fields filled, another person or company for each n.
   * @param needs Enters a record of another entity that this one names. @returns its external id
   */
  wire(n: number, needs: (entity: Entity, n: number) => string): Wire;
  /** What a person changes in a record that is there. It stays a record of this entity. */
  edit(n: number): Wire;
  /** Keys that the mapping does not know, with values that the CRM keeps. They survive every update. */
  readonly unknown: Wire;
  /** Keys that make a record one that cannot be used, e.g. a list where a text is due. */
  readonly unusable: Wire;
  /** Values by path for what only this CRM knows, such as options; over those that the kinds of the fields give. */
  values?(n: number): Values;
  /** Values that this CRM keeps in a form of its own, by path: what it makes of the value written. */
  readonly keeps?: Readonly<Record<string, (written: Value) => Value>>;
}

/** What is checked: a connector, with the records that it is checked with. */
export interface Subject {
  readonly definition: ConnectorDefinition;
  /** For every entity that it declares. */
  readonly specimens: Readonly<Partial<Record<Entity, Specimen>>>;
  /** `options:` of the connection. Default none. */
  readonly options?: unknown;
  /** Default: the definition's own. Another one starts the same sandbox with other habits. */
  readonly startSandbox?: StartSandbox;
}

import type { CrmRecord } from '../connector/connector.ts';
import type { Values } from '../model/values.ts';
import type { Base } from '../sync/merge.ts';

/** How a wire record enters a canonical one. */
export interface Arrival {
  readonly connection: string;
  /** With canonical ids in its references. */
  readonly record: CrmRecord;
  /** The record's values as JSON, where that has been made already. */
  readonly text?: string | undefined;
  /** Of the wire record; '' when it should be looked at again next time. */
  readonly fingerprint: string;
  /** For a new link: why the two are one. */
  readonly evidence?: string;
  /** When we began to look at the CRM: what was asked for earlier is older. Undefined: nobody knows any more. */
  readonly lookedAt?: number;
  /** For our own write: when it was answered, the base as the answer leaves it, and what it replaced. */
  readonly written?: { readonly at: number; readonly base: Base; readonly replaced?: Values };
  /** Paths that a write of ours has emptied, because it left them out. */
  readonly cleared?: ReadonlySet<string>;
  /** For a new link: what the CRM is known to have made of values that we gave it. Default: nothing. */
  readonly base?: Base;
  /** The run in which the CRM showed it. Default: this one. */
  readonly shownIn?: string;
}

/** What an arrival did. */
export interface Absorbed {
  /** Whether a canonical value changed, or a conflict showed. */
  readonly news: boolean;
  readonly conflicts: number;
}

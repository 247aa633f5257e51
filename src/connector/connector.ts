import type { z } from 'zod';
import type { Entity, Values } from '../model/values.ts';
import type { Clock } from './clock.ts';
import type { Http } from './http.ts';
import type { Mapping } from './mapping.ts';
import type { Operation } from './operation.ts';
import type { StartSandbox } from './sandbox.ts';

/** The system whose ids are our canonical ones, in every `Xref`: whatever name they go by on the wire. */
export const ownSystem = 'concordat';

/** An id of another system that a CRM record carries (`thirdPartyIds`, `contactXRef`). */
export interface Xref {
  /** `ownSystem`, or a name that the CRM gives; one that is a connection's name means the ids of that connection. */
  readonly system: string;
  readonly id: string;
}

/** A wire record after mapping: what one CRM says about one person or company. */
export interface CrmRecord {
  readonly externalId: string;
  /** As the CRM shows them, not normalised. A path that the CRM left out is absent: silence, not emptiness (law 5). */
  readonly values: Values;
  /** The CRM's modified stamp, epoch milliseconds, where it has one. */
  readonly modifiedAt?: number;
  readonly xrefs?: readonly Xref[];
  /** The connector's own text: what it needs besides the id to address the record again. Kept with the link, handed back on read and write. */
  readonly locator?: string;
}

/** A wire record that could not be used. `reason` names the field, what was expected and what came, never the value itself. */
export interface BadRecord {
  /** Undefined when not even an id could be read. */
  readonly externalId: string | undefined;
  readonly reason: string;
}

/** One page of a complete scan, in a stable order, without the records that the page before already brought. */
export interface Page {
  readonly records: readonly CrmRecord[];
  readonly bad: readonly BadRecord[];
  /** The CRM's own count of all records, where it gives one. For progress only. */
  readonly total?: number;
  /** The scan shows some records only: from what it does not show nothing follows. On any page of it, e.g. an empty last one. */
  readonly partial?: true;
}

/** What a look-up by id found. `unknown`: the API cannot tell (it only searches), so nothing follows from it. */
export type ReadReply =
  /** `shown`: the values before the configuration turned them, where it does. */
  | { readonly state: 'found'; readonly record: CrmRecord; readonly shown?: Values }
  | { readonly state: 'gone' }
  | { readonly state: 'unknown' };

/** What a write left behind. */
export interface WriteReply {
  readonly externalId: string;
  /** What the CRM says that it now holds. Undefined when its answer does not tell. */
  readonly record?: CrmRecord;
  /** Whether a look after the write has shown `record`, and not its answer: a person may have edited it in between. */
  readonly isLook?: boolean;
  /**
   * Of a create that has met a record which was there: the paths at which that held something else, and was left as it was.
   * What it shows there is seen for the first time, and is nobody's edit since.
   */
  readonly met?: readonly string[];
  /**
   * Of an update that sends a whole record: what it has sent besides the changes, as it was read the moment before. What the
   * CRM has made of that is its own doing, like what it makes of the changes.
   */
  readonly resent?: Values;
}

/** What a look at the CRM says about options that nothing else can judge. */
export interface OptionFinding {
  readonly ok: boolean;
  /** What is given, and what the CRM shows. */
  readonly message: string;
  /** What to do, where something is wrong. */
  readonly next?: string;
}

/** A record to be created. References hold external ids of this CRM. */
export interface NewRecord {
  readonly canonicalId: string;
  readonly values: Values;
  /**
   * Paths of addresses and numbers that another record of ours has too, e.g. a family's mailbox: by these a CRM that finds
   * existing records must not find one. Told where creates are `idempotent`.
   */
  readonly shared?: readonly string[];
  /** Whether it was sent before and not answered: what it may have made then, somebody may have edited since. */
  readonly isRepeated?: boolean;
  /**
   * To be awaited as soon as the CRM has told the id, where more requests follow: if they fail, or we die, the record is
   * finished by an update, and not created again.
   */
  readonly onMade?: (externalId: string) => Promise<void>;
}

/** A change to an existing record. References hold external ids of this CRM. */
export interface RecordChange {
  readonly canonicalId: string;
  /** The fields to write, and nothing else (law 11). `null` clears. */
  readonly changes: Values;
  /** What the CRM was last known to hold: for APIs that want more than the change. */
  readonly known: Values;
  /** What `read` has shown the moment before, where there was such a look: see `refuseEdited`. */
  readonly shown?: Values;
  readonly locator?: string;
}

/** What a record may be searched by. */
export interface SearchFor {
  readonly email?: string;
  readonly phone?: string;
  readonly name?: string;
}

/** Something an API does not offer, and where its text says so (or says nothing). */
export interface Absent {
  readonly absent: string;
}

/** Writes down an absence, e.g. `none('no GET /api/contact/{contact}, conecrm.md §2')`. */
export function none(reason: string): Absent {
  return { absent: reason };
}

/** @returns the reason why a capability is absent, or undefined when it is there. */
export function absence(capability: object): string | undefined {
  return 'absent' in capability ? String(capability.absent) : undefined;
}

/** One thing an API offers: the operations used, and what to know about it. */
interface Ability {
  /** Operation ids, in the order in which they are called. */
  readonly via: readonly string[];
  /** What is special or uncertain about it. */
  readonly note?: string;
}

/**
 * What an API can do for one entity (design.md §6). Every absence is written down too. An API without a `list` that reads
 * by id is asked for the ids that are known.
 */
export interface EntityCapabilities {
  readonly list: (Ability & { readonly order: string }) | Absent;
  /** `by: 'search'` finds a record again most of the time; not finding it proves nothing. */
  readonly read: (Ability & { readonly by: 'id' | 'search' }) | Absent;
  readonly search: (Ability & { readonly by: readonly (keyof SearchFor)[] }) | Absent;
  /** `idempotent`: the CRM finds its record again by our id, so that a create may be repeated when its answer was lost. */
  readonly create: (Ability & { readonly idempotent?: boolean }) | Absent;
  readonly update: (Ability & { readonly style: 'patch' | 'replace' }) | Absent;
  /** `mayTake`: entities whose records it may delete as well, where they refer to the one that is deleted: by nobody's wish. */
  readonly delete: (Ability & { readonly mayTake?: readonly Entity[] }) | Absent;
  readonly modifiedStamp: Ability | Absent;
  readonly xref: Ability | Absent;
  /**
   * Reference fields to the record of which one of this entity is but a mark: it has the same external id there, and each
   * record carries at most one. What two such CRMs mark of one person is one.
   */
  readonly markOf?: readonly string[];
}

export type Capabilities = Readonly<Partial<Record<Entity, EntityCapabilities>>>;

/**
 * One configured CRM. Every method throws only the classes of `errors.ts`; no method retries what is not safe to repeat.
 * Records come back mapped but not normalised, ids always as text.
 */
export interface Connector {
  readonly capabilities: Capabilities;
  /** Mapping of each entity, after options; tells which fields this connection reads and writes. */
  readonly mappings: Readonly<Partial<Record<Entity, Mapping>>>;
  /** Region in which phone numbers without a country code are read here, ISO 3166-1 alpha-2. */
  readonly phoneRegion: string | undefined;

  /**
   * Reads every record once, page by page; pages are fetched ahead, up to the connection's `concurrent`.
   * Ends normally only when the scan is complete, or says that it is partial. @throws MalformedReplyError when the listing
   * cannot be complete.
   */
  list(entity: Entity, signal?: AbortSignal): AsyncIterable<Page>;
  read(entity: Entity, externalId: string, locator: string | undefined, signal?: AbortSignal): Promise<ReadReply>;
  search(entity: Entity, wanted: SearchFor, signal?: AbortSignal): Promise<readonly CrmRecord[]>;
  /** @throws UnknownOutcomeError when the CRM may or may not have created the record. */
  create(entity: Entity, record: NewRecord, signal?: AbortSignal): Promise<WriteReply>;
  /** @throws GoneError when the record is not there any more. */
  update(entity: Entity, externalId: string, change: RecordChange, signal?: AbortSignal): Promise<WriteReply>;
  delete(entity: Entity, externalId: string, locator: string | undefined, signal?: AbortSignal): Promise<void>;
  /**
   * Name of what a write to this record also touches: two writes with the same name never run at once.
   * Undefined: the record alone.
   */
  writeScope?(entity: Entity, externalId: string | undefined, locator: string | undefined): string | undefined;
  /**
   * Of a CRM that may clear what an update leaves out: the paths which an update of `written` has emptied, where what is seen
   * shows that it did; none otherwise. Asked where nobody has seen what such a write left. Without paths written: where it
   * was to another entity of the same record.
   */
  clearedBy?(entity: Entity, written: readonly string[], known: Values, seen: Values): readonly string[];
  /** Holds the options that writing an entity takes against what the CRM shows. Reads a little, changes nothing. For `check`. */
  checkOptions?(entity: Entity, signal?: AbortSignal): Promise<readonly OptionFinding[]>;
}

/** What a connector gets from the one who wires it. */
export interface ConnectorContext<Options = unknown> {
  /** The connection's name, for messages. */
  readonly connection: string;
  readonly http: Http;
  readonly clock: Clock;
  /** Already parsed by the definition's `options`. */
  readonly options: Options;
  /** How many requests may be under way at once, for fetching pages ahead. */
  readonly concurrent: number;
}

/** What a person who sets up a connection is asked and offered. */
interface Setup {
  /** Where the API is: the address that all customers share, or an example of one's own. */
  readonly baseUrl: string;
  /** Whether `baseUrl` is right for every customer. */
  readonly isShared: boolean;
  /** Where on the same host access tokens are fetched, if the vendor has API applications with client id and secret. */
  readonly tokenPath?: string;
  /** Options, all of them texts, without which records of an entity cannot be made there. */
  readonly needs?: Readonly<Partial<Record<Entity, readonly string[]>>>;
}

/** What a connector folder exports: everything the rest of concordat knows about one kind of CRM. */
export interface ConnectorDefinition<Schema extends z.ZodType = z.ZodType> {
  /** Name in the configuration, e.g. `treepl`. */
  readonly name: string;
  readonly title: string;
  /** The `options:` of a connection; every key optional with a safe default. */
  readonly options: Schema;
  /** With default options. */
  readonly capabilities: Capabilities;
  readonly mappings: Readonly<Partial<Record<Entity, Mapping>>>;
  readonly operations: readonly Operation[];
  /** One cheap read that needs the credentials: what `check` calls. `findsNothing`: its right answer is 404. */
  readonly probe: {
    readonly operation: string;
    readonly params: Readonly<Record<string, string>>;
    readonly findsNothing?: boolean;
  };
  /** Default: any address, and a token. */
  readonly setup?: Setup;
  /** Turns an error reply's body into one readable line without personal data where the shape is known. */
  readonly errorMessage: (status: number, body: unknown) => string;
  create(context: ConnectorContext<z.output<Schema>>): Connector;
  readonly startSandbox: StartSandbox;
}

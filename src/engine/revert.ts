import { fieldAt } from '../model/entities.ts';
import { equal } from '../model/kinds.ts';
import { isEmpty, type Origin, person, type Value } from '../model/values.ts';
import type { Aggregate, HistoryRow, LinkRow, RecordRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import { Draft } from './draft.ts';
import type { EngineContext } from './engine.ts';
import { inLane } from './lane.ts';

/** What is to be taken back. */
export interface RevertChoice {
  /** The run. */
  readonly of: string;
  /** Only in these records. */
  readonly recordIds?: ReadonlySet<string>;
  /** Only values that this connection gave, and creates there. */
  readonly connection?: string;
}

/** A value that a run replaced, which becomes the value again. */
interface PutBack {
  readonly path: string;
  readonly from: Value;
  readonly to: Value;
  /** Whose the former value was; undefined: the field was empty. */
  readonly formerly: Origin | undefined;
}

/** Why a field stays as it is. */
export type LeftBecause = 'edited since' | 'deleted since' | 'waits for a person' | 'no value before';

/** A field that a run has changed, and that is left alone. */
export interface LeftAlone {
  readonly path: string;
  readonly because: LeftBecause;
}

/** What taking back a run does to one record. */
export interface Judged {
  readonly aggregate: Aggregate;
  readonly putBack: readonly PutBack[];
  readonly left: readonly LeftAlone[];
}

const pageSize = 200;

async function judgePage(
  { store }: Pick<EngineContext, 'store'>,
  sync: SyncPolicy,
  choice: RevertChoice,
  recordIds: readonly string[],
): Promise<readonly Judged[]> {
  const ids = recordIds.filter((id) => choice.recordIds?.has(id) ?? true);
  const aggregates = [...(await store.aggregates(ids)).values()].filter((one) => isOf(sync, one));
  const waiting = Map.groupBy(await store.waitingConflicts(ids), ({ recordId }) => recordId);
  const judged: Judged[] = [];
  for (const aggregate of aggregates) {
    const { id } = aggregate.record;
    const contested = new Set(waiting.get(id)?.map(({ path }) => path));
    const found = judgeRecord(aggregate, await store.history(id), contested, choice);
    if (found.putBack.length + found.left.length > 0) judged.push({ aggregate, ...found });
  }
  return judged;
}

/** Whether a sync brings a record about, or did while it was there. */
function isOf({ entity, members }: SyncPolicy, { record, links }: Aggregate): boolean {
  return (
    record.entity === entity && links.some((link) => members.some(({ connection }) => connection === link.connection))
  );
}

/** Decides for every field of a record that a run has changed whether its former value is put back. */
function judgeRecord(
  { record, links }: Aggregate,
  history: readonly HistoryRow[],
  contested: ReadonlySet<string>,
  { of, connection }: Pick<RevertChoice, 'of' | 'connection'>,
): Pick<Judged, 'putBack' | 'left'> {
  const { entity, values, origins } = record;
  const putBack: PutBack[] = [];
  const left: LeftAlone[] = [];
  const byPath = Map.groupBy(
    history.filter(({ origin }) => origin.run === of),
    ({ path }) => path,
  );
  const filled = Object.keys(origins).filter((path) => origins[path]?.run === of && !byPath.has(path));
  for (const path of [...byPath.keys(), ...filled]) {
    const rows = byPath.get(path) ?? [];
    const origin = origins[path];
    // Taken back already, by another sync of this run or before.
    if (origin?.rule === revertOf(of)) continue;
    const givenBy = rows.at(-1)?.origin ?? origin!;
    if (connection !== undefined && givenBy.connection !== connection) continue;
    const former = formerOf(rows, origin, of, links);
    const from = values[path];
    // What came with a record that was new in this run replaced nothing.
    if (former === undefined && rows.length === 0 && isNewWith(givenBy, of, links)) continue;
    const leave = (because: LeftBecause) => left.push({ path, because });
    if (origin?.run !== of || from === undefined) leave('edited since');
    else if (record.state === 'tombstone') leave('deleted since');
    else if (former === undefined) leave('no value before');
    else if (contested.has(path)) leave('waits for a person');
    else if (!equal(fieldAt(entity, path).kind, from, former.value))
      putBack.push({ path, from, to: former.value, formerly: former.origin });
  }
  return { putBack, left };
}

/**
 * What was canonical before a run. Undefined: there was no value that all could have had again, because the field was
 * first heard of in this run, or came with a record that was linked in it.
 */
function formerOf(
  rows: readonly HistoryRow[],
  origin: Origin | undefined,
  of: string,
  links: readonly LinkRow[],
): { readonly value: Value; readonly origin: Origin | undefined } | undefined {
  if (rows.some((row) => row.origin.rule !== 'edit' && isNewWith(row.origin, of, links))) return undefined;
  const first = rows[0];
  const came = first ? first.fromOrigin : origin;
  if (came !== undefined && came.run === of)
    return came.rule === 'edit' ? { value: null, origin: undefined } : undefined;
  return { value: first?.from ?? null, origin: isEmpty(first?.from) ? undefined : first?.fromOrigin };
}

/** Whether a value came with a record that a run has met for the first time. */
function isNewWith({ connection }: Origin, of: string, links: readonly LinkRow[]): boolean {
  return links.some((link) => link.connection === connection && link.run === of && link.evidence !== 'created');
}

/** The rule by which a value stands that was put back. */
function revertOf(of: string): string {
  return `revert of ${of}`;
}

/** Whether something in a record was put back by this run. */
export function isPutBack({ origins }: RecordRow, run: string, of: string): boolean {
  return Object.values(origins).some((origin) => origin.run === run && origin.rule === revertOf(of));
}

/**
 * Puts back what a run has replaced in the records of a sync, as edits of their own: what was changed since stays. Whatever
 * has to be written becomes pending. @param onPage told what was decided, page by page
 */
export async function putBackAll(
  context: EngineContext,
  sync: SyncPolicy,
  run: string,
  choice: RevertChoice,
  onPage: (judged: readonly Judged[]) => void,
): Promise<void> {
  const { store, clock } = context;
  for (let after = 0; ; ) {
    const page = await store.touchedBy(choice.of, after, pageSize);
    const last = page.at(-1);
    if (!last) return;
    after = last.position;
    const ids = page.map(({ recordId }) => recordId);
    const judged = await inLane(store, sync.entity, async () => {
      const found = await judgePage(context, sync, choice, ids);
      const draft = new Draft(context, sync, run);
      for (const { aggregate, putBack } of found) {
        if (putBack.length === 0) continue;
        draft.adopt(aggregate);
        for (const { path, to, formerly } of putBack) {
          const connection = formerly?.connection ?? person;
          draft.put(aggregate.record.id, path, to, { connection, run, at: clock.now(), rule: revertOf(choice.of) });
        }
      }
      await store.commit(draft.batch());
      return found;
    });
    onPage(judged);
  }
}

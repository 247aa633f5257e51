import type { EngineContext } from '../engine/engine.ts';
import type { Judged, LeftAlone } from '../engine/revert.ts';
import { deletedBy, linksMade, type Made, type Met, type RunLink } from '../engine/revert-links.ts';
import type { Entity } from '../model/values.ts';
import type { RevertOrder } from '../queue/revert.ts';
import type { RunRow } from '../store/store.ts';
import type { SyncPolicy } from '../sync/policy.ts';
import type { Io } from './io.ts';
import { count, counted, wrapped } from './table.ts';

/** A field that was left alone, with the record that it is of. */
interface LeftField extends LeftAlone {
  readonly entity: Entity;
  readonly canonicalId: string;
  readonly known: readonly string[];
}

/** Of each sort so many are named; the rest is counted. */
const mostTold = 1_000;
const mostShown = 5;

/** Of what the run made and could be deleted again, where nobody has asked for that. */
const onlyAsked = 'deleted again only with --delete-created';

/** So many of some sort, the first of them by name. */
interface Tally<One> {
  count: number;
  readonly first: One[];
}

function tally<One>(): Tally<One> {
  return { count: 0, first: [] };
}

function add<One>(to: Tally<One>, ...more: readonly One[]): void {
  to.count += more.length;
  to.first.push(...more.slice(0, Math.max(mostTold - to.first.length, 0)));
}

/** What taking back a run has come upon, besides the writes themselves. */
export class RevertFindings {
  readonly putBack = { records: 0, fields: 0 };
  readonly left = tally<LeftField>();
  /** What the run made: deleted again, and still there. */
  readonly removed = tally<Made>();
  readonly staying = tally<Made>();
  readonly linked = tally<Met>();
  readonly deleted = tally<RunLink>();
  /** Values that lost a conflict in the run. */
  lost = 0;
  readonly #run: string;

  constructor(run: string) {
    this.#run = run;
  }

  /** To be told by the detour, see `RevertOrder`. */
  get listener(): Pick<RevertOrder, 'onJudged' | 'onRemoval'> {
    return {
      onJudged: (judged) => this.#judged(judged),
      onRemoval: (made, stays) => add(stays === undefined ? this.removed : this.staying, { ...made, stays }),
    };
  }

  #judged(judged: readonly Judged[]): void {
    for (const { aggregate, putBack, left } of judged) {
      if (putBack.length > 0) this.putBack.records += 1;
      this.putBack.fields += putBack.length;
      const { id: canonicalId, entity } = aggregate.record;
      const known = aggregate.links.flatMap(({ connection, externalId, state }) =>
        state === 'live' ? [`${connection}:${externalId}`] : [],
      );
      add(this.left, ...left.map((one) => ({ ...one, entity, canonicalId, known })));
    }
  }

  /** Looks up what the run did besides, before anything of it is taken back. */
  async lookUp(context: EngineContext, sync: SyncPolicy, runs: readonly RunRow[], order: RevertOrder): Promise<void> {
    for await (const { made, met } of linksMade(context, sync, order)) {
      add(this.linked, ...met);
      if (!order.deletesCreated) add(this.staying, ...made.map((one) => ({ ...one, stays: one.stays ?? onlyAsked })));
    }
    const run = runs.find((one) => one.sync === sync.name);
    if (run) for await (const page of deletedBy(context, sync, run, order)) add(this.deleted, ...page);
    const { of, connection, recordIds } = order;
    const lost = await context.store.conflictPage(
      {
        ...{ state: 'settled', run: of },
        ...(connection !== undefined && { connection }),
        ...(recordIds && { recordIds: [...recordIds] }),
      },
      undefined,
      mostTold,
    );
    this.lost += lost.filter(({ entity }) => entity === sync.entity).length;
  }

  document() {
    const { putBack, left, removed, staying, linked, deleted, lost } = this;
    return { putBack, left, removed, staying, linked, deleted, lost };
  }

  /** @param tense `to be ` where it has not been done yet */
  lines({ stdout }: Io, tense: 'to be ' | '' = ''): readonly string[] {
    const width = Math.min(stdout.columns, 100);
    const { putBack, left, removed, staying, linked, deleted, lost } = this;
    const named = <One>({ first, count: all }: Tally<One>, text: (one: One) => string) => [
      ...first.slice(0, mostShown).flatMap((one) => wrapped(text(one), width, '    ')),
      ...(all > mostShown ? [`    … and ${count(all - mostShown)} more (--json names them)`] : []),
    ];
    const section = <One>(found: Tally<One>, title: string, text: (one: One) => string) =>
      found.count === 0 ? [] : ['', ...wrapped(title, width), ...named(found, text)];
    const isOnlyAsked = ({ stays }: Made) => stays === onlyAsked;
    const id = ({ connection, externalId, entity }: RunLink) => `${entity} ${connection}:${externalId}`;
    return [
      '',
      putBack.fields === 0
        ? `No value ${tense === '' ? 'was ' : tense}put back.`
        : `${counted(putBack.fields, 'value')} of ${counted(putBack.records, 'record')} ${tense}put back.`,
      ...section(
        left,
        `${counted(left.count, 'field')} left alone:`,
        ({ entity, path, known, canonicalId, because }) =>
          `${path} of ${entity} ${known[0] ?? canonicalId}: ${because}`,
      ),
      ...section(removed, `${counted(removed.count, 'record')} that the run made, ${tense}deleted again:`, id),
      ...section(
        staying,
        `${counted(staying.count, 'record')} that the run made, still there${staying.first.some(isOnlyAsked) ? '; the same command with --delete-created deletes them again' : ''}:`,
        (made) => (isOnlyAsked(made) ? id(made) : `${id(made)}: ${made.stays}`),
      ),
      ...section(
        linked,
        `${counted(linked.count, 'link')} that the run found, left as they are (concordat split takes one apart):`,
        (met) => `${id(met)}: ${met.evidence}`,
      ),
      ...section(
        deleted,
        `${counted(deleted.count, 'record')} that the run deleted, not made again:`,
        (gone) => `${id(gone)}; it held: concordat explain ${gone.entity} ${gone.canonicalId}`,
      ),
      ...(lost === 0
        ? []
        : [
            '',
            ...wrapped(
              `${lost === mostTold ? 'At least ' : ''}${counted(lost, 'value')} lost a conflict in the run. They are kept: concordat conflicts --run ${this.#run}`,
              width,
            ),
          ]),
    ];
  }
}

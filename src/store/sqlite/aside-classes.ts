import type { Database } from 'better-sqlite3';
import type { AsideClass, AsideFilter, AsideState } from '../store.ts';
import { entityName } from './encoding.ts';
import type { Names } from './names.ts';

interface Row {
  readonly connection: number;
  readonly entity: number;
  readonly what: AsideClass['what'];
  readonly reason: string;
  readonly count: number;
}

interface Chosen {
  readonly state: number;
  readonly connection: number | null;
  readonly records: string | null;
  readonly code: string | null;
}

const stateNumbers: Readonly<Record<AsideState, number>> = { dead: 1, unsupported: 2 };

/** Codes tell dead letters apart, words what an API cannot do: there the code is always the same. */
const ofPending = `
  SELECT connection, entity, CASE state WHEN 1 THEN 'dead' ELSE 'unsupported' END AS what,
    coalesce(CASE state WHEN 1 THEN code ELSE message END, '') AS reason, count(*) AS count
  FROM pending`;

const isChosen = `
  state = :state AND (:connection IS NULL OR connection = :connection) AND (:code IS NULL OR code = :code)
  AND (:records IS NULL OR record IN (
    SELECT r.number FROM json_each(:records) j CROSS JOIN record r ON r.id = j.value))`;

/** What was set aside, by reason; and the way back for writes. */
export function openAsideClasses(database: Database, names: Names) {
  const all = database.prepare<[number], Row>(`
    SELECT * FROM (
      ${ofPending} WHERE state <> 0 OR code = 'unsupported' GROUP BY 1, 2, 3, 4
      UNION ALL
      SELECT connection, entity, 'quarantined', reason, count(*) FROM quarantine GROUP BY 1, 2, 4)
    ORDER BY count DESC, what, reason, connection, entity LIMIT ?`);
  const chosen = database.prepare<Chosen, Row>(`
    ${ofPending} WHERE ${isChosen} GROUP BY 1, 2, 3, 4 ORDER BY count DESC, what, reason, connection, entity`);
  const takeBack = database.prepare<Chosen>(`
    UPDATE pending SET state = 0, not_before = 0, code = NULL, message = NULL, detail = NULL,
      attempts = CASE WHEN EXISTS (
        SELECT 1 FROM intent i WHERE i.connection = pending.connection AND i.record = pending.record)
      THEN attempts ELSE 0 END
    WHERE ${isChosen}`);
  const toClass = ({ connection, entity, what, reason, count }: Row): AsideClass => ({
    connection: names.text(connection),
    entity: entityName(entity),
    what,
    reason,
    count,
  });

  return {
    all: (limit: number): readonly AsideClass[] => all.all(limit).map(toClass),
    takeBack: ({ state, connection, recordIds, code }: AsideFilter): readonly AsideClass[] => {
      const choice: Chosen = {
        state: stateNumbers[state],
        connection: connection === undefined ? null : names.find(connection),
        records: recordIds === undefined ? null : JSON.stringify(recordIds),
        code: code ?? null,
      };
      const classes = chosen.all(choice).map(toClass);
      takeBack.run(choice);
      return classes;
    },
  };
}

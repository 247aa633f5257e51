import type { Database, Statement } from 'better-sqlite3';

/**
 * A `prepare` whose statements cost little. Each is prepared when it is first run, for a process runs few of the many. And
 * each is planned once: where a parameter might tell the planner something, SQLite plans the statement anew for every value
 * that is bound to it, which takes several times as long as most of ours run; with a unary plus before the parameter, which
 * changes no value, it does not.
 */
export function preparing(database: Pick<Database, 'prepare'>): Database['prepare'] {
  const prepare = database.prepare.bind(database);
  return ((sql: string) => whenRun(() => prepare(sql.replaceAll(parameter, '+$&')))) as Database['prepare'];
}

/** `?` or `:name`. None of our statements has one of these in a text. */
const parameter = /\?|:[a-z]\w*/gi;

/** What we use of a statement. */
type Used = Pick<Statement, 'run' | 'get' | 'all' | 'iterate' | 'pluck' | 'raw'>;

function whenRun(prepare: () => Statement): Used {
  let shaped = prepare;
  let prepared: Statement | undefined;
  const now = (): Statement => {
    prepared ??= shaped();
    return prepared;
  };
  const shape = (how: 'pluck' | 'raw') => (): Statement => {
    const before = shaped;
    shaped = () => before()[how]();
    return statement as Statement;
  };
  const statement: Used = {
    run: (...given) => now().run(...given),
    get: (...given) => now().get(...given),
    all: (...given) => now().all(...given),
    iterate: (...given) => now().iterate(...given),
    pluck: shape('pluck'),
    raw: shape('raw'),
  };
  return statement;
}

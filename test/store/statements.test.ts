import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { preparing } from '../../src/store/sqlite/statements.ts';

/** A database, and the statements that it has prepared. */
function open() {
  const database = new Sqlite(':memory:');
  database.exec(
    "CREATE TABLE town (name TEXT PRIMARY KEY, people INTEGER) STRICT; INSERT INTO town VALUES ('Ghent', 7)",
  );
  const seen: string[] = [];
  const prepare = preparing({
    prepare: ((sql: string) => {
      seen.push(sql);
      return database.prepare(sql);
    }) as typeof database.prepare,
  });
  return { prepare, seen };
}

describe('a statement', () => {
  it('is prepared when it is first run, and once', () => {
    const { prepare, seen } = open();
    const statement = prepare<[string], number>('SELECT people FROM town WHERE name = ?').pluck();
    expect(seen).toEqual([]);
    expect([statement.get('Ghent'), statement.get('Bruges')]).toEqual([7, undefined]);
    expect(seen).toHaveLength(1);
  });

  it('is planned without a look at its parameters', () => {
    const { prepare, seen } = open();
    prepare('SELECT name FROM town WHERE people > ? LIMIT ?').all(1, 5);
    prepare('SELECT name FROM town WHERE people > :least').all({ least: 1 });
    expect(seen).toEqual([
      'SELECT name FROM town WHERE people > +? LIMIT +?',
      'SELECT name FROM town WHERE people > +:least',
    ]);
  });

  it('gives and takes what it would without that, in every form', () => {
    const { prepare } = open();
    prepare('INSERT INTO town (name, people) VALUES (:name, :people)').run({ name: 'Bruges', people: 3 });
    expect(prepare('SELECT * FROM town WHERE people = ?').all(3)).toEqual([{ name: 'Bruges', people: 3 }]);
    expect(prepare('SELECT * FROM town WHERE name = ?').raw().get('Ghent')).toEqual(['Ghent', 7]);
    expect([...prepare('SELECT name FROM town WHERE people < ? ORDER BY name').pluck().iterate(9)]).toEqual([
      'Bruges',
      'Ghent',
    ]);
    expect(() => prepare('INSERT INTO town VALUES (?, ?)').run('Ypres', 'many')).toThrow('TEXT value');
  });
});

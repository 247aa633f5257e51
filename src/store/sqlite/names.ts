import type { Database } from 'better-sqlite3';

/** Names of connections and runs, which occur in a great many rows, as small numbers. */
export interface Names {
  /** The number of a name, given out now when it is new. Within a transaction. */
  number(name: string): number;
  /** The number of a name, or 0, which is no name's number. */
  find(name: string): number;
  text(number: number): string;
  /** To be called after a transaction has failed: numbers given out in it are void. */
  forget(): void;
}

/** Remembers up to 1,000 names in memory; the file has them all. */
export function openNames(database: Database): Names {
  const insert = database.prepare<[string], number>('INSERT INTO name (text) VALUES (?) ON CONFLICT DO NOTHING');
  const byText = database.prepare<[string], number>('SELECT id FROM name WHERE text = ?').pluck();
  const byNumber = database.prepare<[number], string>('SELECT text FROM name WHERE id = ?').pluck();
  const numbers = new Map<string, number>();
  const texts = new Map<number, string>();

  const find = (name: string): number => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const number = byText.get(name) ?? 0;
    // A run's name is new with every run: a long-running process must not collect them all.
    if (numbers.size > 1000) numbers.clear();
    if (number !== 0) numbers.set(name, number);
    return number;
  };

  return {
    find,
    number: (name) => {
      const known = find(name);
      if (known !== 0) return known;
      insert.run(name);
      return find(name);
    },
    text: (number) => {
      let text = texts.get(number);
      if (text === undefined) {
        text = byNumber.get(number);
        if (text === undefined) throw new Error(`store: name ${number} is missing; the file is damaged`);
        if (texts.size > 1000) texts.clear();
        texts.set(number, text);
      }
      return text;
    },
    forget: () => {
      numbers.clear();
      texts.clear();
    },
  };
}

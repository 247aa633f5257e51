import { readdirSync, readFileSync } from 'node:fs';
import type { Database } from 'better-sqlite3';

const folder = new URL('./migrations/', import.meta.url);

/** One step of the schema: the files `migrations/NNN-what.sql`, in order. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** Reads the migrations that this version of concordat has. @throws Error when their numbers are not 1, 2, 3 … */
export function migrations(): readonly Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.map((name, index) => {
    const version = Number.parseInt(name, 10);
    if (version !== index + 1) throw new Error(`migration ${name}: expected number ${index + 1}`);
    return { version, name, sql: readFileSync(new URL(name, folder), 'utf8') };
  });
}

/**
 * Brings the schema up to date, each migration in one transaction of its own, its number written first: what is done is
 * never done twice, also when two processes start at once.
 * @throws Error when the database comes from a newer concordat; nothing is changed then
 */
export function migrate(database: Database, file: string, steps: readonly Migration[] = migrations()): void {
  const newest = steps.length;
  refuseNewer(schemaVersion(database), newest, file);
  for (const { version, sql } of steps) {
    if (schemaVersion(database) >= version) continue;
    const step = database.transaction(() => {
      // Another process may have been faster between the look above and this transaction.
      const current = schemaVersion(database);
      refuseNewer(current, newest, file);
      if (current >= version) return;
      database.pragma(`user_version = ${version}`);
      database.exec(sql);
    });
    step.immediate();
  }
}

/** The version of the schema of a database. */
export function schemaVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

/** The version of the schema that this concordat makes. */
export function newestVersion(): number {
  return migrations().length;
}

function refuseNewer(version: number, newest: number, file: string): void {
  if (version > newest) {
    throw new Error(
      `${file}: its schema has version ${version}, this concordat knows up to ${newest}; ` +
        'the file was written by a newer concordat and is left as it is: update concordat, or name another file',
    );
  }
}

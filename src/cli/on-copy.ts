import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { surroundings } from './logs.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';

/**
 * Lets something be tried out over a copy of the database, with connections that write nothing. The copy is gone afterwards.
 * @param work gets the app, and a folder for what it keeps meanwhile
 */
export async function onCopy<T>(
  session: Session,
  config: Config,
  work: (app: App, folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(path.join(placeFor(config), '.concordat-plan-'));
  try {
    const around = { ...surroundings(session), readOnly: true };
    const app = await openAppFor(session, await copied(config, folder, session), around);
    try {
      return await work(app, folder);
    } finally {
      await app.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Beside the database, where there is room for a copy of it; it holds personal data, and nobody else can enter. */
function placeFor({ sqliteFile }: Config): string {
  const beside = path.dirname(sqliteFile);
  return existsSync(beside) ? beside : tmpdir();
}

/** The same configuration over a copy of the database as it is now, or over an empty one where there is none yet. */
async function copied(config: Config, folder: string, { io }: Session): Promise<Config> {
  const sqliteFile = path.join(folder, 'copy.db');
  if (existsSync(config.sqliteFile)) {
    const { backUp } = await import('../store/sqlite/backup.ts');
    await backUp(config.sqliteFile, sqliteFile, { onProgress: () => {}, signal: io.signal });
  }
  return { ...config, sqliteFile };
}

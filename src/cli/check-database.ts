import { access, constants, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { StoreError } from '../store/errors.ts';
import { bad, doubtful, type Finding, good } from './finding.ts';
import { count, withoutName } from './table.ts';

/** Room that is always wanted, bytes. */
const leastRoom = 200e6;

/** Whether the database can be used, is sound and private, and has room to grow. */
export async function checkDatabase(file: string): Promise<readonly Finding[]> {
  const folder = path.dirname(file);
  try {
    const found = await stat(file).catch(() => undefined);
    // SQLite keeps two more files beside the database, so that the folder must be writable too.
    await access(folder, constants.W_OK);
    if (!found)
      return [
        good('database', file, 'does not exist yet; the first sync creates it'),
        ...(await room(file, folder, 0)),
      ];
    await access(file, constants.R_OK | constants.W_OK);
    return [await content(file), ...privacy(file, found.mode), ...(await room(file, folder, found.size))];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const next = `let this user write ${folder}, or change store.sqlite`;
    return [bad('database', file, `cannot be written (${code})`, next)];
  }
}

async function content(file: string): Promise<Finding> {
  const { checkFile } = await import('../store/sqlite/file.ts');
  const { newestVersion } = await import('../store/migrate.ts');
  try {
    const version = checkFile(file);
    const newest = newestVersion();
    if (version > newest) {
      const message = `was written by a newer concordat: its schema has version ${version}, this one knows up to ${newest}`;
      return bad('database', file, message, 'update concordat, or name another file in store.sqlite');
    }
    const later =
      version < newest ? `; its schema is brought from version ${version} to ${newest} when it is used` : '';
    return good('database', file, `sound, and writable${later}`);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isDamaged = error instanceof StoreError && error.code === 'database_damaged';
    const next = isDamaged ? 'put a backup in its place: docs/restore.md' : 'is store.sqlite the right file?';
    return bad('database', file, withoutName(error.message, file), next);
  }
}

function privacy(file: string, mode: number): Finding[] {
  if ((mode & 0o077) === 0 || process.platform === 'win32') return [];
  const message = `others can read it (mode ${(mode & 0o777).toString(8)}), and it holds personal data`;
  return [doubtful('database', file, message, 'chmod 600 it; the next command that uses it does so, too')];
}

async function room(file: string, folder: string, size: number): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free > leastRoom + size) return [];
  const message = `only ${count(Math.floor(free / 1e6))} MB are free on its disk, and it has ${count(Math.ceil(size / 1e6))} MB`;
  return [doubtful('database', file, message, 'make room: a plan, a backup and forget each take a copy of it')];
}

import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { StoreError } from '../store/errors.ts';
import { FailedError, UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { count, duration } from './table.ts';

/** `concordat backup FILE`: a copy of the database, also while other commands write to it. */
export function addBackup(program: Command, session: Session): void {
  program
    .command('backup')
    .description('Copy the database to FILE, also while a sync runs. The copy is checked before it takes its name.')
    .argument('<file>', 'where to; only its owner will be able to read it')
    .option('--force', 'replace FILE where it exists')
    .addHelpText(
      'after',
      `
Examples:
  concordat backup /srv/backup/concordat-$(date +%F).db
  0 3 * * *  concordat backup --force /srv/backup/concordat.db      # in a crontab

How to go back to a backup: docs/restore.md. It holds personal data, and is not encrypted.`,
    )
    .action(async (file: string, { force = false }: { force?: boolean }) => await backup(session, file, force));
}

async function backup(session: Session, file: string, force: boolean): Promise<void> {
  const { sqliteFile } = await session.loadConfig();
  const target = path.resolve(session.io.directory, file);
  if (!existsSync(sqliteFile))
    throw new FailedError(`there is no database ${sqliteFile} to back up; concordat sync creates it`);
  refuseTarget(target, sqliteFile, force);
  const startedAt = performance.now();
  const bytes = await copied(session, sqliteFile, target);
  const durationMs = Math.round(performance.now() - startedAt);
  if (session.isJson) session.printJson({ source: sqliteFile, file: target, bytes, durationMs });
  const megabytes = count(Math.max(1, Math.round(bytes / 1e6)));
  session.print(`${sqliteFile} → ${target}: ${megabytes} MB copied and checked in ${duration(durationMs)}`);
}

/** Copies, with the share that is done on a terminal. */
async function copied(session: Session, source: string, target: string): Promise<number> {
  const { stdout, signal } = session.io;
  const { backUp } = await import('../store/sqlite/backup.ts');
  const isLive = stdout.isTerminal && !session.isJson;
  let shown = -1;
  const onProgress = (share: number) => {
    const percent = Math.floor(share * 100);
    if (!isLive || percent === shown) return;
    shown = percent;
    stdout.write(`\r\u001b[2Kcopying: ${percent} %`);
  };
  try {
    return await backUp(source, target, { onProgress, signal });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof StoreError || signal.aborted) throw error;
    throw new FailedError(`${source} cannot be copied: ${error.message}`, { cause: error });
  } finally {
    if (shown >= 0) stdout.write('\r\u001b[2K');
  }
}

/**
 * Refuses what a copy would destroy. A file with a log of SQLite beside it is a database in use, or one that was not
 * ended properly: a new file of its name would be read together with that log, and be damaged by it.
 * @throws UsageError
 */
function refuseTarget(target: string, sqliteFile: string, force: boolean): void {
  const folder = path.dirname(target);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`the folder ${folder} does not exist; create it first`);
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat && !stat.isFile()) throw new UsageError(`${target}: expected the name of a file, came something else`);
  const source = statSync(sqliteFile);
  if (stat?.ino === source.ino && stat.dev === source.dev)
    throw new UsageError(`${target}: is the database itself; name another file`);
  const companion = ['-wal', '-journal'].map((end) => target + end).find((each) => existsSync(each));
  if (companion !== undefined)
    throw new UsageError(`${target}: a database of this name is in use, or was (${companion}); name another file`);
  if (stat && !force) throw new UsageError(`${target}: exists already; name another file, or let --force replace it`);
}

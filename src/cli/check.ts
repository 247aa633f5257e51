import type { Command } from 'commander';
import type { Loaded } from '../config/load.ts';
import { problemText } from '../config/problems.ts';
import { checkConnections, checkMembers } from './check-connections.ts';
import { checkDatabase } from './check-database.ts';
import { checkWorker } from './check-worker.ts';
import { exit } from './failure.ts';
import { type Finding, findingLines, good } from './finding.ts';
import type { Session } from './session.ts';
import { counted } from './table.ts';

/** `concordat check`: is everything set up? Reads one page of each CRM and changes nothing. */
export function addCheck(program: Command, session: Session): void {
  program
    .command('check')
    .description('Check configuration, credentials, permissions, clocks, database, Redis, secrets. Changes nothing.')
    .addHelpText(
      'after',
      `
Reads one record and the first page of each listing of each CRM. Whether a CRM lets us write cannot be told
without writing: plan shows what would be written.

ok: nothing stands in the way. look: it works, and there is something to know. FAIL: it does not work.

Examples:
  concordat check
  concordat check --config staging.yaml --json

Exit status: 0 all well, or only to be looked at; 1 something is not; 2 the configuration has faults.`,
    )
    .action(async () => {
      const findings = await findingsOf(session, await session.loadConfigAndNotes());
      if (session.isJson) session.printJson({ ok: findings.every(({ ok }) => ok), checks: findings });
      session.print(...findings.flatMap((finding) => findingLines(finding, session)));
      if (findings.some(({ ok }) => !ok)) session.status = exit.failed;
    });
}

async function findingsOf(
  session: Session,
  { config, notes }: Pick<Loaded, 'config' | 'notes'>,
): Promise<readonly Finding[]> {
  const size = `${counted(config.connections.size, 'connection')}, ${counted(config.syncs.length, 'sync')}`;
  const [database, connections, worker] = await Promise.all([
    checkDatabase(config.sqliteFile),
    checkConnections(session, config),
    checkWorker(session, config),
  ]);
  return [
    good('configuration', session.configFile, size),
    ...notes.map((note) => good('configuration', '', problemText(note))),
    ...database,
    ...connections,
    ...checkMembers(config),
    ...worker,
  ];
}

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { didYouMean, listed } from '../config/words.ts';
import { errorCodes } from '../connector/errors.ts';
import { entities } from '../model/values.ts';
import type { AsideClass, AsideFilter, Store } from '../store/store.ts';
import { UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { count, counted, table, wrapped } from './table.ts';

interface RetryOptions {
  readonly connection?: string;
  readonly record?: string;
  readonly code?: string;
  readonly all?: true;
}

/** How writes are called that are not possible, for whatever reason: they are taken back only when it is asked for by name. */
const unsupported = 'unsupported';

/** `concordat retry`: takes writes back that were set aside, so that the next sync tries them again. */
export function addRetry(program: Command, session: Session): void {
  program
    .command('retry')
    .description('Take back records that a CRM did not take (dead letters). The next sync tries them again.')
    .option('--connection <name>', 'those of one connection')
    .option('--record <id>', 'those of one record: its canonical id, or CONNECTION:EXTERNALID')
    .option('--code <code>', `those set aside for one reason: ${listed(errorCodes)}`)
    .option('--all', 'all of them')
    .addHelpText(
      'after',
      `
Each option narrows the choice; one of them must be given. Writes that an API does not offer are tried
again when what can be done has changed: --code ${unsupported}.
A create that was never answered is looked for in a fresh listing first, then tried once: no retry makes
a record twice.
Records in quarantine need no retry: every sync looks at them again, and takes them in once they are
correct in their CRM. A later edit of a record revives its dead letters by itself.

Examples:
  concordat retry --all
  concordat retry --connection showroom --code rejected
  concordat retry --record showroom:42`,
    )
    .action(async (options: RetryOptions) => {
      await retry(session, options);
    });
}

async function retry(session: Session, options: RetryOptions): Promise<void> {
  const config = await session.loadConfig();
  checkNames(config, options);
  const classes = await takeBack(session, config, options);
  const writes = classes.reduce((sum, one) => sum + one.count, 0);
  if (session.isJson) session.printJson({ takenBack: writes, classes });
  session.print(...reportLines(classes, writes, options, session));
}

/** @throws UsageError naming what is known instead */
function checkNames(config: Config, { connection, record, code, all }: RetryOptions): void {
  if (connection === undefined && record === undefined && code === undefined && !all)
    throw new UsageError('say which: --connection NAME, --record ID, --code CODE or --all; nothing was taken back');
  const codes: readonly string[] = errorCodes;
  if (code !== undefined && !codes.includes(code))
    throw new UsageError(`there is no code "${code}"${didYouMean(code, codes)}; known: ${listed(codes, 'and')}`);
  if (connection !== undefined) checkConnection(config, connection);
  const [of] = record?.includes(':') ? record.split(':', 1) : [];
  if (of !== undefined) checkConnection(config, of);
}

function checkConnection({ connections }: Config, name: string): void {
  if (connections.has(name)) return;
  const known = [...connections.keys()];
  throw new UsageError(
    `there is no connection "${name}"${didYouMean(name, known)}; known: ${listed(known, 'and')}; nothing was taken back`,
  );
}

async function takeBack(session: Session, config: Config, options: RetryOptions): Promise<readonly AsideClass[]> {
  const { connection, record, code } = options;
  // Where nothing was ever synced there is nothing to take back, and no database to be made for it.
  if (!existsSync(config.sqliteFile)) return [];
  const app = await openAppFor(session, config);
  try {
    const { store } = app.context;
    const which: AsideFilter = {
      state: code === unsupported ? 'unsupported' : 'dead',
      ...(connection === undefined ? {} : { connection }),
      ...(code === undefined || code === unsupported ? {} : { code }),
      ...(record === undefined ? {} : { recordIds: await recordIdsOf(store, record) }),
    };
    return await store.takeBack(which);
  } finally {
    await app.close();
  }
}

/**
 * The canonical ids that a person means. An external id may be that of a contact and of an account: both are meant.
 * @throws UsageError when nothing has that id
 */
async function recordIdsOf(store: Store, record: string): Promise<readonly string[]> {
  const colon = record.indexOf(':');
  if (colon < 0) {
    if ((await store.aggregates([record])).has(record)) return [record];
    throw new UsageError(`there is no record ${record}; concordat status lists the dead letters with their records`);
  }
  const [connection, externalId] = [record.slice(0, colon), record.slice(colon + 1)];
  const found: string[] = [];
  for (const entity of entities) {
    const aggregate = (await store.linked(connection, entity, [externalId])).get(externalId);
    if (aggregate) found.push(aggregate.record.id);
  }
  if (found.length > 0) return found;
  throw new UsageError(
    `no record is linked to ${record}; concordat status lists the dead letters with their records, and what is in quarantine`,
  );
}

function reportLines(
  classes: readonly AsideClass[],
  writes: number,
  { connection, record, code }: RetryOptions,
  { io }: Session,
): string[] {
  const width = Math.min(io.stdout.columns, 100);
  if (classes.length === 0) {
    const chosen = [
      record === undefined ? '' : ` of ${record}`,
      connection === undefined ? '' : ` at ${connection}`,
      code === undefined ? '' : ` with the code ${code}`,
    ].join('');
    return wrapped(`Nothing to take back: nothing${chosen} is set aside. concordat status shows what is.`, width);
  }
  const rows = classes.map((one) => [one.connection, one.entity, one.reason, count(one.count)]);
  return [
    ...table(['connection', 'entity', 'reason', 'taken back'], rows),
    '',
    ...wrapped(`Taken back: ${counted(writes, 'write')}. The next sync tries again: concordat sync`, width),
  ];
}

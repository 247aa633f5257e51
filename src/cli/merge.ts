import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { didYouMean, listed } from '../config/words.ts';
import type { EngineContext } from '../engine/engine.ts';
import type { MergeEnd, SplitEnd } from '../engine/regroup.ts';
import { type Entity, entities } from '../model/values.ts';
import { type DecideOptions, decideByCommand } from './decide.ts';
import { exit, UsageError } from './failure.ts';
import { linkedId } from './review.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { checkConnection } from './which-records.ts';

/** `concordat merge`: two canonical records that are one. */
export function addMerge(program: Command, session: Session): void {
  program
    .command('merge')
    .description('Make one of two records that are the same person, company or lead.')
    .argument('<entity>', entities.join(', '))
    .argument('<survivor>', 'the record that stays: canonical id, e-mail, or CONNECTION:EXTERNALID')
    .argument('<other>', 'the record that becomes part of it')
    .option('--dry-run', 'only show what would be written where')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
The links of both are the survivor's. Values are merged by the sync's rules; what loses is in the conflict
log. No CRM is told to merge or to delete anything: where one has a record for each, the survivor's stays
linked, and the other waits as a review until somebody merges the two in that CRM.
It is taken back by concordat split with the links that came from the other one.

Examples:
  concordat merge contact showroom:42 site:7 --dry-run
  concordat merge contact showroom:42 site:7

Exit status: 0 merged; 2 that cannot be; 3 merged, and a CRM has two records of the same.`,
    )
    .action(async (entity: string, survivor: string, other: string, options: DecideOptions) => {
      await merge(session, entityOf(entity), survivor, other, options);
    });
}

/** `concordat split`: a canonical record that is two. */
export function addSplit(program: Command, session: Session): void {
  program
    .command('split')
    .description('Take records of CRMs out of a record that is not theirs. Takes a merge back.')
    .argument('<entity>', entities.join(', '))
    .argument('<record>', 'canonical id, e-mail, or CONNECTION:EXTERNALID')
    .argument('<links...>', 'those that leave, as CONNECTION:EXTERNALID')
    .option('--dry-run', 'only show what would be written where')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
They become a record of their own, and the two are kept apart for ever. Each gets back the values that the
history knows to be its own; those of which nobody knows stay with both, and are named. Where a merge has
brought them, both get exactly what they had, but for what was edited since. Each is then created where
the sync wants it and only the other one is. It is taken back by concordat merge.

Examples:
  concordat split contact showroom:42 site:7 --dry-run
  concordat split contact showroom:42 site:7 support:19

Exit status: 0 split; 2 that cannot be.`,
    )
    .action(async (entity: string, record: string, links: readonly string[], options: DecideOptions) => {
      await split(session, entityOf(entity), record, links, options);
    });
}

/** @throws UsageError */
function entityOf(name: string): Entity {
  const entity = entities.find((one) => one === name);
  if (entity) return entity;
  throw new UsageError(`there is no entity "${name}"${didYouMean(name, entities)}; known: ${listed(entities, 'and')}`);
}

async function merge(
  session: Session,
  entity: Entity,
  survivor: string,
  other: string,
  options: DecideOptions,
): Promise<void> {
  const config = await session.loadConfig();
  const [into, from] = await idsOf(session, config, entity, [survivor, other]);
  const { mergeRecords } = await import('../engine/regroup.ts');
  const end = await decideByCommand<MergeEnd>(session, config, options, {
    entity,
    decide: async (context) => await mergeRecords(context, entity, into!, from!),
    words: ({ moved, doubles }) =>
      [
        `${entity} ${other} and ${survivor} are one: ${into}${moved.length > 0 ? `, with ${namesText(moved)}` : ''}.`,
        ...doubles.map(
          ({ connection, externalId, other: twin }) =>
            `${connection} has two records of it, ${twin} and ${externalId}: ${externalId} is unlinked now; merge the two in ${connection}, and what is left there is linked.`,
        ),
      ].join(' '),
  });
  if (end && end.doubles.length > 0) session.status = exit.needsPerson;
}

async function split(
  session: Session,
  entity: Entity,
  record: string,
  links: readonly string[],
  options: DecideOptions,
): Promise<void> {
  const config = await session.loadConfig();
  const names = links.map((link) => {
    const [connection = '', ...rest] = link.split(':');
    if (rest.length === 0) throw new UsageError(`"${link}" is no CONNECTION:EXTERNALID; nothing was changed`);
    checkConnection(config.connections.keys(), connection);
    return { connection, externalId: rest.join(':') };
  });
  const [recordId] = await idsOf(session, config, entity, [record]);
  const { splitRecord } = await import('../engine/regroup.ts');
  await decideByCommand<SplitEnd>(session, config, options, {
    entity,
    decide: async (context) => await splitRecord(context, entity, recordId!, names),
    words: ({ leavingId, isTakenBack, moved, unclear }) =>
      [
        `${namesText(moved)} ${moved.length === 1 ? 'is' : 'are'} ${entity} ${leavingId}${isTakenBack ? ' again: the merge is taken back' : ', kept apart for ever'}.`,
        ...(unclear.length > 0 ? [`Both keep ${listed(unclear, 'and')}: nobody knows whose that is.`] : []),
      ].join(' '),
  });
}

function namesText(names: readonly { readonly connection: string; readonly externalId: string }[]): string {
  return listed(
    names.map(({ connection, externalId }) => `${connection}:${externalId}`),
    'and',
  );
}

async function idsOf(
  session: Session,
  config: Config,
  entity: Entity,
  which: readonly string[],
): Promise<readonly string[]> {
  if (!existsSync(config.sqliteFile))
    throw new UsageError('nothing is known yet: there is no database; concordat sync makes one');
  const app = await openAppFor(session, config);
  try {
    const context: EngineContext = app.context;
    const ids: string[] = [];
    for (const one of which) ids.push(await linkedId(context, entity, one));
    return ids;
  } finally {
    await app.close();
  }
}

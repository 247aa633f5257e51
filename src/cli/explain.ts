import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { didYouMean, listed } from '../config/words.ts';
import type { Explanation } from '../engine/explain.ts';
import type { AsideRecord, Found } from '../engine/find-record.ts';
import { type Entity, entities } from '../model/values.ts';
import { explanationLines } from './explanation-lines.ts';
import { exit, UsageError } from './failure.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { counted, wrapped } from './table.ts';

/** `concordat explain`: one record, with the origin of every value. */
export function addExplain(program: Command, session: Session): void {
  program
    .command('explain')
    .description('Show one record: its links, where each value came from and why, and what happened to it.')
    .argument('<entity>', entities.join(', '))
    .argument('<which>', 'canonical id, e-mail address, CONNECTION:EXTERNALID, or an external id alone')
    .addHelpText(
      'after',
      `
Reads the database only: what a CRM holds is what it was last known to hold. The values of the record are
shown; everything else that concordat prints or logs is ids and field names.

Examples:
  concordat explain contact anna@example.com
  concordat explain contact showroom:42
  concordat explain account 0198c5f0-7a1e-7c3b-9d55-3f0a8e2b4c61 --json | jq '.fields[] | {path, origin}'

Exit status: 0 explained; 2 nothing or several fit (they are listed); 3 that record of a CRM is known, and
waits for a person.`,
    )
    .action(async (entity: string, which: string) => {
      await explainOne(session, entity, which);
    });
}

async function explainOne(session: Session, asked: string, which: string): Promise<void> {
  const entity = entities.find((one) => one === asked);
  if (!entity)
    throw new UsageError(
      `there is no entity "${asked}"${didYouMean(asked, entities)}; known: ${listed(entities, 'and')}`,
    );
  const config = await session.loadConfig();
  checkConnection(config, which);
  if (!existsSync(config.sqliteFile))
    throw new UsageError('nothing is known yet: there is no database; concordat sync makes one');
  const { explain } = await import('../engine/explain.ts');
  const { findRecord } = await import('../engine/find-record.ts');
  const app = await openAppFor(session, config);
  try {
    const found = await findRecord(app.context, entity, which);
    const [record, ...others] = found.records;
    const explanation = record && others.length === 0 ? await explain(app.context, record.record.id) : undefined;
    if (explanation) tell(session, explanation);
    else if (record) tellSeveral(session, entity, which, found);
    else if (found.aside.length > 0) tellAside(session, entity, found.aside);
    else throw new UsageError(await unknownText(app.context, entity, which, found));
  } finally {
    await app.close();
  }
}

/** A name before a colon has to be that of a connection, unless the whole is an address or an id with a colon in it. */
function checkConnection({ connections }: Config, which: string): void {
  const [name, rest] = which.split(':', 2);
  if (rest === undefined || name === undefined || connections.has(name)) return;
  const known = [...connections.keys()];
  if (/^[A-Za-z][\w-]*$/.test(name))
    throw new UsageError(`there is no connection "${name}"${didYouMean(name, known)}; known: ${listed(known, 'and')}`);
}

function tell(session: Session, explanation: Explanation): void {
  if (session.isJson) session.printJson(explanation);
  session.print(...explanationLines(explanation, session.io.stdout));
}

function tellSeveral(session: Session, entity: Entity, which: string, { records }: Found): void {
  session.status = exit.usage;
  const matches = records.map(({ record, links }) => ({
    canonicalId: record.id,
    links: links.flatMap(({ connection, externalId, state }) =>
      state === 'live' ? [`${connection}:${externalId}`] : [],
    ),
  }));
  if (session.isJson) session.printJson({ matches });
  session.print(
    `${counted(records.length, entity)} fit "${which}". Say which one:`,
    ...matches.map(({ canonicalId, links }) => `  concordat explain ${entity} ${canonicalId}    ${links.join(' ')}`),
  );
}

function tellAside(session: Session, entity: Entity, aside: readonly AsideRecord[]): void {
  session.status = exit.needsPerson;
  if (session.isJson) session.printJson({ aside });
  const width = Math.min(session.io.stdout.columns, 100);
  session.print(...aside.flatMap((one) => asideLines(entity, one).flatMap((line) => wrapped(line, width))));
}

function asideLines(entity: Entity, { connection, externalId, state, review, quarantine }: AsideRecord): string[] {
  const name = `${connection}:${externalId}`;
  if (state === 'quarantined')
    return [
      `${name} could not be used: ${quarantine?.reason ?? 'its reason is not known any more'}.`,
      `It is to be corrected in ${connection}; every sync looks at it again.`,
    ];
  const candidates = review?.candidates ?? [];
  return [
    `${name} is known and linked to nothing: ${review?.reason ?? 'the next sync decides who it is'}.`,
    'Until that is settled, nothing is created for it elsewhere.',
    ...candidates.map(({ recordId, evidence }) => `  it may be ${entity} ${recordId}: ${evidence}`),
  ];
}

async function unknownText(context: App['context'], entity: Entity, which: string, { by }: Found): Promise<string> {
  const { store } = context;
  const { wasForgotten } = await import('../engine/forget.ts');
  if (await wasForgotten(context, which))
    return `"${which}" was forgotten, and nothing is known any more: concordat forget --undo lets somebody in again`;
  const other = by === 'canonical id' ? (await store.aggregates([which])).get(which)?.record.entity : undefined;
  if (other) return `${which} is a record of ${other}s: concordat explain ${other} ${which}`;
  const hints =
    by === 'e-mail'
      ? entity === 'lead'
        ? 'leads are not known by an e-mail address: give CONNECTION:EXTERNALID or the canonical id'
        : `no ${entity} is known by that address: give CONNECTION:EXTERNALID, or the canonical id. An address is known where a sync's match names email`
      : `no ${entity} has that id, in any CRM or here: give an e-mail address, CONNECTION:EXTERNALID, or the canonical id; concordat status lists the ids of what waits`;
  return `there is no ${entity} "${which}": ${hints}`;
}

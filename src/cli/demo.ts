import { once } from 'node:events';
import type { Command } from 'commander';
import { type DemoCrms, demoEnv, startDemoCrms } from './demo-crms.ts';
import { type Edits, editByPeople, whatTravelled } from './demo-edits.ts';
import { giftsSince, holdings, matrixLines } from './demo-matrix.ts';
import { closingLines, openingLines, unsupportedLines, whoIsWho, writesSeen } from './demo-story.ts';
import { FailedError, UsageError } from './failure.ts';
import { surroundings } from './logs.ts';
import { displayOn, silentDisplay } from './progress.ts';
import { outcomeLines } from './report.ts';
import type { Session } from './session.ts';
import { reportDocument, runSyncs, type SyncReport } from './sync.ts';

const defaultPeople = 120;
/** With fewer there is nobody to show some of the edits on. */
const fewestPeople = 20;
const mostPeople = 10_000;

/** `concordat demo`: sandbox CRMs with data on loopback, synced before your eyes. Needs no configuration and no network. */
export function addDemo(program: Command, session: Session): void {
  program
    .command('demo')
    .description('See two-way sync happen between sandbox CRMs on loopback. Needs nothing, changes nothing of yours.')
    .option('--keep', 'keep the sandboxes running afterwards, to try other commands; Ctrl-C ends them')
    .option('--people <number>', 'how many people there are', String(defaultPeople))
    .addHelpText('after', '\nExamples:\n  concordat demo\n  concordat demo --keep')
    .action(async (options: { readonly keep?: boolean; readonly people: string }) => {
      const people = Number(options.people);
      if (!Number.isInteger(people) || people < fewestPeople || people > mostPeople)
        throw new UsageError(
          `--people: expected a whole number from ${fewestPeople} to ${mostPeople}, came ${JSON.stringify(options.people)}`,
        );
      const crms = await startDemoCrms(await session.registry(), people);
      try {
        await demo(session, crms, options.keep === true);
      } finally {
        await crms.close();
      }
    });
}

async function demo(session: Session, crms: DemoCrms, keep: boolean): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const { openApp } = await import('../app.ts');
  const env = { ...session.io.env, ...demoEnv };
  const { config } = await loadConfig(crms.configFile, env, await session.registry());
  const app = await openApp(config, surroundings(session));
  const title = (text: string) => session.print('', session.io.stdout.style(['bold', 'cyan'], text));
  const reports: SyncReport[] = [];
  const sync = async (): Promise<void> => {
    const display = session.isJson ? silentDisplay : displayOn(session.io.stdout, app.context.clock.now);
    const report = await runSyncs(app, app.config.syncs, session, display);
    session.io.signal.throwIfAborted();
    reports.push(report);
    // The display has told the counts of each member already.
    session.print(
      ...outcomeLines(
        report.outcomes.map((outcome) => ({ ...outcome, counts: {} })),
        session.io,
      ),
    );
  };
  try {
    const { context } = app;
    title('1. Four CRMs that already hold data');
    session.print(...openingLines(crms));
    const before = await holdings(context, crms, session.io.signal);
    title('2. The first sync: who is who, and what is missing where');
    await sync();
    const held = new Set(
      reports.flatMap(({ outcomes }) => outcomes.flatMap(({ stops }) => stops.map((stop) => stop.sync))),
    );
    if (held.size > 0) {
      title('   So much at once? A guard asks, and a person says yes: concordat approve');
      for (const name of held) await context.store.approve(name);
      await sync();
    }
    session.print('', ...(await whoIsWho(context, crms)));
    title('3. People go on working, in all four');
    const edits: Edits = await editByPeople(context, crms);
    session.print(...edits.lines);
    title('4. The second sync: only what changed travels');
    forget(crms);
    await sync();
    session.print('', ...(await whatTravelled(context, crms, edits)), ...writesSeen(crms));
    title('5. The third sync: nothing is left to do');
    forget(crms);
    await sync();
    session.print('', ...writesSeen(crms), ...unsupportedLines(reports.at(-1)?.outcomes ?? []));
    title('6. Who got what from whom');
    const matrix = await giftsSince(context, before);
    session.print(...matrixLines(matrix));
    session.print(...closingLines(crms, keep));
    if (session.isJson) session.printJson({ runs: reports.map(reportDocument), matrix });
    checkReports(reports);
  } finally {
    await app.close();
  }
  if (keep) await stopped(session);
}

function forget({ sandboxes }: DemoCrms): void {
  for (const sandbox of Object.values(sandboxes)) sandbox.forgetRequests();
}

/** The demo is a promise: where it does not come true, it says so with its exit status. */
function checkReports(reports: readonly SyncReport[]): void {
  const failed = reports.flatMap(({ outcomes }) => outcomes).find(({ state }) => state === 'failed');
  if (failed)
    throw new FailedError(
      `the demo's sync "${failed.sync}" failed: ${failed.problems[0]?.message ?? 'no reason given'}`,
    );
  for (const { sync, counts } of reports.at(-1)?.outcomes ?? [])
    for (const [name, { created, updated, deleted }] of Object.entries(counts))
      if (created + updated + deleted > 0)
        throw new FailedError(`the demo's last sync was to write nothing, but ${sync} wrote to ${name}`);
}

async function stopped({ io }: Session): Promise<void> {
  // A timer, because a signal's listener alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000);
  if (!io.signal.aborted) await once(io.signal, 'abort');
  clearInterval(alive);
}

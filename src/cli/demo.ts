import { once } from 'node:events';
import type { Command } from 'commander';
import type { SyncOutcome } from '../engine/engine.ts';
import { type DemoCrms, demoEnv, startDemoCrms } from './demo-crms.ts';
import {
  closingLines,
  type Edits,
  editByPeople,
  openingLines,
  whatTravelled,
  whoIsWho,
  writesSeen,
} from './demo-story.ts';
import { FailedError, UsageError } from './failure.ts';
import { surroundings } from './logs.ts';
import { displayOn, silentDisplay } from './progress.ts';
import { outcomeLines } from './report.ts';
import type { Session } from './session.ts';
import { reportDocument, runSyncs, type SyncReport } from './sync.ts';

const defaultPeople = 2_000;

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
      if (!Number.isInteger(people) || people < 1 || people > 100_000)
        throw new UsageError(
          `--people: expected a whole number from 1 to 100000, came ${JSON.stringify(options.people)}`,
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
  const sync = async (): Promise<readonly SyncOutcome[]> => {
    const display = session.isJson ? silentDisplay : displayOn(session.io.stdout, app.context.clock.now);
    const report = await runSyncs(app, app.config.syncs, session, display);
    session.io.signal.throwIfAborted();
    reports.push(report);
    session.print(...outcomeLines(report.outcomes, session.io));
    return report.outcomes;
  };
  try {
    title('1. Three CRMs that already hold data');
    session.print(...openingLines(crms));
    title('2. The first sync: who is who, and what is missing where');
    const first = await sync();
    session.print('', ...(await whoIsWho(app.context, crms)));
    title('3. People go on working, on both sides');
    const edits: Edits = await editByPeople(app.context, crms);
    session.print(...edits.lines);
    title('4. The second sync: only what changed travels');
    forget(crms);
    const second = await sync();
    session.print('', ...(await whatTravelled(app.context, crms, edits)));
    title('5. The third sync: nothing is left to do');
    forget(crms);
    const third = await sync();
    session.print('', ...writesSeen(crms));
    session.print(...closingLines(crms, keep));
    if (session.isJson) session.printJson({ runs: reports.map(reportDocument) });
    checkOutcomes([first, second, third]);
  } finally {
    await app.close();
  }
  if (keep) await stopped(session);
}

function forget({ showroom, site, archive }: DemoCrms): void {
  for (const sandbox of [showroom, site, archive]) sandbox.forgetRequests();
}

/** The demo is a promise: where it does not come true, it says so with its exit status. */
function checkOutcomes(runs: readonly (readonly SyncOutcome[])[]): void {
  const failed = runs.flat().find(({ state }) => state === 'failed');
  if (failed)
    throw new FailedError(
      `the demo's sync "${failed.sync}" failed: ${failed.problems[0]?.message ?? 'no reason given'}`,
    );
}

async function stopped({ io }: Session): Promise<void> {
  // A timer, because a signal's listener alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000);
  if (!io.signal.aborted) await once(io.signal, 'abort');
  clearInterval(alive);
}

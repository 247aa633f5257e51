import { Command, CommanderError, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { Registry } from '../config/parts.ts';
import { addApprove } from './approve.ts';
import { addAudit } from './audit.ts';
import { addBackup } from './backup.ts';
import { addCall } from './call.ts';
import { addCapabilities } from './capabilities.ts';
import { addCheck } from './check.ts';
import { addConflicts } from './conflicts.ts';
import { addDemo } from './demo.ts';
import { addExplain } from './explain.ts';
import { exit, failureOf } from './failure.ts';
import { addForget } from './forget.ts';
import { addImportIds } from './import-ids.ts';
import { addInit } from './init.ts';
import type { Io } from './io.ts';
import { addMerge, addSplit } from './merge.ts';
import { addPlan } from './plan.ts';
import { addRetry } from './retry.ts';
import { addRevert } from './revert.ts';
import { addReview } from './review.ts';
import { addRuns } from './runs.ts';
import { Session, type SharedOptions } from './session.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addSync } from './sync.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/**
 * Runs one command line, without the name of the program in front. Connectors, engine and store are loaded by the
 * commands that need them, so that help and usage errors answer at once.
 * @returns the exit status (design.md §11); never throws for anything that the command met
 */
export async function run(args: readonly string[], io: Io, registry: () => Promise<Registry>): Promise<number> {
  const session = new Session(io, registry);
  const program = buildProgram(session);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return session.status;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exit.done;
    return report(error, session, args);
  }
}

function buildProgram(session: Session): Command {
  const { io } = session;
  const program = new Command('concordat')
    .description('Keeps contacts, accounts and leads the same in every CRM a company uses.')
    .version(packageJson.version, '-V, --version', 'print the version')
    .option('-c, --config <file>', 'configuration file', './concordat.yaml')
    .option('--json', 'print one JSON document on stdout; logs go to stderr')
    .addOption(
      new Option('--log-level <level>', 'how much is logged to stderr')
        .choices(logLevels)
        // What a person at a terminal has to know is in the result; log lines would tear its display.
        .default(io.stderr.isTerminal ? 'silent' : 'warn', 'warn; at a terminal: silent')
        .env('CONCORDAT_LOG'),
    )
    .helpOption('-h, --help', 'show help')
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: Math.min(io.stdout.columns, 100),
      minWidthToWrap: 20,
      subcommandTerm: (command) => command.name(),
    })
    .helpCommand('help [command]', 'show the help of a command')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  concordat demo                         see two-way sync happen between sandbox CRMs
  concordat init                         write a configuration: it asks
  concordat check                        is everything set up?
  concordat sync                         one full cycle of every sync
  concordat start                        the worker: schedules, webhooks, dashboard
  concordat status                       where things stand, and what needs a person

Exit status: 0 done; 1 failed; 2 usage or configuration; 3 done, but some records need a person.`,
    );
  program.hook('preAction', (command) => {
    const isLogLevelChosen = command.getOptionValueSource('logLevel') !== 'default';
    session.begin({ ...command.opts<SharedOptions>(), isLogLevelChosen });
  });
  addInit(program, session);
  addSync(program, session);
  addPlan(program, session);
  addStart(program, session);
  addStatus(program, session);
  addRuns(program, session);
  addExplain(program, session);
  addReview(program, session);
  addMerge(program, session);
  addSplit(program, session);
  addConflicts(program, session);
  addRevert(program, session);
  addRetry(program, session);
  addApprove(program, session);
  addAudit(program, session);
  addCheck(program, session);
  addBackup(program, session);
  addForget(program, session);
  addImportIds(program, session);
  addCapabilities(program, session);
  addCall(program, session);
  addDemo(program, session);
  return program;
}

function report(error: unknown, session: Session, args: readonly string[]): number {
  const { io } = session;
  if (error instanceof CommanderError) {
    // Commander has told the person already, on stderr.
    const message = error.message.replace(/^error: /, '');
    if (args.includes('--json')) session.printJson({ error: { code: 'usage', message } });
    return exit.usage;
  }
  const { status, code, lines, isUnexpected } = failureOf(error);
  for (const line of lines) io.stderr.line(`${io.stderr.style('red', 'error:')} ${line}`);
  if (isUnexpected && session.isDebug && error instanceof Error) io.stderr.line(error.stack ?? '');
  if (session.isJson) session.printJson({ error: { code, message: lines.join('\n') } });
  return status;
}

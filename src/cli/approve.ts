import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { didYouMean, listed } from '../config/words.ts';
import { heldText } from '../engine/in-words.ts';
import type { HeldSet } from '../engine/stands.ts';
import { UsageError } from './failure.ts';
import { exampleText } from './held.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';
import { counted, wrapped } from './table.ts';

/** `concordat approve`: lets what a guard holds back be written, this once. */
export function addApprove(program: Command, session: Session): void {
  program
    .command('approve')
    .description('Let what a guard has stopped be written: once, and for exactly this set.')
    .argument('[sync]', 'the sync that was stopped; all without a name')
    .option('--show', 'only show what is held back, approve nothing')
    .addHelpText(
      'after',
      `
A sync stops before its first write when it would delete, overwrite or empty more than its limits allow,
or when a CRM does not show what it had. If that is right, approve it and sync again. What is added later
is not covered: the limits hold for it as if it came alone. If it is wrong, put it right in the CRM: the
next sync then goes on by itself.

Examples:
  concordat approve --show
  concordat approve people && concordat sync people`,
    )
    .action(async (sync: string | undefined, { show = false }: { show?: boolean }) => {
      await approve(session, sync, show);
    });
}

async function approve(session: Session, name: string | undefined, isShown: boolean): Promise<void> {
  const config = await session.loadConfig();
  const known = config.syncs.map((sync) => sync.name);
  if (name !== undefined && !known.includes(name))
    throw new UsageError(
      `there is no sync "${name}"${didYouMean(name, known)}; known: ${listed(known, 'and')}; nothing was approved`,
    );
  const { sets, isApproved } = existsSync(config.sqliteFile) ? await heldNow() : { sets: [], isApproved: false };
  if (session.isJson) session.printJson({ approved: !isShown && sets.length > 0, held: sets });
  if (sets.length === 0)
    session.print(
      isApproved ? 'Nothing more is held back: what was approved waits for the next cycle.' : 'Nothing is held back.',
    );
  else session.print(...reportLines(sets, isShown, session));

  async function heldNow(): Promise<{ sets: readonly HeldSet[]; isApproved: boolean }> {
    const { heldSets } = await import('../engine/stands.ts');
    const app = await openAppFor(session, config);
    try {
      const { store } = app.context;
      const sets = await heldSets(store, name);
      if (!isShown) for (const sync of new Set(sets.map((set) => set.sync))) await store.approve(sync);
      return { sets, isApproved: (await store.held(name)).some(({ approved }) => approved) };
    } finally {
      await app.close();
    }
  }
}

function reportLines(sets: readonly HeldSet[], isShown: boolean, { io }: Session): string[] {
  const width = Math.min(io.stdout.columns, 100);
  const lines = sets.flatMap((set) => [
    ...wrapped(`${set.sync}/${heldText(set)}`, width),
    ...wrapped(exampleText(set.connection, set.examples), width, '    '),
  ]);
  const records = sets.reduce((sum, set) => sum + set.records, 0);
  const nextSteps = [...new Set(sets.map(({ madeBy }) => nextStep(madeBy)))];
  return [
    ...lines,
    '',
    ...(isShown
      ? [`Held back: ${counted(records, 'record')}. To let it be written: concordat approve`]
      : wrapped(`Approved: ${counted(records, 'record')}, this once. ${nextSteps.join('. ')}`, width)),
  ];
}

/** Who writes what was approved. @param madeBy a run whose creates it takes back */
function nextStep(madeBy: string | undefined): string {
  return madeBy === undefined
    ? 'The next cycle writes it: the worker’s, or concordat sync'
    : `What run ${madeBy} made is deleted by: concordat revert ${madeBy} --delete-created`;
}

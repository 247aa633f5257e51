import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { intakeLines } from './intake.ts';
import { propagationLines } from './propagation.ts';
import { pullLines } from './pull.ts';
import { pushLines } from './push.ts';
import { isMissed, type Line, type Scale, table } from './report.ts';

/**
 * Measures ours against floors that run beside it, and says whether the limits hold. Ratios, not figures: floor and ours
 * take turns on the same machine, each in a fresh process. Exit status 1 when a limit is missed, 2 for a name that is none.
 *
 *     npm run bench -- [NAME…] [--quick] [--rounds N]
 */
const benches: Readonly<Record<string, (scale: Scale) => Promise<readonly Line[]>>> = {
  pull: pullLines,
  push: pushLines,
  intake: intakeLines,
  propagation: propagationLines,
};

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, rounds: { type: 'string' } },
});
const isQuick = flags.quick ?? false;
const rounds = Number(flags.rounds ?? (isQuick ? 2 : 5));
const names = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}

console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB; ` +
    `${rounds} rounds, medians${isQuick ? ' (quick: figures are rough)' : ''}\n`,
);

const lines: Line[] = [];
for (const name of names) lines.push(...((await benches[name]?.({ isQuick, rounds })) ?? []));
console.log(`\n${table(lines)}`);
const missed = lines.filter(isMissed);
if (missed.length > 0) {
  console.log(`\nMissed: ${missed.map(({ what }) => what).join('; ')}`);
  process.exitCode = 1;
}

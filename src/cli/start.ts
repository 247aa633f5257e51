import { once } from 'node:events';
import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { Config } from '../config/config.ts';
import type { RedisChoice, RunningWorker } from '../worker.ts';
import { FailedError, UsageError } from './failure.ts';
import { surroundings } from './logs.ts';
import type { Session } from './session.ts';
import { openAppFor } from './sync.ts';

/** `concordat start`: the long-running worker. */
export function addStart(program: Command, session: Session): void {
  program
    .command('start')
    .description('Run the worker: schedules, webhooks, dashboard. Until it is told to stop.')
    .addHelpText(
      'after',
      `
Moves its jobs on Redis: queue.redis, or else a redis-server or valkey-server of its own, which
it finds on PATH and runs beside the database. Several workers may run on one database.
Logs at level info, unless --log-level says otherwise.

Signals: SIGTERM, SIGINT: takes no more work, ends what is under way, exits within 20 s;
a second one: at once. SIGHUP: nothing; the configuration is read at the start.

Examples:
  concordat start
  concordat start --config /etc/concordat/concordat.yaml 2>> worker.log
  concordat start --json        # tells on stdout where it listens, once it does

Exit status: 0 stopped as told; 1 failed; 2 usage or configuration.`,
    )
    .action(async () => {
      await start(session);
    });
}

async function start(session: Session): Promise<void> {
  const { io } = session;
  io.runsUntilStopped();
  session.logIsDisplay();
  const config = await session.loadConfig();
  const redis = await redisFor(config, io.env.PATH);
  const [{ createMetrics }, { startWorker, WorkerError }] = await Promise.all([
    import('../server/metrics.ts'),
    import('../worker.ts'),
  ]);
  const metrics = createMetrics(packageJson.version);
  const around = surroundings(session);
  const app = await openAppFor(session, config, {
    ...around,
    onHttp(event) {
      around.onHttp?.(event);
      metrics.onHttp(event);
    },
  });
  const worker = await startWorker({ app, redis, metrics }).catch((error: unknown) => {
    throw error instanceof WorkerError ? new FailedError(error.message, { cause: error }) : error;
  });
  const onHangup = () => session.warn('SIGHUP: nothing is read again; to use a changed configuration, restart');
  // Who closes the terminal wants the worker to end.
  if (!io.stderr.isTerminal) process.on('SIGHUP', onHangup);
  try {
    await tell(session, config, redis, worker);
    if (!io.signal.aborted) await once(io.signal, 'abort');
  } finally {
    if (!(await worker.close()))
      session.warn('not everything ended in time; the next worker takes it over, and nothing is lost');
    process.off('SIGHUP', onHangup);
  }
}

/** @throws UsageError when the configuration names no Redis and this machine has none */
async function redisFor(config: Config, searchPath: string | undefined): Promise<RedisChoice> {
  if (config.redisUrl !== undefined) return { url: config.redisUrl };
  const { findRedisServer } = await import('../queue/bull/redis-server.ts');
  const program = findRedisServer(searchPath);
  if (program !== undefined) return { program };
  throw new UsageError(
    [
      'start needs a Redis: queue.redis is empty, and there is no redis-server or valkey-server on PATH; either',
      '- install one (apt install redis-server, dnf install valkey, brew install redis): start runs it by itself; or',
      '- set queue.redis to one that runs, such as redis://127.0.0.1:6379; or use concordat sync from cron: it needs none',
    ].join('\n'),
  );
}

/** Says what runs and where: in lines for a person, or as the document of `--json`. */
async function tell(session: Session, config: Config, redis: RedisChoice, worker: RunningWorker): Promise<void> {
  const { nextRun } = await import('../queue/bull/schedules.ts');
  const { io } = session;
  const { receiver, dashboard, redisFolder } = worker;
  const now = Date.now();
  const syncs = config.syncs.map(({ name, entity, members, schedule }) => ({
    name,
    entity,
    members: members.map(({ connection }) => connection),
    nextRun: toTime(nextRun(schedule, now)),
  }));
  const redisPlace = 'url' in redis ? withoutPassword(redis.url) : `${redis.program} in ${redisFolder}`;
  const receiverPlace = receiver === undefined ? undefined : receiver.url && `${receiver.url}/webhooks/CONNECTION`;
  if (session.isJson) {
    session.printJson({
      pid: process.pid,
      database: config.sqliteFile,
      redis: redisPlace,
      webhooks: receiverPlace ?? null,
      dashboard: dashboard.url ?? null,
      syncs,
    });
  }
  const waiting = (holder: string | undefined) => `at ${holder ?? 'another worker'}; taken over when it ends`;
  const senders = [...config.webhooks.sources.keys()].join(', ');
  const lines: [what: string, words: string][] = [
    ['database', config.sqliteFile],
    [
      'redis',
      redisPlace + (worker.control.awaySince === undefined ? '' : ' (does not answer yet; tried again and again)'),
    ],
    [
      'webhooks',
      receiver === undefined
        ? 'none: webhooks.secrets names no connection'
        : `${receiverPlace ?? waiting(receiver.holder)} (${senders})`,
    ],
    [
      'dashboard',
      (dashboard.url ?? waiting(dashboard.holder)) +
        (config.dashboard.password === undefined ? ' (health and metrics only: dashboard.password is not set)' : ''),
    ],
    ...(dashboard.url === undefined
      ? []
      : [['health', `${dashboard.url}/healthz /readyz /metrics`] as [string, string]]),
    ...syncs.map(({ name, entity, members, nextRun: at }): [string, string] => [
      `sync ${name}`,
      `${entity}: ${members.join(', ')}; next at ${at ?? 'no time'}`,
    ]),
  ];
  const width = Math.max(...lines.map(([what]) => what.length));
  io.stderr.line(`concordat ${packageJson.version} runs as process ${process.pid}`);
  for (const [what, words] of lines) io.stderr.line(`  ${what.padEnd(width)}  ${words}`);
}

/** `2026-01-05T08:15:00Z`; null for no time. */
function toTime(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString().replace('.000Z', 'Z');
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

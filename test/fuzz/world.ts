import { randomUUIDv7 } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectors } from '../../connectors/index.ts';
import { type App, openApp } from '../../src/app.ts';
import { parseConfig } from '../../src/config/load.ts';
import { CrmError } from '../../src/connector/errors.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';
import type { SyncOutcome } from '../../src/engine/engine.ts';
import { inOrder, runCycle } from '../../src/queue/cycle.ts';
import { type Mangler, startMangler } from './mangler.ts';

export const crmNames = ['room', 'archive', 'site'] as const;
export type CrmName = (typeof crmNames)[number];

/** Three CRMs behind manglers, and an app in this process that syncs them. Waiting costs it no time. */
export interface FuzzWorld {
  readonly crms: Readonly<Record<CrmName, Sandbox>>;
  readonly manglers: Readonly<Record<CrmName, Mangler>>;
  readonly app: App;
  /** One cycle of every sync. @throws whatever is no failure of a CRM */
  cycle(): Promise<readonly SyncOutcome[]>;
  close(): Promise<void>;
}

const silence = { info: () => {}, warn: () => {}, error: () => {} };

interface WorldOptions {
  /** Of one request, as the configuration says it. */
  readonly timeout?: string;
  readonly deletes?: 'ignore' | 'propagate';
}

/** Starts the CRMs and opens the app. */
export async function openWorld({ timeout = '5s', deletes = 'ignore' }: WorldOptions = {}): Promise<FuzzWorld> {
  const kinds = { room: 'conecrm', archive: 'conecrm', site: 'treepl' } as const;
  const opened = await Promise.all(
    crmNames.map(async (name, index) => {
      const sandbox = await connectors.get(kinds[name])!.startSandbox({ token: 'fuzz', seed: 10 + index, maxPage: 4 });
      return [name, sandbox, await startMangler(sandbox.url)] as const;
    }),
  );
  const crms = Object.fromEntries(opened.map(([name, sandbox]) => [name, sandbox])) as FuzzWorld['crms'];
  const manglers = Object.fromEntries(opened.map(([name, , mangler]) => [name, mangler])) as FuzzWorld['manglers'];
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-fuzz-'));
  const connection = (name: CrmName) =>
    `  ${name}: { connector: ${kinds[name]}, baseUrl: "${manglers[name].url}", token: fuzz, timeout: ${timeout} }`;
  const rules = `deletes: ${deletes}, limits: { deletes: 100%, overwrites: 100%, blankings: 100% }`;
  const { config } = parseConfig(
    'concordat.yaml',
    `store: { sqlite: ./concordat.db }
connections:
${crmNames.map(connection).join('\n')}
syncs:
  companies: { entity: account, members: { room: both, archive: both }, ${rules} }
  people: { entity: contact, members: { room: both, site: both }, ${rules} }
`,
    {},
    connectors,
    folder,
  );
  let skippedMs = 0;
  const clock = {
    now: () => Math.floor(Date.now() + skippedMs),
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      skippedMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
  const app = await openApp(config, { log: silence, clock });
  return {
    crms,
    manglers,
    app,
    async cycle() {
      // Long enough for a connection that was given up to be tried again.
      skippedMs += 600_000;
      const run = randomUUIDv7();
      const outcomes: SyncOutcome[] = [];
      for (const policy of inOrder(config.syncs)) {
        try {
          outcomes.push(await runCycle(app.context, policy, { run }));
        } catch (error) {
          if (!(error instanceof CrmError)) throw error;
        }
      }
      return outcomes;
    },
    async close() {
      await app.close();
      await Promise.all([...Object.values(manglers), ...Object.values(crms)].map((one) => one.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

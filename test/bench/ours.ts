import { connectors } from '../../connectors/index.ts';
import { openApp } from '../../src/app.ts';
import { parseConfig } from '../../src/config/load.ts';
import { noCounts } from '../../src/engine/engine.ts';
import { pull } from '../../src/engine/pull.ts';
import type { Task } from './task.ts';

/** The real pull: configuration, connector, HTTP client, engine and store as in production. */
export async function ours({ baseUrl, file, concurrent }: Task): Promise<[read: number, written: number]> {
  const { config } = parseConfig('bench.yaml', configuration(baseUrl, file, concurrent), {}, connectors);
  const log = { info() {}, warn() {}, error() {} };
  const app = await openApp(config, { log });
  const [sync] = config.syncs;
  if (sync === undefined) throw new Error('the configuration of the benchmark has no sync');
  const counts = noCounts();
  const run = app.context.newId();
  await app.context.store.beginRun({ id: run, sync: sync.name, startedAt: Date.now() });
  await pull(app.context, { sync, connection: 'site', run, counts });
  await app.close();
  if (counts.quarantined > 0) throw new Error(`${counts.quarantined} contacts were quarantined`);
  return [counts.read, counts.read - counts.unchanged];
}

/** Two members, so that every new record has to be written somewhere. */
function configuration(baseUrl: string, file: string, concurrent: number): string {
  const connection = (url: string) =>
    JSON.stringify({
      connector: 'treepl',
      baseUrl: url,
      token: 'bench',
      rateLimit: { perSecond: 100_000, concurrent },
    });
  return [
    `store: { sqlite: ${JSON.stringify(file)} }`,
    'connections:',
    `  site: ${connection(baseUrl)}`,
    `  showroom: ${connection('http://127.0.0.1:9')}`,
    'syncs:',
    '  people: { entity: contact, members: { site: both, showroom: both } }',
  ].join('\n');
}

import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connectors } from '../../connectors/index.ts';
import { parseConfig } from '../../src/config/load.ts';
import { systemClock } from '../../src/connector/clock.ts';
import { createReceiver } from '../../src/server/webhooks/receiver.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { benchConnection, benchSecret } from './load.ts';
import { cpuSeconds } from './task.ts';

/** The real receiver with its inbox in a file. Started and asked as the floor is. */
const folder = process.argv[2] as string;
const { config } = parseConfig('bench.yaml', configuration(), {}, connectors);
const store = await openSqliteStore(join(folder, 'ours.db'));
const receiver = createReceiver({
  sources: config.webhooks.sources,
  syncs: config.syncs,
  store,
  clock: systemClock,
  log: { info() {}, warn() {}, error() {} },
  wake() {},
});
await receiver.listen({ port: 0, host: '127.0.0.1' });

process.on('message', async () =>
  process.send?.({ stored: (await store.openHints())[0]?.count ?? 0, cpuSeconds: cpuSeconds() }),
);
process.on('disconnect', () => process.exit());
process.send?.({ port: (receiver.server.address() as AddressInfo).port });

function configuration(): string {
  const connection = '{ connector: treepl, baseUrl: "http://127.0.0.1:9", token: bench }';
  return [
    'store: { sqlite: ./bench.db }',
    'connections:',
    `  ${benchConnection}: ${connection}`,
    `  site: ${connection}`,
    'syncs:',
    `  people: { entity: contact, members: { ${benchConnection}: both, site: both } }`,
    'webhooks:',
    `  secrets: { ${benchConnection}: whsec_${benchSecret.toString('base64')} }`,
  ].join('\n');
}

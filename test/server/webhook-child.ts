import type { AddressInfo } from 'node:net';
import { sourceOf } from '../../src/config/webhooks.ts';
import { systemClock } from '../../src/connector/clock.ts';
import { createReceiver } from '../../src/server/webhooks/receiver.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';

// A receiver in a process of its own, to be killed. Started with a database file and a secret; says `{ port }` when it listens.
const [file, secret] = process.argv.slice(2) as [string, string];
const receiver = createReceiver({
  sources: new Map([['showroom', sourceOf(secret)]]),
  syncs: [{ entity: 'contact', members: [{ connection: 'showroom', direction: 'both' }] }],
  store: await openSqliteStore(file),
  clock: systemClock,
  log: { info() {}, warn() {}, error() {} },
  wake() {},
});
await receiver.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit());
process.send?.({ port: (receiver.server.address() as AddressInfo).port });

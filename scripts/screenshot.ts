/** Takes docs/dashboard.png, the overview over the demo's sandboxes: `npm run screenshot`. Needs Chromium on PATH. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { connectors } from '../connectors/index.ts';
import { openApp } from '../src/app.ts';
import { demoEnv, startDemoCrms } from '../src/cli/demo-crms.ts';
import { editByPeople } from '../src/cli/demo-edits.ts';
import { loadConfig } from '../src/config/load.ts';
import type { QueueControl } from '../src/queue/control.ts';
import { inOrder, runCycle } from '../src/queue/cycle.ts';
import { buildDashboard } from '../src/server/dashboard/dashboard.ts';
import { findChromium, launchChromium } from './chromium.ts';

const program = findChromium();
if (program === undefined) throw new Error('no Chromium on PATH: install chromium, then try again');
const folder = process.argv[2] ?? path.join(import.meta.dirname, '../docs');
/** With a folder of its own, every page is taken, at two widths, light and dark. */
const isFull = process.argv[2] !== undefined;
mkdirSync(folder, { recursive: true });

const silence = { info: () => {}, warn: () => {}, error: () => {} };
const crms = await startDemoCrms(connectors, 120);
const { config } = await loadConfig(crms.configFile, demoEnv, connectors);
const app = await openApp(config, { log: silence });
const { context } = app;

async function cycle(): Promise<void> {
  const run = context.newId();
  for (const sync of inOrder(config.syncs)) await runCycle(context, sync, { run });
}

await cycle();
for (const { name } of config.syncs) await context.store.approve(name);
await cycle();
await editByPeople(context, crms);
await cycle();
// A CRM that does not take two of the newcomers: dead letters.
for (const [number, firstName] of ['Amélie', 'Bruno'].entries())
  crms.sandboxes.showroom.people.add('contact', {
    firstName,
    lastName: `Nouvelle${number}`,
    primaryEmail: `neu${number}@example.org`,
    isActive: true,
  });
crms.sandboxes.site.faults.status = { code: 422, times: 4, only: ({ method }) => method === 'POST' };
for (const _ of [1, 2]) await cycle();
const [first] = await context.store.records('contact', undefined, 1);
const hints = crms.sandboxes.office.people
  .all('contact')
  .slice(0, 3)
  .map(({ id }) => ({ entity: 'contact' as const, externalId: String(id), what: 'changed' as const }));
await context.store.receive([{ connection: 'office', id: 'd', at: context.clock.now(), hints }]);

// No queue runs here: who calls which CRM, and the pause of one, are set up for the picture.
const control: QueueControl = {
  queues: [],
  awaySince: undefined,
  depths: async () => [],
  syncNow: async () => {},
  wake: () => {},
  holds: () => [
    { connection: 'chat', until: context.clock.now() + 38_000, reason: 'the CRM answered 429 and asked for a pause' },
  ],
  seats: () => [...config.connections.keys()].map((connection) => ({ connection, owner: context.owner, here: true })),
};
const password = randomBytes(9).toString('base64url');
const dashboard = { listen: { host: '127.0.0.1', port: 0 }, password, readPassword: undefined };
const server = await buildDashboard({ config: { dashboard }, context, control });
const url = await server.listen(dashboard.listen);
const browser = await launchChromium(program);

async function take(name: string, width: number, colorScheme: 'light' | 'dark'): Promise<void> {
  const page = await browser.newPage({
    viewport: { width, height: width > 500 ? 900 : 1800 },
    colorScheme,
    deviceScaleFactor: 1,
  });
  const shoot = (what: string) =>
    page.screenshot({ path: path.join(folder, `${what}.png`), fullPage: isFull && width > 500 });
  page.setDefaultTimeout(120_000);
  await page.goto(`${url}/`);
  if (isFull) await shoot(`login-${name}`);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await shoot(isFull ? `overview-${name}` : 'dashboard');
  if (isFull)
    for (const [what, address] of [
      ['waiting', '/waiting'],
      ['records', '/records'],
      ['record', `/records/contact/${first?.record.id}`],
    ] as const) {
      await page.goto(url + address);
      await shoot(`${what}-${name}`);
    }
  await page.close();
}

try {
  await take('wide-light', 1280, 'light');
  if (isFull) {
    await take('wide-dark', 1280, 'dark');
    await take('phone-light', 390, 'light');
    await take('phone-dark', 390, 'dark');
  }
} finally {
  await browser.close();
  await server.close();
  await app.close();
  await crms.close();
}

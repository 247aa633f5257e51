import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench, person } from './harness.ts';
import { keys, startInTerminal } from './terminal.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

interface Change {
  readonly action: string;
  readonly connection: string;
  readonly fields: Record<string, { from: unknown; to: unknown; reason: string }>;
}
interface Document {
  readonly changes: readonly Change[];
  readonly putBack: { records: number; fields: number };
  readonly left: { count: number; first: readonly { path: string; because: string }[] };
  readonly removed: { count: number };
  readonly staying: { count: number; first: readonly { stays: string }[] };
}

const sync = async (): Promise<string> => {
  const { stdout } = await bench.run('sync', '--json');
  return (JSON.parse(stdout) as { runId: string }).runId;
};
const revert = async (...args: readonly string[]) => {
  const { status, stdout } = await bench.run('revert', '--json', ...args);
  return { status, document: JSON.parse(stdout) as Document };
};
const siteIds = () => bench.site.people.all('contact').map(({ Id }) => String(Id));
const planned = async () => (await bench.run('plan')).stdout;

/** People at both CRMs, and the ids of the site's. */
async function settle(count = 2): Promise<readonly string[]> {
  for (let number = 1; number <= count; number += 1) bench.room.people.add('contact', person(number).room);
  await sync();
  return siteIds();
}

describe('concordat revert', () => {
  it('shows what it would write, puts the former values back everywhere, and leaves nothing to do', async () => {
    const [first] = await settle();
    const former = bench.names().site;
    bench.site.people.edit('contact', first!, { FirstName: 'Gwendolyn' });
    const run = await sync();
    expect(bench.names().room).toContain('Gwendolyn');

    const plan = await bench.run('revert', run, '--plan');
    expect(plan.status).toBe(0);
    expect(plan.stdout).toContain(`Run ${run} of `);
    expect(plan.stdout).toMatch(/^ {4}name\.given: "Gwendolyn" → "Given[12]" – revert of/m);
    expect(plan.stdout).toContain('2 changes planned; nothing was written.');
    expect(bench.names().room).toContain('Gwendolyn');
    const { document: dry } = await revert(run, '--dry-run');
    expect(dry.changes.map(({ connection, action }) => `${action} ${connection}`).sort()).toEqual([
      'update room',
      'update site',
    ]);

    const { status, stdout } = await bench.run('revert', run, '--yes');
    expect(status).toBe(0);
    expect(stdout).toContain('1 value of 1 record put back.');
    expect([bench.names().room, bench.names().site]).toEqual([former, former]);
    expect(await planned()).toContain('Nothing to do.');
    const { stdout: told } = await bench.run('explain', 'contact', `site:${first}`);
    expect(told.replace(/\s+/g, ' ')).toContain(`revert of ${run}`);
    expect((await revert(run, '--yes')).document.putBack.fields).toBe(0);
  });

  it('leaves alone what was edited since, here or in a CRM, and takes back one record only', async () => {
    const ids = await settle(3);
    for (const id of ids) bench.site.people.edit('contact', id, { FirstName: `New${id}` });
    const run = await sync();
    bench.room.people.edit('contact', String(bench.room.people.all('contact')[0]!.id), { firstName: 'Later' });
    const { document } = await revert(run, '--record', `site:${ids[1]}`, '--yes');
    const others = await revert(run, '--yes');
    const all = [document, others.document];
    expect(all.reduce((sum, { putBack }) => sum + putBack.fields, 0)).toBe(2);
    expect(all.flatMap(({ left }) => left.first).map(({ path: field, because }) => [field, because])).toContainEqual([
      'name.given',
      'edited since',
    ]);
    expect(bench.names().site.filter((name) => name.startsWith('Given'))).toHaveLength(2);
    // The later edit is none of the revert's business.
    expect(bench.names().site).not.toContain('Later');
    await sync();
    expect(bench.names().site).toEqual(bench.names().room);
    expect(bench.names().site).toContain('Later');
  });

  it('deletes what the run made only when asked to, and it is not made again', async () => {
    await settle(1);
    bench.room.people.add('contact', person(2).room);
    const run = await sync();
    expect(siteIds()).toHaveLength(2);
    const plan = (await bench.run('revert', run, '--plan')).stdout.replace(/\s+/g, ' ');
    expect(plan).toContain('No value to be put back. 1 record that the run made, still there; the same command with');
    expect(plan).toMatch(/with --delete-created deletes them again: contact site:\d+ Nothing to write\./);
    const { document } = await revert(run, '--yes');
    expect(document.staying).toMatchObject({
      count: 1,
      first: [{ stays: expect.stringContaining('--delete-created') }],
    });
    expect(siteIds()).toHaveLength(2);
    expect((await bench.run('revert', run, '--delete-created', '--plan')).stdout).toContain('delete contact site:');
    bench.site.faults.status = { code: 422, times: 9, only: ({ method }) => method === 'DELETE' };
    const refused = await revert(run, '--delete-created', '--yes');
    expect(refused).toMatchObject({ status: 3, document: { removed: { count: 0 }, staying: { count: 1 } } });
    expect(refused.document.staying.first[0]?.stays).toContain('422');
    delete bench.site.faults.status;
    expect((await revert(run, '--delete-created', '--yes')).document.removed.count).toBe(1);
    expect(siteIds()).toHaveLength(1);
    expect(await planned()).toContain('Nothing to do.');
    await sync();
    expect([siteIds().length, bench.names().room.length]).toEqual([1, 2]);
  });

  it('looks again where the answer to a delete was lost, or the CRM was busy', async () => {
    const file = path.join(bench.folder, 'concordat.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('site: both }', 'site: both }, deletes: propagate'));
    await settle(2);
    bench.room.people.add('contact', person(3).room);
    const run = await sync();
    const only = ({ method }: { readonly method: string }) => method === 'DELETE';
    bench.site.faults.status = { code: 429, times: 1, only };
    bench.site.faults.cut = { when: 'after', times: 1, only };
    expect(await revert(run, '--delete-created', '--yes')).toMatchObject({
      status: 0,
      document: { removed: { count: 1 }, staying: { count: 0 }, syncs: { people: { site: { deleted: 1 } } } },
    });
    await sync();
    expect([siteIds().length, bench.names().room.length]).toEqual([2, 3]);
  });

  it('goes by the guards, and the next sync writes what was approved', async () => {
    const file = path.join(bench.folder, 'concordat.yaml');
    const ids = await settle(3);
    for (const id of ids) bench.site.people.edit('contact', id, { FirstName: `New${id}` });
    const run = await sync();
    const config = readFileSync(file, 'utf8');
    writeFileSync(file, config.replace('site: both }', 'site: both }, limits: { overwrites: 1 }'));
    const plan = await bench.run('revert', run, '--plan');
    expect(plan.status).toBe(3);
    expect(plan.stdout).toContain('A guard would stop this before the first write');
    expect((await bench.run('revert', run, '--yes')).status).toBe(3);
    expect(bench.names().room.every((name) => name.startsWith('New'))).toBe(true);
    await bench.run('approve');
    await sync();
    expect(bench.names().room).toEqual(['Given1', 'Given2', 'Given3']);
    expect(bench.names().site).toEqual(['Given1', 'Given2', 'Given3']);
  });

  it('waits for approval to delete what the run made, also while other syncs run', async () => {
    const file = path.join(bench.folder, 'concordat.yaml');
    await settle(1);
    for (const n of [2, 3]) bench.room.people.add('contact', person(n).room);
    const run = await sync();
    writeFileSync(file, readFileSync(file, 'utf8').replace('site: both }', 'site: both }, limits: { deletes: 1 }'));
    expect((await bench.run('revert', run, '--delete-created', '--yes')).status).toBe(3);
    await sync();
    const told = async (...args: readonly string[]) => (await bench.run(...args)).stdout.replace(/\s+/g, ' ');
    expect(await told('approve', '--show')).toContain(`2 records would be deleted: made by run ${run}`);
    const approved = await told('approve');
    expect(approved).toContain(`concordat revert ${run} --delete-created`);
    expect(approved).not.toContain('The next sync');
    await sync();
    expect(siteIds()).toHaveLength(3);
    expect((await revert(run, '--delete-created', '--yes')).document.removed.count).toBe(2);
    expect(siteIds()).toHaveLength(1);
  });

  it('names the last runs where there is no such run, and asks nobody in a script', async () => {
    const none = await bench.run('revert', 'nothing', '--yes');
    expect(none).toMatchObject({ status: 2 });
    expect(none.stderr).toContain('nothing was ever synced');
    const run = await sync();
    const unknown = await bench.run('revert', 'nothing', '--yes');
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain(`  ${run}  `);
    const silent = await bench.run('revert', run);
    expect(silent.status).toBe(2);
    expect(silent.stderr).toContain('say --yes');
    expect((await bench.run('revert', run, '--plan')).stdout).toContain('Nothing to write.');
  });

  it('asks at a terminal, after it has shown what it would write; no is the answer that is offered', async () => {
    const [first] = await settle();
    const former = bench.names().site;
    bench.site.people.edit('contact', first!, { FirstName: 'Gwendolyn' });
    const run = await sync();
    const ask = async (answer: string) => {
      const terminal = startInTerminal(['revert', run], { directory: bench.folder });
      await terminal.says('"Gwendolyn" →');
      await terminal.says('Write this?');
      terminal.type(answer);
      return await terminal.ended;
    };
    const refused = await ask(keys.enter);
    expect(refused.status).toBe(1);
    expect(refused.text).toContain('nothing was done');
    expect(bench.names().site).toContain('Gwendolyn');
    const { status, text } = await ask('y');
    expect(text).toContain('1 value of 1 record put back.');
    expect(status).toBe(0);
    expect([bench.names().site, bench.names().room]).toEqual([former, former]);
  });
});

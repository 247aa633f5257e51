import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

interface Document {
  readonly drift: number;
  readonly syncs: Record<string, Record<string, Record<string, number>>>;
  readonly problems: readonly Record<string, unknown>[];
  readonly examples: readonly Record<string, unknown>[];
}

const json = async (...options: readonly string[]) => {
  const { status, stdout } = await bench.run('audit', '--json', ...options);
  return { status, document: JSON.parse(stdout) as Document };
};

/** Two people at both CRMs. @returns the ids at the site, in the order of the people */
async function settle(): Promise<readonly string[]> {
  for (const number of [1, 2]) bench.room.people.add('contact', person(number).room);
  expect((await bench.run('sync')).status).toBe(0);
  // Creates come in any order.
  const people = bench.site.people
    .all('contact')
    .toSorted((a, b) => (String(a.FirstName) < String(b.FirstName) ? -1 : 1));
  return people.map(({ Id }) => String(Id));
}

const isWrite = ({ method, operation }: { readonly method: string; readonly operation: string | undefined }) =>
  method !== 'GET' && operation !== 'post_api_query_builder_filter';

describe('concordat audit', () => {
  it('finds no drift after a sync, exits 0, and writes to no CRM', async () => {
    await settle();
    bench.site.forgetRequests();
    bench.room.forgetRequests();
    const { status, stdout, stderr } = await bench.run('audit');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^people +room +2 +0 +0 +0 +0 +0 +0$/m);
    expect(stdout).toMatch(/^4 records read in \d.*: no drift$/m);
    expect(status).toBe(0);
    expect([...bench.site.requests, ...bench.room.requests].filter(isWrite)).toEqual([]);
    expect(bench.site.requests.length).toBeGreaterThan(0);
  });

  it('names the fields that differ by ids alone, and their values only when asked; exits 3', async () => {
    const [first] = await settle();
    bench.site.people.edit('contact', first!, { FirstName: 'Gwendolyn' });
    const { status, stdout } = await bench.run('audit');
    expect(status).toBe(3);
    expect(stdout).toMatch(/^people +site +2 +0 +1 +0 +0 +0 +0$/m);
    expect(stdout).toMatch(new RegExp(`- people: site:${first} \\(contact [0-9a-f-]{36}\\) name.given`));
    expect(stdout).toMatch(/^4 records read in .*: 1 edited$/m);
    expect(stdout).not.toMatch(/Gwendolyn|Given1/);
    const told = await bench.run('audit', '--values');
    expect(told.stdout.replace(/\s+/g, ' ')).toContain('name.given: "Gwendolyn", expected "Given1"');
    expect((await json()).document.examples[0]).not.toHaveProperty('found');
    expect((await json('--values')).document.examples).toMatchObject([
      { kind: 'edited', sync: 'people', entity: 'contact', externalId: first, expected: 'Given1', found: 'Gwendolyn' },
    ]);
    expect((await bench.run('sync')).status).toBe(0);
    expect((await json()).document).toMatchObject({ drift: 0, examples: [] });
  });

  it('counts everything and shows as many examples of each sort as asked', async () => {
    const [first, second] = await settle();
    bench.site.people.remove('contact', first!);
    bench.site.people.edit('contact', second!, { FirstName: 'Gwendolyn', LastName: 'Other' });
    for (const number of [3, 4, 5]) bench.room.people.add('contact', person(number).room);
    const { status, document } = await json('--show', '1');
    expect(status).toBe(3);
    expect(document.drift).toBe(6);
    expect(document.syncs.people).toMatchObject({
      room: { read: 5, unknown: 3, edited: 0 },
      site: { read: 1, edited: 2, vanished: 1 },
    });
    expect(document.examples.map(({ kind }) => kind)).toEqual(['edited', 'vanished', 'unknown']);
    const { stdout } = await bench.run('audit', '--show', '0');
    expect(stdout).toContain('… and 3 more (--show)');
    expect(stdout).not.toContain(`site:${first}`);
    expect((await bench.run('audit', '--show', 'few')).status).toBe(2);
  });

  it('exits 1 when a member cannot be read, and still audits the other', async () => {
    const [first] = await settle();
    bench.room.faults.refuseToken = true;
    bench.site.people.edit('contact', first!, { FirstName: 'Gwendolyn' });
    const { status, document } = await json();
    expect(status).toBe(1);
    expect(document.problems).toMatchObject([{ sync: 'people', connection: 'room', code: 'auth' }]);
    expect(document.syncs.people?.site).toMatchObject({ read: 2, edited: 1 });
    expect((await bench.run('audit')).stdout).toContain('Problems');
  });

  it('has nothing to compare before the first sync, says so, and makes no database', async () => {
    const { status, stderr } = await bench.run('audit');
    expect(status).toBe(1);
    expect(stderr).toContain('nothing was ever synced');
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
  });

  it('warns while another process runs the sync', async () => {
    await settle();
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    await store.lease('sync:people', 'elsewhere/4711/1/x#sync', Date.now(), Date.now() + 60_000);
    expect((await bench.run('audit')).stderr).toContain('people: another process is running this sync');
    await store.close();
  });
});

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

interface Change {
  readonly action: string;
  readonly externalId: string | null;
  readonly known: readonly string[];
  readonly reason: string;
  readonly fields: Record<string, { from: unknown; to: unknown; reason: string }>;
}

interface Document {
  readonly syncs: Record<string, Record<string, { created: number; updated: number; changes: readonly Change[] }>>;
  readonly stops: readonly unknown[];
}

const plan = async (...options: readonly string[]) => {
  const { status, stdout, stderr } = await bench.run('plan', '--json', ...options);
  expect(stderr).toBe('');
  return { status, members: (JSON.parse(stdout) as Document).syncs.people!, document: JSON.parse(stdout) as Document };
};

const writes = () =>
  [...bench.site.requests, ...bench.room.requests].filter(
    ({ method, operation }) => method !== 'GET' && operation !== 'post_api_query_builder_filter',
  );
const siteIds = () => bench.site.people.all('contact').map(({ Id }) => String(Id));

/** Two people at both CRMs. */
async function settle(): Promise<void> {
  for (const number of [1, 2]) bench.room.people.add('contact', person(number).room);
  expect((await bench.run('sync')).status).toBe(0);
  bench.site.forgetRequests();
  bench.room.forgetRequests();
}

describe('concordat plan', () => {
  it('shows what a first sync would create and link, and leaves neither a write nor a file behind', async () => {
    for (const number of [1, 2]) bench.room.people.add('contact', person(number).room);
    bench.site.people.add('contact', person(1).site);
    const { status, members } = await plan();
    expect(status).toBe(0);
    expect(members.site).toMatchObject({ created: 1, updated: 0 });
    const created = members.site!.changes.find(({ action }) => action === 'create');
    expect(created).toMatchObject({ externalId: null, known: [expect.stringMatching(/^room:/)] });
    expect(created?.fields['email.primary']).toEqual({
      from: null,
      to: 'p2@example.com',
      reason: 'first seen at room',
    });
    const linked = Object.values(members).flatMap(({ changes }) => changes.filter(({ action }) => action === 'link'));
    expect(linked).toHaveLength(1);
    expect(linked[0]?.reason).toBe('same e-mail and name');
    expect(writes()).toEqual([]);
    expect(readdirSync(bench.folder)).toEqual(['concordat.yaml']);
  });

  it('tells for people what would change from what to what, and why', async () => {
    await settle();
    bench.site.people.edit('contact', siteIds()[0]!, { FirstName: 'Gwendolyn' });
    const database = readFileSync(path.join(bench.folder, 'concordat.db'));
    const { status, stdout } = await bench.run('plan');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sync +connection +read +update$/m);
    expect(stdout).toMatch(/^people +room +2 +1$/m);
    expect(stdout).toMatch(/^update contact room:\S+ \(also site:1\): it holds$/m);
    expect(stdout).toMatch(/^ {4}name\.given: "Given[12]" → "Gwendolyn" – edit at site$/m);
    expect(stdout).toMatch(/^1 change planned in .*; nothing was written\.$/m);
    expect(writes()).toEqual([]);
    expect(readFileSync(path.join(bench.folder, 'concordat.db'))).toEqual(database);
    expect((await bench.run('plan', '--connection', 'site')).stdout).toContain('None of the changes is about that.');
    expect((await bench.run('plan', '--record', `site:${siteIds()[0]}`)).stdout).toContain('Gwendolyn');
    expect((await bench.run('plan', '--show', '0')).stdout).not.toContain('Gwendolyn');
  });

  it('names links whose evidence does not count any more since the rules of matching have changed', async () => {
    bench.room.people.add('contact', person(1).room);
    bench.site.people.add('contact', person(1).site);
    await bench.run('sync');
    expect((await plan()).document).not.toHaveProperty('doubted');
    const file = path.join(bench.folder, 'concordat.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('site: both }', 'site: both }, match: [phone]'));
    expect((await plan()).document).toMatchObject({
      doubted: [{ sync: 'people', evidence: 'same e-mail and name', rule: 'email', count: 1 }],
    });
    const { stdout } = await bench.run('plan');
    const command = /^ {2}concordat (split contact .*)$/m.exec(stdout)?.[1] ?? '';
    expect((await bench.run(...command.split(' '), '--yes')).status).toBe(0);
    expect((await plan()).document).not.toHaveProperty('doubted');
  });

  it('says which guard would stop the sync, and exits 3', async () => {
    for (let number = 1; number <= 12; number += 1) bench.room.people.add('contact', person(number).room);
    await bench.run('sync');
    for (const id of siteIds()) bench.site.people.edit('contact', id, { LastName: `New${id}` });
    const { status, stdout } = await bench.run('plan', '--show', '1');
    expect(status).toBe(3);
    expect(stdout).toContain('A guard would stop this before the first write');
    expect(stdout).toMatch(/^people +room +12 +12$/m);
    expect(stdout).toContain('… and 11 more (--show 12 shows them)');
  });

  it('names wrong connections, and a file that is there', async () => {
    const wrong = await bench.run('plan', '--connection', 'rom');
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.stderr).toContain('there is no connection "rom" (did you mean room?)');
    writeFileSync(path.join(bench.folder, 'p.json'), '{}');
    const there = await bench.run('plan', '--out', 'p.json');
    expect(there.status).toBe(2);
    expect(there.stderr).toContain('exists already');
    expect((await bench.run('plan', '--out', 'p.json', '--force')).status).toBe(0);
  });
});

describe('concordat sync --plan', () => {
  const edit = (number: number, values: Record<string, unknown>) =>
    bench.site.people.edit('contact', siteIds()[number]!, values);
  const roomNames = () => bench.room.people.all('contact').map(({ firstName }) => String(firstName));

  it('carries out the plan', async () => {
    await settle();
    edit(0, { FirstName: 'Gwendolyn' });
    bench.room.people.add('contact', person(3).room);
    expect((await bench.run('plan', '--out', 'p.json')).status).toBe(0);
    expect(statSync(path.join(bench.folder, 'p.json')).mode & 0o777).toBe(0o600);
    const { status, stdout } = await bench.run('sync', '--plan', 'p.json');
    expect(stdout).toContain('plan: 2 writes made, 0 refused, 0 not needed any more');
    expect(status).toBe(0);
    expect(roomNames()).toContain('Gwendolyn');
    expect(siteIds()).toHaveLength(3);
  });

  it('leaves alone what has moved since, and what nobody planned; the next sync does it', async () => {
    await settle();
    edit(0, { FirstName: 'Gwendolyn' });
    await bench.run('plan', '--out', 'p.json');
    edit(0, { FirstName: 'Gwen' });
    edit(1, { FirstName: 'Unplanned' });
    const { status, stdout } = await bench.run('sync', '--plan', 'p.json', '--json');
    const { plan: standing } = JSON.parse(stdout) as { plan: { refused: { reason: string }[] } };
    expect(standing).toMatchObject({ done: 0, left: 0 });
    expect(standing.refused.map(({ reason }) => reason).sort()).toEqual([
      'it is not in the plan',
      'the world has moved since in name.given',
    ]);
    expect(status).toBe(3);
    expect(roomNames().toSorted()).toEqual(['Given1', 'Given2']);
    expect((await bench.run('sync')).status).toBe(0);
    expect(roomNames().toSorted()).toEqual(['Gwen', 'Unplanned']);
  });

  it('tells what is no plan before anything is opened', async () => {
    writeFileSync(path.join(bench.folder, 'p.json'), '{ "syncs": { "people": { "site": { "changes": [1] } } } }');
    const { status, stderr } = await bench.run('sync', '--plan', 'p.json');
    expect(status).toBe(2);
    expect(stderr).toContain('is no plan (at syncs.people.site.changes.0)');
    expect((await bench.run('sync', '--plan', 'none.json')).stderr).toContain('cannot be read (ENOENT)');
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
  });
});

describe('concordat plan with rules of one’s own', () => {
  const rules = `
    where: { email.primary: { matches: "@example\\\\.com$" } }
    fields: { name.given: { from: [room] } }
    defaults: { site: { notes: New } }
`;

  it('names the rule of each value, and what is outside the set', async () => {
    const file = path.join(bench.folder, 'concordat.yaml');
    const text = readFileSync(file, 'utf8')
      .replace(
        '  people: { entity: contact, members: { room: both, site: both } }',
        `  people:\n    entity: contact\n    members: { room: both, site: both }${rules}`,
      )
      .replace(
        '  site: { connector: treepl,',
        '  site: { connector: treepl, transforms: { contact: { name.family: upper } },',
      );
    writeFileSync(file, text);
    bench.room.people.add('contact', person(1).room);
    bench.room.people.add('contact', { ...person(2).room, primaryEmail: 'p2@elsewhere.example' });
    const { members, document } = await plan();
    const [created, ...more] = members.site!.changes;
    expect(more).toEqual([]);
    expect(created).toMatchObject({
      action: 'create',
      reason: 'it is not there yet, and in the set of people (where)',
      fields: {
        'email.primary': { to: 'p1@example.com', reason: 'first seen at room' },
        'name.given': { to: 'Given1', reason: 'first seen at room, direction' },
        'name.family': { to: 'FAMILY1', reason: 'first seen at room, transform' },
        notes: { to: 'New', reason: 'default' },
      },
    });
    expect(document).toMatchObject({ outside: { people: 1 } });
    const { stdout } = await bench.run('plan');
    expect(stdout).toContain('people: 1 record outside its set (where), written nowhere.');

    expect((await bench.run('sync')).status).toBe(0);
    expect(bench.site.people.all('contact')).toMatchObject([{ LastName: 'FAMILY1' }]);
    bench.site.people.edit('contact', siteIds()[0]!, { FirstName: 'Gwen' });
    expect((await plan()).members).toMatchObject({
      room: { changes: [] },
      site: {
        changes: [
          { action: 'update', fields: { 'name.given': { to: 'Given1', reason: 'first seen at room, direction' } } },
        ],
      },
    });
    expect((await bench.run('sync')).status).toBe(0);
    expect(bench.site.people.all('contact')).toMatchObject([{ FirstName: 'Given1' }]);
    expect((await plan()).members).toMatchObject({ room: { changes: [] }, site: { changes: [] } });
  });
});

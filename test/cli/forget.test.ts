import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameOwner } from '../../src/owner.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Bench, openBench, person } from './harness.ts';
import { keys, startInTerminal } from './terminal.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

/** Everything about somebody that must be nowhere afterwards. */
const secrets = ['Quintessa', 'Xylander', 'quintessa', 'xylander', 'Zwolle', 'Zutphen', 'Zeist'];
const quintessa = {
  firstName: 'Quintessa',
  lastName: 'Xylander',
  primaryEmail: 'quintessa@former.example',
  city: 'Zwolle',
};

const email = 'quintessa@xylander.example';

const run = (...args: readonly string[]) => bench.run(...args);
async function sync(): Promise<{ status: number | null; people: Record<string, Record<string, number>> }> {
  const { status, stdout } = await run('sync', '--json');
  return {
    status,
    people: (JSON.parse(stdout) as { syncs: { people: Record<string, Record<string, number>> } }).syncs.people,
  };
}
const sites = () => bench.site.people.all('contact');
const siteIdOf = (email: string) => String(sites().find(({ Email }) => Email === email)?.Id);

/** Which of the secrets stand in any file of the folder that belongs to a database. */
function remains(): string[] {
  const files = readdirSync(bench.folder).filter((name) => /\.db/.test(name));
  return files.flatMap((name) => {
    const bytes = readFileSync(path.join(bench.folder, name));
    return secrets.filter((secret) => bytes.includes(secret)).map((secret) => `${name}: ${secret}`);
  });
}

describe('concordat forget', () => {
  it('leaves no byte of a person in the database, its log or later backups, and does not learn it again', async () => {
    for (let n = 1; n <= 30; n += 1) bench.room.people.add('contact', person(n).room);
    const id = bench.room.people.add('contact', quintessa);
    await sync();
    bench.room.people.edit('contact', id, { city: 'Zutphen', primaryEmail: email });
    await sync();
    bench.site.people.edit('contact', siteIdOf(email), { City: 'Zeist' });
    await sync();
    expect(remains().length).toBeGreaterThan(4);

    const { status, stdout } = await run('forget', email, '--yes', '--json');
    expect(status).toBe(0);
    const told = JSON.parse(stdout) as Record<string, unknown>;
    expect(told).toMatchObject({
      entity: 'contact',
      isWiped: true,
      traces: { records: 1, links: 2, history: 3 },
      others: [],
    });
    expect(told.fields).toEqual(expect.arrayContaining(['name.given', 'email.primary', 'address.billing.city']));
    expect(told.remaining).toEqual([
      { which: `room:${id}`, how: expect.stringContaining('a person deletes it there') },
      {
        which: expect.stringMatching(/^site:/),
        how: expect.stringMatching(/concordat call site contact_delete --param id=\d+/),
      },
    ]);
    for (const secret of secrets) expect(stdout).not.toContain(secret);
    expect(remains()).toEqual([]);
    await run('backup', 'later.db');
    expect(remains()).toEqual([]);

    const { status: synced, people } = await sync();
    expect(synced).toBe(0);
    expect(people.room).toMatchObject({ read: 31, unchanged: 30, created: 0, unsupported: 1 });
    expect(people.site).toMatchObject({ read: 31, unchanged: 30, created: 0, unsupported: 1 });
    expect(remains()).toEqual([]);
    expect((await run('audit')).status).toBe(0);
    expect((await run('status')).stdout).toContain('room, contact: 1 record left out, of people who were forgotten');

    // Somebody enters the person anew, under another id and an address of before.
    bench.site.people.remove('contact', siteIdOf(email));
    bench.site.people.add('contact', {
      FirstName: 'Q.',
      LastName: 'Xylander',
      Email: 'Quintessa+news@Former.example',
    });
    expect((await sync()).people.site).toMatchObject({ read: 31, unsupported: 1 });
    expect(remains()).toEqual([]);

    // On purpose, that is.
    expect((await run('forget', email, '--undo')).status).toBe(0);
    expect((await sync()).people.room).toMatchObject({ read: 31, unsupported: 0 });
    expect((await run('explain', 'contact', `room:${id}`)).status).toBe(0);
  });

  it('asks first, and says without a terminal that it has to be told', async () => {
    const id = bench.room.people.add('contact', quintessa);
    await sync();
    const { status, stdout, stderr } = await run('forget', `room:${id}`);
    expect(status).toBe(2);
    expect(stderr).toContain('say --yes');
    expect(stdout).toMatch(/1 canonical record, 2 links and 1 key of matching/);
    expect(stdout).toMatch(/fields: .*address\.billing\.city,\s+email\.primary/);
    for (const secret of secrets) expect(stdout).not.toContain(secret);
    const kept = startInTerminal(['forget', `room:${id}`], { directory: bench.folder });
    await kept.says('Remove all of it?');
    kept.type(keys.enter);
    expect((await kept.ended).status).toBe(1);
    expect(remains()).not.toEqual([]);
    const gone = startInTerminal(['forget', `room:${id}`], { directory: bench.folder });
    await gone.says('Remove all of it?');
    gone.type(`y`);
    const { status: done, text } = await gone.ended;
    expect(done).toBe(0);
    expect(text).toContain('Nothing was deleted at a CRM. It is still there:');
    expect(remains()).toEqual([]);
  });

  it('waits until no sync is running', async () => {
    const id = bench.room.people.add('contact', quintessa);
    await sync();
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    const owner = `${nameOwner()}#sync`;
    await store.lease('sync:people', owner, Date.now(), Date.now() + 600_000);
    const waiting = bench.start('forget', `room:${id}`, '--yes');
    await waiting.says('waiting for it');
    expect(await store.linkCount('room', 'contact')).toMatchObject({ live: 1 });
    await store.release('sync:people', owner);
    expect((await waiting.ended).status).toBe(0);
    await store.close();
    expect(remains()).toEqual([]);
  });

  it('says who fits when several do, who was forgotten already, and who is nobody', async () => {
    expect((await run('forget', 'room:1')).stderr).toContain('there is no database');
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
    const [anna, ben] = ['Anna', 'Ben'].map((firstName) =>
      bench.room.people.add('contact', { ...quintessa, firstName }),
    );
    await sync();
    const before = readFileSync(path.join(bench.folder, 'concordat.db'));
    expect((await run('explain', 'contact', 'room:nobody')).status).toBe(2);
    expect(readFileSync(path.join(bench.folder, 'concordat.db')).equals(before)).toBe(true);
    const several = await run('forget', quintessa.primaryEmail, '--yes');
    expect(several.status).toBe(2);
    expect(several.stdout).toContain('2 records fit');
    const first = await run('forget', `room:${anna}`, '--yes', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ others: [expect.any(String)] });
    // One mailbox, another person: stays, and stays in sync.
    expect((await sync()).people.room).toMatchObject({ read: 2, unchanged: 1, unsupported: 1 });
    expect((await run('explain', 'contact', `room:${ben}`)).status).toBe(0);
    expect((await run('explain', 'contact', `room:${anna}`)).stderr).toContain('was forgotten');
    const again = await run('forget', `room:${anna}`, '--yes');
    expect(again).toMatchObject({ status: 0, stdout: 'Forgotten already. The database file was written anew.\n' });
    expect((await run('forget', 'room:nobody', '--yes')).status).toBe(2);
    expect((await run('forget', 'room:nobody', '--undo')).status).toBe(2);
  });
});

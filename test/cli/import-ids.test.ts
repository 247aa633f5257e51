import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { concordat, person, start } from './harness.ts';

let site: Sandbox;
let chat: Sandbox;
let folder: string;

beforeEach(async () => {
  [site, chat] = await Promise.all([
    connectors.get('treepl')!.startSandbox({ token: 'site-token' }),
    connectors.get('upgradechat')!.startSandbox({ token: 'room-token' }),
  ]);
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-import-'));
  await configure('people: { entity: contact, members: { site: both, chat: both } }');
});
afterEach(async () => {
  await Promise.all([site.close(), chat.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** @param syncs in the words of the configuration */
async function configure(...syncs: readonly string[]): Promise<void> {
  await writeFile(
    path.join(folder, 'concordat.yaml'),
    `store: { sqlite: ./concordat.db }
connections:
  chat: { connector: upgradechat, baseUrl: "${chat.url}", token: \${ROOM_TOKEN}, rateLimit: { perSecond: 5000 } }
  site: { connector: treepl, baseUrl: "${site.url}", token: \${SITE_TOKEN}, rateLimit: { perSecond: 5000 } }
  room: { connector: conecrm, baseUrl: "http://127.0.0.1:1", token: \${ROOM_TOKEN} }
syncs:
${syncs.map((sync) => `  ${sync}\n`).join('')}`,
  );
}

const run = (...args: readonly string[]) => concordat(args, { directory: folder });

/** Writes the file and imports it. */
async function importing(text: string | Uint8Array, ...options: readonly string[]) {
  await writeFile(path.join(folder, 'ids.txt'), text);
  return await run('import-ids', 'chat', 'ids.txt', ...options);
}

async function importingJson(text: string) {
  const { status, stdout } = await importing(text, '--json');
  return { status, document: JSON.parse(stdout) as Record<string, unknown> };
}

/** A person types the n-th contact into Upgrade.chat. @returns the id there */
const add = (n: number, more: Readonly<Record<string, unknown>> = {}) =>
  chat.people.add('contact', {
    firstName: `Given${n}`,
    lastName: `Family${n}`,
    emailAddresses: [{ emailAddress: `p${n}@example.com` }],
    ...more,
  });

const namesAtSite = () =>
  site.people
    .all('contact')
    .map(({ LastName }) => LastName)
    .sort();
const asked = () => chat.requests.map(({ query }) => query.id);

describe('concordat import-ids', () => {
  it('takes in what stands under the ids; the next sync writes it to the others', async () => {
    const [first, second] = [add(1), add(2)];
    const { status, stdout, stderr } = await importing(`${first}\n${second}\n`);
    expect(stderr).toBe('');
    expect(stdout).toContain('import-ids/chat: read 2, 0 of them unchanged');
    expect(stdout).toMatch(/^2 ids of contacts asked of chat in \d.*: 2 taken in$/m);
    expect(stdout).toContain('The next sync matches and writes: concordat sync people');
    expect(stdout).not.toMatch(/Family|example/);
    expect(status).toBe(0);
    expect(namesAtSite()).toEqual([]);
    expect((await run('sync')).status).toBe(0);
    expect(namesAtSite()).toEqual(['Family1', 'Family2']);
    expect(chat.people.all('contact')).toHaveLength(2);
  });

  it('may be repeated: what is known is unchanged, or merged', async () => {
    const [first, second] = [add(1), add(2)];
    await importing(`${first}\n${second}`);
    await run('sync');
    chat.people.edit('contact', second, { firstName: 'Gwendolyn' });
    const { status, document } = await importingJson(`${first}\n${second}`);
    expect(document).toMatchObject({ ids: 2, known: 2, taken: 0, waiting: 0, missing: [], refused: [] });
    expect(status).toBe(0);
    const { counts } = JSON.parse((await run('status', '--json')).stdout).runs[0].end as {
      readonly counts: Record<string, Record<string, number>>;
    };
    expect(counts.chat).toMatchObject({ read: 2, unchanged: 1 });
    expect((await run('sync')).status).toBe(0);
    expect(site.people.all('contact').map(({ FirstName }) => FirstName)).toContain('Gwendolyn');
  });

  it('takes in nobody who was forgotten, and says so', async () => {
    const id = add(1);
    await importing(id);
    expect((await run('forget', `chat:${id}`, '--yes')).status).toBe(0);
    const { status, document } = await importingJson(id);
    expect(document).toMatchObject({ taken: 0, refused: [{ reason: expect.stringContaining('was forgotten') }] });
    expect(status).toBe(3);
    await run('forget', `chat:${id}`, '--undo');
    expect((await importingJson(id)).document).toMatchObject({ taken: 1, refused: [] });
  });

  it('leaves who is who to the next sync, which makes no double', async () => {
    site.people.add('contact', person(1).site);
    // A sync that may not write to Upgrade.chat yet: its own contact of the same person is not known.
    await configure('people: { entity: contact, members: { site: both, chat: read } }');
    await run('sync');
    const { document } = await importingJson(add(1));
    expect(document).toMatchObject({ taken: 0, waiting: 1 });
    expect((await run('sync')).status).toBe(0);
    expect([site.people.all('contact').length, chat.people.all('contact').length]).toEqual([1, 1]);
    expect((await importingJson('1')).document).toMatchObject({ known: 1 });
  });

  it('tells which ids are not there and which are refused, by line, and goes on with the others', async () => {
    const [first] = [add(1), add(2)];
    chat.faults.status = { code: 400, times: 9, only: ({ query }) => query.id === '2' };
    const { status, stdout } = await importing(`${first}\n2\n\n77\n`);
    expect(status).toBe(3);
    expect(stdout).toMatch(/^3 ids .*: 1 taken in$/m);
    expect(stdout).toMatch(/Not there, .*: 1 id\n {2}line 4: 77$/m);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/Refused by the CRM, .*: 1 id line 2: 2: chat: .*400/);
    const { document } = await importingJson(`2\n${first}\n77\n77\n`);
    expect(document).toMatchObject({
      known: 1,
      missing: [{ line: 3, id: '77' }],
      refused: [{ line: 1, id: '2', reason: expect.stringContaining('400') }],
    });
    chat.faults.status = { code: 400, times: 0 };
    // Nothing was kept of them: no sync asks for them.
    expect((await run('sync')).status).toBe(0);
    chat.forgetRequests();
    expect((await run('sync')).status).toBe(0);
    expect(asked()).toEqual([first]);
  });

  it('sets a record aside that cannot be used; syncs look at it again, and take it in once it is corrected', async () => {
    const id = add(1, { emailAddresses: [{ emailAddress: { of: 'x' } }] });
    const { status, document } = await importingJson(id);
    expect([status, document.quarantined]).toEqual([3, 1]);
    for (let syncs = 0; syncs < 2; syncs += 1) expect((await run('sync')).status).toBe(3);
    chat.people.edit('contact', id, { emailAddresses: [{ emailAddress: 'p1@example.com' }] });
    expect((await run('sync')).status).toBe(0);
    expect(namesAtSite()).toEqual(['Family1']);
  });

  it('concludes nothing about records that the list does not name', async () => {
    const [first, second] = [add(1), add(2)];
    await importing(`${first}\n${second}`);
    await run('sync');
    chat.people.remove('contact', second);
    const before = JSON.parse((await run('status', '--json')).stdout);
    expect((await importingJson(first)).status).toBe(0);
    const { status, document } = await importingJson(second);
    expect([status, document.missing]).toEqual([3, [{ line: 1, id: second }]]);
    const after = JSON.parse((await run('status', '--json')).stdout);
    const of = ({ connections }: { connections: Record<string, unknown>[] }) =>
      connections.find(({ connection }) => connection === 'chat');
    expect(of(after)?.links).toBe(of(before)?.links);
    expect(Number(of(after)?.lagMs)).toBeGreaterThan(Number(of(before)?.lagMs));
  });

  it('reads each id once, whatever comments, blank lines, line ends and byte order marks there are', async () => {
    const [first, second] = [add(1), add(2)];
    const text = `\uFEFF# from the export\r\n${first}\r\n\r\n  ${second}  \r\n${first}\r\n\uFEFF${second}`;
    const { status, stdout } = await importing(text);
    expect(stdout).toMatch(/^2 ids .*: 2 taken in$/m);
    expect(status).toBe(0);
    expect(asked().sort()).toEqual([first, second].sort());
  });

  it('reads the ids from stdin', async () => {
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
    const env = { PATH: process.env.PATH ?? '', SITE_TOKEN: 'site-token', ROOM_TOKEN: 'room-token' };
    const child = spawn(process.execPath, [main, 'import-ids', 'chat', '-', '--json'], { cwd: folder, env });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stdin.end(`${add(1)}\nb\ta\n`);
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(JSON.parse(stdout).error.message).toContain('stdin:2: expected one id');
  });

  it('refuses a file with anything else in it as a whole: by line, without repeating it', async () => {
    const bad = ['ann@example.com,7', '7 8', '"7"', '..', '7\u200B', '7'.repeat(300)];
    const { status, stderr } = await importing(`${add(1)}\n${bad.join('\n')}\n`);
    expect(status).toBe(2);
    expect(stderr.split('\n').slice(0, 7)).toEqual([
      'error: ids.txt:2: expected one id and nothing else, came several columns; of a table, give the column of ids alone',
      'error: ids.txt:3: expected one id and nothing else, came several words',
      'error: ids.txt:4: expected one id and nothing else, came an id in quotation marks',
      'error: ids.txt:5: expected one id and nothing else, came dots',
      'error: ids.txt:6: expected one id and nothing else, came an invisible character',
      'error: ids.txt:7: expected one id and nothing else, came a text of 300 characters',
      'error: 6 faults; nothing was imported',
    ]);
    expect(chat.requests).toEqual([]);
    const many = await importing('a b\n'.repeat(1_000));
    expect(many.stderr).toContain('ids.txt: … and 980 lines more');
    expect(many.stderr.split('\n').length).toBeLessThan(25);
  });

  it.each([
    ['no id', '# nothing\n\n', 'ids.txt: expected one id on each line, came none'],
    ['UTF-16', Buffer.from('\uFEFF1\n2\n', 'utf16le'), 'ids.txt: expected UTF-8 text, came something else'],
    [
      'one line without an end',
      'x'.repeat(300_000),
      'ids.txt: expected one id on each line, came a line without an end',
    ],
  ])('refuses a file that holds %s', async (_, text, words) => {
    const { status, stderr } = await importing(text);
    expect(stderr).toContain(words);
    expect(status).toBe(2);
    expect(existsSync(path.join(folder, 'concordat.db'))).toBe(false);
  });

  it('refuses what cannot be, and says what there is', async () => {
    await configure(
      'people: { entity: contact, members: { site: both, chat: both, room: read } }',
      'deals: { entity: lead, members: { chat: write, room: both } }',
    );
    await writeFile(path.join(folder, 'ids.txt'), '1\n');
    for (const [args, words] of [
      [['chatt', 'ids.txt'], 'there is no connection "chatt" (did you mean chat?); known: chat, site and room'],
      [['chat', 'ids.txt'], 'ids of what? chat syncs contact and lead: say --entity contact or lead'],
      [['chat', 'ids.txt', '--entity', 'leads'], 'there is no entity "leads" (did you mean lead?)'],
      [['chat', 'ids.txt', '--entity', 'account'], 'chat is in no sync of accounts; its syncs are of contact and lead'],
      [['room', 'ids.txt', '--entity', 'contact'], 'room cannot read a contact by its id: '],
      [['chat', 'no.txt', '--entity', 'contact'], 'no.txt: cannot be read (ENOENT)'],
      [['chat', '.', '--entity', 'contact'], '.: cannot be read (EISDIR)'],
    ] as const) {
      const { status, stderr } = await run('import-ids', ...args);
      expect(stderr).toContain(words);
      expect(status).toBe(2);
    }
    expect(existsSync(path.join(folder, 'concordat.db'))).toBe(false);
    await configure('people: { entity: contact, members: { site: both, room: read } }');
    expect((await run('import-ids', 'chat', 'ids.txt')).stderr).toContain('chat is in no sync');
  });

  it('exits 1 when the CRM cannot be asked, keeps what it read until then, and may be run again', async () => {
    const ids = Array.from({ length: 130 }, (_, n) => add(n));
    chat.faults.status = { code: 403, times: 999, only: ({ query }) => query.id === ids[120] };
    const { status, stderr } = await importing(ids.join('\n'));
    expect(status).toBe(1);
    expect(stderr).toContain('stopped after 100 of 130 ids: what was read is kept');
    delete chat.faults.status;
    expect((await importingJson(ids.join('\n'))).document).toMatchObject({ known: 100, taken: 30 });
    const { runs } = JSON.parse((await run('status', '--json')).stdout);
    expect(runs).toMatchObject([
      { sync: 'import-ids chat', end: { outcome: 'done' } },
      { sync: 'import-ids chat', end: { outcome: 'failed' } },
    ]);
  });

  it('waits for a sync of the same records, of whichever name', async () => {
    await configure(
      'people: { entity: contact, members: { site: both, chat: both } }',
      'again: { entity: contact, members: { chat: read, site: both } }',
    );
    const store = await openSqliteStore(path.join(folder, 'concordat.db'));
    const holder = 'elsewhere/4711/1/x#sync';
    await store.lease('sync:again', holder, Date.now(), Date.now() + 60_000);
    await writeFile(path.join(folder, 'ids.txt'), add(1));
    const waiting = start(['import-ids', 'chat', 'ids.txt'], { directory: folder });
    await waiting.says('again: process 4711 on elsewhere is running this sync; waiting for it');
    expect(chat.requests).toEqual([]);
    await store.release('sync:again', holder);
    expect((await waiting.ended).status).toBe(0);
    expect(await store.leaseHolder('sync:people')).toBeUndefined();
    await store.close();
  });
});

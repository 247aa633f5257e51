import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Explanation } from '../../src/engine/explain.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

describe('concordat explain', () => {
  it('says who gave each value, in which run, by which rule, and what it replaced; the document tells the same', async () => {
    const roomId = bench.room.people.add('contact', person(1).room);
    await bench.run('sync');
    const [atSite] = bench.site.people.all('contact');
    const siteId = String(atSite?.ID ?? atSite?.Id ?? atSite?.id);
    bench.site.people.edit('contact', siteId, { FirstName: 'Renamed' });
    const second = JSON.parse((await bench.run('sync', '--json')).stdout) as { readonly runId: string };
    const { status, stdout } = await bench.run('explain', 'contact', 'p1@example.com', '--json');
    expect(status).toBe(0);
    const explanation = JSON.parse(stdout) as Explanation;
    expect(explanation.links.map(({ connection, externalId }) => `${connection}:${externalId}`)).toEqual([
      `room:${roomId}`,
      `site:${siteId}`,
    ]);
    expect(explanation.fields.find((field) => field.path === 'name.given')).toMatchObject({
      value: 'Renamed',
      origin: { connection: 'site', externalId: siteId, run: second.runId, rule: 'edit' },
      replaced: { value: 'Given1', origin: { connection: 'room', rule: 'first seen' } },
    });
    const text = (await bench.run('explain', 'contact', `site:${siteId}`)).stdout;
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const flat = text.replace(/\s+/g, ' ');
    expect(flat).toContain(`contact ${explanation.canonicalId} 2 links`);
    expect(flat).toMatch(new RegExp(`name.given Renamed from site:${siteId}: edit, [-0-9: ]+, run 2`));
    expect(flat).toMatch(new RegExp(`replaced Given1 of room:${roomId}: first seen, [-0-9: ]+, run 1`));
    expect(flat).toContain('name.given: Given1 → Renamed, from site (edit)');
    expect(flat).toContain(`2 ${second.runId} people`);
  });

  it('shows what is open: a dead letter with the words of the CRM, and how to take it back', async () => {
    const roomId = bench.room.people.add('contact', person(1).room);
    bench.site.faults.status = { code: 422, times: 1, only: ({ method }) => method === 'POST' };
    await bench.run('sync');
    const { stdout } = await bench.run('explain', 'contact', roomId);
    const flat = stdout.replace(/\s+/g, ' ');
    expect(flat).toContain('Open dead letter at site, rejected (the CRM does not take the record)');
    expect(flat).toContain('concordat retry --record ');
  });

  it('lists those of one mailbox and asks which one', async () => {
    for (const firstName of ['Jane', 'Peter'])
      bench.room.people.add('contact', { ...person(1).room, firstName, lastName: `${firstName}son` });
    await bench.run('sync');
    const { status, stdout } = await bench.run('explain', 'contact', 'P1@example.com');
    expect(status).toBe(2);
    expect(stdout).toContain('2 contacts fit "P1@example.com". Say which one:');
    const matches = [...stdout.matchAll(/concordat explain contact (\S+)/g)].map(([, id]) => id!);
    const document = await bench.run('explain', 'contact', 'p1@example.com', '--json');
    expect(document.status).toBe(2);
    expect(JSON.parse(document.stdout)).toMatchObject({ matches: matches.map((canonicalId) => ({ canonicalId })) });
    expect((await bench.run('explain', 'contact', matches[0]!)).status).toBe(0);
  });

  it('tells of a record that waits for a person who it may be, and of one that could not be used why', async () => {
    bench.room.people.add('contact', person(1).room);
    const [twin] = [bench.site.people.add('contact', person(1).site), bench.site.people.add('contact', person(1).site)];
    const bad = bench.site.people.add('contact', { ...person(2).site, Email: ['x'] });
    await bench.run('sync');
    const waiting = await bench.run('explain', 'contact', `site:${twin}`);
    expect(waiting.status).toBe(3);
    expect(waiting.stdout).toMatch(/is known and linked to nothing: .*\n/);
    expect(waiting.stdout.replace(/\s+/g, ' ')).toMatch(/it may be contact [-0-9a-f]{36}: /);
    const document = await bench.run('explain', 'contact', `site:${bad}`, '--json');
    expect(document.status).toBe(3);
    expect(JSON.parse(document.stdout)).toMatchObject({
      aside: [{ state: 'quarantined', quarantine: { reason: expect.stringContaining('Email') } }],
    });
  });

  it('lets no record forge what the terminal shows', async () => {
    const evil = 'Eve\u001b[2J\u202e\nfrom room:1: edit';
    bench.room.people.add('contact', { ...person(1).room, lastName: evil });
    await bench.run('sync');
    const { stdout } = await bench.run('explain', 'contact', 'p1@example.com');
    expect(stdout).toContain('Eve\\u001b[2J\\u202e\\u000afrom room:1: edit');
    for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character);
  });

  it('refuses what there is not before it opens anything, and makes no database', async () => {
    await refuses([
      [['contact', 'p1@example.com'], 'nothing is known yet'],
      [['person', 'x'], 'there is no entity "person"'],
      [['contact', 'rom:1'], 'there is no connection "rom" (did you mean room?); known: room, site and site2'],
    ]);
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
  });

  it('says what to try when nothing fits', async () => {
    bench.room.people.add('contact', person(1).room);
    await bench.run('sync');
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    const [aggregate] = await store.records('contact', undefined, 1);
    await store.close();
    const canonicalId = aggregate!.record.id;
    await refuses([
      [['contact', 'p2@example.com'], 'no contact is known by that address'],
      [['contact', 'room:none'], 'there is no contact "room:none"'],
      [['lead', 'a@b.example'], 'leads are not known by an e-mail address'],
      [['account', canonicalId], `concordat explain contact ${canonicalId}`],
    ]);
  });
});

async function refuses(cases: readonly (readonly [args: readonly string[], words: string])[]): Promise<void> {
  await Promise.all(
    cases.map(async ([args, words]) => {
      const { status, stderr } = await bench.run('explain', ...args);
      expect(stderr).toContain(words);
      expect(status).toBe(2);
    }),
  );
}

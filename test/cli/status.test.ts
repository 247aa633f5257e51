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

describe('concordat status', () => {
  it('makes no database only to look', async () => {
    const { status, stdout } = await bench.run('status');
    expect(status).toBe(0);
    expect(stdout).toContain('none yet: concordat sync');
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
  });

  it('shows links, runs and what needs a person, by ids and without values', async () => {
    bench.room.people.add('contact', person(1).room);
    const bad = bench.site.people.add('contact', { ...person(2).site, Email: ['x'] });
    const twins = [bench.site.people.add('contact', person(1).site), bench.site.people.add('contact', person(1).site)];
    const sync = await bench.run('sync');
    expect(sync.status).toBe(3);
    expect(sync.stdout).toContain('1 record that could not be used (quarantine): to be corrected in the CRM');
    const { status, stdout } = await bench.run('status', '--json');
    expect(status).toBe(0);
    const stands = JSON.parse(stdout) as Record<string, readonly Record<string, unknown>[]>;
    expect(stands.connections).toMatchObject([
      { connection: 'room', entity: 'contact', connector: 'conecrm', links: 1, quarantined: 0, reasons: [] },
      {
        connection: 'site',
        entity: 'contact',
        connector: 'treepl',
        quarantined: 1,
        reasons: [{ what: 'quarantined', reason: expect.stringContaining('Email'), count: 1 }],
      },
    ]);
    expect(stands.runs).toMatchObject([
      { sync: 'people', end: { outcome: 'waiting', counts: { room: { read: 1 }, site: { read: 3, quarantined: 1 } } } },
    ]);
    expect(stands.quarantine).toMatchObject([{ connection: 'site', externalId: bad }]);
    expect(stands.reviews?.map(({ externalId }) => externalId)).toEqual(twins);
    const text = (await bench.run('status')).stdout;
    expect(text).toMatch(/^room +contact +\S+ s ago +1 /m);
    expect(text).toContain(`site:${bad} (contact): Email`);
    expect(text).toContain('Reviews: is this the same one?');
    expect(text).toContain('site, contact: 1 record in quarantine: Email');
    for (const shown of [stdout, text]) expect(shown).not.toMatch(/Family1|p1@example/);
  });

  it('names the records that a CRM did not take, and why, without their values', async () => {
    bench.room.people.add('contact', person(1).room);
    bench.site.faults.status = { code: 422, times: 1, only: ({ method }) => method === 'POST' };
    expect((await bench.run('sync')).status).toBe(3);
    const document = (await bench.run('status', '--json')).stdout;
    const { deadLetters } = JSON.parse(document) as { readonly deadLetters: readonly { readonly recordId: string }[] };
    expect(deadLetters).toMatchObject([{ connection: 'site', entity: 'contact', code: 'rejected' }]);
    const text = (await bench.run('status')).stdout;
    expect(text).toContain('Dead letters');
    expect(text).toContain(`site, contact ${deadLetters[0]?.recordId}: `);
    for (const shown of [document, text]) expect(shown).not.toMatch(/Family1|p1@example/);
  });

  it('counts what is set aside by reason, and says in words what each means', async () => {
    for (const number of [1, 2, 3]) bench.room.people.add('contact', person(number).room);
    bench.site.faults.status = { code: 422, times: 2, only: ({ method }) => method === 'POST' };
    const sync = await bench.run('sync');
    expect(sync.stdout).toContain('2 records that a CRM does not take (dead letters)');
    const { connections } = JSON.parse((await bench.run('status', '--json')).stdout) as {
      readonly connections: readonly { readonly reasons: unknown }[];
    };
    expect(connections.map(({ reasons }) => reasons)).toEqual([[], [{ what: 'dead', reason: 'rejected', count: 2 }]]);
    const text = (await bench.run('status')).stdout.replace(/\s+/g, ' ');
    expect(text).toContain('Set aside, by reason');
    expect(text).toContain('site, contact: 2 dead letters: rejected (the CRM does not take the record)');
    expect(text).toContain('concordat retry takes them back');
    expect((await bench.run('retry', '--all')).status).toBe(0);
    expect((await bench.run('status')).stdout).not.toContain('Set aside');
  });

  it('tells what webhooks have said that nobody has looked at', async () => {
    await bench.run('sync');
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    const hint = { entity: 'contact', externalId: '7', what: 'changed' } as const;
    await store.receive([{ connection: 'site', id: undefined, hints: [hint, hint], at: Date.now() - 300_000 }]);
    await store.close();
    const { stdout } = await bench.run('status');
    expect(stdout).toMatch(/^connection +entity +read +linked +pending +hints$/m);
    expect(stdout.replace(/\s+/g, ' ')).toContain('site, contact: 2 hints of webhooks not looked at yet');
    const { connections } = JSON.parse((await bench.run('status', '--json')).stdout) as {
      connections: { connection: string; openHints: number; oldestHintMs: number | null }[];
    };
    expect(connections.find(({ connection }) => connection === 'site')?.openHints).toBe(2);
    expect(connections.find(({ connection }) => connection === 'site')?.oldestHintMs).toBeGreaterThanOrEqual(300_000);
    expect(connections.find(({ connection }) => connection === 'room')?.oldestHintMs).toBeNull();
  });

  it('calls things by names that a person knows', async () => {
    bench.room.people.add('contact', person(1).room);
    await bench.run('sync');
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    const [record] = await store.records('contact', undefined, 1);
    const key = { connection: 'site', recordId: record!.record.id };
    await store.commit({ run: 'r', at: 1, entity: 'contact', pending: [key] });
    const message = 'site cannot update a contact: no update there';
    await store.defer(key.connection, key.recordId, {
      version: record!.record.version,
      attempts: 0,
      notBefore: 0,
      state: 'unsupported',
      code: 'unsupported',
      message,
    });
    await store.beginIntent({ ...key, entity: 'contact', at: 1, run: 'r', values: {} });
    await store.hold('people', 'site', 'blanking', [{ ...key, what: 'blanking', mark: 'm' }], 1);
    await store.close();
    const { stdout } = await bench.run('status');
    expect(stdout).toMatch(/^connection +entity +read +linked +pending +not possible +unanswered$/m);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain('unanswered: creates without an answer');
    expect(text).toContain('site, contact: 1 write not possible: site cannot update a contact: no update there');
    expect(text).toContain('Stopped by a guard');
    expect(text).toContain('people/site: 1 record would have fields emptied');
  });
});

import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
    expect((await bench.run('sync')).status).toBe(3);
    const { status, stdout } = await bench.run('status', '--json');
    expect(status).toBe(0);
    const stands = JSON.parse(stdout) as Record<string, readonly Record<string, unknown>[]>;
    expect(stands.connections).toMatchObject([
      { connection: 'room', entity: 'contact', connector: 'conecrm', links: 1, quarantined: 0 },
      { connection: 'site', entity: 'contact', connector: 'treepl', quarantined: 1 },
    ]);
    expect(stands.runs).toMatchObject([{ sync: 'people', end: { outcome: 'waiting' } }]);
    expect(stands.quarantine).toMatchObject([{ connection: 'site', externalId: bad }]);
    expect(stands.reviews?.map(({ externalId }) => externalId)).toEqual(twins);
    const text = (await bench.run('status')).stdout;
    expect(text).toMatch(/^room +contact +\S+ s ago +1 /m);
    expect(text).toContain(`site:${bad} (contact): Email`);
    expect(text).toContain('Reviews: is this the same one?');
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
});

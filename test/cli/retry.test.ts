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

const isPost = ({ method }: { readonly method: string }) => method === 'POST';

interface Retried {
  readonly takenBack: number;
  readonly classes: readonly Record<string, unknown>[];
}

/** Makes dead letters of these people at the site. */
async function refuse(...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) bench.room.people.add('contact', person(number).room);
  bench.site.faults.status = { code: 422, times: numbers.length, only: isPost };
  expect((await bench.run('sync')).status).toBe(3);
}

const namesAtSite = () =>
  bench.site.people
    .all('contact')
    .map(({ LastName }) => LastName)
    .sort();

describe('concordat retry', () => {
  it('takes all dead letters back, tells by reason which, and the next sync writes them', async () => {
    await refuse(1, 2);
    expect((await bench.run('sync')).status).toBe(3);
    expect(namesAtSite()).toEqual([]);
    const { status, stdout } = await bench.run('retry', '--all');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^site +contact +rejected +2$/m);
    expect(stdout).toContain('Taken back: 2 writes. The next sync tries again: concordat sync');
    expect(stdout).not.toMatch(/Family|example/);
    expect((await bench.run('sync')).status).toBe(0);
    expect(namesAtSite()).toEqual(['Family1', 'Family2']);
  });

  it('takes one record back by its canonical id, or by an id in a CRM', async () => {
    await refuse(1, 2, 3);
    const [first] = bench.room.people.all('contact');
    const explained = await bench.run('explain', 'contact', `room:${String(first?.id)}`, '--json');
    const { canonicalId } = JSON.parse(explained.stdout) as { readonly canonicalId: string };
    const one = await bench.run('retry', '--record', canonicalId, '--json');
    expect(JSON.parse(one.stdout)).toEqual({
      takenBack: 1,
      classes: [{ connection: 'site', entity: 'contact', what: 'dead', reason: 'rejected', count: 1 }],
    });
    const [, , third] = bench.room.people.all('contact');
    expect((await bench.run('retry', '--record', `room:${String(third?.id)}`)).stdout).toContain(
      'Taken back: 1 write.',
    );
    expect((await bench.run('sync')).status).toBe(3);
    expect(namesAtSite()).toEqual(['Family1', 'Family3']);
  });

  it('takes back only what every option allows', async () => {
    await refuse(1);
    for (const options of [
      ['--connection', 'room'],
      ['--code', 'outcome_unknown', '--connection', 'site'],
      ['--code', 'unsupported', '--all'],
    ]) {
      const { status, stdout } = await bench.run('retry', ...options);
      expect(status).toBe(0);
      expect(stdout).toContain('Nothing to take back');
    }
    const { stdout } = await bench.run('retry', '--code', 'rejected', '--connection', 'site', '--json');
    expect((JSON.parse(stdout) as Retried).takenBack).toBe(1);
  });

  it('takes back what was not possible when it is asked for by name, whatever the reason was', async () => {
    await refuse(1);
    const store = await openSqliteStore(path.join(bench.folder, 'concordat.db'));
    const [letter] = await store.deadLetters('site', 'contact', 1);
    const { version } = (await store.aggregates([letter!.recordId])).get(letter!.recordId)!.record;
    const why = {
      state: 'unsupported',
      code: 'no_target',
      message: 'site: no target',
      attempts: 0,
      notBefore: 0,
    } as const;
    await store.defer('site', letter!.recordId, { ...why, version });
    await store.close();
    expect((await bench.run('retry', '--all')).stdout).toContain('Nothing to take back');
    expect((await bench.run('retry', '--code', 'unsupported')).stdout).toContain('Taken back: 1 write.');
  });

  it('has nothing to do where nothing is set aside, and makes no database for it', async () => {
    const { status, stdout } = await bench.run('retry', '--all');
    expect(status).toBe(0);
    expect(stdout).toContain('Nothing to take back');
    expect(existsSync(path.join(bench.folder, 'concordat.db'))).toBe(false);
    expect(JSON.parse((await bench.run('retry', '--all', '--json')).stdout)).toEqual({ takenBack: 0, classes: [] });
  });

  it('refuses what there is not, and names what there is', async () => {
    bench.room.people.add('contact', person(1).room);
    await bench.run('sync');
    for (const [options, words] of [
      [[], 'say which: --connection NAME, --record ID, --code CODE or --all'],
      [['--connection', 'rom'], 'there is no connection "rom" (did you mean room?); known: room, site and site2'],
      [['--record', 'rom:1'], 'there is no connection "rom"'],
      [['--record', 'room:no'], 'no record is linked to room:no'],
      [['--record', '0198'], 'there is no record 0198'],
      [['--code', 'rejcted'], 'there is no code "rejcted" (did you mean rejected?); known: retryable, auth, rejected'],
    ] as const) {
      const { status, stderr } = await bench.run('retry', ...options);
      expect(stderr).toContain(words);
      expect(status).toBe(2);
    }
  });

  it('is not needed for a record that is corrected in its CRM: neither dead letter nor quarantine', async () => {
    await refuse(1);
    const bad = bench.room.people.add('contact', { ...person(2).room, primaryEmail: 7 });
    const [dead] = bench.room.people.all('contact');
    expect((await bench.run('sync')).status).toBe(3);
    bench.room.people.edit('contact', bad, { primaryEmail: 'p2@example.com' });
    bench.room.people.edit('contact', String(dead?.id), { firstName: 'Corrected' });
    expect((await bench.run('sync')).status).toBe(0);
    expect(namesAtSite()).toEqual(['Family1', 'Family2']);
  });
});

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

interface Told {
  readonly id: number;
  readonly canonicalId: string;
  readonly field: string;
  readonly winner: { connection: string; value: unknown };
  readonly loser: { connection: string; value: unknown };
  readonly state: string;
}

const conflicts = async (...options: readonly string[]) => {
  const { status, stdout, stderr } = await bench.run('conflicts', '--json', ...options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as { conflicts: readonly Told[]; suggestions: readonly unknown[] };
};
const sync = async () => await bench.run('sync', '--json');

function configure(rules: string): void {
  const file = path.join(bench.folder, 'concordat.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('site: both }', `site: both }, ${rules}`));
}

/** People whose given name is another one at both CRMs, since the last sync. */
async function disagree(count: number): Promise<void> {
  for (let number = 1; number <= count; number += 1) bench.room.people.add('contact', person(number).room);
  await sync();
  for (const [index, { Id }] of bench.site.people.all('contact').entries())
    bench.site.people.edit('contact', String(Id), { FirstName: `Site${index}` });
  for (const [index, { id }] of bench.room.people.all('contact').entries())
    bench.room.people.edit('contact', String(id), { firstName: `Room${index}` });
  await sync();
}

describe('concordat conflicts', () => {
  it('shows both values, who gave them, and what decided; filters; and takes the other for settled', async () => {
    await disagree(2);
    const { conflicts: all } = await conflicts();
    expect(all).toHaveLength(2);
    expect(all[0]).toMatchObject({ field: 'name.given', state: 'settled', rule: expect.stringContaining('newest') });
    expect(await conflicts('--waiting')).toMatchObject({ conflicts: [] });
    expect((await conflicts('--field', 'jobTitle')).conflicts).toEqual([]);
    expect((await conflicts('--connection', 'site')).conflicts).toHaveLength(2);
    expect((await conflicts('--connection', 'site2')).conflicts).toEqual([]);
    expect((await conflicts('--record', all[1]!.canonicalId)).conflicts).toEqual([all[1]]);
    expect((await conflicts('--show', '1')).conflicts).toEqual([all[0]]);

    const { stdout } = await bench.run('conflicts', '--show', '1');
    const { winner, loser, id } = all[0]!;
    expect(stdout).toMatch(new RegExp(`^${id}  name\\.given of contact .*(room|site):`, 'm'));
    expect(stdout).toMatch(new RegExp(`^ {4}won {3}${winner.connection} {2}${winner.value}$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^ {4}lost {2}${loser.connection} {2}${loser.value}$`, 'm'));
    expect(stdout).toContain('There are more: --show 5 shows them.');
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true);

    const taken = await bench.run('conflicts', 'take', String(id), 'loser');
    expect(taken).toMatchObject({ status: 0, stderr: '' });
    expect(taken.stdout.replaceAll('\n', ' ')).toContain(`is ${loser.value}. To be written to ${winner.connection}`);
    await sync();
    expect(bench.names().room).toContain(loser.value);
    expect(bench.names().site).toContain(loser.value);
    const back = await bench.run('conflicts', 'take', String(id), winner.connection, '--json');
    expect(JSON.parse(back.stdout)).toMatchObject({ settled: { id, field: 'name.given', to: winner.value } });
  });

  it('settles a whole run at once, but for fields that were edited since', async () => {
    await disagree(3);
    const { conflicts: all } = await conflicts();
    const [{ run, loser, winner }] = all as unknown as readonly [Told & { run: string }];
    const take = async (...args: readonly string[]) => await bench.run('conflicts', 'take', 'all', ...args);
    expect((await take(loser.connection, '--yes')).stderr).toContain('say which');
    expect((await take(loser.connection, '--run', run)).stderr).toContain('say --yes');
    expect((await conflicts()).conflicts).toEqual(all);
    bench.room.people.edit('contact', String(bench.room.people.all('contact')[0]!.id), { firstName: 'Later' });
    await sync();
    const { stdout } = await take(loser.connection, '--run', run, '--yes');
    expect(stdout).toContain('2 conflicts settled, 1 left as they are.');
    expect(stdout).toContain('has been edited since');
    await sync();
    const names = bench.names().site;
    expect(names).toContain('Later');
    expect(names.filter((name) => name.toLowerCase().startsWith(loser.connection))).toHaveLength(2);
    expect(bench.names().room).toEqual(names);
    // And back again: what the choices have added to the log is passed over.
    const again = await take(winner.connection, '--connection', 'site', '--json', '--yes');
    expect(JSON.parse(again.stdout)).toMatchObject({ settled: 2, left: 1 });
  });

  it('settles what waits, and says what rule the choices amount to', async () => {
    configure('conflicts: manual');
    await disagree(3);
    const { conflicts: waiting } = await conflicts('--waiting');
    expect(waiting).toHaveLength(3);
    expect((await bench.run('status')).stdout).toContain('Conflicts that wait for a person');
    for (const { id } of waiting) expect((await bench.run('conflicts', 'take', String(id), 'site')).status).toBe(0);
    expect(await conflicts('--waiting')).toEqual({
      conflicts: [],
      suggestions: [{ sync: 'people', field: 'name.given', owner: 'site', choices: 3 }],
    });
    expect((await bench.run('conflicts')).stdout).toMatch(/^ {4}owners: \{ name\.given: site \}$/m);
    expect((await sync()).status).toBe(0);
    expect(bench.names().room).toEqual(['Site0', 'Site1', 'Site2']);
    configure('owners: { name.given: site }');
    expect((await conflicts()).suggestions).toEqual([]);
  });

  it('takes a value of one’s own, and refuses what is none', async () => {
    configure('conflicts: manual');
    await disagree(1);
    const id = String((await conflicts()).conflicts[0]!.id);
    const refused = async (words: string, ...args: readonly string[]) => {
      const { status, stderr } = await bench.run('conflicts', ...args);
      expect(status).toBe(2);
      expect(stderr).toContain(words);
    };
    await refused('there is no connection "sitee" (did you mean site?)', 'take', id, 'sitee');
    await refused('there is no conflict 999; nothing was changed', 'take', '999', 'loser');
    await refused('Expected a whole number', 'set', 'x', 'Gwen');
    await refused('there is no connection "rom"', '--connection', 'rom');
    await refused('there is no record "nobody"', '--record', 'nobody');
    await refused('takes a terminal', '--settle');
    expect((await bench.run('conflicts', 'set', id, 'Gwendolyn')).stdout).toContain('is Gwendolyn.');
    await sync();
    expect([...bench.names().room, ...bench.names().site]).toEqual(['Gwendolyn', 'Gwendolyn']);
    const { runs } = JSON.parse((await bench.run('status', '--json')).stdout) as {
      runs: { id: string; sync: string }[];
    };
    const decision = runs.find((run) => run.sync === 'decisions of people');
    const { status, stderr } = await bench.run('revert', decision!.id, '--yes');
    expect(status).toBe(2);
    expect(stderr).toContain('is a decision of a person');
  });

  it('says that there are none where nothing was ever synced, and makes no database for it', async () => {
    expect((await bench.run('conflicts')).stdout).toContain('nothing was ever synced');
    expect(await conflicts()).toEqual({ conflicts: [], suggestions: [] });
    expect((await bench.run('conflicts', 'take', '1', 'loser')).status).toBe(2);
  });

  it('goes through what waits at a terminal; what is answered is settled, and the rest stays', async () => {
    configure('conflicts: manual');
    await disagree(4);
    const [first, second, third] = (await conflicts()).conflicts;
    const terminal = startInTerminal(['conflicts', '--settle'], { directory: bench.folder });
    await terminal.says(`Conflict ${first!.id}`);
    await terminal.says(`has   ${first!.winner.connection}`);
    await terminal.says('Which value of name.given?');
    terminal.type(keys.down + keys.enter);
    await terminal.says(`${first!.loser.value}.`);
    await terminal.says(`Conflict ${second!.id}`);
    await terminal.says('another one');
    terminal.type(keys.down + keys.down + keys.enter);
    await terminal.says('name.given:');
    terminal.type(`Gwendolyn${keys.enter}`);
    await terminal.says('Gwendolyn.');
    await terminal.says(`Conflict ${third!.id}`);
    await terminal.says('not now');
    terminal.type(keys.ctrlC);
    const { status, text } = await terminal.ended;
    expect(status).toBe(1);
    expect(text).toContain('stopped by you');
    const lines = text.split('\n').filter((line) => !line.includes('█'));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect((await conflicts('--waiting')).conflicts.map(({ id }) => id)).toHaveLength(2);
    await sync();
    expect(bench.names().room).toEqual(expect.arrayContaining(['Gwendolyn', first!.loser.value]));
  });
});

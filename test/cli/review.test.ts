import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench, person } from './harness.ts';
import { keys, startInTerminal } from './terminal.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

interface Item {
  readonly id: string;
  readonly connection: string;
  readonly externalId: string;
  readonly candidates: readonly { canonicalId: string; links: readonly string[]; score: number }[];
}

const sync = async () => await bench.run('sync', '--json');
const json = async <Document>(...args: readonly string[]) =>
  JSON.parse((await bench.run(...args, '--json')).stdout) as Document;
const reviews = async () => (await json<{ reviews: readonly Item[] }>('review')).reviews;
const ids = () => ({
  room: bench.room.people.all('contact').map(({ id }) => String(id)),
  site: bench.site.people.all('contact').map(({ Id }) => String(Id)),
});
const titles = (name: 'room' | 'site') =>
  bench[name].people
    .all('contact')
    .map((one) => String(name === 'room' ? one.lastName : one.LastName))
    .sort();

/** Somebody at each CRM with one address and two family names: only a person can tell. */
async function alike(...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    bench.room.people.add('contact', person(number).room);
    bench.site.people.add('contact', { ...person(number).site, LastName: `Married${number}` });
  }
  await sync();
}

describe('concordat review', () => {
  it('shows who may be whom, side by side in 80 columns', async () => {
    await alike(1, 2);
    const { status, stdout } = await bench.run('review');
    expect(status).toBe(3);
    const [item] = await reviews();
    expect(stdout).toContain(`${item!.id}  contact ${item!.connection}:${item!.externalId}`);
    expect(stdout).toMatch(/name\.family +\S+1 +≠ \S+1\n/);
    expect(stdout).toMatch(/email\.primary +p1@example\.com += {1,2}p1@example\.com\n/);
    expect(stdout).toContain('A  same e-mail, but names agree in part only (score 300 of 1,000):');
    expect(stdout).toContain(item!.candidates[0]!.links[0]);
    expect(stdout).toContain('2 reviews.');
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect((await bench.run('review', '--show', '1')).stdout).toContain('2 reviews; 1 not shown');
    expect((await bench.run('review', '--connection', 'nowhere')).status).toBe(2);
    expect((await bench.run('review', '--entity', 'lead')).stdout).toContain('No reviews');
  });

  it('says what a link would write, writes nothing, then links; the next sync writes just that', async () => {
    await alike(1);
    const [item] = await reviews();
    const [candidate] = item!.candidates;
    const link = ['review', 'link', item!.id, candidate!.links[0]!] as const;
    const refused = await bench.run(...link);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('say --yes')]);
    const { changes } = await json<{ changes: readonly { action: string; connection: string; fields: object }[] }>(
      ...link,
      '--dry-run',
    );
    expect(changes.map(({ action, fields }) => [action, Object.keys(fields)])).toEqual([['update', ['name.family']]]);
    expect(await reviews()).toHaveLength(1);
    const done = await bench.run(...link, '--yes');
    expect([done.status, done.stdout]).toEqual([0, expect.stringContaining('concordat sync')]);
    expect(await reviews()).toEqual([]);
    await sync();
    expect(titles('room')).toEqual(titles('site'));
    expect(titles('site')).toHaveLength(1);
    const { stdout } = await bench.run('explain', 'contact', candidate!.canonicalId);
    expect(stdout).toContain('linked by a person');
    expect(stdout).toContain('decisions of people');
  });

  it.each(['keep-apart', 'create'])('%s makes two people of them', async (say) => {
    await alike(1);
    const [item] = await reviews();
    const name = `${item!.connection}:${item!.externalId}`;
    const { stdout } = await bench.run('review', say, name, '--dry-run');
    expect(stdout).toContain('The next sync would make 1 write because of it.');
    expect((await bench.run('review', say, name, '--yes')).status).toBe(0);
    await sync();
    expect(titles('room')).toEqual(['Family1', 'Married1']);
    expect(titles('site')).toEqual(['Family1', 'Married1']);
    expect((await bench.run('review')).status).toBe(0);
  });

  it('refuses what cannot be, and changes nothing', async () => {
    expect((await bench.run('review', 'skip', 'site:1')).status).toBe(2);
    await alike(1, 2);
    const [item, other] = await reviews();
    for (const [args, words] of [
      [['link', 'nobody:1', item!.candidates[0]!.canonicalId], 'there is no open review nobody:1'],
      [['link', item!.id, 'site:999999'], 'there is no contact site:999999'],
      [['link', item!.id, `${other!.connection}:${other!.externalId}`], 'is unlinked itself'],
      [['keep-apart', item!.id, other!.candidates[0]!.canonicalId], 'is none of its candidates'],
    ] as const) {
      const { status, stderr } = await bench.run('review', ...args, '--yes');
      expect([status, stderr]).toEqual([2, expect.stringContaining(words)]);
    }
    expect((await bench.run('review', 'skip', item!.id)).status).toBe(0);
    expect((await reviews()).map(({ id }) => id)).toEqual([other!.id, item!.id]);
  });

  it('asks about one after the other at a terminal; who leaves it leaves the rest as it is', async () => {
    await alike(1, 2, 3);
    const items = await reviews();
    const terminal = startInTerminal(['review'], { directory: bench.folder });
    await terminal.says(items[0]!.id);
    await terminal.says('Who is it?');
    terminal.type(keys.enter);
    await terminal.says('What would follow');
    await terminal.says('Do this?');
    terminal.type(keys.enter);
    await terminal.says('concordat sync');
    await terminal.says(items[1]!.id);
    await terminal.says('Who is it?');
    terminal.type(`${keys.down}${keys.enter}`);
    await terminal.says('Do this?');
    terminal.type(keys.ctrlC);
    const { status, text } = await terminal.ended;
    expect(status).not.toBe(0);
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect((await reviews()).map(({ id }) => id)).toEqual(items.slice(1).map(({ id }) => id));
  });
});

describe('concordat merge and split', () => {
  it('make one of two records and two of it again, with a preview of each', async () => {
    bench.room.people.add('contact', person(1).room);
    await sync();
    bench.site.people.add('contact', { ...person(2).site, FirstName: 'Given1', LastName: 'Family1' });
    await sync();
    const names = async () =>
      (
        await json<{ links: readonly { connection: string; externalId: string; state: string }[] }>(
          'explain',
          'contact',
          'p1@example.com',
        )
      ).links
        .filter(({ state }) => state === 'live')
        .map(({ connection, externalId }) => `${connection}:${externalId}`);
    const before = await names();
    const { room, site } = ids();
    const two = ['contact', 'p1@example.com', 'p2@example.com'] as const;
    const { canonicalId: other } = await json<{ canonicalId: string }>('explain', 'contact', 'p2@example.com');
    expect((await bench.run('merge', ...two, '--dry-run')).stdout).toContain('room has two records of it');
    expect(await names()).toEqual(before);
    const { status, stdout } = await bench.run('merge', ...two, '--yes');
    expect([status, stdout]).toEqual([3, expect.stringContaining(`site has two records of it`)]);
    expect((await reviews()).map(({ connection }) => connection).sort()).toEqual(['room', 'site']);
    expect(await json('explain', 'contact', other)).toMatchObject({
      mergedInto: expect.stringMatching(/^[0-9a-f-]{36}$/),
      links: [{ state: 'unlinked' }, { state: 'unlinked' }],
    });
    expect((await bench.run('explain', 'contact', other)).stdout).toContain('merged into');
    await sync();
    expect(ids()).toEqual({ room, site });
    const double = (await reviews()).map(({ connection, externalId }) => `${connection}:${externalId}`);
    const back = await bench.run('split', 'contact', 'p1@example.com', ...double, '--yes');
    expect([back.status, back.stdout]).toEqual([0, expect.stringContaining('the merge is taken back')]);
    expect(await names()).toEqual(before);
    await sync();
    expect(ids()).toEqual({ room, site });
    expect(await reviews()).toEqual([]);
  });

  it('refuse what cannot be', async () => {
    bench.room.people.add('contact', person(1).room);
    await sync();
    for (const [args, words] of [
      [['merge', 'person', 'a', 'b'], 'there is no entity "person"'],
      [['merge', 'contact', 'p1@example.com', 'p1@example.com'], 'already'],
      [['merge', 'contact', 'p1@example.com', 'nobody'], 'there is no contact nobody'],
      [['split', 'contact', 'p1@example.com', 'room'], 'no CONNECTION:EXTERNALID'],
      [['split', 'contact', 'p1@example.com', 'rom:1'], 'there is no connection "rom"'],
      [['split', 'contact', 'p1@example.com', 'room:0'], 'is not linked'],
    ] as const) {
      const { status, stderr } = await bench.run(...args, '--yes');
      expect([status, stderr]).toEqual([2, expect.stringContaining(words)]);
    }
  });
});

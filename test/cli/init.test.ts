import { existsSync, readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, concordat, openBench } from './harness.ts';
import { keys, startInTerminal } from './terminal.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const inFolder = (name: string) => path.join(bench.folder, name);
const flags = () => [
  ...['--connection', `room=conecrm:${bench.room.url}:ROOM_TOKEN`],
  ...['--connection', `site=treepl:${bench.site.url}:SITE_TOKEN`],
  ...['--sync', 'people=contact:room=both,site=both', '--yes'],
];

describe('concordat init', () => {
  it('writes by flags what check finds right, for its owner alone, and has tried the credentials', async () => {
    const { status, stdout, stderr } = await bench.run('init', 'new.yaml', ...flags());
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^room: ConeCRM answers at .*, the credentials are good$/m);
    expect(stdout).toMatch(/^site: Treepl .* answers at .*, the credentials are good$/m);
    expect(stdout.indexOf('concordat check --config new.yaml')).toBeGreaterThan(0);
    expect(stdout.indexOf('concordat plan --config new.yaml')).toBeGreaterThan(stdout.indexOf('concordat check'));
    expect(((await stat(inFolder('new.yaml'))).mode & 0o777).toString(8)).toBe('600');
    const text = await readFile(inFolder('new.yaml'), 'utf8');
    expect(text).not.toMatch(/site-token|room-token/);
    const [, schema = ''] = /^# yaml-language-server: \$schema=(.*)$/m.exec(text) ?? [];
    expect(JSON.parse(await readFile(path.resolve(bench.folder, schema), 'utf8'))).toMatchObject({
      title: 'concordat.yaml',
    });
    expect([...bench.site.requests, ...bench.room.requests].map(({ method }) => method)).toEqual(['GET', 'GET']);
    expect((await bench.run('check', '--config', 'new.yaml')).status).toBe(0);
    expect(readdirSync(bench.folder).sort()).toEqual(['concordat.yaml', 'new.yaml']);
  });

  it('replaces no file that is there, unless told to', async () => {
    const before = await readFile(inFolder('concordat.yaml'), 'utf8');
    const refused = await bench.run('init', ...flags());
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('exists already');
    expect(await readFile(inFolder('concordat.yaml'), 'utf8')).toBe(before);
    const { status, stdout } = await bench.run('init', ...flags(), '--overwrite', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: inFolder('concordat.yaml'),
      tried: [
        { connection: 'room', state: 'good' },
        { connection: 'site', state: 'good' },
      ],
      missing: [],
    });
    expect(await readFile(inFolder('concordat.yaml'), 'utf8')).toContain('written by concordat init');
  });

  it('says what is to be exported, and which credentials are refused', async () => {
    bench.site.faults.refuseToken = true;
    const own = flags().map((flag) => flag.replace('ROOM_TOKEN', 'NOT_SET'));
    const { status, stdout } = await bench.run('init', 'new.yaml', ...own, '--dashboard', '--webhooks', 'room');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^site: .*\n→ the token is refused/m);
    for (const name of ['NOT_SET', 'ROOM_WEBHOOK_SECRET', 'DASHBOARD_PASSWORD'])
      expect(stdout).toMatch(new RegExp(`^ +export ${name}=…`, 'm'));
    expect(bench.room.requests).toEqual([]);
  });

  it.each([
    [['--connection', 'room=nocrm:https://x.example:T'], 'there is no connector "nocrm"'],
    [['--connection', 'room=treepl::T'], 'the address is missing'],
    [['--connection', 'room=conecrm:https://x.example:T,S'], 'has no client id and secret'],
    [['--connection', 'room=conecrm::eyJ.secret'], '--connection: expected NAME=CONNECTOR:URL:VARIABLE'],
    [
      ['--connection', 'room=conecrm:http://x.example:T', '--sync', 'p=contact:room=both'],
      'connections.room.baseUrl: plain http',
    ],
    [['--connection', 'room=conecrm::T', '--sync', 'p=contact:room=both'], 'syncs.p.members: too few members'],
    [['--connection', 'room=conecrm::T', '--sync', 'p=person:room=both'], '--sync: expected NAME=ENTITY'],
    [['--connection', 'room=conecrm::T', '--deletes', 'all'], '--deletes: expected ignore or propagate'],
    [['--connection', 'room=conecrm::T', '--option', 'rom.x=1'], '--option: expected CONNECTION.KEY=VALUE'],
    [['--connection', 'room=conecrm::T', '--connection', 'room=conecrm::T'], '--connection room: given twice'],
  ])('refuses %j', async (wrong, message) => {
    const { status, stderr } = await concordat(['init', 'wrong.yaml', '--yes', ...wrong], { directory: bench.folder });
    expect(stderr).toContain(message);
    expect(stderr).toContain('nothing was written');
    expect(stderr).not.toContain('secret.');
    expect(status).toBe(2);
    expect(existsSync(inFolder('wrong.yaml'))).toBe(false);
  });

  it('needs a terminal or flags, and says which', async () => {
    const { status, stderr } = await bench.run('init', 'new.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('asks its questions at a terminal');
    expect(stderr).toContain('--connection showroom=conecrm::CONECRM_TOKEN');
  });

  describe('at a terminal', () => {
    const begin = (...args: readonly string[]) => startInTerminal(['init', ...args], { directory: bench.folder });

    it('asks, tries, shows and writes', { timeout: 60_000 }, async () => {
      const terminal = begin('new.yaml');
      const answer = async (question: string, ...typed: readonly string[]) => {
        await terminal.says(question);
        for (const key of typed) terminal.type(key);
      };
      const replaced = (offered: string, text: string) => keys.backspace.repeat(offered.length) + text + keys.enter;
      await answer('Your first CRM', keys.down, keys.enter);
      await answer('A name of your own', replaced('conecrm', 'room'));
      await answer('Where is its API?', replaced('https://api.conecrm.com', bench.room.url));
      await answer('Which environment variable', keys.enter);
      await terminal.says('the credentials are good');
      await answer('The next CRM', keys.down, keys.down, keys.enter);
      await answer('A name of your own', replaced('treepl', 'site'));
      await answer('Where is its API?', replaced('https://www.example.com', bench.site.url));
      await answer('How do we log in?', keys.down, keys.enter);
      await answer('Which environment variable', replaced('SITE_TOKEN', 'NOT_SET'));
      await terminal.says('export NOT_SET=');
      await answer('Another CRM?', keys.enter);
      await answer('contacts of room', keys.enter);
      await answer('contacts of site', keys.enter);
      await answer('Who wins', keys.down, keys.enter);
      await answer('Which CRM wins?', keys.down, keys.enter);
      await answer('What becomes of a record', keys.enter);
      await answer('When does concordat start', keys.enter);
      await answer('Which CRMs will call', keys.enter);
      await answer('A dashboard', keys.enter);
      await terminal.says('conflicts: site before room');
      await answer('Write new.yaml?', keys.enter);
      const { status, text } = await terminal.ended;
      expect(status).toBe(0);
      const [, told = ''] = text.split('Written: new.yaml');
      expect(told).toMatch(/Next:\s+export NOT_SET=…[\s\S]*concordat check --config new\.yaml[\s\S]*concordat plan/);
      for (const line of told.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
      const env = { NOT_SET: 'site-token', DASHBOARD_PASSWORD: 'a long enough password' };
      const checked = await concordat(['check', '-c', 'new.yaml'], { directory: bench.folder, env });
      expect(checked.stdout).not.toContain('FAIL');
    });

    it('writes nothing when it is stopped, or not to replace a file', { timeout: 60_000 }, async () => {
      const stopped = begin('new.yaml');
      await stopped.says('Your first CRM');
      stopped.type(keys.enter);
      await stopped.says('A name of your own');
      stopped.type(keys.ctrlC);
      const { status, text } = await stopped.ended;
      expect(status).toBe(1);
      expect(text).toContain('stopped by you');
      const kept = begin();
      await kept.says('exists. Replace it in the end?');
      kept.type(keys.enter);
      expect((await kept.ended).status).toBe(2);
      expect(readdirSync(bench.folder).sort()).toEqual(['concordat.yaml']);
    });
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concordat, start } from './harness.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-program-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the command line', () => {
  it.each(['init', 'sync', 'status', 'check', 'forget', 'capabilities', 'call', 'demo'])(
    '%s --help has examples and exits 0',
    async (command) => {
      const { status, stdout, stderr } = await concordat([command, '--help']);
      expect(status).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toContain(`Usage: concordat ${command}`);
      expect(stdout).toContain('Examples:');
      expect(stdout).toContain('--config <file>');
    },
  );

  it('--help lists every command and the exit statuses', async () => {
    const { status, stdout } = await concordat(['--help']);
    expect(status).toBe(0);
    for (const word of [
      'init',
      'sync',
      'status',
      'check',
      'forget',
      'capabilities',
      'call',
      'demo',
      'Exit status: 0 done',
    ])
      expect(stdout).toContain(word);
  });

  it('--version prints the version', async () => {
    expect(await concordat(['--version'])).toMatchObject({ status: 0, stdout: '0.1.0\n' });
  });

  it('a mistyped command, an unknown option and no command at all are usage errors', async () => {
    const mistyped = await concordat(['snyc']);
    expect(mistyped).toMatchObject({ status: 2, stdout: '' });
    expect(mistyped.stderr).toContain('Did you mean sync?');
    expect(await concordat(['sync', '--colour'])).toMatchObject({ status: 2, stdout: '' });
    expect(await concordat([])).toMatchObject({ status: 2, stdout: '' });
    expect(await concordat(['sync', '--log-level', 'loud'])).toMatchObject({ status: 2, stdout: '' });
  });

  it('a usage error under --json is a JSON document too', async () => {
    const { status, stdout } = await concordat(['snyc', '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } });
  });

  it('an interrupted command says so, and calls it no mistake', async () => {
    const demo = start(['demo', '--people', '3000']);
    await demo.says('2. The first sync');
    demo.kill('SIGINT');
    const { status, stderr } = await demo.ended;
    expect(status).toBe(130);
    expect(stderr).toContain('error: stopped by SIGINT before it was done');
    expect(stderr).not.toContain('unexpected');
  });

  it('a missing configuration file is exit 2 and one sentence about what to do', async () => {
    const { status, stdout, stderr } = await concordat(['sync'], { directory: folder });
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('./concordat.yaml: cannot be read (ENOENT)');
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it('all faults of a configuration are told at once, on stderr, and as a document', async () => {
    await writeFile(
      path.join(folder, 'bad.yaml'),
      'store: {}\nconnections:\n  a: { connector: nix, baseUrl: x, token: t }\nsyncs: {}\n',
    );
    const { status, stderr, stdout } = await concordat(['check', '--config', 'bad.yaml', '--json'], {
      directory: folder,
    });
    expect(status).toBe(2);
    expect(stderr).toContain('bad.yaml:1:1: store.sqlite: missing');
    expect(stderr).toContain(
      'bad.yaml:3:19: connections.a.connector: unknown connector: expected alpha, conecrm, treepl or upgradechat, came "nix"',
    );
    expect(stderr).toContain('bad.yaml:3:33: connections.a.baseUrl: wrong value');
    expect(stderr).toContain('3 faults in the configuration; nothing was done');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'configuration' } });
  });

  it('a database that cannot be opened is exit 1 without a stack trace', async () => {
    await writeFile(
      path.join(folder, 'nodb.yaml'),
      `store: { sqlite: ./nowhere/x.db }
connections:
  a: { connector: treepl, baseUrl: "http://127.0.0.1:1", token: \${SITE_TOKEN} }
  b: { connector: treepl, baseUrl: "http://127.0.0.1:2", token: \${ROOM_TOKEN} }
syncs:
  s: { entity: contact, members: { a: both, b: both } }
`,
    );
    const { status, stderr } = await concordat(['sync', '-c', 'nodb.yaml'], { directory: folder });
    expect(status).toBe(1);
    expect(stderr).toContain('cannot be opened');
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });
});

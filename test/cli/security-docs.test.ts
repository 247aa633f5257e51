import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { concordat, openBench } from './harness.ts';

const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
const missing = ['sh', 'openssl'].filter((program) => spawnSync(program, ['--version']).error);

it('docs/security.md makes secrets that check finds good', async ({ skip }) => {
  skip(missing.length > 0, `the examples need ${missing.join(', ')}`);
  const [, block = ''] = /^```sh\n([\s\S]*?)^```/m.exec(page) ?? [];
  const [HOOK = '', PASSWORD = ''] = execFileSync('sh', ['-euc', block], { encoding: 'utf8' }).trim().split('\n');
  const bench = await openBench();
  try {
    const file = path.join(bench.folder, 'concordat.yaml');
    const settings = `webhooks: { secrets: { room: "\${HOOK}" } }\ndashboard: { password: "\${PASSWORD}" }\n`;
    await writeFile(file, `${await readFile(file, 'utf8')}${settings}`);
    const env = { HOOK, PASSWORD };
    const { stdout, stderr } = await concordat(['check', '--json'], { directory: bench.folder, env });
    expect(stderr).toBe('');
    const { checks } = JSON.parse(stdout) as { checks: { what: string; ok: boolean; isDoubtful?: true }[] };
    const secrets = checks.filter(({ what }) => what === 'webhooks' || what === 'dashboard');
    expect(secrets.map(({ ok, isDoubtful }) => [ok, isDoubtful])).toEqual([
      [true, undefined],
      [true, undefined],
    ]);
  } finally {
    await bench.close();
  }
});

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { notebook } from '../../../examples/connector-notebook/index.ts';
import { contact } from '../../../examples/connector-notebook/specimens.ts';
import { conformance } from '../../../src/connector/conformance.ts';
import type { ConnectorDefinition } from '../../../src/connector/connector.ts';

const root = new URL('../../../', import.meta.url);
const folder = 'examples/connector-notebook/';
const text = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8');

describe('the example connector', () => {
  it('stands in CONTRIBUTING.md, file by file, as it is', () => {
    const blocks = [...text.matchAll(/^`(\S+\.ts)`\n\n```ts\n([\s\S]*?)```$/gm)];
    const shown = blocks.map(([, path = '', code]) => [path, code]);
    const files = readdirSync(new URL(folder, root)).map((name) => folder + name);
    expect(shown.map(([path]) => path).sort()).toEqual(files.sort());
    for (const [path = '', code] of shown) expect(code, path).toBe(readFileSync(new URL(path, root), 'utf8'));
  });

  it('passes the conformance suite in a test runner that is not ours', async () => {
    const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
    const test = fileURLToPath(new URL('../../../examples/connector-notebook/conformance.test.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', test], { env });
    const checks = conformance({ definition: notebook as ConnectorDefinition, specimens: { contact } });
    expect(stdout).toContain(`\n# pass ${checks.length}\n# fail 0\n`);
  });

  it('is told of with links that lead somewhere', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)[^)]*\)/g))
      expect(() => readFileSync(new URL(target, root)), target).not.toThrow(/ENOENT/);
  });
});

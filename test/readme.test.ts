import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { connectors } from '../connectors/index.ts';
import { capabilitiesMarkdown } from '../src/cli/capabilities.ts';
import { errorCodes } from '../src/connector/errors.ts';
import { storeFaults } from '../src/store/errors.ts';
import { concordat } from './cli/harness.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('shows the capabilities that the connectors declare', () => {
    const shown = /<!-- capabilities -->\n([\s\S]*?)\n<!-- \/capabilities -->/.exec(readme)?.[1];
    expect(shown).toBe(capabilitiesMarkdown(connectors).trim());
  });

  it('lists every error code', () => {
    const listed = [...readme.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code]) => code);
    const ofStore = storeFaults.map((fault) => `database_${fault}`);
    expect(listed).toEqual(expect.arrayContaining([...errorCodes, ...ofStore, 'busy']));
  });

  it('lists every command', async () => {
    const commands = [...readme.matchAll(/^\| `([a-z-]+)[^`]*` \|/gm)].map(([, name]) => name);
    const help = await concordat(['--help']);
    const known = [...help.stdout.matchAll(/^ {2}([a-z][a-z-]*) {2,}\S/gm)].map(([, name]) => name);
    expect(known).toContain('sync');
    expect(commands).toEqual(expect.arrayContaining(known.filter((name) => name !== 'help')));
  });

  it('counts the operations that can be called', () => {
    const operations = [...connectors.values()].reduce((sum, { operations }) => sum + operations.length, 0);
    expect(readme).toContain(`each of the ${operations} documented operations`);
  });
});

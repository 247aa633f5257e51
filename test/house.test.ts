import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest;

describe('the house', () => {
  it('runs on Node 24, also where the machine has another one', () => {
    expect(process.version).toMatch(/^v24\./);
  });

  it('pins every package to one exact version', () => {
    const { dependencies, devDependencies, overrides = {} } = manifest;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...overrides }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

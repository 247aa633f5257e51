import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';

const example = 'examples/concordat.yaml';
const env = {
  CONECRM_TOKEN: 't1',
  TREEPL_CLIENT_ID: 'i',
  TREEPL_CLIENT_SECRET: 's',
  SUPPORT_TOKEN: 't2',
  ARCHIVE_TOKEN: 't3',
  SHOWROOM_WEBHOOK_SECRET: 'whsec_c2VjcmV0',
  DASHBOARD_PASSWORD: 'p',
};

describe('the example configuration', () => {
  it('is valid, without a warning, once its variables are set', async () => {
    const { config, warnings } = await loadConfig(example, env, connectors);
    expect(warnings).toEqual([]);
    expect(config.syncs.map(({ name }) => name)).toEqual(['people', 'companies']);
  });

  it('names every variable that is missing, all in one report', async () => {
    const failed = loadConfig(example, {}, connectors);
    await expect(failed).rejects.toBeInstanceOf(ConfigError);
    const message = await failed.catch((error: Error) => error.message);
    for (const name of Object.keys(env)) expect(message).toContain(`expected ${name} in the environment`);
  });

  it('points editors to the schema beside it', async () => {
    expect(await readFile(example, 'utf8')).toMatch(/^# yaml-language-server: \$schema=\.\/concordat\.schema\.json\n/);
  });
});

describe('the JSON Schema for editors', () => {
  it('is the one of today: `npm run schema` writes it', async () => {
    const written: unknown = JSON.parse(await readFile('examples/concordat.schema.json', 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(jsonSchema(connectors))));
  });

  it('describes every key of a connection and of a sync', () => {
    const { properties } = jsonSchema(connectors) as {
      properties: Record<string, { additionalProperties: { properties: Record<string, { description?: string }> } }>;
    };
    for (const section of ['connections', 'syncs'])
      for (const [key, schema] of Object.entries(properties[section]?.additionalProperties.properties ?? {}))
        expect(schema.description, `${section}.*.${key}`).toBeTypeOf('string');
  });

  it('resolves every reference inside itself', () => {
    const text = JSON.stringify(jsonSchema(connectors));
    const { definitions = {} } = jsonSchema(connectors) as { definitions?: Record<string, unknown> };
    for (const [, name] of text.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g))
      expect(Object.keys(definitions)).toContain(name);
    expect(text).not.toMatch(/"\$ref":"#(?!\/definitions\/)/);
  });
});

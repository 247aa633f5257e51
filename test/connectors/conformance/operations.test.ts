import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alpha } from '../../../connectors/alpha/index.ts';
import { conecrm } from '../../../connectors/conecrm/index.ts';
import { connectors } from '../../../connectors/index.ts';
import { treepl } from '../../../connectors/treepl/index.ts';
import { upgradechat } from '../../../connectors/upgradechat/index.ts';
import type { Operation } from '../../../src/connector/operation.ts';
import { concordat } from '../../cli/harness.ts';
import { conecrmIds, documented } from './documented.ts';

const definitions = [alpha, conecrm, treepl, upgradechat];

/** An operation in the words of `documented`. */
function route({ method, path, parameters, body }: Operation): string {
  const needed = parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
  const query = needed.length === 0 ? '' : `?${needed.map(({ name }) => name).join('&')}`;
  const mark = body === undefined ? '' : method === 'GET' ? ' {?}' : ' {}';
  return `${method} ${path}${query}${mark}`;
}

describe('the documented operations', () => {
  it('are 75, and every registered connector has its own', () => {
    expect(Object.values(documented).flat()).toHaveLength(75);
    expect(Object.keys(documented)).toEqual(expect.arrayContaining([...connectors.keys()]));
    expect(Object.keys(documented)).toEqual(definitions.map(({ name }) => name));
  });

  it.each(definitions.map((definition) => [definition.name, definition] as const))(
    'of %s are its rows, in the vendor’s order, with a body where one is documented',
    (name, { operations }) => {
      expect(operations.map(route)).toEqual(documented[name]);
    },
  );

  it('of ConeCRM go by the vendor’s ids', () => {
    expect(conecrm.operations.map(({ id }) => id)).toEqual(conecrmIds);
  });
});

describe('concordat call', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'concordat-operations-'));
    const connections = [...connectors.keys()].map(
      (name) => `  ${name}: { connector: ${name}, baseUrl: "http://127.0.0.1:9/api/v1", token: made-up }`,
    );
    const file = `store: { sqlite: ./concordat.db }\nconnections:\n${connections.join('\n')}\nsyncs: {}\n`;
    await writeFile(path.join(folder, 'concordat.yaml'), file);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([...connectors.keys()])('reaches every documented operation of %s', async (name) => {
    const { stdout, status } = await concordat(['call', name, '--list', '--json'], { directory: folder });
    expect(status).toBe(0);
    const { operations } = JSON.parse(stdout) as { operations: Pick<Operation, 'method' | 'path'>[] };
    const routes = (documented[name] ?? []).map((one) => one.split(/[ ?]/).slice(0, 2));
    expect(operations.map(({ method, path: at }) => [method, at])).toEqual(routes);
  });
});

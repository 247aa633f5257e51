import { describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import { treepl } from '../../connectors/treepl/index.ts';
import { capabilitiesMarkdown } from '../../src/cli/capabilities.ts';
import { type ConnectorDefinition, type EntityCapabilities, none } from '../../src/connector/connector.ts';
import type { FieldMapping } from '../../src/connector/mapping.ts';
import { concordat } from './harness.ts';

describe('concordat capabilities', () => {
  it('prints every connector’s entities and operations as one document, without any configuration', async () => {
    const { status, stdout, stderr } = await concordat(['capabilities', '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const document = JSON.parse(stdout) as { connectors: Record<string, { entities: object; operations: object[] }> };
    expect(Object.keys(document.connectors)).toEqual([...connectors.keys()]);
    expect(Object.keys(document.connectors.treepl?.entities ?? {})).toEqual(['contact']);
    expect(document.connectors.treepl?.operations).toHaveLength(11);
    expect(document.connectors.conecrm?.operations).toHaveLength(42);
    for (const operation of document.connectors.conecrm?.operations ?? [])
      expect(Object.keys(operation)).toEqual(['id', 'method', 'path', 'summary']);
  });

  it('prints a matrix that says what cannot be done, and why', async () => {
    const { stdout } = await concordat(['capabilities']);
    expect(stdout).toMatch(/^treepl +contact +yes +by id +– +yes +replace +yes +– +–$/m);
    expect(stdout).toMatch(/^treepl +account +– /m);
    expect(stdout).toMatch(/^name\.given +R +RW +RW +RW$/m);
    expect(stdout).toContain('conecrm contact delete: no DELETE on /api/contact, conecrm.md §2');
  });

  it('says of a CRM without a list whether known ids can be read, and of a field whether it is written once', async () => {
    const { contact: able } = treepl.capabilities;
    const { contact: mapped } = treepl.mappings;
    const lines = (change: Partial<EntityCapabilities>, access: FieldMapping['access'] = 'readWrite'): string[] => {
      const fields = mapped!.fields.map((field) => ({ ...field, access }));
      const capabilities = { contact: { ...able!, ...change } };
      const definition = { ...treepl, capabilities, mappings: { contact: { ...mapped!, fields } } };
      const text = capabilitiesMarkdown(new Map([['treepl', definition as ConnectorDefinition]]));
      return text.split('\n').filter((line) => /^\| (treepl \| contact|name\.given) /.test(line));
    };
    const list = none('no list');
    const update = none('no update');
    expect(lines({ list })).toEqual([
      '| treepl | contact | known ids | by id | – | yes | replace | yes | – | – |',
      '| name.given | RW |',
    ]);
    expect(lines({ list, read: none('no read') })[0]).toBe(
      '| treepl | contact | – | – | – | yes | replace | yes | – | – |',
    );
    expect(lines({ update })[1]).toBe('| name.given | R, W once |');
    expect(lines({ update }, 'writeOnly')[1]).toBe('| name.given | W once |');
    expect(lines({ update }, 'readOnly')[1]).toBe('| name.given | R |');
    expect(lines({}, 'writeOnly')[1]).toBe('| name.given | W |');
  });

  it('prints the README’s tables as Markdown', async () => {
    const { stdout } = await concordat(['capabilities', '--markdown']);
    expect(stdout).toBe(`${capabilitiesMarkdown(connectors)}\n`);
    expect(stdout).toMatch(/^\| connector \| entity \| list \|/);
    expect(stdout).toMatch(/^\| --- \| --- \|/m);
  });
});

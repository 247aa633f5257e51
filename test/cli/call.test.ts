import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import { type Bench, openBench, person } from './harness.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  bench.site.people.add('contact', person(1).site);
});
afterAll(() => bench.close());

describe('concordat call', () => {
  it('prints the reply as JSON', async () => {
    const { status, stdout, stderr } = await bench.run('call', 'site', 'contact_item', '--param', 'id=1', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ Id: 1, Email: 'p1@example.com' });
    expect(status).toBe(0);
  });

  it('sends a body from the command line and from a file', async () => {
    const body = { name: 'Atelier du Nord' };
    const inline = await bench.run('call', 'room', 'post_api_account_create', '--body', JSON.stringify(body));
    expect(JSON.parse(inline.stdout)).toMatchObject(body);
    await writeFile(path.join(bench.folder, 'body.json'), JSON.stringify({ name: 'Second' }));
    const fromFile = await bench.run('call', 'room', 'post_api_account_create', '--body', '@body.json');
    expect(JSON.parse(fromFile.stdout)).toMatchObject({ name: 'Second' });
    expect(bench.room.people.all('account')).toHaveLength(2);
  });

  it('sends a body from stdin', async () => {
    const running = bench.start('call', 'room', 'post_api_account_create', '--body', '@-');
    running.hear(JSON.stringify({ name: 'Third' }));
    const { status, stdout } = await running.ended;
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { name: 'Third' }]);
  });

  it('prints null for a reply without a body under --json', async () => {
    const id = bench.site.people.add('contact', person(2).site);
    const { status, stdout } = await bench.run('call', 'site', 'contact_delete', '--param', `id=${id}`, '--json');
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'null\n' });
  });

  it('is exit 1 with the CRM’s own words when the CRM refuses', async () => {
    const { status, stdout, stderr } = await bench.run('call', 'site', 'contact_item', '--param', 'id=999');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: site: contact_item .*404.*; the CRM says: .*\n$/);
  });

  it('prints a reply that differs from its description, and warns', async () => {
    const id = bench.site.people.add('contact', { ...person(3).site, Email: 17 });
    const { status, stdout, stderr } = await bench.run('call', 'site', 'contact_item', '--param', `id=${id}`);
    expect(JSON.parse(stdout)).toMatchObject({ Email: 17 });
    expect(stderr).toContain('warning: site: the reply differs from its description (treepl.md');
    expect(status).toBe(0);
  });

  it.each<[string, string[], RegExp]>([
    [
      'an unknown connection',
      ['sit', 'contact_item'],
      /there is no connection "sit" \(did you mean site\?\); known: room, site and site2/,
    ],
    [
      'an unknown operation',
      ['site', 'contact_itm'],
      /unknown operation "contact_itm" \(did you mean contact_item\?\)/,
    ],
    ['no operation', ['site'], /which operation\? concordat call site --list shows all 11/],
    ['a missing parameter', ['site', 'contact_item'], /--param id: missing: expected integer, came nothing/],
    [
      'a wrong parameter',
      ['site', 'contacts_list', '-p', 'Limit=many'],
      /--param Limit: wrong value: expected integer, came "many"/,
    ],
    [
      'a parameter too many',
      ['site', 'contact_item', '-p', 'id=1', '-p', 'q=1'],
      /--param q: contact_item has no such parameter: expected id/,
    ],
    ['a parameter without a value', ['site', 'contact_item', '-p', 'id'], /--param: expected name=value, came "id"/],
    ['a missing body', ['room', 'post_lead_createLead'], /--body: missing: post_lead_createLead expects a JSON body/],
    ['a body that is no JSON', ['site', 'contact_create', '-b', '{x'], /--body: expected JSON, or @FILE/],
    [
      'a body file that is not there',
      ['site', 'contact_create', '-b', '@nix.json'],
      /--body: @nix\.json cannot be read \(ENOENT\)/,
    ],
    [
      'a body of another shape',
      ['room', 'post_api_account_create', '-b', '{"name":5}'],
      /--body: name: expected a text, came a number/,
    ],
    [
      'a body where none is taken',
      ['site', 'contact_item', '-p', 'id=1', '-b', '{}'],
      /--body: contact_item takes none/,
    ],
  ])('%s is exit 2, told before anything is sent', async (_, args, message) => {
    bench.site.forgetRequests();
    bench.room.forgetRequests();
    const { status, stdout, stderr } = await bench.run('call', ...args);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect([...bench.site.requests, ...bench.room.requests]).toEqual([]);
  });

  it('--list shows every operation of the connection’s connector', async () => {
    const { stdout } = await bench.run('call', 'room', '--list', '--json');
    const { operations } = JSON.parse(stdout) as { operations: { id: string }[] };
    expect(operations).toHaveLength(42);
    expect((await bench.run('call', 'site', '--list')).stdout.split('\n')).toHaveLength(11 + 2);
  });

  it('describes every operation there is', async () => {
    const { describeOperation } = await import('../../src/cli/describe.ts');
    for (const { operations } of connectors.values())
      for (const operation of operations) {
        const { document, lines } = describeOperation(operation);
        expect(lines.join('\n')).toContain(operation.path);
        expect(document).toMatchObject({ id: operation.id, source: operation.source });
        expect(() => JSON.stringify(document)).not.toThrow();
      }
    const { status, stdout } = await bench.run('call', 'room', 'post_lead_createLead', '--describe', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ method: 'POST', body: { required: true } });
  });
});

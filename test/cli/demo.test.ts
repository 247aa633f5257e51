import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { demoCompanies, demoPeople } from '../../src/cli/demo-data.ts';
import { concordat, start } from './harness.ts';

const demoFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('concordat-demo-'));

describe('concordat demo', () => {
  it('tells its story, ends by itself, and leaves nothing behind', async () => {
    const before = demoFolders();
    const { status, stdout, stderr } = await concordat(['demo', '--people', '200']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const told of [
      'one person: linked by same e-mail and name',
      'one person: linked by same phone and name',
      'somebody else: became a contact of the showroom of its own',
      'waits for a person: ',
      'now has the phone +15145550199',
      'now lives at 12 rue de la Gare',
      'is now Boréal Motors & Sons',
      'Gatineau of showroom won',
      'Sherbrooke of site is kept in the conflict log',
      'both now say: Gatineau and Gatineau',
    ])
      expect(stdout.replace(/\s+/g, ' ')).toContain(told);
    const last = stdout.slice(stdout.indexOf('5. The third sync'));
    expect(last.match(/(\d+) writes/g)).toEqual(['0 writes', '0 writes', '0 writes']);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(demoFolders()).toEqual(before);
  });

  it('keeps the sandboxes for other commands with --keep, until Ctrl-C', async () => {
    const running = start(['demo', '--people', '40', '--keep']);
    await running.says('In another terminal:');
    await running.says('call site contacts_list');
    running.kill('SIGINT');
    const { status, stdout } = await running.ended;
    expect(status).toBe(130);
    expect(stdout).toContain('DEMO_TOKEN=only-for-the-demo');
  });

  it('refuses a number of people that is none', async () => {
    expect(await concordat(['demo', '--people', 'many'])).toMatchObject({ status: 2, stdout: '' });
  });
});

describe('the demo’s data', () => {
  it('is the same each time, on example domains only', () => {
    expect(demoPeople(50)).toEqual(demoPeople(50));
    expect(demoCompanies(50)).toEqual(demoCompanies(50));
    const text = JSON.stringify([demoPeople(500), demoCompanies(200)]);
    for (const [, domain] of text.matchAll(/@([\w.-]+)/g)) expect(domain).toMatch(/(^|\.)example(\.(com|org|net))?$/i);
  });

  it('is shared by both sides for six of ten', () => {
    const people = demoPeople(1_000);
    expect(people.filter(({ showroom, site }) => showroom && site)).toHaveLength(600);
    expect(people.filter(({ showroom, site }) => !showroom && !site)).toHaveLength(0);
  });
});

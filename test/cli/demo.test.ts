import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { demoCompanies, demoPeople } from '../../src/cli/demo-data.ts';
import { concordat, start } from './harness.ts';

const demoFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('concordat-demo-'));

describe('concordat demo', () => {
  it('tells its story, ends by itself, and leaves nothing behind', async () => {
    const before = demoFolders();
    const { status, stdout, stderr } = await concordat(['demo', '--people', '80']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const told of [
      'one person, linked by same e-mail and name',
      'one person, linked by same phone and name',
      'chat:1: not made twice, but filled where it was empty',
      'somebody else, became a contact of the showroom of its own',
      'waits for a person: ',
      'So much at once? A guard asks',
      'showroom → site: the phone is now +15145550199',
      'showroom → chat: the phone is now +15145550199',
      'site → office: the status is now CUSTOMER',
      'site → showroom: the street is now 12 rue de la Gare',
      'Winter tires',
      'chat → site: the note is now “Prefers e-mail”',
      'chat → office: the next action is due 2027-03-01T09:00:00Z',
      'showroom → chat: the lead’s description is now “Wants to come on Saturday”',
      'office → showroom: the account is now Boréal Motors & Sons',
      'site → chat: the deleted contact is gone',
      'site → showroom: it is still there',
      'office → showroom: the deleted account is gone',
      'Gatineau of showroom won',
      'Sherbrooke of site is kept in the conflict log',
      'both now say: Gatineau and Gatineau',
      'site from chat, contacts: notes 2',
    ])
      expect(stdout.replace(/\s+/g, ' ')).toContain(told);
    const last = stdout.slice(stdout.indexOf('5. The third sync'));
    expect(last.match(/(\d+) writes/g)).toEqual(['0 writes', '0 writes', '0 writes', '0 writes']);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(demoFolders()).toEqual(before);
  });

  it('gives one document with --json: every run, and who got what from whom', async () => {
    const { status, stdout } = await concordat(['demo', '--people', '40', '--json']);
    expect(status).toBe(0);
    const { runs, matrix } = JSON.parse(stdout) as {
      readonly runs: readonly { readonly syncs: Record<string, Record<string, Record<string, number>>> }[];
      readonly matrix: readonly { entity: string; to: string; from: string; fields: Record<string, number> }[];
    };
    const written = Object.values(runs.at(-1)!.syncs).flatMap((members) =>
      Object.values(members).flatMap(({ created, updated, deleted }) => [created, updated, deleted]),
    );
    expect(new Set(written)).toEqual(new Set([0]));
    const fields = (entity: string, to: string, from: string) =>
      matrix.find((gift) => gift.entity === entity && gift.to === to && gift.from === from)?.fields;
    expect(fields('contact', 'office', 'site')).toEqual({ status: 1 });
    expect(fields('contact', 'office', 'chat')).toEqual({ 'nextAction.due': 1 });
    // The note of Ada, and the one that was typed; nobody gets a name from where the first write only found somebody.
    expect(fields('contact', 'site', 'chat')).toEqual({ notes: 2 });
    expect(fields('contact', 'showroom', 'chat')).toBeUndefined();
    expect(fields('contact', 'chat', 'office')).toMatchObject({ tags: expect.any(Number) });
    expect(fields('account', 'showroom', 'office')).toMatchObject({ 'address.billing.street': expect.any(Number) });
    expect(fields('lead', 'chat', 'showroom')).toMatchObject({ description: 4 });
    expect(fields('lead', 'showroom', 'office')).toMatchObject({ title: 4, source: 4 });
    for (const { to, from } of matrix) expect(to).not.toBe(from);
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

  it.each(['many', '19', '10001'])('refuses %s people', async (people) => {
    const refused = await concordat(['demo', '--people', people]);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain('expected a whole number from 20 to 10000');
  });

  it('has enough people for its story with the fewest that it takes', async () => {
    expect(await concordat(['demo', '--people', '20'])).toMatchObject({ status: 0 });
  });
});

describe('the demo’s data', () => {
  it('is the same each time, on example domains only', () => {
    expect(demoPeople(50)).toEqual(demoPeople(50));
    expect(demoCompanies(50)).toEqual(demoCompanies(50));
    const text = JSON.stringify([demoPeople(500), demoCompanies(200)]);
    for (const [, domain] of text.matchAll(/@([\w.-]+)/g)) expect(domain).toMatch(/(^|\.)example(\.(com|org|net))?$/i);
  });

  it('overlaps, and leaves nobody out', () => {
    const people = demoPeople(1_000);
    expect(people.filter(({ showroom, site }) => showroom && site)).toHaveLength(500);
    expect(people.filter(({ showroom, site, office }) => showroom && site && office)).toHaveLength(300);
    expect(people.filter(({ showroom, site, office }) => !showroom && !site && !office)).toEqual([]);
    const companies = demoCompanies(100);
    expect(companies.filter(({ showroom, office }) => showroom && office)).toHaveLength(60);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { connectors } from '../../connectors/index.ts';
import { condition } from '../../src/config/conditions.ts';
import { transforms } from '../../src/config/forms.ts';
import { parseConfig } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problems.ts';

const page = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');

/** What stands in the first column of the table under this head, in code. */
function firstColumn(head: string): readonly unknown[] {
  const table = page.slice(page.indexOf(`\n| ${head} |`)).split('\n\n')[0]!;
  const cells = table.split('\n').slice(3);
  return cells.flatMap((row) =>
    [...row.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map(([, code]) => parse(code!) as unknown),
  );
}

describe('docs/rules.md', () => {
  it('has an example that is valid, and of which check says only which word is written', () => {
    const [example = ''] = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text as string);
    const env = { CONECRM_TOKEN: 't1', SITE_TOKEN: 't2' };
    const { config, warnings, notes } = parseConfig('concordat.yaml', example, env, connectors);
    expect(warnings).toEqual([]);
    expect(notes.map(problemText)).toEqual([
      expect.stringContaining('Won and Closed mean the same: customer is written as Won, the first'),
    ]);
    const [people] = config.syncs;
    expect(Object.keys(people!.where)).toEqual(['email.primary', 'address.billing.country']);
    expect(people).toMatchObject({
      fields: { 'phone.mobile': { from: ['showroom'] }, website: { to: [] } },
      owners: { 'phone.mobile': 'showroom' },
      defaults: { site: { notes: 'Came from the showroom' } },
    });
    expect(Object.keys(config.connections.get('site')!.forms?.contact ?? {})).toEqual(['name.family', 'phone.primary']);
    expect(Object.keys(config.connections.get('site')!.turnings?.contact ?? {})).toEqual(['status']);
  });

  it('names conditions and transforms as they may be written', () => {
    const conditions = firstColumn('condition');
    expect(conditions.length).toBeGreaterThan(10);
    expect(conditions.filter((one) => !condition.safeParse(one).success)).toEqual([]);
    const forms = firstColumn('transform');
    expect(forms.length).toBeGreaterThan(10);
    expect(forms.filter((one) => !transforms.safeParse({ contact: { notes: one } }).success)).toEqual([]);
  });
});

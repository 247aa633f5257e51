import { afterEach, describe, expect, test } from 'vitest';
import { ourId } from '../../../src/connector/conformance/bed.ts';
import { type Site, startSite } from '../upgradechat-site.ts';

let site: Site;
afterEach(() => site.close());

const values = { 'name.given': 'Ana', 'name.family': 'Pop', 'email.primary': 'ana@example.com', active: false };

describe('a contact that is created inactive at Upgrade.chat', () => {
  test('is inactive there: the default of a new contact is nobody’s edit', async () => {
    site = await startSite();
    const { externalId, record } = await site.connector.create('contact', { canonicalId: ourId(1), values });
    expect(site.held(externalId)).toMatchObject({ isActive: false });
    expect(record?.values.active).toBe(false);
  });

  test('stays active where it turns out to be one that people have filled in', async () => {
    site = await startSite();
    const id = site.sandbox.people.add('contact', {
      emailAddresses: [{ emailAddress: 'ana@example.com' }],
      companyName: 'Example Ltd',
      isActive: true,
    });
    const reply = await site.connector.create('contact', { canonicalId: ourId(1), values });
    expect(reply).toEqual({ externalId: id, met: ['active'] });
    expect(site.held(id)).toMatchObject({ isActive: true, companyName: 'Example Ltd' });
  });
});

import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openWebhookBed } from './webhook-bed.ts';

const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text as string);

const env = {
  SHOWROOM_WEBHOOK_SECRET: `whsec_${Buffer.from('any secret').toString('base64')}`,
  SITE_WEBHOOK_SECRET: 'a secret of the site',
  SUPPORT_WEBHOOK_TOKEN: 'a-token',
};

const missing = ['sh', 'openssl', 'curl', 'od'].filter((program) => spawnSync(program, ['--version']).error);

describe('docs/webhooks.md', () => {
  it('has examples that do what it says', { timeout: 60_000 }, async ({ skip }) => {
    skip(missing.length > 0, `the examples need ${missing.join(', ')}`);
    const [settings = ''] = blocks('yaml');
    const secrets = settings.slice(settings.indexOf('  secrets:') + '  secrets:'.length).replaceAll('\n    ', '\n');
    const bed = await openWebhookBed(secrets, {}, env);
    try {
      const examples = blocks('sh');
      expect(examples).toHaveLength(3);
      for (const example of examples) {
        const { stdout, stderr } = await promisify(execFile)('sh', ['-euc', example], {
          env: { ...process.env, ...env, URL: bed.url.replace(/\/webhooks$/, '') },
        });
        expect(`${stdout}${stderr}`).toBe('{"outcome":"stored"} 202\n');
      }
      expect([...(await bed.hints('showroom')), ...(await bed.hints('site')), ...(await bed.hints('support'))]).toEqual(
        ['contact changed 42', 'contact changed 42', 'account changed 7'],
      );
      const [generic = ''] = blocks('json');
      expect((await bed.send(generic, { secret: env.SHOWROOM_WEBHOOK_SECRET })).status).toBe(202);
    } finally {
      await bed.close();
    }
  });
});

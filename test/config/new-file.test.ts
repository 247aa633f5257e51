import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import type { Asker } from '../../src/cli/ask.ts';
import { fileByQuestions } from '../../src/cli/init-questions.ts';
import { parseConfig } from '../../src/config/load.ts';
import { type NewFile, newFileText, variablesOf } from '../../src/config/new-file.ts';
import { entities } from '../../src/model/values.ts';

/** Reads a new file as every command will. */
function loaded(file: NewFile, text = newFileText(file, './schema.json')) {
  const env = Object.fromEntries(variablesOf(file).map(({ name, example }) => [name, example]));
  return parseConfig('concordat.yaml', text, env, connectors);
}

/** Words that mean something to YAML, or to a runtime that is not careful. */
const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/),
  fc.constantFrom('true', 'null', 'y', 'No', 'on', 'e1', 'constructor', 'toString', 'connector', 'x'.repeat(63)),
);

const text = fc.oneof(fc.string(), fc.constantFrom(`\${HOME}`, `$\${`, 'a: b', '# x', '[', "'", 'a\nb', '0x1F', '~'));

/** A person who answers anything that is allowed; `picks` never ends. */
function somebody(picks: () => number): Asker & { readonly asked: string[] } {
  const asked: string[] = [];
  const pick = <Value>(list: readonly Value[]): Value => list[picks() % list.length]!;
  const texts = ['room', 'a-b', 'true', 'null', 'X_1', 'https://crm.example.com/api', 'https://h:8443', '7 3 * * 1'];
  return {
    asked,
    async text(question, offered, check) {
      asked.push(question);
      const fitting = [offered, ...texts, '0190a000-0000-7000-8000-0000000000d1', ''].filter(
        (one) => check(one) === undefined,
      );
      return fitting.length > 0 ? pick(fitting) : `n${asked.length}`;
    },
    choose: async (_, choices) => pick(choices).value,
    async chooseSome(_, choices, least) {
      const some = choices.filter(() => picks() % 2 === 0);
      return (some.length < least ? choices : some).map(({ value }) => value);
    },
    confirm: async () => picks() % 3 === 0,
    tell() {},
    show() {},
  };
}

describe('a new configuration file', () => {
  property.prop([fc.infiniteStream(fc.nat(1000))], { numRuns: 100 })(
    'is right, whatever a person answers, and says what was answered',
    async (stream) => {
      const file = await fileByQuestions(
        somebody(() => stream.next().value as number),
        connectors,
        async () => {},
      );
      const { config, warnings } = loaded(file);
      expect(warnings.filter(({ message }) => !message.includes('the same address'))).toEqual([]);
      expect([...config.connections.keys()]).toEqual(file.connections.map((one) => one.name));
      for (const { name, connector, baseUrl, credentials, options } of file.connections) {
        const read = config.connections.get(name)!;
        expect(read).toMatchObject({ baseUrl: baseUrl.replace(/\/+$/, ''), options });
        expect([read.definition.name, read.credentials.kind]).toEqual([connector, credentials.kind]);
      }
      expect(config.syncs).toMatchObject(
        file.syncs.map(({ schedule, ...sync }) => ({ ...sync, schedule: { pattern: schedule } })),
      );
      expect([...config.webhooks.sources.keys()].sort()).toEqual([...file.webhooks].sort());
      expect(config.dashboard.password !== undefined).toBe(file.hasDashboard);
    },
  );

  property.prop([fc.uniqueArray(name, { minLength: 3, maxLength: 3 }), text, fc.constantFrom(...entities)])(
    'keeps every name and every text as it is',
    ([a, b, sync], text, entity) => {
      const connection = { connector: 'conecrm', baseUrl: 'https://api.conecrm.com', options: {} };
      const file: NewFile = {
        connections: [
          { ...connection, name: a!, credentials: { kind: 'token', variable: 'A' }, options: { leadSubject: text } },
          { ...connection, name: b!, credentials: { kind: 'token', variable: 'B' } },
        ],
        syncs: [
          {
            name: sync!,
            entity,
            members: [
              { connection: a!, direction: 'both' },
              { connection: b!, direction: 'both' },
            ],
            conflicts: [b!, a!],
            deletes: 'propagate',
            schedule: '0 3 * * *',
          },
        ],
        webhooks: [],
        hasDashboard: false,
      };
      fc.pre(connectors.get('conecrm')!.options.safeParse({ leadSubject: text }).success);
      const { config } = loaded(file);
      expect(config.connections.get(a!)?.options).toMatchObject({ leadSubject: text });
      expect(config.syncs).toMatchObject([{ name: sync, conflicts: [b, a], deletes: 'propagate' }]);
    },
  );

  it('names each variable that it needs, and where editors find the schema', () => {
    const file: NewFile = {
      connections: [
        {
          name: 'site',
          connector: 'treepl',
          baseUrl: 'https://www.example.com',
          credentials: {
            kind: 'oauth',
            idVariable: 'ID',
            secretVariable: 'SECRET',
            tokenUrl: 'https://www.example.com/t',
          },
          options: {},
        },
      ],
      syncs: [],
      webhooks: ['site'],
      hasDashboard: true,
    };
    const text = newFileText(file, '../x/schema.json');
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\.\/x\/schema\.json\n/);
    for (const variable of ['ID', 'SECRET', 'SITE_WEBHOOK_SECRET', 'DASHBOARD_PASSWORD']) {
      expect(text).toMatch(new RegExp(`^# +export ${variable}=… *# (client|webhook|password)`, 'm'));
      expect(text).toContain(`\${${variable}}`);
    }
    expect(newFileText(file, undefined)).toMatch(/^# Configuration of concordat/);
  });
});

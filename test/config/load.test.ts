import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { ConfigError, problemText } from '../../src/config/problems.ts';
import { testRegistry } from './registry.ts';

const env = {
  TOKEN: 'tkn-secret',
  SECRET: 'whsec_c2VjcmV0',
  PASSWORD: 'pass-secret',
  EMPTY: '',
  TIMEOUT: '45s',
  RATE: '20',
};

function load(text: string): { config: Config; warnings: string[]; notes: string[] } {
  const { config, warnings, notes } = parseConfig('c.yaml', text, env, testRegistry, '/srv/app');
  return { config, warnings: warnings.map(problemText), notes: notes.map(problemText) };
}

/** The messages of an invalid file. */
function faults(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(problemText);
    throw error;
  }
  return [];
}

/** A valid file; a part given replaces the one of the same name. */
function file(
  parts: { store?: string; queue?: string; a?: string; b?: string; sync?: string; rest?: string } = {},
): string {
  return [
    `store: ${parts.store ?? '{ sqlite: ./x.db }'}`,
    `queue: ${parts.queue ?? '{ redis: "" }'}`,
    'connections:',
    `  a: ${parts.a ?? `{ connector: conecrm, baseUrl: 'https://a.example', token: \${TOKEN} }`}`,
    `  b: ${parts.b ?? `{ connector: treepl, baseUrl: 'https://b.example', token: \${TOKEN} }`}`,
    'syncs:',
    `  s: ${parts.sync ?? '{ entity: contact, members: { a: both, b: both } }'}`,
    parts.rest ?? '',
  ].join('\n');
}
const connection = (more: string) => `{ connector: treepl, token: \${TOKEN}, ${more} }`;
const sync = (more: string) => `{ entity: contact, members: { a: both, b: read }, ${more} }`;

/** The file of design.md §11, to the letter, with the connections that it names. */
const contract = `store:
  sqlite: ./concordat.db             # or   postgres: \${DATABASE_URL}
queue:
  redis: \${REDIS_URL:-}              # empty: jobs run inside this process
connections:
  showroom:
    connector: conecrm               # conecrm | treepl | alpha | upgradechat
    baseUrl: https://api.conecrm.com # alpha's includes /api/v1; for the others the bare origin
    token: \${TOKEN}                  # or   oauth: { clientId: …, clientSecret: …, tokenUrl: … }
    options: {}                      # per connector
    rateLimit: { perSecond: 10, concurrent: 4 }
    timeout: 30s
  site: { connector: treepl, baseUrl: "https://s.example", oauth: { clientId: id, clientSecret: \${TOKEN}, tokenUrl: "https://s.example/t" } }
  support: { connector: treepl, baseUrl: "http://127.0.0.1:8080/", token: \${TOKEN} }
syncs:
  people:
    entity: contact                  # contact | account | lead
    members: { showroom: both, site: both, support: read }     # read | write | both
    match: [xref, email, phone]
    conflicts: newest                # newest | manual | [showroom, site]
    owners: { phone.mobile: showroom }
    where: { email.primary: present }   # which canonical records take part
    deletes: ignore                  # ignore | propagate
    limits: { deletes: 5%, overwrites: 20% }    # or absolute numbers
    schedule: "*/5 * * * *"
webhooks:
  listen: 127.0.0.1:8787
  secrets: { showroom: \${SECRET} }
dashboard:
  listen: 127.0.0.1:8788
  password: \${PASSWORD}
`;

/** A text without its marks, and the places that these mark: `c.yaml:line:column:`. */
function unmarked(marked: string): { text: string; places: string[] } {
  const places: string[] = [];
  const lines = marked.split('\n').map((line, index) => {
    const pieces = line.split('§');
    let column = 1;
    for (const piece of pieces.slice(0, -1)) {
      column += piece.length;
      places.push(`c.yaml:${index + 1}:${column}:`);
    }
    return pieces.join('');
  });
  return { text: lines.join('\n'), places };
}

describe('a valid file', () => {
  it('is read as the contract shows it, references in braces included', () => {
    const { config, warnings } = load(contract);
    expect(warnings).toEqual([]);
    expect(config.file).toBe('/srv/app/c.yaml');
    expect(config.sqliteFile).toBe('/srv/app/concordat.db');
    expect(config.redisUrl).toBeUndefined();
    expect(config.connections.get('showroom')).toMatchObject({
      baseUrl: 'https://api.conecrm.com',
      credentials: { kind: 'token', token: 'tkn-secret' },
      options: { region: 'CA', pageSize: 100 },
      requestsPerSecond: 10,
      concurrent: 4,
      timeoutMs: 30_000,
      allowPlainHttp: false,
    });
    expect(config.connections.get('site')?.credentials).toEqual({
      kind: 'oauth',
      clientId: 'id',
      clientSecret: 'tkn-secret',
      tokenUrl: 'https://s.example/t',
    });
    expect(config.connections.get('support')?.baseUrl).toBe('http://127.0.0.1:8080');
    expect(config.syncs).toEqual([
      {
        name: 'people',
        entity: 'contact',
        members: [
          { connection: 'showroom', direction: 'both' },
          { connection: 'site', direction: 'both' },
          { connection: 'support', direction: 'read' },
        ],
        match: ['xref', 'email', 'phone'],
        conflicts: 'newest',
        owners: { 'phone.mobile': 'showroom' },
        fields: {},
        defaults: {},
        where: { 'email.primary': 'present' },
        deletes: 'ignore',
        limits: {
          deletes: { share: 0.05, atLeast: 1 },
          overwrites: { share: 0.2, atLeast: 1 },
          blankings: { share: 0.05, atLeast: 5 },
        },
        schedule: { pattern: '*/5 * * * *' },
      },
    ]);
    expect(config.webhooks).toEqual({
      listen: { host: '127.0.0.1', port: 8787 },
      sources: new Map([
        [
          'showroom',
          {
            proof: { scheme: 'standard', secret: 'whsec_c2VjcmV0' },
            deliveryHeader: undefined,
            body: { words: new Map() },
          },
        ],
      ]),
    });
    const listen = { host: '127.0.0.1', port: 8788 };
    expect(config.dashboard).toEqual({ listen, password: 'pass-secret', readPassword: undefined });
  });

  it('gets safe defaults for everything optional', () => {
    const { config } = load(file());
    expect(config.connections.get('a')).toMatchObject({
      requestsPerSecond: undefined,
      concurrent: 4,
      timeoutMs: 30_000,
    });
    expect(config.syncs[0]).toMatchObject({
      match: ['xref', 'email', 'phone'],
      conflicts: 'newest',
      owners: {},
      where: {},
      deletes: 'ignore',
      limits: {
        deletes: { share: 0.05, atLeast: 3 },
        overwrites: { share: 0.2, atLeast: 10 },
        blankings: { share: 0.05, atLeast: 5 },
      },
      schedule: undefined,
    });
    expect(config.webhooks.listen.host).toBe('127.0.0.1');
    const listen = { host: '127.0.0.1', port: 8788 };
    expect(config.dashboard).toEqual({ listen, password: undefined, readPassword: undefined });
  });

  it.each([
    ['1s', 1_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    [`\${TIMEOUT}`, 45_000],
    [`\${NONE:-2m}`, 120_000],
    [`\${EMPTY:-2m}`, 120_000],
    [`\${TIMEOUT:-2m}`, 45_000],
  ])('reads the duration %s', (written, timeoutMs) => {
    const { config } = load(file({ b: connection(`baseUrl: "https://b.example", timeout: ${written}`) }));
    expect(config.connections.get('b')?.timeoutMs).toBe(timeoutMs);
  });

  it.each([
    ['5%', { share: 0.05, atLeast: 1 }],
    ['100%', { share: 1, atLeast: 1 }],
    ['0%', { share: 0, atLeast: 0 }],
    ['2.5%', { share: 0.025, atLeast: 1 }],
    ['17', { count: 17 }],
    ['0', { count: 0 }],
  ])('reads the limit %s', (written, deletes) => {
    expect(load(file({ sync: sync(`limits: { deletes: ${written} }`) })).config.syncs[0]?.limits.deletes).toEqual(
      deletes,
    );
  });

  it('reads numbers that come from the environment as text', () => {
    const { config } = load(
      file({ b: connection(`baseUrl: "https://b.example", rateLimit: { perSecond: \${RATE} }`) }),
    );
    expect(config.connections.get('b')).toMatchObject({ requestsPerSecond: 20, concurrent: 4 });
  });

  it('reads every form of a condition', () => {
    const where = 'where: { status: [A, B], active: true, language: absent, jobTitle: Boss, consent: present }';
    expect(load(file({ sync: sync(where) })).config.syncs[0]?.where).toEqual({
      status: { oneOf: ['A', 'B'] },
      active: { oneOf: [true] },
      language: 'absent',
      jobTitle: { oneOf: ['Boss'] },
      consent: 'present',
    });
    const more =
      'where: { status: { in: [present, 2] }, jobTitle: { matches: "^C" }, birthday: { olderThan: 30d }, nextAction.due: { newerThan: 2026-01-01 }, tags: { not: [a, b] }, notes: { not: { matches: x } }, custom.due: { not: { newerThan: 2026-01-01T10:00Z } }, language: { not: absent } }';
    expect(load(file({ sync: sync(more) })).config.syncs[0]?.where).toMatchObject({
      status: { oneOf: ['present', 2] },
      jobTitle: { matches: { source: '^C' } },
      birthday: { olderThan: { daysAgo: 30 } },
      'nextAction.due': { newerThan: { at: Date.UTC(2026, 0, 1) } },
      tags: { not: { oneOf: ['a', 'b'] } },
      notes: { not: { matches: { source: 'x' } } },
      'custom.due': { not: { newerThan: { at: Date.UTC(2026, 0, 1, 10) } } },
      language: { not: 'absent' },
    });
  });

  it('reads which way a field goes, and its owner', () => {
    const fields =
      'fields: { phone.mobile: { from: [a], to: [], owner: a }, custom.x: { to: [a] } }, owners: { notes: b }';
    expect(load(file({ sync: sync(fields) })).config.syncs[0]).toMatchObject({
      owners: { notes: 'b', 'phone.mobile': 'a' },
      fields: { 'phone.mobile': { from: ['a'], to: [] }, 'custom.x': { to: ['a'] } },
    });
  });

  it('reads defaults, and says which of them have no effect', () => {
    const { config, warnings } = load(file({ sync: sync('defaults: { a: { jobTitle: Boss, custom.x: 3 } }') }));
    expect(config.syncs[0]?.defaults).toEqual({ a: { jobTitle: 'Boss', 'custom.x': 3 } });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^c\.yaml:7:\d+: syncs\.s\.defaults\.a\.jobTitle: ConeCRM takes no jobTitle with a contact: this line has no effect$/,
      ),
    ]);
    const accounts = sync('defaults: { a: { registryNumber: "7" } }').replace('contact', 'account');
    const b = `{ connector: conecrm, baseUrl: 'https://b.example', token: \${TOKEN} }`;
    expect(load(file({ b, sync: accounts })).warnings).toContainEqual(
      expect.stringContaining('ConeCRM takes no registryNumber with an account'),
    );
  });

  it('reads values and transforms of a connection, and says which word is written where several mean the same', () => {
    const { config, warnings, notes } = load(
      file({
        b: connection(
          'baseUrl: "https://b.example", values: { contact: { status: { Won: customer, Closed: customer, 3: lost }, custom.x: { "yes": true } } }, transforms: { contact: { birthday: { date: dmy }, name.family: upper, jobTitle: [trim, title], phone.mobile: { phone: e164 }, name.full: { template: "{name.given} {name.family}" } } }',
        ),
      }),
    );
    const { forms, turnings } = config.connections.get('b')!;
    expect(forms).toEqual({
      contact: {
        'name.family': { steps: ['upper'] },
        jobTitle: { steps: ['trim', 'title'] },
        'phone.mobile': { steps: [{ phone: 'e164' }] },
        'name.full': { template: [{ path: 'name.given' }, ' ', { path: 'name.family' }] },
      },
    });
    const { status, birthday, 'custom.x': x } = turnings!.contact!;
    expect(['won', 'Closed', '3', 3, 'Open'].map((value) => status!.toCanonical(value))).toEqual([
      'customer',
      'customer',
      'lost',
      'lost',
      'Open',
    ]);
    expect(['customer', 'Lost', 'Open'].map((value) => status!.toWire(value))).toEqual(['Won', '3', 'Open']);
    expect([x!.toWire(true), x!.toCanonical('yes'), birthday!.toWire('1990-12-31')]).toEqual([
      'yes',
      'true',
      '31.12.1990',
    ]);
    expect(warnings).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^c\.yaml:5:\d+: connections\.b\.values\.contact\.status\.Closed: Won and Closed mean the same: customer is written as Won, the first$/,
      ),
    ]);
  });

  it('keeps an absolute database path and takes a Redis URL', () => {
    const { config } = load(file({ store: '{ sqlite: /var/x.db }', queue: '{ redis: "redis://127.0.0.1:6379" }' }));
    expect(config).toMatchObject({ sqliteFile: '/var/x.db', redisUrl: 'redis://127.0.0.1:6379' });
  });

  it.each([
    ['{ sqlite: x }', 400 * 86_400_000],
    ['{ sqlite: x, retention: 1d }', 86_400_000],
    [`{ sqlite: x, retention: "\${NONE:-30d}" }`, 30 * 86_400_000],
    ['{ sqlite: x, retention: forever }', undefined],
  ])('keeps the logs of %s that long', (store, retentionMs) => {
    expect(load(file({ store })).config.retentionMs).toBe(retentionMs);
  });

  it('resolves a default, an empty variable and an escaped reference', () => {
    const b = (token: string) => file({ b: `{ connector: treepl, baseUrl: "https://b.example", token: "${token}" }` });
    const tokenOf = (text: string) => load(text).config.connections.get('b')?.credentials;
    expect(tokenOf(b(`x-\${EMPTY:-d}`))).toEqual({ kind: 'token', token: 'x-d' });
    expect(tokenOf(b(`x\${EMPTY}y`))).toEqual({ kind: 'token', token: 'xy' });
    expect(tokenOf(b(`$\${TOKEN}`))).toEqual({ kind: 'token', token: `\${TOKEN}` });
  });

  it('never lets a value from the environment change the structure of the file', () => {
    const text = file({ b: `{ connector: treepl, baseUrl: "https://b.example", token: \${EVIL} }` });
    const { config } = parseConfig('c.yaml', text, { ...env, EVIL: 'x,allowPlainHttp:true,#"}' }, testRegistry);
    expect(config.connections.get('b')).toMatchObject({
      allowPlainHttp: false,
      credentials: { token: 'x,allowPlainHttp:true,#"}' },
    });
  });

  it('shows no secret of a connection that is called like a key', () => {
    const marked = file({
      a: connection(`baseUrl: "https://b.example"`),
      rest: 'webhooks: { secrets: { header: 17 } }',
    });
    expect(() => load(marked)).toThrow(
      'secret that begins with whsec_, or a mapping: scheme, secret, header …, came a number',
    );
  });

  it('reads how webhooks are signed and what their bodies look like', () => {
    const rest = `webhooks:
  secrets:
    a: { scheme: hmac, secret: \${SECRET}, header: X-Hub-Signature-256, prefix: sha256=, deliveryHeader: X-Id }
    b:
      scheme: token
      secret: \${TOKEN}
      header: Authorization
      prefix: "Bearer "
      entity: contact
      words: { Customer: contact, Order: ignore }
      body: { events: payload.items, id: ref.customer id, type: event }`;
    const { config, warnings } = load(file({ rest }));
    expect(warnings.filter((warning) => warning.includes(' webhooks'))).toEqual([]);
    expect(config.webhooks.sources.get('a')).toMatchObject({
      proof: {
        scheme: 'hmac',
        secret: 'whsec_c2VjcmV0',
        header: 'x-hub-signature-256',
        prefix: 'sha256=',
        algorithm: 'sha256',
        encoding: 'hex',
      },
      deliveryHeader: 'x-id',
    });
    expect(config.webhooks.sources.get('b')).toEqual({
      proof: { scheme: 'token', secret: 'tkn-secret', header: 'authorization', prefix: 'Bearer ' },
      deliveryHeader: undefined,
      body: {
        events: ['payload', 'items'],
        entity: undefined,
        id: ['ref', 'customer id'],
        type: ['event'],
        delivery: undefined,
        words: new Map([
          ['customer', 'contact'],
          ['order', undefined],
        ]),
        defaultEntity: 'contact',
      },
    });
  });

  it('warns of secrets written out, of a connection doubled, and of an owner without a say', () => {
    const { warnings } = load(`store: { sqlite: ./x.db }
connections:
  a: { connector: treepl, baseUrl: "https://a.example", token: written }
  b: { connector: treepl, baseUrl: "https://a.example", token: written }
  c: { connector: treepl, baseUrl: "https://c.example", token: "\${NONE:-written}" }
syncs:
  s: { entity: contact, members: { a: both, b: write, c: both }, owners: { name.given: b } }
`);
    expect(warnings).toEqual([
      `c.yaml:3:64: connections.a.token: a secret is written out in the file: better \${NAME}, with the value in the environment`,
      `c.yaml:4:64: connections.b.token: a secret is written out in the file: better \${NAME}, with the value in the environment`,
      `c.yaml:5:64: connections.c.token: a secret is written out in the file: better \${NAME}, with the value in the environment`,
      'c.yaml:7:48: syncs.s.members.b: b and a have the same address and the same credentials: if they are one CRM, it would be synced with itself',
      'c.yaml:7:88: syncs.s.owners.name.given: b is only written to, so that it never has a value of its own: this line has no effect',
    ]);
    expect(warnings.join('\n')).not.toContain('-written');
  });
});

describe('an invalid file names place, expectation and what came', () => {
  const paths = /one of name\.full, .*, consent, came/;
  it.each<[string, string, (string | RegExp)[]]>([
    ['nothing at all', '§', ['missing: expected a mapping: store, connections, syncs, came nothing']],
    ['no mapping', '§- 1', ['wrong value: expected a mapping: store, connections, syncs, came a list']],
    ['broken YAML', 'store: [1\n§', [/^not YAML: Flow sequence in block collection must be/]],
    ['two documents', `${file()}§---\nb: 1\n`, ['several documents: expected one, came a second one after ---']],
    ['a tab', 'store:\n§\tsqlite: x\n', [/^not YAML: expected spaces for indentation, came a tab$/]],
    [
      'a key given twice',
      file({ store: '{ sqlite: a, §sqlite: b }' }),
      ['store: key given twice: expected each key once in its mapping'],
    ],
    ['an unknown alias', file({ queue: '§*x' }), ['queue: unknown alias: expected an anchor &x before it, came none']],
    ['an unknown tag', file({ queue: '§!x {}' }), ['unknown tag: expected a plain value, came one with a tag (!…)']],
    [
      'an unknown key',
      file({ b: connection('baseUrl: "https://b.example", §timout: 5s') }),
      [
        'connections.b.timout: unknown key: expected one of connector, baseUrl, token, oauth, allowPlainHttp, options, values, transforms, rateLimit, timeout, came "timout" (did you mean timeout?)',
      ],
    ],
    [
      'a missing variable',
      file({ b: `{ connector: treepl, baseUrl: "https://b.example", token: §\${NOPE} }` }),
      [
        `connections.b.token: missing variable: expected NOPE in the environment, came nothing (\${NOPE:-…} gives a default)`,
      ],
    ],
    [
      'a malformed reference',
      file({ store: `{ sqlite: §"\${1}" }` }),
      [
        `store.sqlite: malformed reference: expected \${NAME} or \${NAME:-default}, came another \${ ($\${ stands for \${ itself)`,
      ],
    ],
    [
      'an unknown connector',
      file({ b: `{ connector: §treple, baseUrl: "https://b.example", token: \${TOKEN} }` }),
      [
        'connections.b.connector: unknown connector: expected treepl, conecrm, alpha or upgradechat, came "treple" (did you mean treepl?)',
      ],
    ],
    [
      'no URL',
      file({ b: connection('baseUrl: §b.example') }),
      ['connections.b.baseUrl: wrong value: expected a URL that begins with https://, came "b.example"'],
    ],
    [
      'plain http',
      file({ b: connection('baseUrl: §"http://b.example"') }),
      [
        'connections.b.baseUrl: plain http to a host that is not loopback: expected https:// (or allowPlainHttp: true on this connection), came "http://b.example"',
      ],
    ],
    [
      'credentials in the URL',
      file({ b: connection('baseUrl: §"https://me:hunter2@b.example"') }),
      [
        'connections.b.baseUrl: credentials in a URL: expected a URL without them; they belong into token or oauth, came "https://…@b.example"',
      ],
    ],
    [
      'both token and oauth',
      file({
        b: connection(
          'baseUrl: "https://b.example", §oauth: { clientId: i, clientSecret: hunter2, tokenUrl: §"http://t.example" }',
        ),
      }),
      [
        'connections.b.oauth: credentials given twice: expected either token or oauth, came both',
        'connections.b.oauth.tokenUrl: plain http to a host that is not loopback: expected https://, came "http://t.example"',
      ],
    ],
    [
      'neither token nor oauth',
      file({ b: '{ connector: treepl, baseUrl: "https://b.example" }' }).replace('  b:', '  §b:'),
      ['connections.b.token: missing: expected token, or oauth with clientId, clientSecret and tokenUrl, came neither'],
    ],
    [
      'a token that no header can carry',
      file({ b: '{ connector: treepl, baseUrl: "https://b.example", token: §"hunter 2" }' }),
      [
        'connections.b.token: wrong value: expected a token of printable ASCII characters without spaces, came a text with others',
      ],
    ],
    [
      'a token that is no text',
      file({ b: '{ connector: treepl, baseUrl: "https://b.example", token: §12345 }' }),
      [`connections.b.token: wrong value: expected the bearer token, best as \${NAME}, came a number`],
    ],
    [
      'options that the connector does not know',
      file({ b: connection('baseUrl: "https://b.example", options: { region: §ROM, §regoin: RO }') }),
      [
        'connections.b.options.region: wrong value: expected string to have exactly 2 characters, came a text',
        'connections.b.options.regoin: unknown key: expected a key that its connector knows, came "regoin"',
      ],
    ],
    [
      'durations of another form',
      file({ b: connection('baseUrl: "https://b.example", timeout: §25h') }),
      ['connections.b.timeout: wrong value: expected a duration from 1s to 24h, such as 30s, 5m or 1h, came "25h"'],
    ],
    [
      'numbers out of range',
      file({ b: connection('baseUrl: "https://b.example", rateLimit: { perSecond: §0, concurrent: §1.5 }') }),
      [
        'connections.b.rateLimit.perSecond: wrong value: expected a number above 0, came 0',
        'connections.b.rateLimit.concurrent: wrong value: expected a whole number from 1 to 1000, came 1.5',
      ],
    ],
    [
      'a value that came from the environment, without showing it',
      file({ b: connection(`baseUrl: "https://b.example", timeout: §\${PASSWORD}`) }),
      [
        `connections.b.timeout: wrong value: expected a duration from 1s to 24h, such as 30s, 5m or 1h, came "\${PASSWORD}" with another value than that`,
      ],
    ],
    [
      'a member that is no connection',
      file({ sync: '{ entity: contact, members: { a: both, §bb: read } }' }),
      ['syncs.s.members.bb: no such connection: expected a or b, came "bb"'],
    ],
    [
      'one member',
      file({ sync: '{ entity: contact, §members: { a: both } }' }),
      ['syncs.s.members: too few members: expected at least two, came 1'],
    ],
    [
      'members that are only read',
      file({ sync: '{ entity: contact, §members: { a: read, b: read } }' }),
      ['syncs.s.members: no member is written: expected at least one with write or both, came read only'],
    ],
    [
      'members that are only written',
      file({ sync: '{ entity: contact, §members: { a: write, b: write } }' }),
      ['syncs.s.members: no member is read: expected at least one with read or both, came write only'],
    ],
    [
      'an unknown direction',
      file({ sync: '{ entity: contact, members: { a: both, b: §bth } }' }),
      ['syncs.s.members.b: wrong value: expected read, write or both, came "bth"'],
    ],
    [
      'a member without such an entity',
      file({ sync: '{ entity: lead, members: { a: both, §b: read } }' }),
      ['syncs.s.members.b: Treepl has no leads: expected an entity that it has (contact), came lead'],
    ],
    [
      'write to a connector that cannot',
      file({
        b: `{ connector: alpha, baseUrl: "https://b.example", token: \${TOKEN} }`,
        sync: '{ entity: contact, members: { a: both, b: §write } }',
      }),
      ['syncs.s.members.b: Alpha cannot be written contacts (no POST): expected read, came write'],
    ],
    [
      'write to a connection whose options forbid it',
      file({
        b: connection('baseUrl: "https://b.example", options: { readOnly: true }'),
        sync: '{ entity: contact, members: { a: both, b: §write } }',
      }),
      ['syncs.s.members.b: Treepl cannot be written contacts (no POST): expected read, came write'],
    ],
    [
      'read from a connector that cannot',
      file({
        b: `{ connector: upgradechat, baseUrl: "https://b.example", token: \${TOKEN} }`,
        sync: '{ entity: contact, members: { a: both, b: §read } }',
      }),
      ['syncs.s.members.b: Upgrade.chat cannot be read contacts (no list): expected write, came read'],
    ],
    [
      'owners of fields that are not there, and owners that are no members',
      file({ sync: sync('owners: { §phone.mobil: a, name.given: §c, §phone.primary: a }') }),
      [
        /^syncs\.s\.owners\.phone\.mobil: unknown field of contact: expected one of .*, came "phone\.mobil" \(did you mean phone\.mobile\?\)$/,
        'syncs.s.owners.name.given: no member of this sync: expected a or b, came "c"',
        'syncs.s.owners.phone.primary: no field of its own: expected one of the fields it shows (phone.mobile, phone.work, phone.home), came "phone.primary"',
      ],
    ],
    [
      'fields that go no way',
      file({
        sync: sync(
          'owners: { notes: a }, fields: { §phone.mobil: {}, §phone.primary: { to: [] }, jobTitle: { from: §[], to: [§b, a, §a, §c] }, notes: { from: [b], owner: §b }, status: { from: [b], owner: §a }, tags: { §frm: [a] }, company: §a }',
        ),
      }),
      [
        'syncs.s.fields.phone.mobil: unknown field of contact: expected one of name.full, name.prefix, name.given, name.middle, name.family, name.suffix, name.nickname, email.primary, email.secondary, phone.mobile, phone.work, phone.workExtension, phone.home, phone.primary, address.billing.street, address.billing.district, address.billing.city, address.billing.region, address.billing.postalCode, address.billing.country, website, industry, language, active, status, owner, tags, notes, nextAction.text, nextAction.due, company, account, jobTitle, department, preferredChannel, birthday, gender, consent, came "phone.mobil" (did you mean phone.mobile?)',
        'syncs.s.fields.phone.primary: no field of its own: expected one of the fields it shows (phone.mobile, phone.work, phone.home), came "phone.primary"',
        'syncs.s.fields.jobTitle.from: wrong value: expected at least one member, came a list',
        'syncs.s.fields.jobTitle.to.0: b is only read: expected a member with write or both, came "b"',
        'syncs.s.fields.jobTitle.to.2: named twice: expected each member once, came "a"',
        'syncs.s.fields.jobTitle.to.3: no member of this sync: expected a or b, came "c"',
        'syncs.s.fields.notes.owner: two owners: expected a, as in owners, came "b"',
        'syncs.s.fields.status.owner: an owner whose edits do not count: expected b, came "a"',
        'syncs.s.fields.tags.frm: unknown key: expected one of from, to, owner, came "frm" (did you mean from?)',
        'syncs.s.fields.company: wrong value: expected a mapping: from, to, owner, came "a"',
      ],
    ],
    [
      'defaults that nobody takes, or that make people somebody else',
      file({
        sync: sync(
          'defaults: { a: { status: new, §email.primary: x@y.example, §name.given: Kim, notes: §[x], §industri: x }, §b: { notes: x }, §c: { notes: x } }, fields: { tags: { to: [] } }',
        ),
      }),
      [
        'syncs.s.defaults.a.email.primary: no field for a default: expected a field by which nobody is recognised, came email.primary',
        'syncs.s.defaults.a.name.given: no field for a default: expected a field by which nobody is recognised, came name.given',
        'syncs.s.defaults.a.notes: wrong value: expected one value, came a list',
        /^syncs\.s\.defaults\.a\.industri: unknown field of contact: expected one of .*, came "industri" \(did you mean industry\?\)$/,
        'syncs.s.defaults.b: b is only read: expected a member with write or both, came read',
        'syncs.s.defaults.c: no member of this sync: expected a or b, came "c"',
      ],
    ],
    [
      'a default of a field that goes nowhere',
      file({ sync: sync('defaults: { a: { §tags: [x] } }, fields: { tags: { to: [] } }') }),
      [
        'syncs.s.defaults.a.tags: a field that is not written to a: expected a in fields.tags.to, or no default, came tags',
      ],
    ],
    [
      'a word of one CRM that is the canonical value of another one',
      file({
        a: `{ connector: conecrm, baseUrl: 'https://a.example', token: \${TOKEN}, values: { contact: { status: { §Customer: lead, lost: lost }, owner: { customer: x } } } }`,
        b: connection(
          'baseUrl: "https://b.example", values: { contact: { status: { Kunde: customer, lost: gone, Lost2: lost } } }',
        ),
      }),
      [
        'connections.a.values.contact.status.Customer: b has a canonical value "Customer", which would be written here as a word that means lead: expected a word of this CRM for it as well, came none',
      ],
    ],
    [
      'values and transforms of fields that have none',
      file({
        a: `{ connector: conecrm, baseUrl: 'https://a.example', token: \${TOKEN}, values: { contact: { status: { Won: customer, §won: x }, §notes: { a: b }, §statu: { a: b }, owner: { a: §[] } }, §people: {} } }`,
        b: connection(
          `baseUrl: "https://b.example", transforms: { contact: { §consent: upper, §notes: { phone: e164 }, §jobTitle: { date: dmy }, §phone.primary: { template: "{name.given}" }, company: { template: §§"{company} {name.first}" }, department: §shout, industry: { template: §none }, phone.mobile: { phone: §loud }, custom.x: [trim, title] } }`,
        ),
      }),
      [
        'connections.a.values.contact.status.won: named twice: expected each value of the CRM once, came "won"',
        'connections.a.values.contact.notes: no field of options: expected a field that holds an option, or a custom one, came notes (text)',
        /^connections\.a\.values\.contact\.statu: unknown field of contact: expected one of .*, came "statu" \(did you mean status\?\)$/,
        'connections.a.values.contact.owner.a: wrong value: expected the canonical value: a text, a number, true or false, came a list',
        'connections.a.values.people: unknown key: expected one of contact, account, lead, came "people"',
        'connections.b.transforms.contact.consent: no text: expected a field that holds a text, came consent (boolean)',
        'connections.b.transforms.contact.notes: no phone number: expected a field that holds a phone number, came notes (text)',
        'connections.b.transforms.contact.jobTitle: no date: expected a field that holds a date, came jobTitle (text)',
        'connections.b.transforms.contact.phone.primary: no text: expected a field that holds a text, came phone.primary (phone)',
        'connections.b.transforms.contact.company.template: made of itself: expected other fields, came "company"',
        /^connections\.b\.transforms\.contact\.company\.template: unknown field of contact: expected one of .*, came "name\.first"/,
        'connections.b.transforms.contact.department: wrong value: expected trim, upper, lower, title, { phone: … }, a list of these, { date: … } or { template: … }, came "shout"',
        'connections.b.transforms.contact.industry.template: wrong value: expected a text with fields in braces such as "{name.given} {name.family}", came "none"',
        'connections.b.transforms.contact.phone.mobile.phone: wrong value: expected national, international or e164, came "loud"',
      ],
    ],
    [
      'conflicts ranked among others',
      file({ sync: sync('conflicts: [a, §cc, §a]') }),
      [
        'syncs.s.conflicts.1: no member of this sync: expected a or b, came "cc"',
        'syncs.s.conflicts.2: named twice: expected each member once, came "a"',
      ],
    ],
    [
      'conflicts by another word',
      file({ sync: sync('conflicts: §oldest') }),
      ['syncs.s.conflicts: wrong value: expected newest, manual, or a list of members by rank, came "oldest"'],
    ],
    [
      'another word for a match',
      file({ sync: sync('match: [email, §mail]') }),
      ['syncs.s.match.1: wrong value: expected xref, email, phone, name, domain, came "mail"'],
    ],
    [
      'conditions of another form',
      file({ sync: sync('where: { §nix: present, active: §[], status: { §a: 1 } }') }),
      [
        paths,
        'syncs.s.where.active: wrong value: expected a list of values, came a list',
        'syncs.s.where.status.a: unknown key: expected one of in, matches, olderThan, newerThan, not, came "a"',
      ],
    ],
    [
      'conditions that say nothing, two things, or what cannot be',
      file({
        sync: sync(
          'where: { jobTitle: §{}, notes: §{ in: [a], matches: b }, status: { in: §[] }, tags: { matches: §"(" }, company: { matches: §"(?=a)" }, birthday: { olderThan: §"2026-02-31" }, nextAction.due: { not: { newerThan: §"30" } }, department: { not: { §not: x } }, industry: { §newerThan: 3d }, language: { not: { §olderThan: 3d } } }',
        ),
      }),
      [
        'syncs.s.where.jobTitle: wrong value: expected one of in, matches, olderThan, newerThan, not, came a mapping',
        'syncs.s.where.notes: wrong value: expected one of in, matches, olderThan, newerThan, not, came a mapping',
        'syncs.s.where.status.in: wrong value: expected a list of values, came a list',
        'syncs.s.where.tags.matches: wrong value: expected a regular expression as JavaScript reads it with the flag u, came "("',
        'syncs.s.where.company.matches: wrong value: expected a regular expression that does not look around, came "(?=a)"',
        'syncs.s.where.birthday.olderThan: wrong value: expected a number of days such as 30d (1d to 99999d), a date such as 2026-01-01, or a date-time, came "2026-02-31"',
        'syncs.s.where.nextAction.due.not.newerThan: wrong value: expected a number of days such as 30d (1d to 99999d), a date such as 2026-01-01, or a date-time, came "30"',
        'syncs.s.where.department.not.not: unknown key: expected one of in, matches, olderThan, newerThan, came "not"',
        'syncs.s.where.industry.newerThan: no date: expected a field that holds a date or a date-time, came industry (text)',
        'syncs.s.where.language.not.olderThan: no date: expected a field that holds a date or a date-time, came language (language)',
      ],
    ],
    [
      'limits of another form',
      file({ sync: sync('limits: { deletes: §101%, overwrites: §-1 }') }),
      [
        'syncs.s.limits.deletes: wrong value: expected a share such as 5% (0% to 100%), or a whole number, came "101%"',
        'syncs.s.limits.overwrites: wrong value: expected a share such as 5% (0% to 100%), or a whole number, came -1',
      ],
    ],
    [
      'no cron pattern',
      file({ sync: sync('schedule: §every five minutes please') }),
      [
        'syncs.s.schedule: wrong value: expected a cron pattern of five fields such as "*/5 * * * *" (six with seconds), came "every five minutes please"',
      ],
    ],
    [
      'a schedule in no time zone',
      file({ sync: sync('schedule: { pattern: "0 6 * * 1-5", timeZone: §Mars/Olympus }') }),
      [
        'syncs.s.schedule.timeZone: unknown time zone: expected an IANA time zone such as Europe/Berlin, came "Mars/Olympus"',
      ],
    ],
    [
      'a schedule with an unknown key',
      file({ sync: sync('schedule: { pattern: "0 6 * * 1-5", §zone: UTC }') }),
      ['syncs.s.schedule.zone: unknown key: expected one of pattern, timeZone, jitter, came "zone"'],
    ],
    [
      'a schedule in a mapping that is no cron pattern',
      file({ sync: sync('schedule: { pattern: §every hour }') }),
      [
        'syncs.s.schedule.pattern: wrong value: expected a cron pattern of five fields such as "*/5 * * * *" (six with seconds), came "every hour"',
      ],
    ],
    [
      'a schedule that never comes',
      file({ sync: sync('schedule: §"0 0 31 2 *"') }),
      ['syncs.s.schedule: a schedule that never comes: expected a cron pattern with a next time, came "0 0 31 2 *"'],
    ],
    [
      'a database server',
      file({ store: '{ §postgres: "postgres://u:hunter2@db/x" }' }),
      [
        'store.postgres: not available: expected sqlite: FILE (this version keeps its data in SQLite only), came postgres',
      ],
    ],
    ...['0d', '400', '24h', '1.5d', '-1d', '100000d', 'never'].map((written): [string, string, string[]] => [
      `a retention of ${written}`,
      file({ store: `{ sqlite: x, retention: §"${written}" }` }),
      [
        `store.retention: wrong value: expected a number of days such as 400d (1d to 99999d), or forever, came "${written}"`,
      ],
    ]),
    ['no database', `§${file({ store: '{}' })}`, ['store.sqlite: missing: expected the path of a file, came nothing']],
    [
      'no Redis URL',
      file({ queue: '{ redis: §"hunter2" }' }),
      ['queue.redis: wrong value: expected a URL such as redis://127.0.0.1:6379, or nothing, came a text'],
    ],
    [
      'webhooks and dashboard',
      file({
        rest: 'webhooks: { listen: §8787, secrets: { §c: §hunter2 } }\n§dashboard: { listen: §"127.0.0.1:99999" }',
      }),
      [
        'webhooks.listen: wrong value: expected host:port such as 127.0.0.1:8787, came 8787',
        'webhooks.secrets.c: no such connection: expected a or b, came "c"',
        'webhooks.secrets.c: wrong value: expected whsec_ and base64, came a text',
        `dashboard.password: missing: expected a password, best as \${NAME}, came nothing`,
        'dashboard.listen: wrong value: expected host:port such as 127.0.0.1:8787, came "127.0.0.1:99999"',
      ],
    ],
    [
      'one password for acting and for looking',
      file({ rest: `dashboard: { password: "\${PASSWORD}", readPassword: §"\${PASSWORD}" }` }),
      ['dashboard.readPassword: wrong value: expected another password than password, came the same'],
    ],
    [
      'one address for both',
      file({ rest: 'webhooks: { listen: §"127.0.0.1:8788" }' }),
      ['webhooks.listen: wrong value: expected another address than dashboard.listen, came the same'],
    ],
    [
      'other schemes of webhooks',
      file({
        rest: `webhooks:
  secrets:
    §a: { scheme: hmac, secret: hunter2, algorithm: §sha1, body: { id: §".id" }, words: { x: §person } }
    b: { secret: §hunter2, §header: X-Signature }`,
      }),
      [
        'webhooks.secrets.a.header: missing: expected the name of the header with the signature, came nothing',
        'webhooks.secrets.a.algorithm: wrong value: expected sha256 or sha512, came "sha1"',
        'webhooks.secrets.a.body.id: wrong value: expected keys from the outside in, joined by dots, such as data.id, came ".id"',
        'webhooks.secrets.a.words.x: wrong value: expected contact, account, lead or ignore, came "person"',
        'webhooks.secrets.b.secret: wrong value: expected whsec_ and base64, came a text',
        'webhooks.secrets.b.header: unused key: expected no header, for scheme standard has no use for it, came header',
      ],
    ],
    [
      'a webhook without its secret, and with keys that are unknown',
      file({ rest: 'webhooks: { secrets: { §a: { scheme: token, header: §"X: Y", §tokn: hunter2 }, b: §[] } }' }),
      [
        `webhooks.secrets.a.secret: missing: expected the secret, best as \${NAME}, came nothing`,
        'webhooks.secrets.a.header: wrong value: expected the name of a header, came "X: Y"',
        /^webhooks\.secrets\.a\.tokn: unknown key: expected one of scheme, secret, header, .*, came "tokn"$/,
        'webhooks.secrets.b: wrong value: expected a secret that begins with whsec_, or a mapping: scheme, secret, header …, came a list',
      ],
    ],
    [
      'a name of another form',
      'store: { sqlite: x }\nconnections: { §§1a: {} }\nsyncs: {}',
      [
        /^connections\.1a\.token: missing/,
        'connections.1a: wrong name: expected a name: a letter, then letters, digits, - and _, at most 63, came "1a"',
      ],
    ],
    [
      'no connection',
      'store: { sqlite: x }\n§connections: {}\nsyncs: {}',
      ['connections: missing: expected at least one connection, came none'],
    ],
  ])('%s', (_, marked, expected) => {
    const { text, places } = unmarked(marked);
    const found = faults(text);
    expect(found.map((line) => line.split(' ', 1)[0])).toEqual(places);
    const messages = found.map((line) => line.slice(line.indexOf(' ') + 1));
    expect(messages).toEqual(expected.map((one) => (typeof one === 'string' ? one : expect.stringMatching(one))));
    expect(messages.join('\n')).not.toMatch(/hunter2|pass-secret|tkn-secret/);
  });

  it('tells all faults in one report, in the order of the file', () => {
    const found = faults(file({ a: '{ connector: x, baseUrl: y, tokn: z }', sync: sync('match: [q], schedule: z') }));
    expect(found.map((line) => line.split(' ')[1])).toEqual([
      'connections.a.token:',
      'connections.a.connector:',
      'connections.a.baseUrl:',
      'connections.a.tokn:',
      'syncs.s.match.0:',
      'syncs.s.schedule:',
    ]);
  });
});

describe('whatever the file holds', () => {
  const words = [
    'store',
    'connections',
    'syncs',
    'a',
    'members',
    'sqlite',
    'token',
    `\${TOKEN}`,
    `\${`,
    '&x',
    '*x',
    '!t',
    '---',
    '? ',
    ': ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '\n',
    '\n  ',
    '|',
    '>',
    '#',
    '<<',
    '__proto__',
    'constructor',
    '~',
    '1',
    '.inf',
    '\t',
    '\u{1f600}',
    '\ue024\ue07b',
    '%',
  ];
  const soup = fc
    .array(fc.oneof(fc.constantFrom(...words), fc.string()), { maxLength: 60 })
    .map((parts) => parts.join(''));
  const damaged = fc
    .tuple(fc.nat(contract.length), fc.nat(20), fc.oneof(fc.constantFrom(...words), fc.string()))
    .map(([at, cut, put]) => contract.slice(0, at) + put + contract.slice(at + cut));

  property.prop([fc.oneof(soup, damaged)], { numRuns: 2_000 })('it is read or refused with a ConfigError', (text) => {
    try {
      load(text);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const { problems, message } = error as ConfigError;
      expect(problems.length).toBeGreaterThan(0);
      expect(message).not.toMatch(/tkn-secret|pass-secret|c2VjcmV0/);
    }
  });

  it.each(['[', '{a: ', '- ', '? '])('ten thousand times %j is refused, not a crash', (opening) => {
    expect(faults(opening.repeat(10_000)).length).toBeGreaterThan(0);
  });

  it('aliases cannot blow it up', () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}, *l${level}]`,
    );
    expect(faults(['l0: &l0 [x]', ...levels].join('\n')).length).toBeGreaterThan(0);
  });
});

import { z } from 'zod';
import { entities } from '../model/values.ts';
import { type Limit, matchRules, type Schedule } from '../sync/policy.ts';
import type { Address } from './config.ts';
import { transforms, valueMaps } from './forms.ts';
import { rulesShape } from './rules.ts';
import { fieldPath, fieldPathText, keysOf, mapping, name, nameText, text } from './shapes.ts';

/*
 * The shape of the file. A schema's error text is the phrase behind "expected": it says what belongs there, and the
 * loader adds where it is and what came. Rules that need more than one place of the file are in check.ts.
 */

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const longestMs = 24 * unitsMs.h;
const durationText = 'a duration from 1s to 24h, such as 30s, 5m or 1h';

/** `30s`, `5m`, `24h` as milliseconds. */
const duration = z
  .string({ error: durationText })
  .regex(/^[1-9][0-9]{0,5}[smh]$/, durationText)
  .transform((written) => Number(written.slice(0, -1)) * unitsMs[written.slice(-1) as keyof typeof unitsMs])
  .refine((ms) => ms <= longestMs, durationText);

const dayMs = 24 * unitsMs.h;
const retentionText = 'a number of days such as 400d (1d to 99999d), or forever';

/** `400d` as milliseconds; undefined for `forever`. */
const retention = z
  .string({ error: retentionText })
  .regex(/^([1-9][0-9]{0,4}d|forever)$/, retentionText)
  .transform((written) => (written === 'forever' ? undefined : Number(written.slice(0, -1)) * dayMs));

/** A number, also when it came from the environment and so is a text. */
function number(expected: string, accepts: (value: number) => boolean, minimum: number) {
  return z
    .union([z.number().min(minimum, expected), z.string().regex(/^[0-9]+(\.[0-9]+)?$/, expected)], { error: expected })
    .transform(Number)
    .refine((value) => Number.isFinite(value) && accepts(value), expected);
}

const limitText = 'a share such as 5% (0% to 100%), or a whole number';
const limit = z
  .union([z.int().min(0, limitText), z.string().regex(/^([0-9]{1,2}(\.[0-9]+)?|100)%$|^[0-9]{1,9}$/, limitText)], {
    error: limitText,
  })
  .transform((written): Limit => {
    if (typeof written === 'number') return { count: written };
    if (!written.endsWith('%')) return { count: Number(written) };
    const share = Number(written.slice(0, -1)) / 100;
    return { share, atLeast: share === 0 ? 0 : 1 };
  });

const listenText = 'host:port such as 127.0.0.1:8787';
const listen = z
  .string({ error: listenText })
  .regex(/^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/, listenText)
  .transform((written): Address => {
    const colon = written.lastIndexOf(':');
    return { host: written.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(written.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, listenText);

const yesNo = z.boolean({ error: 'true or false' });

const oauthShape = {
  clientId: text('the client id').meta({ description: 'Client id of the API application.' }),
  clientSecret: text(`the client secret, best as \${NAME}`).meta({ description: `Client secret, best as \${NAME}.` }),
  tokenUrl: text('a URL').meta({
    description: 'Where access tokens are fetched, e.g. https://host/api/v1/oauth/token.',
  }),
  scope: text('scopes, separated by spaces')
    .optional()
    .meta({ description: 'Scopes to ask for, separated by spaces.' }),
  grantType: text('a grant type').optional().meta({ description: 'Default client_credentials.' }),
  bodyForm: z
    .enum(['form', 'json'], { error: 'form or json' })
    .optional()
    .meta({ description: 'How the request for a token is written. Default form.' }),
};

const rateShape = {
  perSecond: number('a number above 0', (value) => value > 0, 0)
    .optional()
    .meta({
      description:
        'Requests per second, at most. Default: as fast as `concurrent` lets; no API here documents a limit, and a 429 pauses the connection.',
    }),
  concurrent: number(
    'a whole number from 1 to 1000',
    (value) => Number.isInteger(value) && value >= 1 && value <= 1_000,
    1,
  )
    .default(4)
    .meta({ description: 'Requests under way at once, at most. Default 4.' }),
};

export const connectionShape = {
  connector: text('the name of a connector').meta({ description: 'Which kind of CRM this is.' }),
  baseUrl: text('a URL such as https://api.example.com').meta({
    description: 'Where its API is. https, except on loopback. The bare origin, unless the connector says otherwise.',
  }),
  token: text(`the bearer token, best as \${NAME}`)
    .optional()
    .meta({ description: `Static bearer token, best as \${NAME}. Either this or oauth.` }),
  oauth: mapping(oauthShape, 'clientId, clientSecret, tokenUrl')
    .optional()
    .meta({ description: 'OAuth 2.0 client credentials. Either this or token.' }),
  allowPlainHttp: yesNo.default(false).meta({
    description:
      'Allows http:// to a host that is not loopback: credentials and data then travel readable. Default false.',
  }),
  options: z
    .record(z.string(), z.unknown(), { error: 'a mapping of the connector’s own options' })
    .default({})
    .meta({ description: 'The connector’s own options; see its README.' }),
  values: valueMaps.default({}).meta({
    description:
      'Entity → field → value of this CRM → canonical value, for options; both ways. Where several mean the same, the first is written. What is not named stays as it is; docs/rules.md.',
  }),
  transforms: transforms.default({}).meta({
    description:
      'Entity → field → how it is written to this CRM: trim, upper, lower, title, { phone: national | international | e164 }, { date: iso | dmy | mdy }, { template: "{name.given} {name.family}" }; docs/rules.md.',
  }),
  rateLimit: mapping(rateShape, 'perSecond, concurrent').prefault({}).meta({ description: 'How fast we may call.' }),
  timeout: duration
    .prefault('30s')
    .meta({ description: 'Longest wait for one answer, such as 30s or 2m. Default 30s.' }),
};

const conflictsText = 'newest, manual, or a list of members by rank';
const limitsShape = {
  deletes: limit.default({ share: 0.05, atLeast: 3 }).meta({
    description:
      'Most records that one run may delete at a member, or find missing there. Default 5% of its records, and 3 in any case.',
  }),
  overwrites: limit.default({ share: 0.2, atLeast: 10 }).meta({
    description:
      'Most records at a member in which one run may replace values. Default 20% of its records, and 10 in any case.',
  }),
  blankings: limit.default({ share: 0.05, atLeast: 5 }).meta({
    description:
      'Most records at a member in which one run may empty fields. Default 5% of its records, and 5 in any case.',
  }),
};

const scheduleText = 'a cron pattern such as "*/5 * * * *", or a mapping of pattern, timeZone and jitter';
const scheduleShape = {
  pattern: text('a cron pattern such as "*/5 * * * *"').meta({
    description: 'Cron pattern of five fields, or six with seconds.',
  }),
  timeZone: text('a time zone such as Europe/Berlin').optional().meta({
    description: 'IANA time zone in which the pattern is read, e.g. Europe/Berlin. Default: that of the machine.',
  }),
  jitter: duration.optional().meta({
    description: 'A cycle begins up to this much later, by chance. Default: a twentieth of the interval, 10s at most.',
  }),
};

export const syncShape = {
  entity: z.enum(entities, { error: entities.join(', ') }).meta({ description: 'What is kept the same.' }),
  members: z
    .record(name, z.enum(['read', 'write', 'both'], { error: 'read, write or both' }), {
      error: (issue) => (issue.code === 'invalid_key' ? nameText : 'a mapping of connections to read, write or both'),
    })
    .meta({
      description:
        'Connections that take part, each with its direction. The first one wins where nothing else decides.',
    }),
  match: z
    .array(z.enum(matchRules, { error: matchRules.join(', ') }), { error: `a list of ${matchRules.join(', ')}` })
    .min(1, `a list of ${matchRules.join(', ')}`)
    .optional()
    .meta({
      description:
        'Evidence by which two records are recognised as one. Default: xref, email, phone; accounts also domain and name.',
    }),
  conflicts: z
    .union([z.enum(['newest', 'manual']), z.array(name).min(1)], { error: conflictsText })
    .default('newest')
    .meta({
      description: 'Who wins when two members changed one field: newest, manual, or members by rank. Default newest.',
    }),
  owners: z
    .record(fieldPath, name, {
      error: (issue) => (issue.code === 'invalid_key' ? fieldPathText : 'a mapping of field paths to members'),
    })
    .default({})
    .meta({ description: 'Field path → the member whose value wins a conflict in it.' }),
  ...rulesShape,
  deletes: z.enum(['ignore', 'propagate'], { error: 'ignore or propagate' }).default('ignore').meta({
    description:
      'What becomes of a record that is deleted in one CRM: ignore leaves it in the others, propagate deletes it there too, unless somebody has edited it meanwhile. Default ignore.',
  }),
  limits: mapping(limitsShape, 'deletes, overwrites, blankings').prefault({}).meta({
    description:
      'Guards against mass deletes, overwrites and blankings: a share of the records at a member such as 5%, or a number. A run that would pass one writes nothing and waits for concordat approve.',
  }),
  schedule: z
    .union([text(scheduleText), mapping(scheduleShape, 'pattern, timeZone, jitter')], { error: scheduleText })
    .transform((written): Schedule => {
      if (typeof written === 'string') return { pattern: written };
      const { pattern, timeZone, jitter } = written;
      return {
        pattern,
        ...(timeZone !== undefined && { timeZone }),
        ...(jitter !== undefined && { jitterMs: jitter }),
      };
    })
    .optional()
    .meta({
      description:
        'When concordat start runs a full cycle: a cron pattern, e.g. "*/5 * * * *", or a mapping of pattern, timeZone and jitter. Default every 15 minutes.',
    }),
};

const connection = mapping(connectionShape, 'connector, baseUrl, token or oauth …');
const sync = mapping(syncShape, 'entity, members …');

const storeShape = {
  sqlite: text('the path of a file')
    .optional()
    .meta({ description: 'Database file, relative to this file or absolute.' }),
  postgres: text('a URL').optional().meta({ description: 'Not in this version.' }),
  retention: retention.prefault('400d').meta({
    description:
      'How long the logs go back, such as 400d, or forever: what replaced what, settled conflicts, ended runs. Values, their origins, links and whatever waits never expire. Default 400d.',
  }),
};
const queueShape = {
  redis: z.string({ error: 'a URL such as redis://127.0.0.1:6379, or nothing' }).nullish().meta({
    description:
      'redis://, rediss:// or unix:// URL of the Redis that concordat start uses. Default: one of its own, run beside the database. The other commands need none.',
  }),
};
const headerText = 'the name of a header';
const header = z.string({ error: headerText }).regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, headerText);
const keysText = 'keys from the outside in, joined by dots, such as data.id';
/** `data.id` as `['data', 'id']`. */
const bodyPath = z
  .string({ error: keysText })
  .regex(/^[^.]+(\.[^.]+)*$/, keysText)
  .transform((written) => written.split('.'));
const prefixText = 'up to 20 printable ASCII characters';

const webhookBodyShape = {
  events: bodyPath
    .optional()
    .meta({ description: 'Where the list of events is. Default: the body, its events or data.' }),
  entity: bodyPath.optional().meta({ description: 'Where an event names the entity. Default data.entity or entity.' }),
  id: bodyPath.optional().meta({ description: 'Where an event names the record. Default data.id or id.' }),
  type: bodyPath
    .optional()
    .meta({ description: 'Where an event says what happened, such as contact.deleted. Default type.' }),
  delivery: bodyPath
    .optional()
    .meta({ description: 'Where the body names the delivery, under which it is repeated. Default: nowhere.' }),
};

export const webhookShape = {
  scheme: z.enum(['standard', 'hmac', 'token'], { error: 'standard, hmac or token' }).default('standard').meta({
    description:
      'How a webhook shows that it is genuine: standard (Standard Webhooks), hmac (a signature of the body in a header) or token (the secret itself in a header). Default standard.',
  }),
  secret: text(`the secret, best as \${NAME}`).meta({
    description: `The secret, best as \${NAME}; of scheme standard it is whsec_ and base64.`,
  }),
  header: header.optional().meta({ description: 'Header with the signature or the token. Not of scheme standard.' }),
  prefix: z
    .string({ error: prefixText })
    .regex(/^[ -~]{0,20}$/, prefixText)
    .optional()
    .meta({ description: 'What stands before the signature or the token, such as sha256= or "Bearer ".' }),
  algorithm: z
    .enum(['sha256', 'sha512'], { error: 'sha256 or sha512' })
    .optional()
    .meta({ description: 'Of scheme hmac. Default sha256.' }),
  encoding: z
    .enum(['hex', 'base64'], { error: 'hex or base64' })
    .optional()
    .meta({ description: 'How a signature of scheme hmac is written. Default hex.' }),
  deliveryHeader: header.optional().meta({
    description: 'Header with an id under which the sender repeats a delivery. Not of scheme standard, which has one.',
  }),
  body: mapping(webhookBodyShape, keysOf(webhookBodyShape))
    .prefault({})
    .meta({ description: 'Where things stand in the body, for senders that do not use the generic form.' }),
  words: z
    .record(z.string(), z.enum([...entities, 'ignore'], { error: `${entities.join(', ')} or ignore` }), {
      error: `a mapping of the sender’s words to ${entities.join(', ')} or ignore`,
    })
    .default({})
    .meta({ description: 'The sender’s words for entities, e.g. { customer: contact, order: ignore }.' }),
  entity: z
    .enum(entities, { error: entities.join(', ') })
    .optional()
    .meta({ description: 'What an event is about that does not say.' }),
};
const sourceText = 'a secret that begins with whsec_, or a mapping: scheme, secret, header …';

export const webhooksShape = {
  listen: listen
    .prefault('127.0.0.1:8787')
    .meta({ description: 'Where webhooks are received. Default 127.0.0.1:8787.' }),
  secrets: z
    .record(
      name,
      z.union([text(sourceText), mapping(webhookShape, 'scheme, secret, header …')], { error: sourceText }),
      {
        error: (issue) => (issue.code === 'invalid_key' ? nameText : 'a mapping of connections to secrets'),
      },
    )
    .default({})
    .meta({
      description:
        'Connection → signing secret of Standard Webhooks, whsec_…, or how its webhooks are signed and read; docs/webhooks.md.',
    }),
};
export const dashboardShape = {
  listen: listen
    .prefault('127.0.0.1:8788')
    .meta({ description: 'Where the dashboard is shown. Default 127.0.0.1:8788.' }),
  password: text(`a password, best as \${NAME}`)
    .optional()
    .meta({ description: `Password of the dashboard, best as \${NAME}.` }),
  readPassword: text(`another password, best as \${NAME}`)
    .optional()
    .meta({ description: `Password of those who may look at the dashboard and not act, best as \${NAME}.` }),
};
const named = (value: string) => ({
  error: (issue: { code?: string | undefined }) =>
    issue.code === 'invalid_key' ? nameText : `a mapping of names to ${value}`,
});

const fileShape = {
  store: mapping(storeShape, 'sqlite, retention').meta({ description: 'Where concordat keeps what it knows.' }),
  queue: mapping(queueShape, 'redis').prefault({}).meta({ description: 'What runs the jobs.' }),
  connections: z
    .record(name, connection, named('connections'))
    .meta({ description: 'The CRMs, each under a name of its own.' }),
  syncs: z.record(name, sync, named('syncs')).meta({ description: 'What is kept the same among which connections.' }),
  webhooks: mapping(webhooksShape, 'listen, secrets')
    .prefault({})
    .meta({ description: 'Receiving webhooks: concordat start.' }),
  dashboard: mapping(dashboardShape, 'listen, password, readPassword')
    .prefault({})
    .meta({ description: 'The dashboard of concordat start.' }),
};

/** The whole file. */
export const fileSchema = mapping(fileShape, 'store, connections, syncs').meta({
  title: 'concordat.yaml',
  description: 'Configuration of concordat.',
});
export type FileData = z.output<typeof fileSchema>;
export type SyncData = FileData['syncs'][string];
export type WebhookData = Exclude<FileData['webhooks']['secrets'][string], string>;
export type ConnectionData = FileData['connections'][string];

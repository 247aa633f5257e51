import type { Entity } from '../model/values.ts';
import type { WebhookProof, WebhookSource } from './config.ts';
import type { Faults } from './faults.ts';
import { mappingAt } from './parts.ts';
import { type FileData, type WebhookData, webhookShape } from './schema.ts';
import type { ConfigSource, Path } from './source.ts';
import { didYouMean, listed } from './words.ts';

/** Keys that a scheme has no use for: one that is given was meant for another scheme. */
const useless: Readonly<Record<WebhookData['scheme'], readonly (keyof typeof webhookShape)[]>> = {
  standard: ['header', 'prefix', 'algorithm', 'encoding', 'deliveryHeader'],
  hmac: [],
  token: ['algorithm', 'encoding'],
};

const standardSecret = /^whsec_[A-Za-z0-9+/]+={0,2}$/;

/** The rules of `webhooks.secrets` that a schema cannot tell. */
export function checkWebhooks(source: ConfigSource, faults: Faults): void {
  const known = Object.keys(mappingAt(source, ['connections']) ?? {});
  for (const [name, written] of Object.entries(mappingAt(source, ['webhooks', 'secrets']) ?? {})) {
    const at: Path = ['webhooks', 'secrets', name];
    if (!known.includes(name))
      faults.add(at, 'no such connection', listed(known), `${JSON.stringify(name)}${didYouMean(name, known)}`, 'key');
    if (typeof written === 'string') checkStandardSecret(at, written, faults);
    const long = mappingAt(source, at);
    if (long) checkScheme(at, long, faults);
  }
}

/** The places of secrets in `webhooks.secrets`. */
export function webhookSecretPaths(source: ConfigSource): Path[] {
  return Object.keys(mappingAt(source, ['webhooks', 'secrets']) ?? {}).map((name) => {
    const at = ['webhooks', 'secrets', name];
    return mappingAt(source, at) ? [...at, 'secret'] : at;
  });
}

function checkScheme(at: Path, written: Readonly<Record<string, unknown>>, faults: Faults): void {
  const scheme = webhookShape.scheme.safeParse(written.scheme);
  if (!scheme.success) return;
  for (const key of useless[scheme.data])
    if (written[key] !== undefined)
      faults.add([...at, key], 'unused key', `no ${key}, for scheme ${scheme.data} has no use for it`, key, 'key');
  if (scheme.data === 'standard') {
    if (typeof written.secret === 'string') checkStandardSecret([...at, 'secret'], written.secret, faults);
  } else if (written.header === undefined)
    faults.add([...at, 'header'], 'missing', `the name of the header with the ${proofOf[scheme.data]}`, 'nothing');
}

const proofOf = { hmac: 'signature', token: 'token' } as const;

function checkStandardSecret(at: Path, secret: string, faults: Faults): void {
  if (!standardSecret.test(secret)) faults.add(at, 'wrong value', 'whsec_ and base64');
}

/** What was written, with every default filled in. */
export function sourceOf(written: FileData['webhooks']['secrets'][string]): WebhookSource {
  const long: WebhookData =
    typeof written === 'string' ? { scheme: 'standard', secret: written, body: {}, words: {} } : written;
  const { events, entity, id, type, delivery } = long.body;
  const words = Object.entries(long.words).map(([word, meant]): [string, Entity | undefined] => [
    word.toLowerCase(),
    meant === 'ignore' ? undefined : meant,
  ]);
  return {
    proof: proofFrom(long),
    deliveryHeader: long.deliveryHeader?.toLowerCase(),
    body: { events, entity, id, type, delivery, words: new Map(words), defaultEntity: long.entity },
  };
}

function proofFrom({ scheme, secret, header = '', prefix = '', algorithm, encoding }: WebhookData): WebhookProof {
  if (scheme === 'standard') return { scheme, secret };
  const where = { secret, header: header.toLowerCase(), prefix };
  return scheme === 'token'
    ? { scheme, ...where }
    : { scheme, ...where, algorithm: algorithm ?? 'sha256', encoding: encoding ?? 'hex' };
}

import { createHmac, createSecretKey, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { WebhookProof } from '../../config/config.ts';

/** How far a Standard Webhook's time may be from ours, seconds: what the standard's own libraries allow. */
const windowSecs = 5 * 60;

/**
 * Tells whether a request comes from who knows the secret. Comparisons take as long for a wrong proof as for a right one.
 * @param raw the body as it came, byte for byte
 * @param now epoch milliseconds
 */
export type Verify = (headers: IncomingHttpHeaders, raw: Buffer, now: number) => boolean;

/** The check that belongs to a proof. A proof that is missing or malformed is a wrong one. */
export function verifierOf(proof: WebhookProof): Verify {
  switch (proof.scheme) {
    case 'standard':
      return standard(Buffer.from(proof.secret.slice('whsec_'.length), 'base64'));
    case 'hmac':
      return hmac(proof);
    case 'token':
      return token(proof);
  }
}

/** Refuses everything, after the work that a check of Standard Webhooks does. */
export function refusing(): Verify {
  return standard(randomBytes(32));
}

/*
 * Our own and not the library's `verify`: that one decodes the body to text and hashes the text, so that bodies which
 * differ in bytes that are no UTF-8 pass for one another, and it hashes in JavaScript, at nine times the price.
 */
function standard(secret: Buffer): Verify {
  const key = createSecretKey(secret);
  return (headers, raw, now) => {
    const id = headers['webhook-id'];
    const timestamp = headers['webhook-timestamp'];
    const signatures = headers['webhook-signature'];
    if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false;
    if (id === '' || !/^[0-9]{1,12}$/.test(timestamp)) return false;
    if (Math.abs(Math.floor(now / 1000) - Number(timestamp)) > windowSecs) return false;
    // Node reads headers as latin1: as such they are the bytes that were signed.
    const signed = createHmac('sha256', key).update(`${id}.${timestamp}.`, 'latin1').update(raw).digest('base64');
    // Several while a secret is being replaced; other versions than v1 are not ours to check.
    return signatures.split(' ').some((each) => each.startsWith('v1,') && isSame(each.slice('v1,'.length), signed));
  };
}

function hmac({ secret, header, prefix, algorithm, encoding }: WebhookProof & { scheme: 'hmac' }): Verify {
  const key = createSecretKey(secret, 'utf8');
  return (headers, raw) => {
    const given = headers[header];
    if (typeof given !== 'string' || !given.startsWith(prefix)) return false;
    const signature = given.slice(prefix.length);
    const signed = createHmac(algorithm, key).update(raw).digest(encoding);
    return isSame(encoding === 'hex' ? signature.toLowerCase() : signature, signed);
  };
}

function token({ secret, header, prefix }: WebhookProof & { scheme: 'token' }): Verify {
  const expected = hash('sha256', secret, 'hex');
  return (headers) => {
    const given = headers[header];
    if (typeof given !== 'string' || !given.startsWith(prefix)) return false;
    // Hashes are of one length: how long the secret is does not show either.
    return isSame(hash('sha256', Buffer.from(given.slice(prefix.length), 'latin1'), 'hex'), expected);
  };
}

/** In constant time for texts of one length. */
function isSame(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given, 'latin1'), Buffer.from(expected, 'latin1')];
  return one.length === other.length && timingSafeEqual(one, other);
}

import type { Address, Config, WebhookProof } from '../config/config.ts';
import { isLoopback } from '../connector/address.ts';
import { bad, doubtful, type Finding, good } from './finding.ts';
import type { Session } from './session.ts';

/** Standard Webhooks asks for as many random bytes, at least. */
const leastSecretBytes = 24;
const leastSecretChars = 16;
const leastPasswordChars = 12;

/** What only `concordat start` needs: Redis, webhooks, dashboard. */
export async function checkWorker(session: Session, config: Config): Promise<readonly Finding[]> {
  return [await checkRedis(session, config), ...checkWebhooks(config), ...checkDashboard(config)];
}

async function checkRedis({ io }: Session, { redisUrl }: Config): Promise<Finding> {
  if (redisUrl === undefined) {
    const { findRedisServer } = await import('../queue/bull/redis-server.ts');
    const program = findRedisServer(io.env.PATH);
    if (program !== undefined) return good('redis', '', `concordat start runs ${program} by itself`);
    const next =
      'install one (apt install redis-server, dnf install valkey, brew install redis), or set queue.redis; concordat sync from cron needs none';
    return doubtful('redis', '', 'queue.redis is empty and no redis-server is found: concordat start cannot run', next);
  }
  const { hostname, port, pathname } = new URL(redisUrl);
  const name = hostname === '' ? pathname : `${hostname}:${port || '6379'}`;
  const { inspectRedis, isOlder, neededPolicy, oldestRedis } = await import('../queue/bull/inspect-redis.ts');
  try {
    const { version, evictionPolicy, isPersistent } = await inspectRedis(redisUrl);
    if (isOlder(version, oldestRedis))
      return bad('redis', name, `is version ${version}`, `update it to ${oldestRedis} or later`);
    if (evictionPolicy !== undefined && evictionPolicy !== neededPolicy) {
      const message = `throws jobs away when its memory is full (maxmemory-policy ${evictionPolicy})`;
      return bad('redis', name, message, `CONFIG SET maxmemory-policy ${neededPolicy}, and in its configuration file`);
    }
    const unasked =
      evictionPolicy === undefined ? `; its maxmemory-policy cannot be asked: it has to be ${neededPolicy}` : '';
    const kept = isPersistent === false ? '; it keeps nothing over a restart, which only costs time' : '';
    return good('redis', name, `version ${version} answers${unasked}${kept}`);
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0]! : 'no answer';
    return bad(
      'redis',
      name,
      `does not answer (${message})`,
      'is queue.redis right, is it running, and does it take the password?',
    );
  }
}

function checkWebhooks({ webhooks: { listen, sources } }: Config): Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, string>();
  for (const [name, { proof }] of sources) {
    const other = owners.get(proof.secret);
    owners.set(proof.secret, name);
    const next = 'take a random one: openssl rand -base64 32, with whsec_ before it for scheme standard';
    if (isWeak(proof)) findings.push(doubtful('webhooks', name, 'its secret is short enough to be guessed', next));
    else if (other !== undefined)
      findings.push(doubtful('webhooks', name, `has the same secret as ${other}, which could speak for it`, next));
    else findings.push(good('webhooks', name, `signed by scheme ${proof.scheme}`));
  }
  return [...findings, ...(sources.size === 0 ? [] : exposed('webhooks', listen))];
}

function isWeak({ scheme, secret }: WebhookProof): boolean {
  if (scheme !== 'standard') return secret.length < leastSecretChars;
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length < leastSecretBytes;
}

function checkDashboard({ dashboard: { listen, password, readPassword } }: Config): Finding[] {
  if (password === undefined)
    return [good('dashboard', '', 'off, for it has no password; health and metrics are shown')];
  const weak = [
    ['password', password],
    ['readPassword', readPassword],
  ].flatMap(([key, written]) => (written !== undefined && isGuessable(written) ? [key!] : []));
  const next = `take at least ${leastPasswordChars} characters, best at random: openssl rand -base64 18`;
  return [
    weak.length > 0
      ? doubtful('dashboard', '', `its ${weak.join(' and ')} can be guessed`, next)
      : good('dashboard', '', 'has a password that is not easily guessed'),
    ...exposed('dashboard', listen),
  ];
}

/** Short, or one of few characters over and over. */
function isGuessable(password: string): boolean {
  return password.length < leastPasswordChars || new Set(password).size < 6;
}

/** We speak plain HTTP: beyond this machine, something with TLS has to stand before us. */
function exposed(what: 'webhooks' | 'dashboard', { host, port }: Address): Finding[] {
  if (isLoopback(host.includes(':') ? `[${host}]` : host)) return [];
  const message = `is to be reached from other machines at ${host}:${port}, over plain HTTP`;
  return [doubtful(what, '', message, 'listen on 127.0.0.1, and put a proxy with TLS in front')];
}

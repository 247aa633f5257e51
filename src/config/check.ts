import { isLoopback } from '../connector/address.ts';
import { checkForms, checkWordsTogether } from './check-forms.ts';
import { checkSync } from './check-sync.ts';
import type { Faults } from './faults.ts';
import { valueAt } from './faults.ts';
import { mappingAt, type Registry, wellFormed } from './parts.ts';
import { connectionShape, dashboardShape, webhooksShape } from './schema.ts';
import type { ConfigSource, Path } from './source.ts';
import { checkWebhooks, webhookSecretPaths } from './webhooks.ts';
import { didYouMean, listed } from './words.ts';

/**
 * The rules that need more than one place of the file. They look at every part that is well-formed by itself, also
 * where its neighbours are not, so that one report holds all faults.
 */
export function checkRules(source: ConfigSource, registry: Registry, faults: Faults): void {
  checkStore(source, faults);
  const connections = mappingAt(source, ['connections']);
  for (const name of Object.keys(connections ?? {})) checkConnection(source, name, registry, faults);
  checkWordsTogether(source, faults);
  for (const name of Object.keys(mappingAt(source, ['syncs']) ?? {})) checkSync(source, name, registry, faults);
  if (connections && Object.keys(connections).length === 0)
    faults.add(['connections'], 'missing', 'at least one connection', 'none', 'key');
  checkListeners(source, faults);
  for (const path of secretPaths(source)) warnOfWrittenSecret(source, path, faults);
}

function checkStore(source: ConfigSource, faults: Faults): void {
  const store = mappingAt(source, ['store']);
  if (!store) return;
  if (store.postgres !== undefined)
    faults.add(
      ['store', 'postgres'],
      'not available',
      'sqlite: FILE (this version keeps its data in SQLite only)',
      'postgres',
      'key',
    );
  else if (store.sqlite === undefined) faults.add(['store', 'sqlite'], 'missing', 'the path of a file', 'nothing');
  const redis = valueAt(source.data, ['queue', 'redis']);
  if (typeof redis === 'string' && redis !== '' && !/^(rediss?|unix):\/\/./.test(redis))
    faults.add(['queue', 'redis'], 'wrong value', 'a URL such as redis://127.0.0.1:6379, or nothing');
}

function checkConnection(source: ConfigSource, name: string, registry: Registry, faults: Faults): void {
  const path: Path = ['connections', name];
  const raw = mappingAt(source, path);
  if (!raw) return;
  const { connector, baseUrl, allowPlainHttp, oauth, token } = wellFormed(connectionShape, raw);
  checkUrl([...path, 'baseUrl'], baseUrl, allowPlainHttp === true, faults);
  checkUrl([...path, 'oauth', 'tokenUrl'], oauth?.tokenUrl, undefined, faults);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token.trim()))
    faults.add(
      [...path, 'token'],
      'wrong value',
      'a token of printable ASCII characters without spaces',
      'a text with others',
    );
  if (raw.token !== undefined && raw.oauth !== undefined)
    faults.add([...path, 'oauth'], 'credentials given twice', 'either token or oauth', 'both', 'key');
  if (raw.token === undefined && raw.oauth === undefined)
    faults.add([...path, 'token'], 'missing', 'token, or oauth with clientId, clientSecret and tokenUrl', 'neither');
  checkForms(source, name, registry, faults);
  if (connector === undefined) return;
  const definition = registry.get(connector);
  if (!definition) {
    const known = [...registry.keys()];
    const came = `${faults.came([...path, 'connector'])}${didYouMean(connector, known)}`;
    faults.add([...path, 'connector'], 'unknown connector', listed(known), came);
  } else if (raw.options === undefined || mappingAt(source, [...path, 'options'])) {
    const parsed = definition.options.safeParse(raw.options ?? {});
    if (!parsed.success) faults.addIssues(parsed.error.issues, [...path, 'options'], true);
  }
}

/** @param allowPlainHttp undefined: it cannot be allowed here */
function checkUrl(path: Path, written: string | undefined, allowPlainHttp: boolean | undefined, faults: Faults): void {
  if (written === undefined) return;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '')
    faults.add(path, 'wrong value', 'a URL that begins with https://');
  else if (url.username !== '' || url.password !== '')
    faults.add(path, 'credentials in a URL', 'a URL without them; they belong into token or oauth');
  else if (url.search !== '' || url.hash !== '') faults.add(path, 'wrong value', 'a URL without ? and #');
  else if (url.protocol === 'http:' && !isLoopback(url.hostname) && !allowPlainHttp)
    faults.add(
      path,
      'plain http to a host that is not loopback',
      allowPlainHttp === undefined ? 'https://' : 'https:// (or allowPlainHttp: true on this connection)',
    );
}

function checkListeners(source: ConfigSource, faults: Faults): void {
  checkWebhooks(source, faults);
  const dashboard = mappingAt(source, ['dashboard']);
  if (dashboard && dashboard.password === undefined)
    faults.add(['dashboard', 'password'], 'missing', `a password, best as \${NAME}`, 'nothing');
  if (dashboard && dashboard.readPassword !== undefined && dashboard.readPassword === dashboard.password)
    faults.add(['dashboard', 'readPassword'], 'wrong value', 'another password than password', 'the same');
  const { listen } = wellFormed(dashboardShape, dashboard ?? {});
  const { listen: taken } = wellFormed(webhooksShape, mappingAt(source, ['webhooks']) ?? {});
  if (listen && listen.port !== 0 && listen.port === taken?.port && listen.host === taken.host) {
    const [one, other] = dashboard?.listen === undefined ? ['webhooks', 'dashboard'] : ['dashboard', 'webhooks'];
    faults.add([one!, 'listen'], 'wrong value', `another address than ${other}.listen`, 'the same');
  }
}

/** Every place of the file that holds a secret. */
function secretPaths(source: ConfigSource): Path[] {
  const connections = Object.keys(mappingAt(source, ['connections']) ?? {});
  return [
    ...connections.flatMap((name) => [
      ['connections', name, 'token'],
      ['connections', name, 'oauth', 'clientSecret'],
    ]),
    ...webhookSecretPaths(source),
    ['dashboard', 'password'],
    ['dashboard', 'readPassword'],
  ];
}

function warnOfWrittenSecret(source: ConfigSource, path: Path, faults: Faults): void {
  const written = source.written(path);
  if (written && (!written.referred || written.defaulted))
    faults.warn(path, `a secret is written out in the file: better \${NAME}, with the value in the environment`);
}

import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { connectors } from '../../connectors/index.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Log } from '../../src/engine/engine.ts';
import { createReceiver, type ReceiverOptions } from '../../src/server/webhooks/receiver.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

/** Of every connection of the bed. */
export const secret = `whsec_${Buffer.from('the secret of these tests').toString('base64')}`;

/** A line of the log. */
interface Said {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A receiver on loopback, its store, and what it says. */
export interface WebhookBed {
  readonly url: string;
  readonly store: Store;
  /** Take lines away as they are dealt with. */
  readonly said: Said[];
  /** How often it was said that there is something new. */
  readonly woken: number;
  /** Epoch milliseconds; set it to let time pass. */
  now: number;
  /** Sends a body to `showroom` as Standard Webhooks are sent. */
  send(body: unknown, over?: Sending): Promise<Response>;
  /** Open hints of a connection as `entity what externalId`, oldest first. */
  hints(connection?: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Sending {
  readonly connection?: string;
  readonly id?: string;
  /** When it is signed; default: the bed's time. */
  readonly at?: number;
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

let sent = 0;

/** The headers of a Standard Webhook, by the library. @param body as it is sent */
export function signed(body: string, { id = `msg_${sent++}`, at = Date.now(), secret: of = secret }: Sending = {}) {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(of).sign(id, new Date(at), body),
  };
}

/**
 * Opens a receiver for the connections showroom, site and support, whose contacts are kept the same; accounts those of showroom and support.
 * @param secrets `webhooks.secrets` as YAML; default: showroom has the bed's secret
 */
export async function openWebhookBed(
  secrets = `{ showroom: ${secret} }`,
  over: Partial<ReceiverOptions> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<WebhookBed> {
  const { config } = parseConfig('bed.yaml', configuration(secrets), env, connectors);
  const store = await openSqliteStore(':memory:');
  const said: Said[] = [];
  const say = (fields: Said['fields'], message: string) => void said.push({ fields, message });
  const log: Log = { info: say, warn: say, error: say };
  let woken = 0;
  let now = Date.now();
  const receiver = createReceiver({
    sources: config.webhooks.sources,
    syncs: config.syncs,
    store,
    clock: { now: () => now, sleep: async () => {} },
    log,
    wake: () => {
      woken++;
    },
    ...over,
  });
  await receiver.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(receiver.server.address() as AddressInfo).port}/webhooks`;
  return {
    url,
    store,
    said,
    get woken() {
      return woken;
    },
    get now() {
      return now;
    },
    set now(at) {
      now = at;
    },
    send(body, sending = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const headers = { ...signed(text, { at: now, ...sending }), ...sending.headers };
      return fetch(`${url}/${sending.connection ?? 'showroom'}`, { method: 'POST', headers, body: text });
    },
    async hints(connection = 'showroom') {
      const rows = [];
      for (const entity of ['contact', 'account', 'lead'] as const)
        rows.push(...(await store.hints(connection, entity, 100_000)));
      return rows
        .toSorted((one, other) => one.position - other.position)
        .map(({ entity, what, externalId }) => `${entity} ${what} ${externalId}`);
    },
    async close() {
      await receiver.close();
      await store.close();
    },
  };
}

function configuration(secrets: string): string {
  const connection = (connector: string) => `{ connector: ${connector}, baseUrl: "http://127.0.0.1:9", token: none }`;
  return `
store: { sqlite: ./bed.db }
connections:
  showroom: ${connection('conecrm')}
  site: ${connection('treepl')}
  support: ${connection('conecrm')}
syncs:
  people: { entity: contact, members: { showroom: both, site: both, support: both } }
  companies: { entity: account, members: { showroom: both, support: both } }
webhooks:
  secrets: ${secrets.replaceAll('\n', '\n    ')}
`;
}

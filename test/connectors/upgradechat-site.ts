import { upgradechat } from '../../connectors/upgradechat/index.ts';
import { startUpgradechatSandbox, type UpgradechatSandboxOptions } from '../../connectors/upgradechat/sandbox.ts';
import { bearer } from '../../src/connector/auth.ts';
import { systemClock } from '../../src/connector/clock.ts';
import type { Connector } from '../../src/connector/connector.ts';
import type { Http } from '../../src/connector/http.ts';
import { createHttp, type HttpEvent } from '../../src/connector/http-client.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';

type Wire = Readonly<Record<string, unknown>>;

/** A sandbox CRM and a connection to it. */
export interface Site {
  readonly sandbox: Sandbox;
  readonly http: Http;
  readonly connector: Connector;
  /** Everything that the HTTP client had to say. */
  readonly log: readonly HttpEvent[];
  /** Another connection to the same CRM, with other options. */
  connect(options: unknown): Connector;
  /** The contact as people see it. */
  held(id: string): Wire | undefined;
  /** The bodies of all upserts so far, oldest first. */
  upserts(): Wire[];
  close(): Promise<void>;
}

export async function startSite(options: unknown = {}, sandboxOptions: UpgradechatSandboxOptions = {}): Promise<Site> {
  const sandbox = await startUpgradechatSandbox(sandboxOptions);
  const log: HttpEvent[] = [];
  const http = createHttp({
    connection: 'chat',
    baseUrl: sandbox.url,
    auth: bearer(sandbox.token),
    clock: systemClock,
    random: () => 0,
    retries: 1,
    backoffMs: 1,
    errorMessage: upgradechat.errorMessage,
    log: (event) => log.push(event),
  });
  const connect = (given: unknown): Connector =>
    upgradechat.create({
      connection: 'chat',
      http,
      clock: systemClock,
      options: upgradechat.options.parse(given),
      concurrent: 2,
    });
  return {
    sandbox,
    http,
    connector: connect(options),
    log,
    connect,
    held: (id) => sandbox.people.all('contact').find((wire) => String(wire.contactId) === id),
    upserts: () =>
      sandbox.requests.flatMap(({ operation, body }) => (operation === 'CreateOrUpdateContact' ? [body as Wire] : [])),
    close: async () => {
      await http.close();
      await sandbox.close();
    },
  };
}

import { treepl } from '../../connectors/treepl/index.ts';
import { startTreeplSandbox, type TreeplSandboxOptions } from '../../connectors/treepl/sandbox.ts';
import { bearer, clientCredentials } from '../../src/connector/auth.ts';
import { systemClock } from '../../src/connector/clock.ts';
import type { Connector } from '../../src/connector/connector.ts';
import type { Http } from '../../src/connector/http.ts';
import { createHttp } from '../../src/connector/http-client.ts';
import type { Sandbox } from '../../src/connector/sandbox.ts';

/** A sandbox site and a connection to it. */
export interface Site {
  readonly sandbox: Sandbox;
  readonly http: Http;
  readonly connector: Connector;
  /** Another connection to the same site, with other options. */
  connect(options: unknown): Connector;
  close(): Promise<void>;
}

/** @param by how the connection proves who it is. */
export async function startSite(
  options: unknown = {},
  sandboxOptions: TreeplSandboxOptions = {},
  by: 'token' | 'oauth' = 'token',
): Promise<Site> {
  const sandbox = await startTreeplSandbox(sandboxOptions);
  const http = createHttp({
    connection: 'site',
    baseUrl: sandbox.url,
    auth:
      by === 'oauth' && sandbox.oauth
        ? clientCredentials({ connection: 'site', ...sandbox.oauth }, systemClock)
        : bearer(sandbox.token),
    clock: systemClock,
    random: () => 0,
    retries: 1,
    backoffMs: 1,
    errorMessage: treepl.errorMessage,
  });
  const connect = (given: unknown): Connector =>
    treepl.create({
      connection: 'site',
      http,
      clock: systemClock,
      options: treepl.options.parse(given),
      concurrent: 2,
    });
  return {
    sandbox,
    http,
    connector: connect(options),
    connect,
    close: async () => {
      await http.close();
      await sandbox.close();
    },
  };
}

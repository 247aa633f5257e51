import { alpha } from '../../connectors/alpha/index.ts';
import { type AlphaSandboxOptions, startAlphaSandbox } from '../../connectors/alpha/sandbox.ts';
import { bearer } from '../../src/connector/auth.ts';
import { systemClock } from '../../src/connector/clock.ts';
import type { BadRecord, Connector, CrmRecord } from '../../src/connector/connector.ts';
import type { Http } from '../../src/connector/http.ts';
import { createHttp } from '../../src/connector/http-client.ts';
import type { Sandbox, SeenRequest } from '../../src/connector/sandbox.ts';
import type { Entity } from '../../src/model/values.ts';

export type Wire = Readonly<Record<string, unknown>>;

/** A sandbox and connections to it. */
export interface Site {
  readonly sandbox: Sandbox;
  readonly http: Http;
  readonly connector: Connector;
  /** Another connection to the same sandbox, with other options or through another door. */
  connect(options: unknown, http?: Http): Connector;
  /** A customer as people see it, whatever its type. */
  held(id: string): Wire | undefined;
  /** Requests that change something, since the last `forgetRequests`. */
  writes(): readonly SeenRequest[];
  close(): Promise<void>;
}

export async function startSite(options: unknown = {}, sandboxOptions: AlphaSandboxOptions = {}): Promise<Site> {
  const sandbox = await startAlphaSandbox(sandboxOptions);
  const http = createHttp({
    connection: 'support',
    baseUrl: sandbox.url,
    auth: bearer(sandbox.token),
    clock: systemClock,
    random: () => 0,
    retries: 1,
    backoffMs: 1,
    errorMessage: alpha.errorMessage,
  });
  const connect = (given: unknown, through: Http = http): Connector =>
    alpha.create({
      connection: 'support',
      http: through,
      clock: systemClock,
      options: alpha.options.parse(given),
      concurrent: 2,
    });
  return {
    sandbox,
    http,
    connector: connect(options),
    connect,
    held: (id) =>
      (['contact', 'account'] as const).flatMap((entity) => sandbox.people.all(entity)).find((wire) => wire.id === id),
    writes: () => sandbox.requests.filter(({ method }) => method !== 'GET'),
    close: async () => {
      await http.close();
      await sandbox.close();
    },
  };
}

/** Everything that a scan brings, in its order. */
export async function scanned(
  connector: Connector,
  entity: Entity,
): Promise<{ readonly records: CrmRecord[]; readonly bad: BadRecord[] }> {
  const records: CrmRecord[] = [];
  const bad: BadRecord[] = [];
  for await (const page of connector.list(entity)) {
    records.push(...page.records);
    bad.push(...page.bad);
  }
  return { records, bad };
}

/** A customer as people may have typed it. */
export const lois = {
  name: 'Loïs van den Bérg',
  email: 'lois@example.com',
  preferredLanguage: 'nl',
  crmStatus: 'PROSPECT',
  ownerId: 'usr_21',
  nextAction: 'Offerte sturen',
  nextActionDueDate: '2025-06-30T09:00:00Z',
  tags: ['VIP', 'café'],
  contacts: [{ id: 'con_1', firstName: 'Renée', lastName: 'Çelik', email: 'renee@example.com' }],
};

/** A door to the sandbox behind which some replies are others. */
export function answering(http: Http, replies: Readonly<Record<string, (body: unknown) => unknown>>): Http {
  return {
    call: async (operation, given) => {
      const reply = await http.call(operation, given);
      return { ...reply, body: replies[operation.id]?.(reply.body) ?? reply.body };
    },
  };
}

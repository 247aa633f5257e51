import { conecrm } from '../../connectors/conecrm/index.ts';
import { bearer } from '../../src/connector/auth.ts';
import { systemClock } from '../../src/connector/clock.ts';
import type { BadRecord, Connector, CrmRecord } from '../../src/connector/connector.ts';
import type { Http } from '../../src/connector/http.ts';
import { createHttp } from '../../src/connector/http-client.ts';
import type { Sandbox, SandboxOptions, SeenRequest } from '../../src/connector/sandbox.ts';
import type { Entity } from '../../src/model/values.ts';

export type Wire = Readonly<Record<string, unknown>>;

/** A sandbox and connections to it. */
export interface Site {
  readonly sandbox: Sandbox;
  readonly http: Http;
  readonly connector: Connector;
  /** Another connection to the same sandbox, with other options. */
  connect(options: unknown, http?: Http): Connector;
  /** A person of the sandbox, as its list shows them. */
  seen(entity: Entity, id: string): Wire;
  /** Requests that change something, since the last `forgetRequests`. */
  writes(): readonly SeenRequest[];
  close(): Promise<void>;
}

export async function startSite(options: unknown = {}, sandboxOptions: SandboxOptions = {}): Promise<Site> {
  const sandbox = await conecrm.startSandbox(sandboxOptions);
  const http = createHttp({
    connection: 'showroom',
    baseUrl: sandbox.url,
    auth: bearer(sandbox.token),
    clock: systemClock,
    random: () => 0,
    retries: 1,
    backoffMs: 1,
    errorMessage: conecrm.errorMessage,
  });
  const connect = (given: unknown, through: Http = http): Connector =>
    conecrm.create({
      connection: 'showroom',
      http: through,
      clock: systemClock,
      options: conecrm.options.parse(given),
      concurrent: 2,
    });
  return {
    sandbox,
    http,
    connector: connect(options),
    connect,
    seen: (entity, id) => {
      const found = sandbox.people.all(entity).find((wire) => wire.id === id);
      if (!found) throw new RangeError(`no ${entity} ${id} in the sandbox`);
      return found;
    },
    writes: () =>
      sandbox.requests.filter(
        ({ method, operation }) => method !== 'GET' && operation !== 'post_api_query_builder_filter',
      ),
    close: async () => {
      await http.close();
      await sandbox.close();
    },
  };
}

/** Everything a scan brings. */
export async function listAll(
  connector: Connector,
  entity: Entity,
): Promise<{ records: readonly CrmRecord[]; bad: readonly BadRecord[] }> {
  const records: CrmRecord[] = [];
  const bad: BadRecord[] = [];
  for await (const page of connector.list(entity)) {
    records.push(...page.records);
    bad.push(...page.bad);
  }
  return { records, bad };
}

/** Answers chosen operations itself, as a CRM that behaves otherwise would; all else goes on. */
export function answering(http: Http, answers: Readonly<Record<string, (body: unknown) => unknown>>): Http {
  return {
    call: async (operation, call) => {
      const reply = await http.call(operation, call);
      const answer = answers[operation.id];
      return answer ? { ...reply, body: answer(reply.body) } : reply;
    },
  };
}

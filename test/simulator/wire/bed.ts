import { bearer } from '../../../src/connector/auth.ts';
import type { Clock } from '../../../src/connector/clock.ts';
import type { Connector } from '../../../src/connector/connector.ts';
import type { Http } from '../../../src/connector/http.ts';
import { createHttp } from '../../../src/connector/http-client.ts';
import type { Sandbox, SeenRequest } from '../../../src/connector/sandbox.ts';
import { definitions, kinds, type Name, optionsOf, startCrm, type WireCrm } from './crms.ts';

/** The sandboxes of a life, and the way to them. */
export interface Bed {
  readonly sandboxes: ReadonlyMap<Name, Sandbox>;
  /** Ids of the stages of leads by their names, where a CRM has such. */
  readonly stageIds: ReadonlyMap<Name, ReadonlyMap<string, string>>;
  /** Connectors of a new process, with sockets of their own. */
  connect(clock: Clock, random: () => number): Wired;
  close(): Promise<void>;
}

interface Wired {
  readonly connectors: ReadonlyMap<Name, Connector>;
  /** Ends what is under way, and sends nothing any more. */
  close(): Promise<void>;
}

/** @param timeoutMs of every request */
export async function openBed(crms: readonly WireCrm[], seed: number, timeoutMs: number): Promise<Bed> {
  const sandboxes = new Map(
    await Promise.all(crms.map(async (crm, at) => [crm.name, await startCrm(crm, seed * 10 + at)] as const)),
  );
  const stageIds = new Map<Name, ReadonlyMap<string, string>>();
  for (const [name, sandbox] of sandboxes) if (kinds[name] === 'conecrm') stageIds.set(name, await stagesOf(sandbox));
  return {
    sandboxes,
    stageIds,
    connect(clock, random) {
      const inTurn = oneAtATime();
      const https = new Map(
        [...sandboxes].map(([name, { url, token }]) => [
          name,
          createHttp({
            connection: name,
            baseUrl: url,
            auth: bearer(token),
            clock,
            random,
            timeoutMs,
            retries: 2,
            errorMessage: definitions[kinds[name]].errorMessage,
          }),
        ]),
      );
      const connectors = crms.map((crm) => {
        const http: Http = { call: (operation, call) => inTurn(() => https.get(crm.name)!.call(operation, call)) };
        const context = { connection: crm.name, http, clock, options: optionsOf(crm), concurrent: 1 };
        return [crm.name, definitions[kinds[crm.name]].create(context)] as const;
      });
      return {
        connectors: new Map(connectors),
        close: async () => {
          for (const http of https.values()) await http.close();
        },
      };
    },
    close: async () => {
      for (const sandbox of sandboxes.values()) await sandbox.close();
    },
  };
}

/** What a person sees in the settings, though no person's view of a sandbox has it. */
async function stagesOf(sandbox: Sandbox): Promise<ReadonlyMap<string, string>> {
  const reply = await fetch(`${sandbox.url}/api/stage`, { headers: { authorization: `Bearer ${sandbox.token}` } });
  const rows = (await reply.json()) as { readonly id: string; readonly name: string }[];
  sandbox.forgetRequests();
  return new Map(rows.map(({ id, name }) => [name, id]));
}

const readingPosts = new Set(['post_api_query_builder_filter']);

/** Whether a request is to change something. */
export function isWrite({ method, operation }: SeenRequest): boolean {
  return method !== 'GET' && !readingPosts.has(operation ?? '');
}

const listings = new Set(['contacts_list', '_getContacts', '_getAccounts', 'get_customers_by_status']);

/** Whether a request is for a part of a listing: what a person does then comes between nobody's look and write. */
export function isListing({ operation = '', query }: SeenRequest): boolean {
  return listings.has(operation) && query.search === undefined;
}

/**
 * One request of all at a time, in the order in which they were asked for: what answers first is then no accident of
 * the machine, and the same life is lived the same way again.
 */
function oneAtATime(): <T>(request: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (request) => {
    const mine = last.then(request, request);
    last = mine.catch(() => {});
    return mine;
  };
}

import { conecrm } from '../../../connectors/conecrm/index.ts';
import { treepl } from '../../../connectors/treepl/index.ts';
import { bearer } from '../../../src/connector/auth.ts';
import type { Clock } from '../../../src/connector/clock.ts';
import type { Connector, ConnectorDefinition } from '../../../src/connector/connector.ts';
import type { Http } from '../../../src/connector/http.ts';
import { createHttp } from '../../../src/connector/http-client.ts';
import type { Sandbox, SeenRequest } from '../../../src/connector/sandbox.ts';

/** The CRMs of a wire life: a shop and a site on Treepl, a showroom on ConeCRM. */
export const names = ['site', 'showroom', 'shop'] as const;
export type Name = (typeof names)[number];

/** What people type in, by the name that the vendor gives it. */
export const fieldNames: Readonly<Record<Name, Readonly<Record<Field, string>>>> = {
  site: { email: 'Email', given: 'FirstName', family: 'LastName', street: 'Address', city: 'City', code: 'ZipCode' },
  showroom: {
    email: 'primaryEmail',
    given: 'firstName',
    family: 'lastName',
    street: 'address',
    city: 'city',
    code: 'postalCode',
  },
  shop: { email: 'Email', given: 'FirstName', family: 'LastName', street: 'Address', city: 'City', code: 'ZipCode' },
};
export const editable = ['street', 'city', 'code'] as const;
export type Field = 'email' | 'given' | 'family' | (typeof editable)[number];

/** The sandboxes of a life, and the way to them. */
export interface Bed {
  readonly sandboxes: Readonly<Record<Name, Sandbox>>;
  /** Connectors of a new process, with sockets of their own. */
  connect(clock: Clock, random: () => number): Wired;
  close(): Promise<void>;
}

interface Wired {
  readonly connectors: Readonly<Record<Name, Connector>>;
  /** Ends what is under way, and sends nothing any more. */
  close(): Promise<void>;
}

const definitions: Readonly<Record<Name, ConnectorDefinition>> = { site: treepl, showroom: conecrm, shop: treepl };

/** @param timeoutMs of every request */
export async function openBed(seed: number, timeoutMs: number): Promise<Bed> {
  const entries = await Promise.all(
    names.map(async (name, at) => [name, await definitions[name].startSandbox({ seed: seed * 10 + at, maxPage: 3 })]),
  );
  const sandboxes = Object.fromEntries(entries) as Record<Name, Sandbox>;
  return {
    sandboxes,
    connect(clock, random) {
      const inTurn = oneAtATime();
      const https = names.map((name) =>
        createHttp({
          connection: name,
          baseUrl: sandboxes[name].url,
          auth: bearer(sandboxes[name].token),
          clock,
          random,
          timeoutMs,
          retries: 2,
          errorMessage: definitions[name].errorMessage,
        }),
      );
      const connectors = names.map((name, at) => {
        const definition = definitions[name];
        const http: Http = { call: (operation, call) => inTurn(() => https[at]!.call(operation, call)) };
        const options = definition.options.parse({ pageSize: 3 });
        return [name, definition.create({ connection: name, http, clock, options, concurrent: 1 })];
      });
      return {
        connectors: Object.fromEntries(connectors) as Record<Name, Connector>,
        close: async () => {
          for (const http of https) await http.close();
        },
      };
    },
    close: async () => {
      for (const name of names) await sandboxes[name].close();
    },
  };
}

/** Whether a request is to change something. */
export function isWrite({ method, operation }: SeenRequest): boolean {
  return method !== 'GET' && operation !== 'post_api_query_builder_filter';
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

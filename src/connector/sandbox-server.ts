import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Operation } from './operation.ts';
import type { Faults, Sandbox, SandboxOptions, SeenRequest } from './sandbox.ts';
import { sandboxTokens } from './sandbox-tokens.ts';

/** What a handler gets: path parameters decoded, query as text, the parsed JSON body (undefined when there was none). */
export interface SandboxCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a handler answers; `body` is sent as JSON, undefined sends none. */
export interface SandboxReply {
  readonly status: number;
  readonly body?: unknown;
}

/** One operation as the CRM does it. Throw a `Refusal` to answer with an error. */
export type SandboxHandler = (call: SandboxCall) => SandboxReply;

/** Thrown by a handler: the CRM does not do this. `body` replaces the usual error body. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, message: string, body?: unknown) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** A CRM as a table: its documented operations, what each does, and what people see of its records. */
export interface SandboxSpec {
  readonly connector: string;
  readonly operations: readonly Operation[];
  /** By operation id. An operation without one answers 501. */
  readonly handlers: Readonly<Record<string, SandboxHandler>>;
  readonly people: Sandbox['people'];
  /** What precedes every operation's path in the base URL, e.g. `/api/v1`. Default empty. */
  readonly basePath?: string;
  /** The vendor's error body. Default `{ message }`. */
  readonly errorBody?: (status: number, message: string) => unknown;
  /** Where client credentials are changed into tokens, e.g. `/api/v1/oauth/token`. Undefined: only the static token works. */
  readonly tokenPath?: string;
}

const KEEP_ALIVE_MS = 60_000;

/**
 * Runs a sandbox over real HTTP on 127.0.0.1. The kit routes, checks the token, parses bodies (400 for invalid JSON),
 * records requests and applies faults; the spec does the rest. A fault without a filter concerns documented operations
 * only, so that an OAuth token request never uses it up.
 */
export async function startSandboxServer(spec: SandboxSpec, options: SandboxOptions = {}): Promise<Sandbox> {
  const faults: Faults = {};
  const requests: SeenRequest[] = [];
  const route = router(spec);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tokens = sandboxTokens(spec.connector, options, faults, spec.tokenPath && `${origin}${spec.tokenPath}`);
  server.on('request', (request, response) => {
    serve(request, response).catch((error: unknown) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (!response.destroyed) send(response, { status: 500, body: { message: `the sandbox failed: ${message}` } });
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin);
    const match = route(request.method ?? 'GET', url.pathname);
    const text = await textOf(request);
    const body = parseBody(request, text);
    const seen: SeenRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: body.value,
      operation: match.operation?.id,
    };
    requests.push(seen);
    if (faults.latencyMs) await new Promise((resolve) => setTimeout(resolve, faults.latencyMs));
    // Closing: this answer is the connection's last, or close() would wait for the client to hang up.
    if (!server.listening) response.setHeader('connection', 'close');
    if (spend(faults, 'cut', seen, (cut) => cut.when === 'before')) return void request.socket.destroy();
    const status = spend(faults, 'status', seen);
    if (status) {
      if (status.retryAfterSecs !== undefined) response.setHeader('retry-after', String(status.retryAfterSecs));
      return send(response, refuse(status.code, `status ${status.code} by order of the test`));
    }
    const reply = act(request, match, seen, body.fault);
    if (spend(faults, 'cut', seen, (cut) => cut.when === 'after')) return void request.socket.destroy();
    const garble = spend(faults, 'garble', seen);
    if (garble) return sendGarbled(response, garble.how, reply);
    send(response, reply);
  }

  function act(request: IncomingMessage, match: Match, seen: SeenRequest, bodyFault: string | undefined): SandboxReply {
    if (spec.tokenPath === seen.path) return tokens.exchange(request, seen.body);
    if (!tokens.accepts(request.headers.authorization)) return refuse(401, 'the bearer token is missing or not valid');
    if (!match.operation) return refuse(match.status, match.status === 405 ? 'method not allowed' : 'no such path');
    if (bodyFault !== undefined) return refuse(400, bodyFault);
    const handler = spec.handlers[match.operation.id];
    if (!handler) return refuse(501, `this sandbox has no handler for ${match.operation.id}`);
    try {
      return handler({ params: match.params, query: seen.query, body: seen.body });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.body === undefined
        ? refuse(error.status, error.message)
        : { status: error.status, body: error.body };
    }
  }

  function refuse(status: number, message: string): SandboxReply {
    return { status, body: spec.errorBody?.(status, message) ?? { message } };
  }

  return {
    connector: spec.connector,
    url: origin + (spec.basePath ?? ''),
    token: tokens.token,
    ...(tokens.oauth ? { oauth: tokens.oauth } : {}),
    faults,
    requests,
    forgetRequests: () => void requests.splice(0),
    people: spec.people,
    close: () => stop(server),
  };
}

interface Match {
  readonly operation: Operation | undefined;
  readonly params: Readonly<Record<string, string>>;
  /** 405 when the path is there under another method. */
  readonly status: 404 | 405;
}

function router({ operations, basePath = '' }: SandboxSpec): (method: string, path: string) => Match {
  const routes = operations.map((operation) => ({
    operation,
    segments: (basePath + operation.path).split('/'),
    fixed: operation.path.split('{').length === 1,
  }));
  // `/contacts/search` must win over `/contacts/{id}`.
  routes.sort((a, b) => Number(b.fixed) - Number(a.fixed));
  return (method, path) => {
    const given = path.split('/');
    let status: 404 | 405 = 404;
    for (const { operation, segments } of routes) {
      const params = matchSegments(segments, given);
      if (!params) continue;
      if (operation.method === method) return { operation, params, status };
      status = 405;
    }
    return { operation: undefined, params: {}, status };
  };
}

function matchSegments(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const text = given[index] as string;
    if (!segment.startsWith('{')) {
      if (segment !== text) return undefined;
    } else {
      if (text === '') return undefined;
      try {
        params[segment.slice(1, -1)] = decodeURIComponent(text);
      } catch {
        return undefined;
      }
    }
  }
  return params;
}

/** Uses up one of the fault's times when it is on and concerns this request. */
function spend<Name extends 'status' | 'cut' | 'garble'>(
  faults: Faults,
  name: Name,
  seen: SeenRequest,
  holds: (fault: NonNullable<Faults[Name]>) => boolean = () => true,
): NonNullable<Faults[Name]> | undefined {
  const fault = faults[name];
  if (!fault || fault.times <= 0 || !holds(fault)) return undefined;
  if (fault.only ? !fault.only(seen) : seen.operation === undefined) return undefined;
  fault.times--;
  return fault;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(request: IncomingMessage, text: string): { value: unknown; fault?: string } {
  if (text === '') return { value: undefined };
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return { value: Object.fromEntries(new URLSearchParams(text)) };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { value: undefined, fault: 'the body is not valid JSON' };
  }
}

function send(response: ServerResponse, { status, body }: SandboxReply): void {
  if (body === undefined) return void response.writeHead(status, status === 204 ? {} : { 'content-length': 0 }).end();
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length }).end(bytes);
}

function sendGarbled(response: ServerResponse, how: NonNullable<Faults['garble']>['how'], reply: SandboxReply): void {
  const json = JSON.stringify(reply.body ?? {});
  const [contentType, text] = {
    html: ['text/html', '<!doctype html><html><body>Please sign in</body></html>'],
    truncated: ['application/json', json.slice(0, Math.ceil(json.length / 2))],
    contentType: ['text/plain', json],
    empty: ['application/json', ''],
  }[how] as [string, string];
  sendText(response, 200, contentType, text);
}

/** Ends when every request under way is answered; idle keep-alive sockets are closed at once. */
async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
}

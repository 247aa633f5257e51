import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Clock } from '../../src/connector/clock.ts';
import type { Operation } from '../../src/connector/operation.ts';

interface Seen {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answer = (response: ServerResponse, seen: Seen, number: number) => unknown;

/** A server on loopback that answers each request by the next of the answers, and from then on by the last one. */
export async function serve(...answers: Answer[]) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const number = seen.push({ method, url, headers, body });
    await answers[Math.min(number, answers.length) - 1]?.(response, seen[number - 1]!, number);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();

/** Cuts the connection before a byte was answered. */
export const cut: Answer = (response) => response.socket?.destroy();

/** Answers never. */
export const silence: Answer = () => {};

/** Time that passes only by sleeping; every sleep is noted. */
export class SleepClock implements Clock {
  at = Date.UTC(2026, 10, 21);
  readonly sleeps: number[] = [];
  now(): number {
    return this.at;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.at += ms;
  }
}

/** An operation of a CRM that is just enough. */
export function operation(method: Operation['method'], path = '/contacts', more: Partial<Operation> = {}): Operation {
  return {
    id: `${method.toLowerCase()}Contact`,
    summary: 'for tests',
    method,
    path,
    parameters: [],
    reply: z.unknown(),
    source: 'none',
    ...more,
  };
}

export const parameter = (name: string, place: 'path' | 'query') => ({
  name,
  in: place,
  required: place === 'path',
  type: 'text',
  schema: z.string(),
});

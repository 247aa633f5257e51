import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** A reply on its way from a CRM. */
export interface Passing {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What becomes of a reply. `pace`: sent in pieces with pauses, stopped in the middle, or cut off there. */
export interface Mangled extends Passing {
  readonly pace?: { readonly bytes: number; readonly everyMs: number } | 'stall' | 'reset';
}

/** @returns the reply as it is to arrive; undefined: as it is */
type Mangle = (request: { method: string; url: string }, reply: Passing) => Mangled | undefined;

/** Stands between a client and a CRM, and may change every reply after the CRM has done its work. */
export interface Mangler {
  readonly url: string;
  set(mangle: Mangle): void;
  close(): Promise<void>;
}

const dropped = new Set(['transfer-encoding', 'connection', 'keep-alive', 'content-length']);

export async function startMangler(target: string): Promise<Mangler> {
  let mangle: Mangle = () => undefined;
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '/' } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization, 'content-type': contentType } = request.headers;
    const reply = await fetch(new URL(url, target), {
      method,
      headers: { ...(authorization && { authorization }), ...(contentType && { 'content-type': contentType }) },
      body: chunks.length === 0 ? null : Buffer.concat(chunks),
    });
    const passing: Passing = {
      status: reply.status,
      headers: Object.fromEntries([...reply.headers].filter(([name]) => !dropped.has(name))),
      body: Buffer.from(await reply.arrayBuffer()),
    };
    await send(response, mangle({ method, url }, passing) ?? passing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(next) {
      mangle = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function send(response: ServerResponse, { status, headers, body, pace }: Mangled): Promise<void> {
  response.writeHead(status, {
    ...headers,
    ...(status === 204 || status === 304 ? {} : { 'content-length': body.length }),
  });
  if (pace === undefined) return void response.end(body);
  const half = Math.ceil(body.length / 2);
  if (pace === 'stall') return void response.write(body.subarray(0, half));
  if (pace === 'reset') return void response.write(body.subarray(0, half), () => response.destroy());
  for (let at = 0; at < body.length && !response.destroyed; at += pace.bytes) {
    response.write(body.subarray(at, at + pace.bytes));
    await wait(pace.everyMs);
  }
  response.end();
}

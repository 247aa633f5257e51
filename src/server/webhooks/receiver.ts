import type { IncomingHttpHeaders } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { WebhookSource } from '../../config/config.ts';
import type { Clock } from '../../connector/clock.ts';
import type { Log } from '../../engine/engine.ts';
import type { Entity } from '../../model/values.ts';
import { StoreError } from '../../store/errors.ts';
import type { Store } from '../../store/store.ts';
import type { SyncPolicy } from '../../sync/policy.ts';
import { BodyError, idFrom, readBody } from './delivery.ts';
import { openIntake } from './intake.ts';
import { refusing, type Verify, verifierOf } from './proof.ts';
import { refusalLog } from './refusals.ts';

export interface ReceiverOptions {
  /** By connection, as configured. */
  readonly sources: ReadonlyMap<string, WebhookSource>;
  /** Hints about entities that no sync of a connection keeps are not stored. */
  readonly syncs: readonly Pick<SyncPolicy, 'entity' | 'members'>[];
  readonly store: Pick<Store, 'receive'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when something was stored; does not throw. */
  readonly wake: () => void;
  /** Largest body, bytes. Default 1 MiB. */
  readonly bodyLimit?: number;
}

/** What is said to a sender whose request is not taken. */
class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const defaultBodyLimit = 2 ** 20;
/** How long a request may take to arrive, milliseconds. */
const requestTimeoutMs = 30_000;
/** When a sender may try again where the store could not take it. */
const retryAfterSecs = 30;
const json = /^application\/([a-z0-9.+_-]+\+)?json *(;|$)/i;
const nothing = Buffer.alloc(0);

/**
 * The webhook receiver: `POST /webhooks/CONNECTION`; docs/webhooks.md. Answers 202 when what came is durable in the
 * inbox. An unknown connection is answered as a wrong signature is, after the same work: who knows no secret does not
 * learn which connections there are. Not listening yet.
 */
export function createReceiver(options: ReceiverOptions): FastifyInstance {
  const { clock, log, store, wake, bodyLimit = defaultBodyLimit } = options;
  const gates = gatesOf(options);
  const nobody = refusing();
  const refused = refusalLog(log, clock);
  const take = openIntake(store, wake);
  const server = Fastify({
    bodyLimit,
    requestTimeout: requestTimeoutMs,
    exposeHeadRoutes: false,
    // The store is there until the last request has ended: what still comes while we close is stored like any other.
    return503OnClosing: false,
    // What is wrong with an address is told like everything else.
    frameworkErrors: (error, _request, reply) => answer(error, undefined, reply as FastifyReply),
  });

  const answer = (error: unknown, connection: string | undefined, reply: FastifyReply): FastifyReply => {
    const refusal = refusalFor(error, bodyLimit);
    const at = refusal.code === 'unexpected' ? { at: placeOf(error) } : {};
    refused({ connection, status: refusal.status, code: refusal.code, ...at });
    if (refusal.status === 503) reply.header('retry-after', retryAfterSecs);
    return reply.code(refusal.status).send({ error: refusal.code, message: refusal.message });
  };
  const known = (params: unknown): string | undefined => {
    const name = (params as { connection?: string } | undefined)?.connection;
    return name !== undefined && gates.has(name) ? name : undefined;
  };

  server.removeAllContentTypeParsers();
  // The proof is one of the bytes that came, so that nothing may read them before it has.
  server.addContentTypeParser(json, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setNotFoundHandler((_request, reply) => answer(new Refusal(404, 'not_found', notFoundText), undefined, reply));
  server.setErrorHandler((error, request, reply) => answer(error, known(request.params), reply));

  server.post<{ Params: { connection: string }; Body: Buffer | undefined }>(
    '/webhooks/:connection',
    async ({ params: { connection }, headers, body: raw = nothing }, reply) => {
      const now = clock.now();
      const gate = gates.get(connection);
      const isGenuine = (gate?.verify ?? nobody)(headers, raw, now);
      if (gate === undefined || !isGenuine) throw new Refusal(401, 'unauthorized', unauthorizedText);
      if ((headers['content-encoding'] ?? 'identity') !== 'identity')
        throw new Refusal(415, 'unsupported_media_type', 'expected a body that is not compressed');
      const { deliveryId, hints } = readBody(raw, gate.source.body);
      const id = headerId(headers, gate.source) ?? deliveryId;
      const ours = hints.filter(({ entity }) => gate.entities.has(entity));
      reply.code(202);
      if (ours.length === 0) return { outcome: 'ignored' };
      return { outcome: await take({ connection, id, hints: ours, at: now }) };
    },
  );
  return server;
}

const notFoundText = 'expected POST /webhooks/CONNECTION';
const unauthorizedText =
  'the signature or token is missing, malformed or wrong, its time is too far off, or there is no such connection';

interface Gate {
  readonly source: WebhookSource;
  readonly verify: Verify;
  readonly entities: ReadonlySet<Entity>;
}

function gatesOf({ sources, syncs }: ReceiverOptions): ReadonlyMap<string, Gate> {
  return new Map(
    [...sources].map(([name, source]) => {
      const of = syncs.filter(({ members }) => members.some(({ connection }) => connection === name));
      return [name, { source, verify: verifierOf(source.proof), entities: new Set(of.map(({ entity }) => entity)) }];
    }),
  );
}

function headerId(headers: IncomingHttpHeaders, { proof, deliveryHeader }: WebhookSource): string | undefined {
  const header = proof.scheme === 'standard' ? 'webhook-id' : deliveryHeader;
  const id = header === undefined ? undefined : headers[header];
  return id === undefined || id === '' ? undefined : idFrom(id, `header ${header}`);
}

function refusalFor(error: unknown, bodyLimit: number): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof BodyError) return new Refusal(400, 'bad_body', error.message);
  if (error instanceof StoreError)
    return new Refusal(503, error.code, `the inbox cannot be written to; send it again in ${retryAfterSecs} s`);
  const { statusCode: status, code } = error as { statusCode?: number; code?: string };
  if (status === 413) return new Refusal(413, 'too_large', `expected a body of at most ${bodyLimit} bytes`);
  if (status === 415) return new Refusal(415, 'unsupported_media_type', 'expected content-type: application/json');
  if (status !== undefined && status >= 400 && status < 500)
    return new Refusal(status, 'bad_request', `expected a request that can be read (${code})`);
  return new Refusal(503, 'unexpected', `something went wrong here; send it again in ${retryAfterSecs} s`);
}

/** Where an error was thrown, without its message, which may show what came. */
function placeOf(error: unknown): string {
  const frames = error instanceof Error ? (error.stack?.match(/^ {4}at .*$/gm) ?? []) : [];
  return frames.slice(0, 3).join(' ').trim();
}

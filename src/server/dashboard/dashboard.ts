import { createHash } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../../config/config.ts';
import { suggestOwners, waitingConflicts } from '../../engine/conflict-list.ts';
import type { EngineContext } from '../../engine/engine.ts';
import { explain } from '../../engine/explain.ts';
import { findRecord } from '../../engine/find-record.ts';
import { openReviews, readReview, reviewId } from '../../engine/reviews.ts';
import { readStands } from '../../engine/stands.ts';
import { entities } from '../../model/values.ts';
import type { QueueControl } from '../../queue/control.ts';
import { act, actionNames, FormError, pageAfter } from './actions.ts';
import { serveAssets } from './assets.ts';
import { conflictsBody, mostConflicts } from './conflicts-page.ts';
import { type Html, html } from './html.ts';
import { type LoginFault, loginBody } from './login-page.ts';
import { readOverview } from './overview-facts.ts';
import { overviewBody } from './overview-page.ts';
import { page } from './page.ts';
import { addQueues, queuesPolicy } from './queues.ts';
import { recordBody, searchBody } from './record-page.ts';
import { reviewBody, reviewsBody } from './review-page.ts';
import { isSameSecret, roleOf, type Session, Sessions, sessionMs, Throttle } from './sessions.ts';
import { mostShown, waitingBody } from './waiting-page.ts';

/** What the dashboard is made of. */
export interface DashboardParts {
  readonly config: Pick<Config, 'dashboard'>;
  readonly context: EngineContext;
  readonly control: QueueControl;
  /** Registered in front of the log-in: health and metrics. */
  readonly open?: readonly ((server: FastifyInstance) => void | Promise<void>)[];
}

/** Longer than any form of ours. */
const mostBytes = 16 * 1024;

const policy =
  "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/**
 * Builds the dashboard, ready to listen. Without a password there are no pages: only what is open answers. Who is logged
 * in is kept in memory. Reads the store and this process's queues; calls no CRM.
 */
export async function buildDashboard({
  config,
  context,
  control,
  open = [],
}: DashboardParts): Promise<FastifyInstance> {
  const server = fastify({ bodyLimit: mostBytes, forceCloseConnections: 'idle', exposeHeadRoutes: true });
  for (const add of open) await server.register(async (scope) => await add(scope));
  if (config.dashboard.password === undefined)
    server.setNotFoundHandler(async (_request, reply) =>
      reply.code(404).type('text/plain; charset=utf-8').send('no dashboard: dashboard.password is not set\n'),
    );
  else await server.register(async (scope) => await addPages(scope, { config, context, control }));
  return server;
}

async function addPages(server: FastifyInstance, { config, context, control }: DashboardParts): Promise<void> {
  const { clock, log } = context;
  const sessions = new Sessions(clock);
  const throttle = new Throttle(clock);
  // Cookies know no ports: two dashboards of one machine must not end each other's sessions.
  const cookie = `concordat-${createHash('sha256').update(JSON.stringify(config.dashboard.listen)).digest('hex').slice(0, 8)}`;
  const ofRequest = new WeakMap<FastifyRequest, Session>();
  const sessionOf = (request: FastifyRequest): Session => ofRequest.get(request)!;

  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  server.addHook('onSend', async (request, reply) => {
    reply.headers({
      'content-security-policy': isOfQueues(request) ? queuesPolicy : policy,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    });
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  server.setErrorHandler(async (error, _request, reply) => {
    const status = statusOf(error);
    if (status >= 500)
      log.error(
        { error: error instanceof Error ? `${error.name}: ${error.message}` : 'no error' },
        'dashboard: failed',
      );
    const words =
      error instanceof FormError ? `Not done: ${error.message}. Go back and load the page again.` : errorWords(status);
    return await send(
      reply.code(status),
      'Not done',
      undefined,
      html`<h1>Not done</h1><p class="banner bad">${words}</p><p><a href="/">Overview</a></p>`,
    );
  });
  server.setNotFoundHandler(async (_request, reply) => {
    const body = html`<h1>Nothing here</h1><p>There is no such page. <a href="/">Overview</a></p>`;
    return await send(reply.code(404), 'Nothing here', undefined, body);
  });

  const assets = await serveAssets(server);

  async function send(
    reply: FastifyReply,
    title: string,
    session: Session | undefined,
    body: Html,
    { here = '', isLive = false }: { readonly here?: string; readonly isLive?: boolean } = {},
  ): Promise<FastifyReply> {
    const text = page({ assets, title, session, here, body, isLive });
    // A refresh of a part of the page shows no notice, and so must not use it up.
    if (session && reply.request.headers['hx-request'] === undefined) session.notice = undefined;
    return await reply.type('text/html; charset=utf-8').send(text);
  }

  server.get<{ Querystring: { next?: string } }>('/login', async ({ query }, reply) =>
    send(reply, 'Log in', undefined, loginBody(ownAddress(query.next))),
  );

  server.post('/login', async (request, reply) => {
    const { password, next } = formOf(request, z.object({ password: z.string(), next: z.string().optional() }));
    const refuse = async (status: number, fault: LoginFault) =>
      await send(reply.code(status), 'Log in', undefined, loginBody(ownAddress(next), fault));
    const waitMs = throttle.waitMs(request.ip);
    if (waitMs > 0) {
      reply.header('retry-after', Math.ceil(waitMs / 1_000));
      return await refuse(429, { kind: 'wait', waitMs });
    }
    const role = roleOf(password, config.dashboard);
    if (!role) {
      throttle.failed(request.ip);
      log.warn({}, 'dashboard: a wrong password');
      return await refuse(401, { kind: 'wrong' });
    }
    throttle.succeeded(request.ip);
    const session = sessions.begin(role);
    log.info({ role }, 'dashboard: somebody logged in');
    reply.header('set-cookie', cookieText(request, session.id, sessionMs / 1_000));
    return await reply.redirect(ownAddress(next), 303);
  });

  function cookieText(request: FastifyRequest, value: string, maxAgeSecs: number): string {
    const isSecure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
    return `${cookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSecs}${isSecure ? '; Secure' : ''}`;
  }

  await server.register(async (inside) => {
    inside.addHook('onRequest', async (request, reply) => {
      const session = sessions.of(cookieOf(request, cookie));
      if (session) {
        ofRequest.set(request, session);
        return;
      }
      const login = `/login?next=${encodeURIComponent(ownAddress(request.url))}`;
      if (request.headers['hx-request'] !== undefined)
        return await reply.code(401).header('hx-redirect', login).send('');
      if (request.url.includes('/api/')) return await reply.code(401).send({ error: 'log in first' });
      return await reply.redirect(request.method === 'GET' ? login : '/login', 303);
    });

    inside.get('/', async (request, reply) => {
      const session = sessionOf(request);
      const overview = await readOverview(context, control);
      return await send(reply, 'Overview', session, overviewBody(overview, session), { here: '/', isLive: true });
    });

    inside.get('/waiting', async (request, reply) => {
      const session = sessionOf(request);
      const stands = await readStands(context, { runs: 0, records: mostShown });
      return await send(reply, 'Waiting', session, waitingBody(stands, session), { here: '/waiting', isLive: true });
    });

    inside.get('/reviews', async (request, reply) => {
      const session = sessionOf(request);
      const body = reviewsBody(await openReviews(context));
      return await send(reply, 'Reviews', session, body, { here: '/reviews', isLive: true });
    });

    inside.get<{ Params: { id: string } }>('/reviews/:id', async (request, reply) => {
      const session = sessionOf(request);
      const review = (await openReviews(context)).find((one) => reviewId(one) === request.params.id);
      const item = review && (await readReview(context, review));
      if (!item) return reply.callNotFound();
      return await send(reply, `Review ${item.id}`, session, reviewBody(item, session), { here: '/reviews' });
    });

    inside.get('/conflicts', async (request, reply) => {
      const session = sessionOf(request);
      const conflicts = await waitingConflicts(context, mostConflicts + 1);
      const body = conflictsBody(conflicts, await suggestOwners(context), session);
      return await send(reply, 'Conflicts', session, body, { here: '/conflicts' });
    });

    inside.get('/records', async (request, reply) => {
      const session = sessionOf(request);
      return await send(reply, 'Records', session, searchBody(session), { here: '/records' });
    });

    inside.post('/records', async (request, reply) => {
      const session = sessionOf(request);
      const { which, entity } = formOf(
        request,
        z.object({ token: tokenOf(session), entity: z.enum(entities), which: z.string().trim().min(1).max(400) }),
      );
      const found = await findRecord(context, entity, which);
      const [record, ...others] = found.records;
      if (record && others.length === 0) return await reply.redirect(`/records/${entity}/${record.record.id}`, 303);
      reply.code(record ? 200 : 404);
      return await send(reply, 'Records', session, searchBody(session, { entity, which }, found), { here: '/records' });
    });

    inside.get<{ Params: { entity: string; id: string } }>('/records/:entity/:id', async (request, reply) => {
      const session = sessionOf(request);
      const { entity, id } = request.params;
      const explanation = await explain(context, id);
      if (explanation?.entity !== entity) return reply.callNotFound();
      return await send(reply, `${entity} ${id}`, session, recordBody(explanation, session), { here: '/records' });
    });

    for (const name of actionNames)
      inside.post(`/actions/${name}`, async (request, reply) => {
        const session = sessionOf(request);
        const { token: _, ...form } = formOf(request, z.looseObject({ token: tokenOf(session) }).catchall(z.string()));
        if (session.role !== 'operator') throw new FormError('this role may look and not act');
        session.notice = await act(name, { context, control }, form);
        return await reply.redirect(pageAfter(name), 303);
      });

    inside.post('/logout', async (request, reply) => {
      const session = sessionOf(request);
      formOf(request, z.object({ token: tokenOf(session) }));
      sessions.end(session.id);
      reply.header('set-cookie', cookieText(request, '', 0));
      return await reply.redirect('/login', 303);
    });

    await addQueues(inside, control, (request) => sessionOf(request).role);
  });
}

/** The token of a form, which only a page of this session knows. */
function tokenOf({ token }: Session): z.ZodType<string> {
  return z.string().refine((given) => isSameSecret(given, token));
}

/** @throws FormError when the form is none of ours */
function formOf<Shape extends z.ZodType>({ body }: FastifyRequest, shape: Shape): z.output<Shape> {
  const parsed = shape.safeParse(body);
  if (!parsed.success) throw new FormError('the form is not one of this page, or the page is from another session');
  return parsed.data;
}

function cookieOf({ headers }: FastifyRequest, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** An address of this dashboard, and of nobody else's: where a log-in leads to. */
function ownAddress(address: string | undefined): string {
  const here = 'http://dashboard.invalid';
  if (address === undefined || !address.startsWith('/') || !URL.canParse(address, here)) return '/';
  const { origin, pathname, search } = new URL(address, here);
  // A path that begins with two slashes is the name of a host, also when it comes about by resolving `..`.
  const isOwn = origin === here && !pathname.startsWith('//') && pathname !== '/login';
  return isOwn ? `${pathname}${search}` : '/';
}

function isOfQueues({ url }: FastifyRequest): boolean {
  return /^\/queues(-read)?([/?]|$)/.test(url);
}

function statusOf(error: unknown): number {
  if (error instanceof FormError) return 403;
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 600 ? status : 500;
}

function errorWords(status: number): string {
  return status < 500
    ? 'The request is none of this dashboard’s.'
    : 'Something went wrong; the worker’s log tells what.';
}

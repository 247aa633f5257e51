import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { QueueControl } from '../../queue/control.ts';
import { queuesAddress } from './page.ts';
import type { Role } from './sessions.ts';

/** Bull Board names fonts of another host, which the policy keeps it from fetching, and sets styles on elements. */
export const queuesPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'";

/**
 * Shows BullMQ's queues with Bull Board, once for each role: with buttons for operators, without for readers. Expects
 * that only those who are logged in come here.
 * @param roleOf of a request
 */
export async function addQueues(
  server: FastifyInstance,
  control: QueueControl,
  roleOf: (request: FastifyRequest) => Role,
): Promise<void> {
  for (const role of ['operator', 'reader'] as const) {
    const prefix = queuesAddress(role);
    const board = new FastifyAdapter();
    board.setBasePath(prefix);
    createBullBoard({
      queues: control.queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: role === 'reader' })),
      serverAdapter: board,
      options: {
        uiConfig: {
          boardTitle: 'concordat queues',
          hideDocsLink: true,
          miscLinks: [{ text: 'Overview', url: '/' }],
        },
      },
    });
    await server.register(async (scope) => {
      scope.addHook('onRequest', async (request, reply) => {
        if (roleOf(request) !== 'operator' && (role === 'operator' || !isReading(request)))
          return await reply.code(403).send({ error: 'this role may look and not act' });
        if (!isReading(request) && !isSameOrigin(request))
          return await reply.code(403).send({ error: 'this was asked for from another site' });
        if (control.awaySince !== undefined && request.url.startsWith(`${prefix}/api/`))
          return await reply.code(503).send({ error: 'Redis does not answer' });
      });
      await scope.register(board.registerPlugin(), { prefix });
    });
  }
}

function isReading({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Bull Board's own requests carry no token; the browser says where they come from. */
function isSameOrigin({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin, host } = headers;
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

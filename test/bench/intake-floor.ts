import { spawn } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Queue } from 'bullmq';
import Fastify from 'fastify';
import { findRedisServer } from '../../src/queue/bull/redis-server.ts';
import { benchSecret } from './load.ts';
import { cpuSeconds } from './task.ts';

/**
 * The floor of the intake: a route that checks an HMAC of the body and adds one job to a queue, and nothing else. Started
 * with a folder; says `{ port }` when it listens, and `{ stored }` when it is asked.
 */
const folder = process.argv[2] as string;
const program = findRedisServer(process.env.PATH);
if (program === undefined) throw new Error('the floor needs redis-server or valkey-server on the PATH');
const socket = join(folder, 'redis.sock');
const redis = spawn(
  program,
  [
    ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', folder],
    ...['--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
  ],
  { stdio: 'ignore' },
);
while (!existsSync(socket)) await wait(10);

const queue = new Queue('webhook', { connection: { path: socket } });
const server = Fastify();
server.removeAllContentTypeParsers();
server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
server.post<{ Params: { connection: string }; Body: Buffer }>(
  '/webhooks/:connection',
  async ({ params: { connection }, headers, body }, reply) => {
    const given = Buffer.from(String(headers['x-signature']), 'hex');
    const signed = createHmac('sha256', benchSecret).update(body).digest();
    if (given.length !== signed.length || !timingSafeEqual(given, signed)) return reply.code(401).send();
    const { data } = JSON.parse(body.toString()) as { data: { entity: string; id: string } };
    await queue.add('webhook', { connection, entity: data.entity, id: data.id });
    return reply.code(202).send();
  },
);
await server.listen({ port: 0, host: '127.0.0.1' });

process.on('message', async () => process.send?.({ stored: await queue.getWaitingCount(), cpuSeconds: cpuSeconds() }));
process.on('disconnect', () => {
  redis.once('exit', () => process.exit());
  redis.kill('SIGKILL');
});
process.send?.({ port: (server.server.address() as AddressInfo).port });

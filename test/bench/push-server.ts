import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A process that takes contacts by POST on loopback and answers each as a CRM that holds what it was sent. Counts them.
 * Says `{ port }` when it listens; asked anything, says `{ posts, distinct }` since it was asked last.
 */
let lastId = 0;
let posts = 0;
let addresses = new Set<string>();
const address = /"Email":"([^"]*)"/;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    lastId += 1;
    posts += 1;
    addresses.add(address.exec(body)?.[1] ?? '');
    const answer = `{"Id":${lastId},${body.slice(1)}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
    response.end(answer);
  });
});
server.keepAliveTimeout = 60_000;

process.on('message', () => {
  process.send?.({ posts, distinct: addresses.size });
  posts = 0;
  addresses = new Set();
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

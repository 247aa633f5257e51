import { createHmac, createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/**
 * A process that sends signed webhooks as fast as they are taken: on each connection the next one when the last was
 * answered. Writes its requests itself, so that it takes little of the processor that the server shares with it.
 * Started with a `Load`; says a `Loaded` and ends.
 */
export interface Load {
  readonly port: number;
  readonly connections: number;
  /** How long is measured, after the warm-up. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export interface Loaded {
  /** Answered within the time that is measured. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Sent and answered in all, the warm-up included. */
  readonly sent: number;
}

/** What both sides are told with. */
export const benchSecret = Buffer.from('the secret of the benchmark');
export const benchConnection = 'showroom';

const key = createSecretKey(benchSecret);
const end = '\r\n\r\n';

/** One request, signed as a Standard Webhook and, over the body alone, in `x-signature`. */
function request(index: number): string {
  const id = `msg_${index.toString(36).padStart(27, '0')}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const data = { entity: 'contact', id: String(index % 5_000) };
  const body = JSON.stringify({ type: 'contact.updated', timestamp: new Date().toISOString(), data });
  const standard = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  const plain = createHmac('sha256', key).update(body).digest('hex');
  return (
    `POST /webhooks/${benchConnection} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
    `webhook-id: ${id}\r\nwebhook-timestamp: ${timestamp}\r\nwebhook-signature: v1,${standard}\r\n` +
    `x-signature: ${plain}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

async function load({ port, connections, seconds, warmUpSeconds }: Load): Promise<Loaded> {
  const sockets = Array.from({ length: connections }, () => createConnection({ port, host: '127.0.0.1' }).setNoDelay());
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const from = performance.now() + warmUpSeconds * 1000;
  const to = from + seconds * 1000;
  const latenciesMs: number[] = [];
  let sent = 0;
  const drive = async (socket: Socket): Promise<void> => {
    for (;;) {
      const startedAt = performance.now();
      if (startedAt >= to) return;
      const answered = answer(socket);
      socket.write(request(sent++));
      await answered;
      const now = performance.now();
      if (startedAt >= from && now < to) latenciesMs.push(now - startedAt);
    }
  };
  await Promise.all(sockets.map(drive));
  for (const socket of sockets) socket.destroy();
  const sorted = Float64Array.from(latenciesMs).sort();
  const quantile = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { requests: sorted.length, seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99), sent };
}

/** Reads one answer to its end. @throws Error unless it is a 202 */
function answer(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let read = '';
    const onData = (chunk: Buffer) => {
      read += chunk.toString('latin1');
      const head = read.indexOf(end);
      if (head === -1) return;
      const length = Number(/content-length: ([0-9]+)/i.exec(read.slice(0, head))?.[1] ?? 0);
      if (read.length < head + end.length + length) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      if (read.startsWith('HTTP/1.1 202')) resolve();
      else reject(new Error(`answered ${read.slice(0, 200)}`));
    };
    const onClose = () => reject(new Error('the server closed a connection'));
    socket.on('data', onData);
    socket.once('close', onClose);
  });
}

const given = process.argv[2];
if (import.meta.main && given !== undefined) {
  const loaded = await load(JSON.parse(given) as Load);
  process.send?.(loaded, () => process.disconnect());
}

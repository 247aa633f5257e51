import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { contactJson, editMark, editText } from './contacts.ts';

/**
 * A process that serves the pages of a contact listing on loopback. All bodies are made beforehand and only sliced when
 * asked for, so that it takes as little as possible from the processor that the measured process shares with it.
 * Started with the number of contacts; says `{ port }` when it listens, then takes `Setting`s, each answered with `{}`.
 */
export interface Setting {
  /** Delay of every answer, milliseconds. */
  readonly latencyMs: number;
  /** Share (0–1) of the contacts that show an edit, and which edit: another number is another text. */
  readonly changed: number;
  readonly edit: number;
}

const total = Number(process.argv[2]);
const chunkSize = 1000;
const chunks: Buffer[] = [];
/** Where each contact begins in its chunk, and one more: where the last one ends. */
const starts: Uint32Array[] = [];
for (let from = 0; from < total; from += chunkSize) {
  const texts = Array.from(
    { length: Math.min(chunkSize, total - from) },
    (_, index) => `${contactJson(from + index)},`,
  );
  const offsets = new Uint32Array(texts.length + 1);
  texts.forEach((text, index) => {
    offsets[index + 1] = (offsets[index] as number) + Buffer.byteLength(text);
  });
  chunks.push(Buffer.from(texts.join('')));
  starts.push(offsets);
}

let setting: Setting = { latencyMs: 0, changed: 0, edit: 0 };
const head = Buffer.from('{"Items":[');
const tail = Buffer.from(`],"TotalItemsCount":${total}}`);

/** The JSON of contacts `from` to `to` (exclusive), separated by commas. */
function rows(from: number, to: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = from; at < to; ) {
    const chunk = Math.floor(at / chunkSize);
    const end = Math.min(to, (chunk + 1) * chunkSize);
    const offsets = starts[chunk] as Uint32Array;
    const start = offsets[at % chunkSize] as number;
    const stop = offsets[end - chunk * chunkSize] as number;
    parts.push((chunks[chunk] as Buffer).subarray(start, end === to ? stop - 1 : stop));
    at = end;
  }
  return parts;
}

/** Writes the edit's number into every `1 / changed`-th contact. */
function edit({ changed, edit: number }: Setting): void {
  const digits = editText(number);
  const threshold = Math.round(changed * 1000);
  for (let index = 0; index < total; index++) {
    if ((index * 7919) % 1000 >= threshold) continue;
    const chunk = chunks[Math.floor(index / chunkSize)] as Buffer;
    const start = (starts[Math.floor(index / chunkSize)] as Uint32Array)[index % chunkSize] as number;
    chunk.write(digits, chunk.indexOf(editMark, start) + editMark.length);
  }
}

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://loopback');
  const from = Math.min(total, Number(searchParams.get('Offset') ?? 0));
  const parts = [head, ...rows(from, Math.min(total, from + Number(searchParams.get('Limit') ?? 100))), tail];
  const send = () => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
    response.cork();
    for (const part of parts) response.write(part);
    response.end();
  };
  if (setting.latencyMs === 0) send();
  else setTimeout(send, setting.latencyMs);
});
server.keepAliveTimeout = 60_000;

process.on('message', (message: Setting) => {
  setting = message;
  if (setting.changed > 0) edit(setting);
  process.send?.({});
});
process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

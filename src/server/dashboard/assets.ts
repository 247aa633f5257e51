import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import type { Assets } from './page.ts';
import { stylesheet } from './stylesheet.ts';

/** Says so when a refresh gets no answer: numbers that stand still must not look like a quiet day. */
const liveScript = `'use strict';
const stale = document.getElementById('stale');
const tell = (isStale) => { stale.hidden = !isStale; };
document.addEventListener('htmx:error', () => tell(true));
document.addEventListener('htmx:response:error', () => tell(true));
document.addEventListener('htmx:after:swap', () => tell(false));
`;

/** Two arrows in agreement. */
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#2458c5"/><path d="M8 12h13l-4-4M24 20H11l4 4" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

/**
 * Serves what pages are made of: no file comes from another host. The addresses change with the content.
 * @returns the addresses
 */
export async function serveAssets(server: FastifyInstance): Promise<Assets> {
  // Where the package is, also when this file is somewhere below `dist`.
  const htmx = await readFile(new URL('htmx.min.js', import.meta.resolve('htmx.org')), 'utf8');
  const serve = (name: string, type: string, content: string): string => {
    const digest = createHash('sha256').update(content).digest('hex').slice(0, 12);
    const address = `/assets/${digest}/${name}`;
    server.get(address, async (_request, reply) =>
      reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(content),
    );
    return address;
  };
  return {
    style: serve('style.css', 'text/css; charset=utf-8', stylesheet),
    htmx: serve('htmx.js', 'text/javascript; charset=utf-8', htmx),
    live: serve('live.js', 'text/javascript; charset=utf-8', liveScript),
    icon: serve('icon.svg', 'image/svg+xml', icon),
  };
}

import type { HttpCall } from './http.ts';
import type { Operation } from './operation.ts';

/**
 * Checks an address that credentials are sent to: http or https, nothing secret or superfluous in it, and plain http
 * only to this machine, for a token that crosses a network in the clear is a token given away.
 *
 * @param what Names the setting in the message, e.g. `showroom: baseUrl`.
 * @throws RangeError The message does not repeat the address, which may hold a secret.
 */
export function checkAddress(what: string, address: string, allowPlainHttp = false): URL {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol)) throw new RangeError(`${what} is no http(s) address`);
  if (url.username || url.password) throw new RangeError(`${what} holds a user name or password; use token or oauth`);
  if (url.search || url.hash)
    throw new RangeError(`${what} holds a query or a fragment; expected origin and path only`);
  if (url.protocol === 'http:' && !allowPlainHttp && !isLoopback(url.hostname)) {
    throw new RangeError(`${what} is plain http to another machine; expected https (plain http only to loopback)`);
  }
  return url;
}

/** Whether a URL's host name is this machine: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * The URL of one call, always on the origin of `base`.
 *
 * @throws RangeError for a mistake in our own code: a path parameter that is missing or would change the path's shape
 * (empty, `.`, `..`), or a parameter that the operation does not have.
 */
export function callUrl(base: URL, operation: Operation, params: HttpCall['params'] = {}): URL {
  const known = new Set(operation.parameters.map(({ name }) => name));
  const stray = Object.keys(params).find((name) => !known.has(name));
  if (stray !== undefined) throw new RangeError(`${operation.id} has no parameter "${stray}"`);

  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const value = String(params[name] ?? '');
    // encodeURIComponent leaves dots alone, and the URL parser would then climb out of the resource.
    if (/^\.{0,2}$/.test(value)) throw new RangeError(`${operation.id}: path parameter "${name}" is missing or no id`);
    return encodeURIComponent(value);
  });
  // Without the slash the path could go on with the host name, and the credentials would go elsewhere.
  if (!path.startsWith('/')) throw new RangeError(`${operation.id}: path "${operation.path}" does not start with "/"`);
  const url = new URL(base.origin + base.pathname.replace(/\/+$/, '') + path);
  for (const { name, in: place } of operation.parameters) {
    const value = params[name];
    if (place === 'query' && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

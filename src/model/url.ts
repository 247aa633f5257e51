/**
 * A web address in normal form: scheme and host lower-case, `https` where no scheme is given, no trailing slash. `www.`
 * stays ({@link sameUrl} sees through it). Undefined for what is no web address.
 */
export function readUrl(text: string): string | undefined {
  const schemed = hasScheme(text) ? text : `https://${text}`;
  if (!/^https?:\/\/[^\s/?#]*[^\s/?#.]\.[^\s/?#.]/i.test(schemed)) return undefined;
  const parsed = URL.parse(schemed);
  if (!parsed) return undefined;
  return parsed.search === '' && parsed.hash === '' ? parsed.href.replace(/\/+$/, '') : parsed.href;
}

/**
 * Whether two texts are one web address: `www.` counts for nothing, nor does the scheme where one side was written
 * without.
 */
export function sameUrl(a: string, b: string): boolean {
  const first = readUrl(a);
  const second = readUrl(b);
  if (first === undefined || second === undefined) return false;
  const [firstScheme, firstRest] = split(first);
  const [secondScheme, secondRest] = split(second);
  return firstRest === secondRest && (firstScheme === secondScheme || !hasScheme(a) || !hasScheme(b));
}

function hasScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

function split(url: string): [scheme: string, rest: string] {
  const at = url.indexOf('://');
  return [url.slice(0, at), url.slice(at + 3).replace(/^www\.(?=[^/?#]*\.)/, '')];
}

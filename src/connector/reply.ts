/** The body of a 2xx as data, or what is wrong with it. `what` never quotes the body. */
export type Parsed = { readonly body: unknown } | { readonly wrong: string };

export interface RawReply {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

const JSON_TYPE = /^(?:application|text)\/(?:[\w.-]+\+)?json$/;

/**
 * Reads the body of a successful reply. Empty is no body. Everything else must be JSON and say so; a missing content
 * type is let pass where the body parses.
 *
 * @param documented Whether the operation documents a reply. Where it does not, a body that is no JSON is ignored, but
 * HTML is refused all the same: it comes from a proxy or a log-in page, not from the CRM that we believe has acted.
 */
export function parseReply(reply: RawReply, documented: boolean): Parsed {
  const { bytes, contentEncoding } = reply;
  if (bytes.length === 0) return { body: undefined };
  const { type, charset } = contentType(reply.contentType);
  if (contentEncoding && contentEncoding !== 'identity') {
    return ignorable(documented, `is ${contentEncoding}-encoded, which was not asked for`);
  }
  const text = decode(bytes, charset);
  if (text?.trim() === '') return { body: undefined };
  if (type?.includes('html') || (text !== undefined && /^\s*<(?:!doctype|html)/i.test(text))) {
    return { wrong: 'is an HTML page where JSON was expected' };
  }
  if (type !== undefined && !JSON_TYPE.test(type)) {
    return ignorable(documented, `has content type ${type} where JSON was expected`);
  }
  if (text === undefined) return ignorable(documented, `is no ${charset} text`);
  try {
    return { body: JSON.parse(text) };
  } catch {
    // The parser's own message quotes the body, which may hold personal data.
    return ignorable(documented, `is no valid JSON (${bytes.length} bytes; cut off?)`);
  }
}

/** The body of an error reply: JSON if it is, else its text. Undefined when there is none or it cannot be read. */
export function parseErrorReply(reply: RawReply): unknown {
  const text = decode(reply.bytes, contentType(reply.contentType).charset);
  if (!text?.trim()) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The pause that a Retry-After header asks for, in milliseconds, never negative; undefined when there is none. A date is
 * measured against the reply's own Date, so that a clock that is wrong on either side does no harm.
 */
export function retryAfterMs(header: string | undefined, date: string | undefined, now: number): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const until = Date.parse(text);
  const since = Date.parse(date ?? '');
  return Number.isNaN(until) ? undefined : Math.max(0, until - (Number.isNaN(since) ? now : since));
}

/** A header that came more than once counts by its first value. */
export function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function ignorable(documented: boolean, wrong: string): Parsed {
  return documented ? { wrong } : { body: undefined };
}

function contentType(header: string | undefined): { type: string | undefined; charset: string } {
  const [type, ...rest] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = rest
    .find((part) => part.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  return { type: type || undefined, charset: charset || 'utf-8' };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined when the bytes are no text of that charset: replaced letters would travel on into other CRMs. */
function decode(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return (charset === 'utf-8' ? utf8 : new TextDecoder(charset, { fatal: true })).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Turns an error body into one line. The five shapes of conecrm.md §6: `{error}`, `{errors: {field: …}, message}`,
 * `{errors: [text], message}`, a JSON text, and nothing at all. Form errors are named by field, the vendor's texts are
 * kept short. Total: never throws, whatever came.
 */
export function errorMessage(status: number, body: unknown): string {
  const words = clip(wordsOf(body).join('; '));
  return words === '' ? `status ${status}, no reason given` : `status ${status}: ${words}`;
}

const LINE_MAX = 300;
/** Form errors may nest (`contact.primaryEmail`); deeper than this is no message any more. */
const DEPTH_MAX = 4;

function wordsOf(body: unknown): string[] {
  if (typeof body === 'string') return body.trim() === '' || looksLikeHtml(body) ? [] : [body];
  if (Array.isArray(body)) return body.flatMap((entry) => leaves(entry, '', 0));
  if (typeof body !== 'object' || body === null) return [];
  const { error, message, errors } = body as Readonly<Record<string, unknown>>;
  return [...leaves(error, '', 0), ...leaves(message, '', 0), ...leaves(errors, '', 0)];
}

function leaves(part: unknown, path: string, depth: number): string[] {
  if (typeof part === 'string') return part.trim() === '' ? [] : [path === '' ? part : `${path}: ${part}`];
  if (typeof part !== 'object' || part === null || depth > DEPTH_MAX) return [];
  if (Array.isArray(part)) return part.flatMap((entry) => leaves(entry, path, depth + 1));
  return Object.entries(part).flatMap(([key, entry]) => leaves(entry, path === '' ? key : `${path}.${key}`, depth + 1));
}

function looksLikeHtml(text: string): boolean {
  return /^\s*</.test(text);
}

function clip(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)}…` : line;
}

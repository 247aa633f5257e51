/** Longest message that we keep of an error reply. */
const MAX_MESSAGE = 300;

/** One readable line, at most 300 characters, from `{ title, detail, time }` (alpha.md §6) or from whatever came instead. */
export function errorMessage(status: number, body: unknown): string {
  const line = textOf(body).replace(/\s+/g, ' ').trim();
  if (line === '') return `status ${status} without a text`;
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE - 1)}…`;
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body.replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ');
  if (typeof body !== 'object' || body === null) return '';
  const { title, detail } = body as Readonly<Record<string, unknown>>;
  const told = [title, detail].filter((part) => typeof part === 'string' && part.trim() !== '');
  return told.length > 0 ? told.join(': ') : JSON.stringify(body);
}

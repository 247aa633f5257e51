/** Longest message that we keep of an error reply. */
const MAX_MESSAGE = 300;

/** Where engines of this make usually put their text; error bodies are not documented (treepl.md §6). */
const MESSAGE_KEYS = ['Message', 'message', 'error_description', 'error', 'title'];

/** One readable line, at most 300 characters, from an error body of unknown shape. */
export function errorMessage(status: number, body: unknown): string {
  const line = textOf(body).replace(/\s+/g, ' ').trim();
  if (line === '') return `status ${status} without a text`;
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE - 1)}…`;
}

function textOf(body: unknown): string {
  if (body === undefined || body === null) return '';
  if (typeof body === 'string') return body.replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/gi, ' ');
  if (typeof body === 'object') {
    const fields = body as Readonly<Record<string, unknown>>;
    const key = MESSAGE_KEYS.find((name) => typeof fields[name] === 'string' && fields[name] !== '');
    if (key) return String(fields[key]);
  }
  return JSON.stringify(body) ?? '';
}

/** Small words that begin a family name: `van den Bérg`. Alpha's vocabulary is Dutch (`kvk`, `btw`). */
const particles = new Set("van von vom de der den ter ten te 't het in op aan la le du di da del della dos".split(' '));

/**
 * Splits a display name, by guess: `Bérg, Loïs` at its comma, else the last word and the particles before it are the
 * family name. A name of one word is left alone, for it may be either.
 */
export function splitName(name: string | null | undefined): { firstName?: string; lastName?: string } {
  const parts = (name ?? '').split(',').map((part) => part.trim());
  if (parts.length === 2 && parts[0] && parts[1]) return { firstName: parts[1], lastName: parts[0] };
  const words = (name ?? '').trim().split(/\s+/);
  if (parts.length !== 1 || words.length < 2) return {};
  let start = words.length - 1;
  while (start > 1 && particles.has((words[start - 1] as string).toLowerCase())) start -= 1;
  return { firstName: words.slice(0, start).join(' '), lastName: words.slice(start).join(' ') };
}

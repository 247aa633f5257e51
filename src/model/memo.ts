/** A longer text is no name and will not come again. */
const longest = 200;

/**
 * `compute`, remembering its last results: countries, regions and languages take few values, in millions of records.
 * Forgets everything when `limit` results are held, so that memory stays bounded.
 */
export function memo<T>(compute: (text: string) => T, limit = 2_000): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const result = compute(text);
    if (text.length > longest) return result;
    if (known.size >= limit) known.clear();
    known.set(text, result);
    return result;
  };
}

import { generateLife } from './generate.ts';
import { judge } from './judge.ts';

/** The first broken life of a row. */
export interface Find {
  readonly seed: number;
  /** How many lives it took. */
  readonly lives: number;
  readonly breaches: readonly string[];
}

/** Lives through `lives` seeds from `first` on. @returns the first that breaks a law */
export async function hunt(first: number, lives: number): Promise<Find | undefined> {
  for (let seed = first; seed < first + lives; seed += 1) {
    const { breaches } = await judge(generateLife(seed));
    if (breaches.length > 0) return { seed, lives: seed - first + 1, breaches };
  }
  return undefined;
}

// The drill runs this file in a tree of its own, in which something is broken.
if (process.argv[1] === import.meta.filename) {
  const [first, lives] = process.argv.slice(2).map(Number);
  process.stdout.write(JSON.stringify((await hunt(first!, lives!)) ?? null));
}

import type { Find } from '../hunt.ts';
import { generateWireLife } from './generate-wire.ts';
import { judgeWire } from './judge-wire.ts';

/** Lives on the wire through `lives` seeds from `first` on. @returns the first that breaks a law */
export async function huntOnWire(first: number, lives: number): Promise<Find | undefined> {
  for (let seed = first; seed < first + lives; seed += 1) {
    const { breaches } = await judgeWire(generateWireLife(seed));
    if (breaches.length > 0) return { seed, lives: seed - first + 1, breaches };
  }
  return undefined;
}

// The drill runs this file in a tree of its own, in which something is broken.
if (process.argv[1] === import.meta.filename) {
  const [first, lives] = process.argv.slice(2).map(Number);
  process.stdout.write(JSON.stringify((await huntOnWire(first!, lives!)) ?? null));
}

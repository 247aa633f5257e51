/** Numbers and ids that are the same for the same seed. */
export interface SeededIds {
  /** 0 (included) to `below` (excluded). */
  integer(below: number): number;
  hex(length: number): string;
  /** Version 4 in form. */
  uuid(): string;
}

/** A small generator (mulberry32): the same seed gives the same sequence; no good for secrets. */
export function seededIds(seed = 1): SeededIds {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (length: number): string => Array.from({ length }, () => Math.floor(next() * 16).toString(16)).join('');
  return {
    integer: (below) => Math.floor(next() * below),
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[Math.floor(next() * 4)]}${hex(3)}-${hex(12)}`,
  };
}

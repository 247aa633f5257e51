/**
 * Tells of most keys that no record has them, without asking the file: a Bloom filter (Bloom 1970) with 12 bits and 4
 * probes per key, about one wrong "perhaps" in 300. Never a wrong "no".
 */
export interface KeyFilter {
  add(key: number): void;
  /** False: no record has this key. */
  mayHave(key: number): boolean;
  /** How many keys it holds before "perhaps" becomes too common. */
  readonly capacity: number;
}

const bitsPerKey = 12;
const probes = 4;

/** @param capacity in keys; keys are integers below 2^52, already well mixed */
export function createKeyFilter(capacity: number): KeyFilter {
  const size = 2 ** Math.ceil(Math.log2(capacity * bitsPerKey));
  const mask = size - 1;
  const bits = new Uint8Array(size / 8);
  return {
    capacity,
    add: (key) => {
      const step = stride(key);
      for (let probe = 0, at = key >>> 0; probe < probes; probe += 1, at = (at + step) >>> 0) {
        const bit = at & mask;
        bits[bit >>> 3]! |= 1 << (bit & 7);
      }
    },
    mayHave: (key) => {
      const step = stride(key);
      for (let probe = 0, at = key >>> 0; probe < probes; probe += 1, at = (at + step) >>> 0) {
        const bit = at & mask;
        if ((bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
      }
      return true;
    },
  };
}

/** The second of the two hashes that all probes are made of (Kirsch and Mitzenmacher 2006): the key's high bits, odd. */
function stride(key: number): number {
  return (Math.imul(Math.floor(key / 0x1_0000_0000), 0x9e3779b1) | 1) >>> 0;
}

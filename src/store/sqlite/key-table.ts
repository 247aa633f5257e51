/**
 * Which records have a key: a hash table with linear probing in two typed arrays, 16 bytes a slot and at most half full.
 * For keys that stand in the file as a log, in the order in which they came.
 */
export interface KeyTable {
  readonly size: number;
  add(key: number, record: number): void;
  has(key: number): boolean;
  /** The records that were added under this key, each as often as it was. */
  of(key: number): readonly number[];
  clear(): void;
}

const firstSlots = 1_024;
const nothing: readonly number[] = [];

/** Keys are integers from 0 to 2^52, already well mixed; records are integers above 0. */
export function createKeyTable(): KeyTable {
  let keys = new Float64Array(firstSlots);
  let records = new Float64Array(firstSlots);
  let size = 0;

  const place = (key: number, record: number): void => {
    const mask = keys.length - 1;
    let at = key & mask;
    while (records[at] !== 0) at = (at + 1) & mask;
    keys[at] = key;
    records[at] = record;
  };

  return {
    get size() {
      return size;
    },
    add: (key, record) => {
      if (2 * (size + 1) > keys.length) {
        const [oldKeys, oldRecords] = [keys, records];
        keys = new Float64Array(2 * oldKeys.length);
        records = new Float64Array(2 * oldKeys.length);
        for (let at = 0; at < oldKeys.length; at += 1) if (oldRecords[at] !== 0) place(oldKeys[at]!, oldRecords[at]!);
      }
      place(key, record);
      size += 1;
    },
    has: (key) => {
      const mask = keys.length - 1;
      for (let at = key & mask; records[at] !== 0; at = (at + 1) & mask) if (keys[at] === key) return true;
      return false;
    },
    of: (key) => {
      const mask = keys.length - 1;
      let found: number[] | undefined;
      for (let at = key & mask; records[at] !== 0; at = (at + 1) & mask)
        if (keys[at] === key) {
          found ??= [];
          found.push(records[at]!);
        }
      return found ?? nothing;
    },
    clear: () => {
      keys = new Float64Array(firstSlots);
      records = new Float64Array(firstSlots);
      size = 0;
    },
  };
}

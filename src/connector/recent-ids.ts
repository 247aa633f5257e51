/** The ids of the last pages of a scan. What it holds is bounded by the size of a page, not by the length of the list. */
export interface RecentIds {
  has(id: string): boolean;
  add(id: string): void;
  /** A page of `size` rows begins: forgets what lies further back than about three such pages. */
  turn(size: number): void;
}

const PAGES_KEPT = 3;

/** Starts empty; one for each scan. */
export function createRecentIds(): RecentIds {
  // Newest first; whole sets are dropped, for deleting ids one by one from a large set is slow.
  let sets = [new Set<string>()];
  return {
    has: (id) => sets.some((set) => set.has(id)),
    add: (id) => sets[0]!.add(id),
    turn(size) {
      if (sets[0]!.size < size) return;
      sets = [new Set<string>(), ...sets.slice(0, PAGES_KEPT)];
    },
  };
}

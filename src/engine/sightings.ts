/** Which links a scan has shown: one bit for each, so that a million of them take 125 KB. */
export class Sightings {
  #bits = new Uint8Array(1_024);
  /** Links with a higher number were made while the scan ran. */
  readonly #last: number;
  #count = 0;
  #isWhole = true;

  /** @param last the highest number of a link when the scan began */
  constructor(last: number) {
    this.#last = last;
  }

  /** How many different links from before the scan it has shown. */
  get count(): number {
    return this.#count;
  }

  /** False when the scan showed records that cannot be told apart: then nothing follows from what it did not show. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  add(number: number): void {
    if (number > this.#last || this.has(number)) return;
    const byte = number >>> 3;
    if (byte >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[byte]! |= 1 << (number & 7);
    this.#count += 1;
  }

  has(number: number): boolean {
    return ((this.#bits[number >>> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  /** Whether a link was there when the scan began and has not been shown. */
  lacks(number: number): boolean {
    return number <= this.#last && !this.has(number);
  }

  /** Notes a record without an id. */
  spoil(): void {
    this.#isWhole = false;
  }
}

import type { Clock } from '../../src/connector/clock.ts';

/** A clock that moves on by a millisecond at every look, and by the whole time at every sleep: never back, also where there is nothing to wait for. Nothing really waits. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 5, 8);

  now(): number {
    this.#now += 1;
    return this.#now;
  }

  async sleep(ms: number): Promise<void> {
    this.#now += Math.max(0, Math.ceil(ms));
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

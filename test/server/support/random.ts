/** Randomness that is the same on every run: mulberry32. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** 0 ≤ n < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  /** Some of the pieces joined, with odd characters among them. */
  text(pieces: readonly string[], most = 8): string {
    const odd = ['%', '\0', '\u{1f4a9}', 'é', '\ud800', ' ', '&', '=', '"', '\\', '\u007f', '\t', '\r\n']
    return Array.from(
      { length: this.below(most) },
      () => this.pick(pieces) + (this.below(6) === 0 ? this.pick(odd) : ''),
    ).join('')
  }
}

/** What the downloads of a process share when they take ranges in parallel: memory, limits, and origins that want none. */

export interface ParallelTerms {
  /** Connections of one download at most; 1: no ranges in parallel. */
  readonly connections: number
  /** Bytes that may wait in memory for the bytes before them, over all downloads. */
  readonly memory: number
  /** Bytes that are still to come; below, one connection is as good. */
  readonly least: number
  /** Bytes of a segment. */
  readonly smallest: number
  readonly largest: number
  /** Milliseconds over which a rate is measured: a throttled origin sends in bursts of up to 100 ms. */
  readonly interval: number
  /** Bytes a second: one connection that is faster is no bottleneck. */
  readonly fast: number
}

const MiB = 1024 * 1024

export const defaultTerms: ParallelTerms = {
  connections: 8,
  memory: 256 * MiB,
  least: 32 * MiB,
  smallest: 4 * MiB,
  largest: 16 * MiB,
  interval: 250,
  fast: 64 * MiB,
}

/** Milliseconds that an origin is left with one connection after it did not answer a range as it should. */
const REST = 60_000

export class Parallel {
  readonly terms: ParallelTerms
  readonly #now: () => number
  readonly #restUntil = new Map<string, number>()
  #used = 0

  /** @param now monotonic milliseconds */
  constructor(terms: Partial<ParallelTerms>, now: () => number) {
    this.terms = { ...defaultTerms, ...terms }
    this.#now = now
  }

  /** Bytes of memory; false where there is none left. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.terms.memory) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
  }

  /** Does this origin take several connections for one download? */
  admits({ origin }: URL): boolean {
    const until = this.#restUntil.get(origin)
    if (until !== undefined && this.#now() >= until) this.#restUntil.delete(origin)
    return this.terms.connections > 1 && !this.#restUntil.has(origin)
  }

  /** It refused a range, or is busy. */
  rest({ origin }: URL): void {
    this.#restUntil.set(origin, this.#now() + REST)
  }
}

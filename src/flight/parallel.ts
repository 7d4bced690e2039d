/** The memory, the limits and the list of unfit origins that parallel downloads of a process share. */

import { signedUntil } from '../http/signed.js'

export interface ParallelTerms {
  /** Maximum connections of one download; 1: no ranges in parallel. */
  readonly connections: number
  /** Bytes that may wait in memory for the bytes before them, over all downloads. */
  readonly memory: number
  /** Missing bytes below which one connection is enough. */
  readonly least: number
  /** Bytes of a segment. */
  readonly smallest: number
  readonly largest: number
  /** Milliseconds of one measurement: a throttled origin sends in bursts of up to 100 ms. */
  readonly interval: number
  /** Bytes a second above which one connection is no bottleneck. */
  readonly fast: number
  /** The share of a body that may be requested and not yet be in its file. */
  readonly ahead: number
}

const MiB = 1024 * 1024

const defaultTerms: ParallelTerms = {
  connections: 8,
  memory: 256 * MiB,
  least: 32 * MiB,
  smallest: 4 * MiB,
  largest: 16 * MiB,
  interval: 250,
  fast: 64 * MiB,
  ahead: Infinity,
}

/**
 * In a cluster these bytes are requested again if the node dies, and the origin should send at most 1.05 times the body.
 * Measured with 100, 150 and 200 MB: 1.01 to 1.04 when the node is killed at half, 1.03 to 1.04 when it is frozen for 8 s.
 */
export const AHEAD_IN_CLUSTER = 0.04
/** Bytes of the smallest segment of a body whose bytes ahead are limited, and of a segment at the end. */
export const LEAST = MiB

/** One segment of each connection of one download may take this part of the memory. */
const SHARE = 4

/** Milliseconds with one connection after an origin answered a range wrongly. */
const REST = 60_000

export class Parallel {
  readonly terms: ParallelTerms
  readonly #now: () => number
  readonly #date: () => number
  readonly #restUntil = new Map<string, number>()
  #used = 0

  /** @param now monotonic milliseconds @param date milliseconds since the epoch */
  constructor(terms: Partial<ParallelTerms>, now: () => number, date: () => number = Date.now) {
    this.terms = { ...defaultTerms, ...terms }
    this.#now = now
    this.#date = date
  }

  /** The terms for a body of this length. A limit of the bytes ahead means fewer connections and smaller segments. */
  termsFor(length: number): ParallelTerms {
    const { terms } = this
    const window = terms.ahead * length
    const connections = Math.min(terms.connections, Math.floor(window / Math.min(LEAST, terms.smallest)))
    // Other downloads need memory, too.
    const fair = Math.max(terms.smallest, Math.floor(terms.memory / (SHARE * connections)))
    const size = Math.min(Math.floor(window / connections), fair)
    return { ...terms, connections, smallest: Math.min(terms.smallest, size), largest: Math.min(terms.largest, size) }
  }

  /** Takes `bytes` of memory; false if the limit is reached. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.terms.memory) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
  }

  /**
   * May a download use several connections to this origin? A range is a new request, which a signed URL allows until its end;
   * one connection goes on behind it.
   *
   * @param needed milliseconds until one connection has brought the rest
   */
  admits(url: URL, needed = 0): boolean {
    const { origin } = url
    const until = this.#restUntil.get(origin)
    if (until !== undefined && this.#now() >= until) this.#restUntil.delete(origin)
    if (this.terms.connections < 2 || this.#restUntil.has(origin)) return false
    const end = signedUntil(url)
    return end === undefined || needed < end - this.#date()
  }

  /** The origin refused a range, or is busy. */
  rest({ origin }: URL): void {
    this.#restUntil.set(origin, this.#now() + REST)
  }
}

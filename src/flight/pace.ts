/** The number of connections of one download. A second one shows that the origin sends ranges; then all are tried at once. */

import type { ParallelTerms } from './parallel.js'

/** The share of the best possible growth from which the rate counts as grown: all connections are kept. */
const GROWTH = 0.5
/** Intervals without growth until there are fewer connections: one short measurement is not reliable. */
const LONGEST = 3
/** Milliseconds until a download with fewer connections than allowed tries more again; doubles each time. */
const PATIENCE = 5_000

export interface Observation {
  /** Connections that wait for an answer or bring bytes. */
  readonly running: number
  /** Each of them has brought a byte. */
  readonly begun: boolean
  /** Bytes of the whole so far. */
  readonly received: number
  /** The memory of all downloads is in use: no further connection can begin. */
  readonly full: boolean
}

export class Pace {
  /** The target number of connections. */
  limit = 1
  readonly #terms: ParallelTerms
  readonly #now: () => number
  /** The rate of one connection, in bytes a second. */
  #single = 0
  /** The measurement under way: its start time, and the bytes that had arrived then. */
  #mark: { readonly at: number; readonly bytes: number } | undefined
  /** The time since which no connection is added. */
  #settledAt: number | undefined
  #patience = PATIENCE

  /** @param now monotonic milliseconds */
  constructor(terms: ParallelTerms, now: () => number) {
    this.#terms = terms
    this.#now = now
  }

  /** Tries more connections. @param rate of one, in bytes a second */
  begin(rate: number): void {
    this.#settledAt = undefined
    this.#single = Math.max(1, rate)
    this.#step(Math.max(2, this.limit))
  }

  /** Is it time to try more connections again? */
  get isDue(): boolean {
    if (this.limit === this.#terms.connections || this.#settledAt === undefined) return false
    return this.#now() - this.#settledAt >= this.#patience
  }

  /** Tries more connections again. @param rate of one, in bytes a second */
  again(rate: number): void {
    this.#patience *= 2
    this.begin(rate)
  }

  /** Lowers the maximum number of connections. */
  limitTo(connections: number): void {
    this.#step(connections)
    this.#settledAt = this.#now()
  }

  observe({ running, begun, received, full }: Observation): void {
    if (this.#settledAt !== undefined) return
    const { connections: most, interval } = this.#terms
    if (this.#mark === undefined) {
      // The measurement starts when every connection has brought a byte.
      if (running === 0 || !begun) return
      if (running >= this.limit && this.limit < most) return this.#step(most)
      if (running < this.limit) {
        if (!full) return
        this.#step(running)
      }
      this.#mark = { at: this.#now(), bytes: received }
      return
    }
    const span = this.#now() - this.#mark.at
    if (span < interval) return
    const growth = (((received - this.#mark.bytes) / span) * 1000) / this.#single
    if (growth >= 1 + GROWTH * (this.limit - 1)) this.limitTo(this.limit)
    // As many connections as explain the rate: 1.9 times the rate of one takes two.
    else if (span >= LONGEST * interval) this.limitTo(Math.max(1, Math.round(growth)))
  }

  #step(connections: number): void {
    this.limit = connections
    this.#mark = undefined
  }
}

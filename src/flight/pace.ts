/** How many connections one download has: more are added while the total rate grows by them. */

import type { ParallelTerms } from './parallel.js'

/** A share of what the added connections could bring at best: less is no growth. */
const GROWTH = 0.5
/** Connections are multiplied by this as long as the rate grows. */
const STEP = 4
/** Intervals without growth until no connection is added: a short measurement may be unlucky. */
const LONGEST = 3
/** Milliseconds until a download that went back to one connection tries two again; doubles each time. */
const PATIENCE = 5_000

export interface Observation {
  /** Connections that are asked or bring bytes. */
  readonly running: number
  /** Each of them has brought a byte. */
  readonly begun: boolean
  /** Bytes of the whole so far. */
  readonly received: number
}

export class Pace {
  /** Connections to have. */
  limit = 1
  readonly #terms: ParallelTerms
  readonly #now: () => number
  /** What the rate has to grow from, in bytes a second. */
  #before = { rate: 0, connections: 1 }
  /** A measurement: when it began, and what had arrived by then. */
  #mark: { readonly at: number; readonly bytes: number } | undefined
  /** Since when no connection is added. */
  #settledAt: number | undefined
  #patience = PATIENCE

  /** @param now monotonic milliseconds */
  constructor(terms: ParallelTerms, now: () => number) {
    this.#terms = terms
    this.#now = now
  }

  /** One connection has this rate: is it more with two? */
  probe(rate: number): void {
    this.#settledAt = undefined
    this.#before = { rate, connections: 1 }
    this.#step(2)
  }

  /** Is it time to try two connections again? @param admitted the origin takes several */
  mayProbe(admitted: boolean): boolean {
    if (this.limit > 1 || this.#settledAt === undefined || !admitted) return false
    if (this.#now() - this.#settledAt < this.#patience) return false
    this.#patience *= 2
    return true
  }

  /** No more than so many from now on. */
  limitTo(connections: number): void {
    this.#step(connections)
    this.#settledAt = this.#now()
  }

  observe({ running, begun, received }: Observation): void {
    if (this.#settledAt !== undefined) return
    const { connections: most, interval } = this.#terms
    if (this.#mark === undefined) {
      // Measured from when every connection has begun to bring bytes.
      if (running >= this.limit && begun) this.#mark = { at: this.#now(), bytes: received }
      return
    }
    const span = this.#now() - this.#mark.at
    if (span < interval) return
    const rate = ((received - this.#mark.bytes) / span) * 1000
    const { rate: before, connections } = this.#before
    if (rate >= before * (1 + (GROWTH * (this.limit - connections)) / connections)) {
      this.#before = { rate, connections: this.limit }
      if (this.limit >= most) this.limitTo(this.limit)
      else this.#step(Math.min(most, this.limit * STEP))
    } else if (span >= LONGEST * interval) this.limitTo(connections)
  }

  #step(connections: number): void {
    this.limit = connections
    this.#mark = undefined
  }
}

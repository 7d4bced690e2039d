/** The number of connections of one download: more are added while they raise the total rate. */

import type { ParallelTerms } from './parallel.js'

/** The share of the best possible growth below which the rate counts as unchanged. */
const GROWTH = 0.5
/** The number of connections is multiplied by this while the rate grows. */
const STEP = 4
/** Intervals without growth until no more connections are added: one short measurement is not reliable. */
const LONGEST = 3
/** Milliseconds until a download that returned to one connection tries two again; doubles each time. */
const PATIENCE = 5_000

export interface Observation {
  /** Connections that wait for an answer or bring bytes. */
  readonly running: number
  /** Each of them has brought a byte. */
  readonly begun: boolean
  /** Bytes of the whole so far. */
  readonly received: number
}

export class Pace {
  /** The target number of connections. */
  limit = 1
  readonly #terms: ParallelTerms
  readonly #now: () => number
  /** The rate to compare with, in bytes a second. */
  #before = { rate: 0, connections: 1 }
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

  /** Starts a measurement with two connections against this rate of one. */
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

  /** Lowers the maximum number of connections. */
  limitTo(connections: number): void {
    this.#step(connections)
    this.#settledAt = this.#now()
  }

  observe({ running, begun, received }: Observation): void {
    if (this.#settledAt !== undefined) return
    const { connections: most, interval } = this.#terms
    if (this.#mark === undefined) {
      // The measurement starts when every connection has brought a byte.
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

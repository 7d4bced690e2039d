/** A bandwidth cap over all downloads together. */

import { type Clock, systemClock } from '../clock.js'

/** A clock for spans of time. */
export type SpanClock = Pick<Clock, 'monotonic' | 'sleep'>

/** Milliseconds of unused rate that may be made up for at once: enough to bridge a timer that fires late. */
const BURST = 100

/**
 * A token bucket, stored as the time at which the bytes taken so far are within the rate. A caller waits until then; since each
 * call adds its bytes behind those before it, the callers take turns.
 */
export class Rate {
  readonly #bytesPerSecond: number
  readonly #clock: SpanClock
  #paidUntil = -Infinity

  constructor(bytesPerSecond: number, clock: SpanClock = systemClock) {
    this.#bytesPerSecond = bytesPerSecond
    this.#clock = clock
  }

  /** Resolves when `bytes` more may pass. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic()
    this.#paidUntil = Math.max(this.#paidUntil, now - BURST) + (bytes / this.#bytesPerSecond) * 1000
    const wait = this.#paidUntil - now
    if (wait > 0) await this.#clock.sleep(wait, signal)
  }
}

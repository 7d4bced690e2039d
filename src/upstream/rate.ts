/** A bandwidth cap over all downloads together. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Where the time of the cap comes from: monotonic milliseconds. */
export interface RateClock {
  now(): number
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const monotonic: RateClock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    sleep(ms, undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw error
    }),
}

/** Milliseconds of unused rate that may be made up for at once: enough to bridge a timer that fires late. */
const BURST = 100

/**
 * A token bucket, stored as the time at which the bytes taken so far are within the rate. A caller waits until then; since each
 * call adds its bytes behind those before it, the callers take turns.
 */
export class Rate {
  readonly #bytesPerSecond: number
  readonly #clock: RateClock
  #paidUntil = -Infinity

  constructor(bytesPerSecond: number, clock: RateClock = monotonic) {
    this.#bytesPerSecond = bytesPerSecond
    this.#clock = clock
  }

  /** Resolves when `bytes` more may pass. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    this.#paidUntil = Math.max(this.#paidUntil, now - BURST) + (bytes / this.#bytesPerSecond) * 1000
    const wait = this.#paidUntil - now
    if (wait > 0) await this.#clock.sleep(wait, signal)
  }
}

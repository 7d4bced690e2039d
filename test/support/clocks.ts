/** Clocks of engines in tests. */
import { type Clock, monotonic } from '#kiss/clock.js'

/** Real time, but a pause is over at once: the monotonic time jumps over it. */
export class HastyClock implements Clock {
  #slept = 0
  now(): number {
    return Date.now()
  }
  monotonic(): number {
    return monotonic() + this.#slept
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.#slept += ms
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
  }
}

/** A clock that a test moves. */
export class MovableClock extends HastyClock {
  #ahead = 0
  #stepped = 0
  override now(): number {
    return super.now() + this.#ahead + this.#stepped
  }
  override monotonic(): number {
    return super.monotonic() + this.#ahead
  }
  /** Time passes. */
  move(ms: number): void {
    this.#ahead += ms
  }
  /** Somebody sets the wall clock, forward or back; no time passes. */
  step(ms: number): void {
    this.#stepped += ms
  }
}

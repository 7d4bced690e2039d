/** The time: handed in, so that tests never wait. */

import { setTimeout as delay } from 'node:timers/promises'
import { LONGEST_TIMER } from './waits.js'

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Monotonic milliseconds since the boot of the system, for spans of time. Changes of the wall clock do not affect them. */
  monotonic(): number
  /** Rejects with the signal's reason when aborted. Keeps the process alive until the pause is over. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/**
 * Milliseconds since the system's boot, without its sleep. All processes of a boot read the same clock, and setting the wall
 * clock does not move it.
 */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  sleep: async (ms, signal) => {
    await delay(Math.min(ms, LONGEST_TIMER), undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw error
    })
  },
}

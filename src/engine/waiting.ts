/** Waits for an event with a deadline. */

import { unlessAborted } from '../abort.js'

export interface Deadline {
  /** Milliseconds of `performance.now()`; the deadline may move. */
  readonly until: () => number
  readonly error: () => Error
}

/** Milliseconds between two checks of a distant deadline. */
const LOOK = 1_000

/** Rejects with the reason of the signal or the error of the deadline if one of them ends the wait. The event is not cancelled. */
export async function waitUntil<T>(event: Promise<T>, { until, error }: Deadline, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const look = (): void => {
      const left = until() - performance.now()
      if (left <= 0) reject(error())
      else timer = setTimeout(look, Math.min(left, LOOK))
    }
    look()
  })
  try {
    return await unlessAborted(Promise.race([event, late]), signal)
  } finally {
    clearTimeout(timer)
  }
}

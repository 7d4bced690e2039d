/** Waiting for an event that may come too late. */

import { unlessAborted } from '../abort.js'

export interface Deadline {
  /** Milliseconds, as `performance.now()` counts them; it may move. */
  readonly until: () => number
  readonly error: () => Error
}

/** Milliseconds between two looks at a deadline that is far away. */
const LOOK = 1_000

/** Rejects with the reason of the signal or the error of the deadline where one of them ends the wait. The event goes on. */
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

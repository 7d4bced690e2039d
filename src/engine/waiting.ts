/** Waits for what others bring about, no longer than the one that waits has patience. */

export interface Deadline {
  /** Milliseconds, as `performance.now()` counts them; it may move. */
  readonly until: () => number
  readonly error: () => Error
}

/** Milliseconds between two looks at a deadline that is far away. */
const LOOK = 1_000

/** The event goes on where the wait ends before it: with the signal's reason, or the deadline's error. */
export function waitFor<T>(event: Promise<T>, signal: AbortSignal, deadline?: Deadline): Promise<T> {
  return new Promise<T>((settle, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) return onAbort()
    let timer: NodeJS.Timeout | undefined
    const look = ({ until, error }: Deadline): void => {
      const left = until() - performance.now()
      if (left <= 0) reject(error())
      else timer = setTimeout(() => look(deadline ?? { until, error }), Math.min(left, LOOK))
    }
    if (deadline) look(deadline)
    signal.addEventListener('abort', onAbort, { once: true })
    event.then(settle, reject).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    })
  })
}

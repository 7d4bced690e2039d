/** Waits for what somebody else brings about, no longer than the one who waits is there. */

export interface Deadline {
  /** Milliseconds, as `performance.now()` counts them. */
  readonly at: number
  readonly error: () => Error
}

/** The event goes on where the wait ends before it: with the signal's reason, or the deadline's error. */
export function waitFor<T>(event: Promise<T>, signal: AbortSignal, deadline?: Deadline): Promise<T> {
  return new Promise<T>((settle, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) return onAbort()
    const timer = deadline && setTimeout(() => reject(deadline.error()), Math.max(0, deadline.at - performance.now()))
    signal.addEventListener('abort', onAbort, { once: true })
    event.then(settle, reject).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    })
  })
}

/** Waiting that a signal ends. */

/** What `promise` becomes, or the signal's reason, whichever is first. The promise itself goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let leave = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    // Signals here are aborted with errors alone.
    leave = () => reject(signal.reason as Error)
  })
  signal.addEventListener('abort', leave)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

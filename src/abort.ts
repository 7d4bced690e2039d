/** A wait that a signal ends. */

/** Resolves as `promise` does, or rejects with the reason of the signal, whichever is first. The promise is not cancelled. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    // The reason of a signal is always an error.
    leave = () => reject(signal.reason as Error)
    if (signal.aborted) leave()
  })
  signal.addEventListener('abort', leave)
  try {
    return await Promise.race([aborted, promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

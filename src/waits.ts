/** Waits for promises: until a signal or a deadline, and for several at a time. */

/** Milliseconds: the longest that a timer takes, 24.8 days. Node fires a longer one at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

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

/** Calls a function for many items, a few at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]()
  const lane = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: limit }, lane))
}

/** Returns a function that runs work: so many at a time, in the order of the calls. */
export function atMost(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = limit
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // The place passes to the next one.
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}

/** Waits for the end of all, and throws the first failure of the list: nothing is under way after a failure. */
export async function allDone(things: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(things)) if (result.status === 'rejected') throw result.reason
}

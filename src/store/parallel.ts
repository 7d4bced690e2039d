/** Several things in parallel. */

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

/** Waits for the end of all, and throws the first failure of the list: nothing is under way after a failure. */
export async function allDone(things: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(things)) if (result.status === 'rejected') throw result.reason
}

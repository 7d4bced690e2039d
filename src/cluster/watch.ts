/** Waits for the answer of a node that downloads, while Redis confirms that the node holds the lease. */

import { Moved } from './holder.js'

/** Milliseconds between two checks of the lease. */
const WATCH = 1_000

export interface Watching {
  readonly signal: AbortSignal
  /** Milliseconds that the request may wait. */
  readonly headersTimeout: number
  /** Tells whether another node holds the lease now. */
  readonly isOver: () => Promise<boolean>
}

/** undefined: another node holds the lease now. Throws if the request has waited for its limit. */
export async function watched<T>(
  { signal, headersTimeout, isOver }: Watching,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const ended = new AbortController()
  const late = Object.assign(new Error('the node that downloads did not answer in time'), { code: 'ETIMEDOUT' })
  const timer = setTimeout(() => ended.abort(late), Math.min(headersTimeout, 2 ** 31 - 1))
  const watch = setInterval(() => {
    void isOver().then((over) => over && ended.abort(new Moved('another node downloads by now')))
  }, WATCH)
  try {
    return await ask(AbortSignal.any([signal, ended.signal]))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Moved) return undefined
    throw error
  } finally {
    clearTimeout(timer)
    clearInterval(watch)
  }
}

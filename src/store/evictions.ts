/** Evictions of one process, one at a time: each counts the room that those before it made. */

import type { Evictor } from './evictor.js'
import { freeBytes, lacksInodes } from './slack.js'

/** Minimum bytes of an eviction on a full disk, so that the next small files find room, too. */
const ELBOW_ROOM = 1024 * 1024

/**
 * Twenty small downloads at once with a full quota evicted six of eight bodies of 6.5 MB in place of one, and on a full disk all
 * of ten in place of one: each saw the same room and evicted for itself.
 */
export class Evictions {
  readonly #evictor: Pick<Evictor, 'evict'>
  readonly #directory: string
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /** Bytes free on the disk that are not promised to a write: of the evictions since the last time without a request. */
  #unpromised = 0

  /** @param directory on the disk of the bodies */
  constructor(evictor: Pick<Evictor, 'evict'>, directory: string) {
    this.#evictor = evictor
    this.#directory = directory
  }

  /** Resolves with the bytes freed. @param missing bytes to evict, as of its turn */
  evict(missing: () => number | Promise<number>): Promise<number> {
    return this.#inTurn(async () => {
      const bytes = await missing()
      return bytes > 0 ? this.#evictor.evict(bytes) : 0
    })
  }

  /** The disk is full: resolves with true if a write of `bytes` may be repeated. */
  relieve(bytes: number): Promise<boolean> {
    if (this.#waiting === 0) this.#unpromised = 0
    return this.#inTurn(async () => {
      // One eviction frees few inodes, so that none is left for others.
      const isShared = !lacksInodes(this.#directory)
      const missing = bytes - (isShared ? Math.min(this.#unpromised, freeBytes(this.#directory) ?? Infinity) : 0)
      if (missing > 0) {
        const freed = await this.#evictor.evict(Math.max(missing, ELBOW_ROOM))
        if (freed === 0) return false
        this.#unpromised += freed
      }
      this.#unpromised = Math.max(0, this.#unpromised - bytes)
      return true
    })
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    this.#waiting++
    const turn = this.#last.then(step).finally(() => this.#waiting--)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

/** The requests of one download to the holders of its lease: delayed, and limited in number while they bring no byte. */

import { setTimeout as delay } from 'node:timers/promises'
import type { OriginRequest } from '../upstream/types.js'

/** Milliseconds between two requests for the same byte. */
const PAUSE = 50
/** Number of requests for the same byte after which the holder counts as unreachable. */
const MOST = 40

export class HolderAttempts {
  #fruitless = 0
  /** The range of the last request. */
  #range: string | undefined = ''

  get exhausted(): boolean {
    return this.#fruitless > MOST
  }

  /** Waits before a request that repeats the last one. Rejects when the request is aborted. */
  async next({ headers: { range }, signal }: Pick<OriginRequest, 'headers' | 'signal'>): Promise<void> {
    const isSame = this.#range === range
    this.#range = range
    this.#fruitless = isSame ? this.#fruitless + 1 : 0
    if (isSame) await delay(PAUSE, undefined, { signal })
  }
}

/** The requests of one download to the holders of its lease: delayed, and limited in number while they bring no byte. */

import { setTimeout as delay } from 'node:timers/promises'
import type { OriginRequest } from '../upstream/types.js'
import type { Holder } from './holder.js'

/** Milliseconds between two requests for the same byte. */
const PAUSE = 50
/** Number of requests for the same byte after which the holder counts as unreachable. */
const MOST = 40

export class HolderAttempts {
  #fruitless = 0
  /** The holder and the range of the last request. */
  #last = ''

  /** Waits before a request that repeats the last one; false if there were too many. Rejects when the request is aborted. */
  async next(
    { generation }: Pick<Holder, 'generation'>,
    { headers: { range = '' }, signal }: Pick<OriginRequest, 'headers' | 'signal'>,
  ): Promise<boolean> {
    const asked = `${generation} ${range}`
    const isSame = this.#last === asked
    this.#last = asked
    this.#fruitless = isSame ? this.#fruitless + 1 : 0
    if (isSame) await delay(PAUSE, undefined, { signal })
    return this.#fruitless <= MOST
  }
}

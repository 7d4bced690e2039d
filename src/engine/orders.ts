/** Purges that other nodes order: each comes by HTTP and by the log, in any order or at the same time. */

import { LruMap } from '../store/lru.js'
import type { PurgeOrder } from './purge-everywhere.js'
import type { Purged } from './status.js'

/** Orders whose results are remembered. */
const REMEMBERED = 100

export class Orders {
  readonly #obey: (order: PurgeOrder) => Promise<Purged>
  readonly #runs = new LruMap<string, Promise<Purged>>(REMEMBERED)

  constructor(obey: (order: PurgeOrder) => Promise<Purged>) {
    this.#obey = obey
  }

  /** Runs the order after its other run; both remove entries. Resolves with the sum of the runs until now. */
  run(order: PurgeOrder): Promise<Purged> {
    const text = JSON.stringify(order)
    const sum = this.#after(this.#runs.get(text), order)
    this.#runs.set(text, sum)
    return sum
  }

  async #after(earlier: Promise<Purged> | undefined, order: PurgeOrder): Promise<Purged> {
    const before = await earlier?.catch(() => undefined)
    const own = await this.#obey(order)
    if (before === undefined) return own
    return {
      ...own,
      removed: before.removed + own.removed,
      bytes: before.bytes + own.bytes,
      named: [...new Set([...before.named, ...own.named])],
    }
  }
}

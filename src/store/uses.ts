/** Uses of entries that the index does not know yet. */

import type { Entry, KeyId } from './types.js'

/** How often since, and when last (milliseconds since the epoch). */
export interface Use {
  readonly hits: number
  readonly lastUsedAt: number
}

export class PendingUses {
  #uses = new Map<KeyId, { -readonly [K in keyof Use]: Use[K] }>()

  get size(): number {
    return this.#uses.size
  }

  note(id: KeyId, use: Use): void {
    const known = this.#uses.get(id)
    if (known === undefined) {
      this.#uses.set(id, { ...use })
      return
    }
    known.hits += use.hits
    known.lastUsedAt = Math.max(known.lastUsedAt, use.lastUsedAt)
  }

  /** The entry as it will be when they are written. */
  over(entry: Entry): Entry {
    const use = this.#uses.get(entry.id)
    return use === undefined ? entry : used(entry, use)
  }

  forget(id: KeyId): void {
    this.#uses.delete(id)
  }

  /** Hands over all of them. */
  take(): Map<KeyId, Use> {
    const taken = this.#uses
    this.#uses = new Map()
    return taken
  }
}

export function used(entry: Entry, use: Use): Entry {
  return { ...entry, hits: entry.hits + use.hits, lastUsedAt: Math.max(entry.lastUsedAt, use.lastUsedAt) }
}

/** Uses of entries that are not in the index yet. */

import type { Entry, KeyId } from './types.js'

/** The number of uses, and the time of the last one (milliseconds since the epoch). */
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

  /** The entry with the uses that are not written yet. */
  over(entry: Entry): Entry {
    const use = this.#uses.get(entry.id)
    return use === undefined ? entry : used(entry, use)
  }

  forget(id: KeyId): void {
    this.#uses.delete(id)
  }

  /** Returns all uses and forgets them. */
  take(): Map<KeyId, Use> {
    const taken = this.#uses
    this.#uses = new Map()
    return taken
  }
}

export function used(entry: Entry, use: Use): Entry {
  return { ...entry, hits: entry.hits + use.hits, lastUsedAt: Math.max(entry.lastUsedAt, use.lastUsedAt) }
}

/** Removes the least recently used blobs until there is room. */

import { systemCode } from '../errors.js'
import type { FileBlobs } from './blobs.js'
import type { Database } from './index/database.js'
import { chooseVictims } from './eviction.js'
import type { Flusher } from './index/flusher.js'
import { ENTRY_COST } from './index/schema.js'
import { boundUses, evictable, evictableEntries } from './ledger.js'
import type { Removal } from './removal.js'
import type { Slack } from './slack.js'
import type { Sha256 } from './types.js'

/** Blobs read from the ledger in one round. */
const BATCH = 100

export interface EvictorOptions {
  readonly slack: Slack
  readonly database: Database
  readonly removal: Removal
  readonly blobs: FileBlobs
  readonly flusher: Flusher
  readonly clock: { now(): number }
}

export class Evictor {
  readonly #options: EvictorOptions

  constructor(options: EvictorOptions) {
    this.#options = options
  }

  /** Resolves with the bytes freed: fewer than `bytes` if nothing more can be evicted. */
  async evict(bytes: number): Promise<number> {
    const { database, flusher, clock } = this.#options
    // On a full disk both may fail. The choice then lacks the uses of the last second, and the uses in the future stay.
    await flusher.flush().catch(() => undefined)
    await database.run(({ query }) => boundUses(query, clock.now())).catch(() => undefined)
    let freed = 0
    while (freed < bytes) {
      const candidates = await database.run(({ query }) => evictable(query, BATCH, clock.now()))
      const victims = chooseVictims(candidates, bytes - freed)
      if (victims.length === 0) return freed + (await this.#evictEntries(bytes - freed))
      for (const { sha256 } of victims) freed += await this.#evictOne(sha256)
    }
    await this.#options.slack.keep()
    return freed
  }

  /** For a body with so many URLs that its entries fill the quota: removes the least recently used of its entries. */
  async #evictEntries(bytes: number): Promise<number> {
    const limit = Math.ceil(bytes / ENTRY_COST)
    const { database, removal, clock } = this.#options
    const victims = await database.run(({ query }) => evictableEntries(query, limit, clock.now()))
    const { removed } = await removal.removeEntries(victims)
    return removed * ENTRY_COST
  }

  async #evictOne(sha256: Sha256): Promise<number> {
    const { removal, blobs } = this.#options
    try {
      return (await removal.removeBlob(sha256, { onlyUnnamed: false }))?.cost ?? 0
    } catch (error) {
      // The disk is so full that the index cannot take the rows of a removal: the file is removed first. A request that finds
      // one of its entries before the removal ends is a miss.
      if (systemCode(error) !== 'SQLITE_FULL') throw error
      await blobs.remove(sha256)
      return (await removal.removeBlob(sha256, { onlyUnnamed: false }))?.cost ?? 0
    }
  }
}

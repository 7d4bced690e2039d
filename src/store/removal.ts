/** How a blob leaves: the one order of steps that eviction, purge, replacement and verify share. */

import type { FileBlobs } from './blobs.js'
import type { Database } from './database.js'
import type { Entries } from './entries.js'
import type { Invalidation } from './invalidation.js'
import { doom, strike, takeOverDoomed } from './ledger.js'
import type { Entry, KeyId, Sha256 } from './types.js'

/**
 * Milliseconds after which a removal that has not ended is somebody else's to end: its process is dead, or stopped. Shorter
 * than who needs the room waits (space.ts). Should it only have been slow, two end it, which harms nothing.
 */
const REMOVAL_PATIENCE = 1_000

export interface RemovalOptions {
  readonly database: Database
  readonly entries: Entries
  readonly blobs: FileBlobs
  readonly invalidation: Invalidation
  readonly clock: { now(): number }
}

export interface Removed {
  /** Bytes that the ledger counted. */
  readonly freed: number
  /** There was a file to unlink. */
  readonly found: boolean
}

export class Removal {
  readonly #options: RemovalOptions

  constructor(options: RemovalOptions) {
    this.#options = options
  }

  /**
   * Removes a blob and the entries that name it; with `onlyUnnamed` nothing where there are such entries. undefined where it
   * was not ours to remove (claimed by a transfer that is about to name it, or being removed).
   *
   * 1. The ledger's row is marked, which makes us the only remover; it goes on counting. Killed here: the blob is whole, its
   *    entries serve it, and whoever next looks for room takes the removal over.
   * 2. The entries go, and the other processes are told. Killed here: a blob that nothing names; as above.
   * 3. Description, then blob are unlinked; who reads the blob reads on. A process that still remembers an entry finds no
   *    file, which is a miss. Killed in between: a blob without description; as above.
   * 4. The row goes, and only now is there room. Killed before: the ledger counts a file that is gone, never the other way
   *    round; as above.
   */
  async removeBlob(sha256: Sha256, { onlyUnnamed }: { onlyUnnamed: boolean }): Promise<Removed | undefined> {
    const { database, clock } = this.#options
    const doomed = clock.now()
    const size = await database.run(({ query }) => doom(query, sha256, doomed, !onlyUnnamed))
    if (size === undefined) return undefined
    return { freed: size, found: await this.#finish(sha256, doomed) }
  }

  /**
   * Removes one entry, where it (still) names `sha256` if given, and its blob if no other entry names that. Resolves with
   * the entry and the bytes freed; undefined where there was none.
   */
  async removeEntry(id: KeyId, sha256?: Sha256): Promise<{ entry: Entry; freed: number } | undefined> {
    const entry = await this.#options.entries.take(id, sha256)
    if (entry === undefined) return undefined
    return { entry, freed: await this.dropUnnamed(entry.sha256) }
  }

  /** An entry has stopped to name this blob: removes it if none does, else corrects its description. */
  async dropUnnamed(sha256: Sha256): Promise<number> {
    const removed = await this.removeBlob(sha256, { onlyUnnamed: true })
    if (removed === undefined) await this.describe(sha256)
    return removed?.freed ?? 0
  }

  /** Writes down which entries the blob serves. */
  async describe(sha256: Sha256): Promise<void> {
    const { entries, blobs } = this.#options
    for (let named = await entries.allOf(sha256); ;) {
      await blobs.describe(sha256, named)
      // Of two that describe the blob at once, the last to write may have been the first to read; and who removes it may have
      // looked for a description before there was this one.
      const now = await entries.allOf(sha256)
      if (now.map((entry) => entry.id).join() === named.map((entry) => entry.id).join()) return
      named = now
    }
  }

  /** Ends what processes that died, or have stood still for long, began. */
  async finishAbandoned(): Promise<void> {
    const { database, clock } = this.#options
    const now = clock.now()
    for (const sha256 of await database.run(({ query }) => takeOverDoomed(query, now - REMOVAL_PATIENCE, now))) {
      await this.#finish(sha256, now)
    }
  }

  async #finish(sha256: Sha256, doomed: number): Promise<boolean> {
    const { database, entries, blobs, invalidation } = this.#options
    const named = await entries.takeAllOf(sha256)
    if (named.length > 0) await invalidation.announce()
    const found = await blobs.remove(sha256)
    await database.run(({ query }) => strike(query, sha256, doomed))
    return found
  }
}

/** Removes blobs: the order of steps that eviction, purge, replacement and verify share. */

import type { FileBlobs } from './blobs.js'
import type { Database } from './index/database.js'
import type { Entries } from './entries.js'
import type { Invalidation } from './invalidation.js'
import { doom, strike, takeOverDoomed } from './ledger.js'
import type { Entry, KeyId, Sha256 } from './types.js'

/**
 * Milliseconds after which another process may end a removal: the process that began it is dead or stopped. Shorter than
 * the wait of a reservation that needs the room (space.ts). If the first process was only slow, both end the removal, which
 * does no harm.
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
  /** Bytes of the body. */
  readonly freed: number
  /** Bytes that the ledger counted for it and its entries. */
  readonly cost: number
  /** The file existed. */
  readonly found: boolean
}

export class Removal {
  readonly #options: RemovalOptions

  constructor(options: RemovalOptions) {
    this.#options = options
  }

  /**
   * Removes a blob and the entries that name it; with `onlyUnnamed` nothing if there are such entries. undefined if a
   * transfer claims the blob, or another process is removing it.
   *
   * 1. The ledger's row is marked, which makes this process the only remover; the row goes on counting. Killed here: the blob is whole, its
   *    entries serve it, and the next process that looks for room takes the removal over.
   * 2. The entries go, and the other processes are told. Killed here: a blob that nothing names; as above.
   * 3. The descriptions, then the blob are unlinked; readers of the blob read on. A process that still remembers an entry finds
   *    no file, which is a miss. Killed in between: descriptions without entries, which verify removes; a blob as above.
   * 4. The row goes, and only now is there room. Killed before: the ledger counts a file that is gone, and
   *    never misses one that is there; as above.
   */
  async removeBlob(sha256: Sha256, { onlyUnnamed }: { onlyUnnamed: boolean }): Promise<Removed | undefined> {
    const { database, clock } = this.#options
    const doomed = clock.now()
    const blob = await database.run(({ query }) => doom(query, sha256, doomed, !onlyUnnamed))
    if (blob === undefined) return undefined
    return { freed: blob.size, cost: blob.cost, found: await this.#finish(sha256, doomed) }
  }

  /**
   * Removes one entry, and its blob if no other entry names the blob. With `sha256`: only if the entry names it. Resolves with
   * the entry and the freed bytes; undefined if no entry was removed.
   */
  async removeEntry(id: KeyId, sha256?: Sha256): Promise<{ entry: Entry; freed: number } | undefined> {
    const { entries, blobs } = this.#options
    const entry = await entries.take(id, sha256)
    if (entry === undefined) return undefined
    await blobs.undescribe(entry.sha256, [id])
    return { entry, freed: await this.dropUnnamed(entry.sha256) }
  }

  /** As {@link removeEntry} for many, each only while it names the blob that it names here. */
  async removeEntries(
    those: readonly Pick<Entry, 'id' | 'sha256'>[],
  ): Promise<{ readonly removed: number; readonly freed: number }> {
    const { entries, blobs, invalidation } = this.#options
    const idsOf = new Map<Sha256, KeyId[]>()
    for (const { id, sha256 } of those) {
      const ids = idsOf.get(sha256)
      if (ids === undefined) idsOf.set(sha256, [id])
      else ids.push(id)
    }
    let removed = 0
    let freed = 0
    for (const [sha256, ids] of idsOf) {
      const taken = await entries.takeAllOf(sha256, ids)
      if (taken.length === 0) continue
      removed += taken.length
      await blobs.undescribe(sha256, taken)
      freed += await this.dropUnnamed(sha256)
    }
    if (removed > 0) await invalidation.announce()
    return { removed, freed }
  }

  /** Removes the blob if no entry names it any more. Resolves with the bytes freed. */
  async dropUnnamed(sha256: Sha256): Promise<number> {
    return (await this.removeBlob(sha256, { onlyUnnamed: true }))?.freed ?? 0
  }

  /** Ends the removals that dead or stopped processes began. */
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
    await blobs.undescribe(sha256, named)
    const found = await blobs.remove(sha256)
    await database.run(({ query }) => strike(query, sha256, doomed))
    return found
  }
}

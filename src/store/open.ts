/** Puts the store of one cache directory together. */

import { randomUUID } from 'node:crypto'
import { FileBlobs } from './blobs.js'
import { SharedCounters } from './counters.js'
import { Database } from './database.js'
import { Durability } from './durability.js'
import { Entries } from './entries.js'
import { Evictor } from './evictor.js'
import { FailureList } from './failure-list.js'
import { type Figures, sharedFigures } from './figures.js'
import { Flusher } from './flusher.js'
import { Invalidation } from './invalidation.js'
import { type Layout, openLayout } from './layout.js'
import type { Reservation } from './ledger.js'
import { type Purged, purge } from './purge.js'
import { publish } from './publish.js'
import { Removal } from './removal.js'
import { ReaderCounts } from './reader-counts.js'
import { LedgerCheck } from './ledgercheck.js'
import { type Selection, selects } from './select.js'
import { SharedSpace } from './space.js'
import type { Entry, KeyId, Sha256, VerifyResult } from './types.js'
import type { VerifyOptions } from './verify.js'

export interface StoreOptions {
  readonly cacheDir: string
  readonly clock: { now(): number }
  /** Things an operator should know (an index that was set aside), one line each. */
  readonly warn: (message: string) => void
  /** Names this process in its reservations of space. */
  readonly owner?: string
  /** False for a reservation whose owner is dead and whose unfinished file, if any, was dropped. Asked when room is short. */
  readonly isLive?: (reservation: Reservation) => Promise<boolean>
  /** Identifies this boot. After another one the ledger is compared with the disk, and blobs are hashed that may be damaged. */
  readonly boot?: string
  readonly random?: () => string
  /** Entries that memory answers for. */
  readonly memoryLimit?: number
  /** Milliseconds that a statement waits for another process, before the index counts as locked for good. */
  readonly busyTimeout?: number
}

export interface Store {
  readonly layout: Layout
  readonly entries: Entries
  readonly blobs: FileBlobs
  readonly counters: SharedCounters
  readonly figures: Figures
  readonly failures: FailureList
  readonly readers: ReaderCounts
  readonly space: SharedSpace
  readonly removal: Removal
  readonly invalidation: Invalidation
  readonly durability: Durability
  /** Turns a finished and summed file into the blob of the entry, and stores the entry (publish.ts). */
  publish(file: string, entry: Entry): Promise<void>
  /**
   * Removes an entry, where it (still) names `sha256` if given, and its blob if no other entry names that. Also for an entry
   * whose blob was not there. Resolves with the entry and the bytes freed; undefined where there was none.
   */
  remove(id: KeyId, sha256?: Sha256): Promise<{ entry: Entry; freed: number } | undefined>
  /** Removes the selected entries, and blobs that no other entry names. With `dryRun` only says what that would be. */
  purge(selection: Selection, options?: { readonly dryRun?: boolean }): Promise<Purged>
  /** Looks at every stored byte again and repairs by dropping (verify.ts). */
  verify(options?: VerifyOptions): Promise<VerifyResult>
  /** Called after entries were removed or replaced by any process. Returns what takes the listener off. */
  onInvalidate(listener: () => void): () => void
  /** Writes counters and uses now. */
  flush(): Promise<void>
  /** Flushes and closes. */
  close(): Promise<void>
}

/** Throws KissError `configuration` (another layout) or `disk`. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { cacheDir, clock, warn, owner = `pid ${process.pid}`, isLive, boot, random = randomUUID } = options
  const { busyTimeout = 5_000, memoryLimit = 50_000 } = options

  const layout = await openLayout(cacheDir, random)
  const database = await Database.open({ layout, clock, warn, busyTimeout })
  const flusher = new Flusher(warn)
  const invalidation = new Invalidation(layout, database)
  const entries = new Entries({ database, invalidation, flusher, memoryLimit })
  const blobs = new FileBlobs(layout, random)
  const counters = new SharedCounters(database, flusher)
  const figures = sharedFigures({ database, flusher, clock, owner, counters })
  const removal = new Removal({ database, entries, blobs, invalidation, clock })
  const ledgerCheck = new LedgerCheck({ layout, database, boot })
  const evictor = new Evictor({ database, removal, blobs, flusher })
  const space = new SharedSpace({ database, removal, evictor, flusher, owner, isLive, ledgerCheck })

  const durability = new Durability({ layout, database, entries, removal, boot: boot ?? 'unknown', warn })

  const reclaim = async () => {
    if (isLive !== undefined) await space.reclaim(isLive)
  }

  invalidation.onInvalidate(() => entries.dropMemory())
  await invalidation.start()

  return {
    layout,
    entries,
    blobs,
    counters,
    figures,
    failures: new FailureList(database, flusher),
    readers: new ReaderCounts({ database, flusher, owner, engine: random() }),
    space,
    removal,
    invalidation,
    durability,
    publish: (file, entry) => publish(file, entry, { entries, blobs, space, removal }),
    remove: (id, sha256) => removal.removeEntry(id, sha256),
    purge: (selection, { dryRun = false } = {}) =>
      purge({ entries, removal, matches: selects(selection, clock.now()), dryRun }),
    async verify(verifyOptions) {
      const { verify } = await import('./verify.js')
      return verify({ layout, database, entries, blobs, removal, ledgerCheck, clock, warn, reclaim }, verifyOptions)
    },
    onInvalidate: (listener) => invalidation.onInvalidate(listener),
    flush: () => flusher.flush(),
    async close() {
      invalidation.close()
      await durability.settled()
      // Nothing but counts and last uses is written this late: no reason to fail what has gone well.
      await flusher.close().catch((error: unknown) => warn(`the counts of the last second are lost: ${String(error)}`))
      await database.close()
    },
  }
}

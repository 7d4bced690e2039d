/** Composes the store of one cache directory. */

import { randomUUID } from 'node:crypto'
import { asKissError, systemCode } from '../errors.js'
import { FileBlobs } from './blobs.js'
import { CheckedBlobs } from './checked-blobs.js'
import { SharedCounters, type Figures, sharedFigures } from './figures/figures.js'
import { Database } from './index/database.js'
import { Entries } from './entries.js'
import { Evictions } from './evictions.js'
import { Evictor } from './evictor.js'
import { FailureList } from './figures/failure-list.js'
import { Flusher } from './index/flusher.js'
import { Invalidation } from './invalidation.js'
import { type Layout, openLayout } from './layout.js'
import type { Reservation } from './ledger.js'
import { Listing } from './listing.js'
import { Notes } from './notes.js'
import { OpenBlobs } from './open-blobs.js'
import { type Purged, purge } from './purge.js'
import { Pins } from './pins.js'
import { type PublishOptions, publish } from './publish.js'
import { RecentPurges } from './recent-purges.js'
import { Removal } from './removal.js'
import { FlightCounts } from './figures/flight-counts.js'
import { LedgerCheck } from './ledgercheck.js'
import type { Selection } from './select.js'
import { SmallBodies } from './small-bodies.js'
import { dropOwnIndex, isReadOnly, readOnlyError, withOwnIndex } from './read-only.js'
import { asFullDisk, Slack } from './slack.js'
import { SharedSpace } from './space.js'
import type { Entry, KeyId, OpenBlob, Sha256, VerifyResult } from './types.js'
import type { VerifyOptions } from './verify.js'

export interface StoreOptions {
  readonly cacheDir: string
  readonly clock: { now(): number }
  /** Takes messages for the operator (an index was set aside), one line each. */
  readonly warn: (message: string) => void
  /** Names this process in its reservations of space. */
  readonly owner?: string
  /** False for a reservation whose owner is dead and whose unfinished file, if any, was dropped. Asked when room is short. */
  readonly isLive?: (reservation: Reservation) => Promise<boolean>
  /** Identifies this boot. After another one the ledger is compared with the disk, and blobs are hashed that may be damaged. */
  readonly boot?: string
  readonly random?: () => string
  /** A limit in bytes for the directory while this process adds bodies; default: its quota. */
  readonly limit?: number | undefined
  /** Entries kept in memory. */
  readonly memoryLimit?: number
  /** Milliseconds that a statement waits for another process, before the index counts as locked for good. */
  readonly busyTimeout?: number
}

export interface Store {
  readonly layout: Layout
  /** Turns the error of a full or read-only disk into a KissError; returns any other error unchanged. */
  explain(error: unknown): unknown
  /** Throws KissError `disk` if the directory cannot be written. */
  toWrite(): void
  readonly entries: Entries
  readonly listing: Listing
  readonly blobs: FileBlobs
  readonly counters: SharedCounters
  readonly figures: Figures
  readonly failures: FailureList
  readonly readers: FlightCounts
  readonly segments: FlightCounts
  readonly space: SharedSpace
  readonly pins: Pins
  readonly removal: Removal
  readonly invalidation: Invalidation
  readonly checked: CheckedBlobs
  readonly bodies: SmallBodies
  readonly notes: Notes
  /**
   * The way to the bytes of an entry. undefined if its blob is gone, or has other bytes than it had (checked-blobs.ts): the
   * caller removes the entry.
   */
  open(entry: Pick<Entry, 'sha256' | 'size'>): Promise<OpenBlob | undefined>
  /** Turns a finished and summed file into the blob of the entry, and stores the entry (publish.ts). */
  publish(file: string, entry: Entry, options?: PublishOptions): Promise<boolean>
  /**
   * Removes an entry, and its blob if no other entry names the blob. With `sha256`: only if the entry names it. Also for an
   * entry without a blob. Resolves with the entry and the freed bytes; undefined if no entry was removed.
   */
  remove(id: KeyId, sha256?: Sha256): Promise<{ entry: Entry; freed: number } | undefined>
  /** Removes the selected entries, and blobs that no other entry names. With `dryRun` it only counts them. */
  purge(selection: Selection, options?: { readonly dryRun?: boolean }): Promise<Purged>
  /** Has a purge by a filter removed this content meanwhile? Asked for an entry that was copied from another node. */
  isPurged(entry: Entry): boolean
  /** Hashes every stored body again, and drops damaged ones (verify.ts). */
  verify(options?: VerifyOptions): Promise<VerifyResult>
  /** Writes counters and uses now. */
  flush(): Promise<void>
  /** Flushes and closes. */
  close(): Promise<void>
}

/** Throws KissError `configuration` (another layout) or `disk`. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { cacheDir, clock, warn, owner = `pid ${process.pid}`, isLive, boot, random = randomUUID } = options
  const { busyTimeout = 5_000, memoryLimit = 50_000, limit } = options

  const found = await openLayout(cacheDir, random, warn)
  const readOnly = await isReadOnly(found)
  const layout = readOnly ? await withOwnIndex(found) : found
  const toWrite = (): void => {
    if (readOnly) throw readOnlyError(layout)
  }
  const slack = new Slack(layout)
  const database = await Database.open({ layout, slack, clock, warn, busyTimeout }).catch(async (error: unknown) => {
    if (readOnly) await dropOwnIndex(layout)
    throw error
  })
  const flusher = new Flusher(warn)
  const invalidation = new Invalidation(layout, database)
  const entries = new Entries({ database, invalidation, flusher, memoryLimit })
  const blobs = new FileBlobs(layout, random)
  const counters = new SharedCounters(database, flusher)
  const ofEngine = { database, flusher, owner, engine: random() }
  const figures = sharedFigures({ database, flusher, clock, owner, counters })
  const pins = new Pins(database)
  const recentPurges = new RecentPurges(clock)
  const removal = new Removal({ database, entries, blobs, invalidation, clock })
  const ledgerCheck = new LedgerCheck({ layout, database, boot })
  const evictor = new Evictor({ slack, database, removal, blobs, flusher, clock })
  const space = new SharedSpace({
    layout,
    clock,
    limit,
    database,
    removal,
    evictions: new Evictions(evictor, layout.root),
    flusher,
    owner,
    isLive,
    ledgerCheck,
  })

  const checked = new CheckedBlobs({ database, blobs, removal, boot: boot ?? 'unknown', warn })

  const bodies = new SmallBodies({ open: (sha256, size) => checked.open(sha256, size) })
  const openBlobs = new OpenBlobs({ open: (sha256, size) => checked.open(sha256, size) })

  const reclaim = async () => {
    if (isLive !== undefined) await space.reclaim(isLive)
  }

  invalidation.onInvalidate(() => {
    entries.dropMemory()
    bodies.clear()
    openBlobs.clear()
  })
  await invalidation.start()
  if (!readOnly) await slack.keep()

  return {
    layout,
    toWrite,
    explain: (error) => {
      const refused = readOnly ? ['EROFS', 'EACCES'] : ['EROFS']
      return refused.includes(systemCode(error) ?? '') ? readOnlyError(layout, error) : asFullDisk(error, layout.root)
    },
    entries,
    listing: new Listing(database, (entry) => entries.withUses(entry)),
    blobs,
    bodies,
    notes: new Notes(database),
    counters,
    figures,
    failures: new FailureList(database, flusher),
    readers: new FlightCounts({ prefix: '', ...ofEngine }),
    segments: new FlightCounts({ prefix: 'segments ', ...ofEngine }),
    space,
    pins,
    removal,
    invalidation,
    checked,
    open: ({ sha256, size }) => (bodies.admits(sha256, size) ? bodies : openBlobs).open(sha256, size),
    publish: (file, entry, how) => publish(file, entry, { entries, blobs, checked, space, removal }, how),
    remove: (id, sha256) => removal.removeEntry(id, sha256),
    async purge(selection, { dryRun = false } = {}) {
      if (!dryRun) {
        toWrite()
        recentPurges.note(selection)
      }
      return purge({ database, entries, pins, removal, selection, now: clock.now(), dryRun })
    },
    isPurged: (entry) => recentPurges.select(entry),
    async verify(verifyOptions) {
      toWrite()
      const { verify } = await import('./verify.js')
      const parts = { layout, database, entries, blobs, checked, removal, ledgerCheck, clock, warn, reclaim }
      return verify(parts, verifyOptions).catch((error: unknown) => {
        throw systemCode(error) === undefined ? error : asKissError(error, 'disk', `cannot verify ${layout.root}`)
      })
    },
    flush: () => flusher.flush(),
    async close() {
      invalidation.close()
      openBlobs.close()
      await checked.settled()
      // Only counts and last uses are written here; their loss fails no command.
      await flusher.close().catch((error: unknown) => warn(`the counts of the last second are lost: ${String(error)}`))
      await database.close()
      if (readOnly) await dropOwnIndex(layout)
      else await slack.keep()
    },
  }
}

/** Removes the entries that an operator selects. */

import type { Database } from './index/database.js'
import type { Entries } from './entries.js'
import { cancelClaims } from './ledger.js'
import { isName } from './names.js'
import type { Pins } from './pins.js'
import type { Removal } from './removal.js'
import { type Selection, selects } from './select.js'
import type { Entry, Sha256 } from './types.js'

/** Entries removed at a time. */
const BATCH = 500

export interface PurgeOptions {
  readonly database: Database
  readonly entries: Entries
  readonly pins: Pins
  readonly removal: Removal
  readonly selection: Selection
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly dryRun: boolean
}

export interface Purged {
  /** Entries, names not counted. */
  readonly removed: number
  /** Of the blobs that no other entry names. */
  readonly bytes: number
}

/**
 * A body that is being committed under a selected key, or under any key with `all`, is not stored: its claim is removed first,
 * then its entry, if it was written already.
 */
export async function purge(options: PurgeOptions): Promise<Purged> {
  const { database, entries, pins, removal, selection, now, dryRun } = options
  const { ids, all } = selection
  const isSelected = selects(selection, now)
  // A filter skips pinned entries; an id or a URL does not.
  const pinned = ids === undefined ? await pins.read(now) : undefined
  const matches = (entry: Entry): boolean => isSelected(entry) && pinned?.has(entry.id) !== true
  if (dryRun) return foresee(entries, matches)
  if (ids !== undefined || all === true) await database.run(({ query }) => cancelClaims(query, ids))
  let removed = 0
  let bytes = 0
  let batch: Entry[] = []
  const removeBatch = async (): Promise<void> => {
    const gone = await removal.removeEntries(batch.filter((entry) => !isName(entry)))
    removed += gone.removed
    bytes += gone.freed
    await removal.removeEntries(batch.filter(isName))
    batch = []
  }
  for await (const entry of ids === undefined ? entries.list() : entries.some(ids)) {
    if (matches(entry) && batch.push(entry) === BATCH) await removeBatch()
  }
  await removeBatch()
  return { removed, bytes }
}

async function foresee(entries: Entries, matches: (entry: Entry) => boolean): Promise<Purged> {
  const freed = new Map<Sha256, number>()
  const kept = new Set<Sha256>()
  let removed = 0
  for await (const entry of entries.list()) {
    if (isName(entry)) continue
    if (matches(entry)) {
      removed++
      freed.set(entry.sha256, entry.size)
    } else {
      kept.add(entry.sha256)
    }
  }
  for (const sha256 of kept) freed.delete(sha256)
  return { removed, bytes: [...freed.values()].reduce((sum, size) => sum + size, 0) }
}

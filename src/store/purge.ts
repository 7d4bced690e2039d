/** Removes many entries at an operator's word. */

import type { Entries } from './entries.js'
import type { Removal } from './removal.js'
import type { Entry, Sha256 } from './types.js'

export interface PurgeOptions {
  readonly entries: Entries
  readonly removal: Removal
  readonly matches: (entry: Entry) => boolean
  readonly dryRun: boolean
}

export interface Purged {
  /** Entries. */
  readonly removed: number
  /** Of the blobs that no other entry names. */
  readonly bytes: number
}

export async function purge({ entries, removal, matches, dryRun }: PurgeOptions): Promise<Purged> {
  if (dryRun) return foresee(entries, matches)
  let removed = 0
  let bytes = 0
  for await (const entry of entries.list()) {
    if (!matches(entry)) continue
    // Only while it is the entry that was looked at: what replaced it meanwhile was not meant.
    const gone = await removal.removeEntry(entry.id, entry.sha256)
    if (gone === undefined) continue
    removed++
    bytes += gone.freed
  }
  return { removed, bytes }
}

async function foresee(entries: Entries, matches: (entry: Entry) => boolean): Promise<Purged> {
  const freed = new Map<Sha256, number>()
  const kept = new Set<Sha256>()
  let removed = 0
  for await (const entry of entries.list()) {
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

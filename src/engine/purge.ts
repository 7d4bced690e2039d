/** An operator's removal of entries, by URL or by filter. */

import { selects } from '../store/select.js'
import type { Entry } from '../store/types.js'
import type { Store } from '../store/open.js'
import { keyIdOf } from './subject.js'
import type { Transfers } from './transfers.js'
import type { PurgeFilter, PurgeResult } from './types.js'

export interface PurgeOptions {
  readonly store: Store
  readonly transfers: Transfers
  readonly keyOf: (url: URL) => URL
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Removes what the filter selects; readers finish from what they hold open. A transfer in flight of a URL that is named
 * serves its readers and is not stored.
 */
export async function purge(filter: PurgeFilter, { store, transfers, keyOf, now }: PurgeOptions): Promise<PurgeResult> {
  const named = new Set((filter.urls ?? []).map((url) => keyIdOf(keyOf(url))))
  const result = { removed: 0, bytes: 0, dryRun: filter.dryRun ?? false }
  if (!result.dryRun) await Promise.all([...named].map((id) => transfers.purge(id)))
  for await (const entry of chosen(store, filter, named, now)) {
    result.removed++
    if (result.dryRun) result.bytes += entry.size
    else {
      await transfers.purge(entry.id)
      result.bytes += (await store.remove(entry.id))?.freed ?? 0
    }
  }
  return result
}

async function* chosen(
  store: Store,
  filter: PurgeFilter,
  named: ReadonlySet<string>,
  now: number,
): AsyncIterable<Entry> {
  const matches = selects(filter, now)
  if (named.size === 0) {
    for await (const entry of store.entries.list()) if (matches(entry)) yield entry
    return
  }
  for (const id of named) {
    const entry = await store.entries.get(id)
    if (entry && matches(entry)) yield entry
  }
}

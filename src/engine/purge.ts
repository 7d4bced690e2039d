/** An operator's removal of entries, by URL or by filter. */

import type { Store } from '../store/open.js'
import { keyIdOf } from './subject.js'
import type { Transfers } from './transfers.js'
import type { PurgeFilter, PurgeResult } from './types.js'

export interface PurgeOptions {
  readonly store: Store
  readonly transfers: Transfers
  readonly keyOf: (url: URL) => URL
}

/**
 * Removes what the filter selects; readers finish from what they hold open. A download in flight of a URL that is named, or
 * any under `all`, serves its readers and is not stored.
 */
export async function purge(filter: PurgeFilter, { store, transfers, keyOf }: PurgeOptions): Promise<PurgeResult> {
  const { urls, dryRun = false, ...selection } = filter
  const ids = urls?.map((url) => keyIdOf(keyOf(url)))
  if (!dryRun && selection.all) await transfers.purgeAll()
  if (!dryRun && ids) await Promise.all(ids.map((id) => transfers.purge(id)))
  const purged = await store.purge({ ...selection, ...(ids && { ids: new Set(ids) }) }, { dryRun })
  return { ...purged, dryRun }
}

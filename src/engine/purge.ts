/** An operator's removal of entries, by URL or by filter. */

import type { Store } from '../store/open.js'
import { keyOf } from '../store/select.js'
import { keyIdOf } from '../flight/subject.js'
import type { Flights } from '../flight/flights.js'
import type { PurgeFilter, PurgeResult } from './types.js'

export interface PurgeOptions {
  readonly store: Store
  readonly transfers: Flights
  readonly canonical: (url: URL) => URL
}

/**
 * Removes what the filter selects; readers finish from what they hold open. A download in flight of a URL that is named, or
 * any under `all`, serves its readers and is not stored.
 */
export async function purge(filter: PurgeFilter, { store, transfers, canonical }: PurgeOptions): Promise<PurgeResult> {
  const { urls, ids: named, dryRun = false, ...selection } = filter
  const ofUrls = urls?.map((url) => keyIdOf(canonical(url)))
  const found =
    named &&
    (await Promise.all(named.map(async (id) => (isWhole(id) ? id : ((await store.entries.find(id))?.id ?? [])))))
  const ids = ofUrls === undefined && found === undefined ? undefined : [...(ofUrls ?? []), ...(found ?? []).flat()]
  if (!dryRun) store.toWrite()
  if (!dryRun && selection.all) await transfers.purgeAll()
  if (!dryRun && ids) await Promise.all(ids.map((id) => transfers.purge(keyOf(id))))
  const purged = await store.purge({ ...selection, ...(ids && { ids }) }, { dryRun })
  return { ...purged, dryRun }
}

const isWhole = (id: string): boolean => id.length === 64

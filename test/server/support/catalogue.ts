/** The catalogue of a list in memory, for pages: selection and order in SQL are tested with the store. */

import { figuresByHost } from '#kiss/engine/catalogue.js'
import { type Catalogue, PAGE_SIZE, type PageQuery, type ShownEntry, type Viewer } from '#kiss/engine/types.js'
import { hostOf } from '#kiss/http/urls.js'
import type { EntryChoice, SortKey } from '#kiss/store/listing.js'

const orders: Record<SortKey, (entry: ShownEntry) => number | string> = {
  url: ({ url }) => url,
  host: ({ url }) => hostOf(url),
  size: ({ size }) => -size,
  age: ({ storedAt }) => -storedAt,
  fresh: ({ staleAt }) => staleAt,
  used: ({ lastUsedAt }) => -lastUsedAt,
  hits: ({ hits }) => -hits,
}

export function memoryCatalogue(entries: () => readonly ShownEntry[], now: number): Catalogue {
  const seen = (viewer: Viewer): ShownEntry[] => entries().filter((entry) => viewer === 'admin' || !entry.private)
  const isChosen =
    ({ search, host, state, largerThan = -1, purgeable }: EntryChoice) =>
    (entry: ShownEntry): boolean =>
      entry.url.toLowerCase().includes(search.toLowerCase()) &&
      (host === '' || hostOf(entry.url) === host) &&
      (state !== 'stale' || entry.staleAt <= now) &&
      (state !== 'fresh' || entry.staleAt > now) &&
      (state !== 'private' || entry.private) &&
      (state !== 'unverified' || entry.unverified) &&
      (state !== 'pinned' || entry.pinnedUntil !== undefined) &&
      entry.size > largerThan &&
      (purgeable === undefined || (entry.pinnedUntil === undefined && entry.storedAt <= purgeable))
  const sorted = (query: PageQuery, viewer: Viewer): ShownEntry[] => {
    const value = orders[query.sort]
    const found = seen(viewer)
      .filter(isChosen(query))
      .sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a.url < b.url ? -1 : 1))
    return query.reverse ? found.reverse() : found
  }
  return {
    page: async (query, viewer) => {
      const found = sorted(query, viewer)
      const page = Math.min(query.page, Math.max(1, Math.ceil(found.length / PAGE_SIZE)))
      return { items: found.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE), page, total: found.length }
    },
    hosts: async (viewer) => figuresByHost(seen(viewer)),
    ids: async (choice) =>
      seen('admin')
        .filter(isChosen(choice))
        .map(({ id }) => id),
  }
}

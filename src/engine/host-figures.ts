/** Sums the entries of each host. Pure. */

import { hostOf } from '../http/urls.js'
import type { HostFigures } from '../store/listing.js'

export type { HostFigures } from '../store/listing.js'

/** The fields of an entry that are summed. */
interface StoredOf {
  readonly url: string
  readonly size: number
  readonly hits: number
}

/** The largest first. @param summed figures that the entries are added to */
export function figuresByHost(entries: Iterable<StoredOf>, summed: readonly HostFigures[] = []): HostFigures[] {
  const figures = new Map<string, HostFigures>(summed.map((of) => [of.host, of]))
  for (const { url, size, hits } of entries) {
    const host = hostOf(url)
    const before = figures.get(host) ?? { host, entries: 0, bytes: 0, hits: 0 }
    figures.set(host, { host, entries: before.entries + 1, bytes: before.bytes + size, hits: before.hits + hits })
  }
  return [...figures.values()].sort((a, b) => b.bytes - a.bytes || (a.host < b.host ? -1 : 1))
}

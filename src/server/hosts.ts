/** What is stored of each host. Pure. */

import { hostOf } from '../http/host.js'

/** What the entries of one host hold, and how often they were served from the store. */
export interface HostFigures {
  readonly host: string
  readonly entries: number
  readonly bytes: number
  readonly hits: number
}

/** What counts of an entry. */
interface StoredOf {
  readonly url: string
  readonly size: number
  readonly hits: number
}

/** The largest first. */
export function figuresByHost(entries: readonly StoredOf[]): HostFigures[] {
  const figures = new Map<string, HostFigures>()
  for (const { url, size, hits } of entries) {
    const host = hostOf(url)
    const before = figures.get(host) ?? { host, entries: 0, bytes: 0, hits: 0 }
    figures.set(host, { host, entries: before.entries + 1, bytes: before.bytes + size, hits: before.hits + hits })
  }
  return [...figures.values()].sort((a, b) => b.bytes - a.bytes || (a.host < b.host ? -1 : 1))
}

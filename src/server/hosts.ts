/** The entries of each host. Pure. */

import { hostOf } from '../http/urls.js'

/** The size of the entries of one host, and the number of their hits. */
export interface HostFigures {
  readonly host: string
  readonly entries: number
  readonly bytes: number
  readonly hits: number
}

/** The fields of an entry that are summed. */
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

/** The size of the entries of a host, and the bytes that were ever served of it. */
export interface HostTraffic extends HostFigures {
  /** Bytes; forgotten for hosts without recent requests. */
  readonly served: number
}

/** Ordered by bytes served, largest first; includes hosts without entries. */
export function hostsByServed(
  stored: readonly HostFigures[],
  served: readonly { readonly host: string; readonly served: number }[],
): HostTraffic[] {
  const hosts = new Map<string, HostTraffic>(stored.map((figures) => [figures.host, { ...figures, served: 0 }]))
  for (const { host, served: bytes } of served) {
    const { entries = 0, bytes: size = 0, hits = 0 } = hosts.get(host) ?? {}
    hosts.set(host, { host, entries, bytes: size, hits, served: bytes })
  }
  return [...hosts.values()].sort((a, b) => b.served - a.served || b.bytes - a.bytes || (a.host < b.host ? -1 : 1))
}

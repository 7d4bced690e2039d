/** The entries of each host and the bytes that were served of it. Pure. */

import type { HostFigures } from '../engine/host-figures.js'

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

/** What `kiss stats` says. Pure. */

import type { EngineStatus } from '../../engine/types.js'
import type { Counts, Entry } from '../../store/types.js'
import { formatSize } from '../../units.js'
import { tableLines, type Column } from '../table.js'

/** Hosts that are named one by one. */
const HOSTS_SHOWN = 10

/** What the entries of one host hold, and how often they were served from the store. */
export interface HostFigures {
  readonly host: string
  readonly entries: number
  readonly bytes: number
  readonly hits: number
}

/** The largest first. */
export function figuresByHost(entries: readonly Entry[]): HostFigures[] {
  const figures = new Map<string, HostFigures>()
  for (const { url, size, hits } of entries) {
    const host = URL.canParse(url) ? new URL(url).host : ''
    const before = figures.get(host) ?? { host, entries: 0, bytes: 0, hits: 0 }
    figures.set(host, { host, entries: before.entries + 1, bytes: before.bytes + size, hits: before.hits + hits })
  }
  return [...figures.values()].sort((a, b) => b.bytes - a.bytes || (a.host < b.host ? -1 : 1))
}

export function servedBytes(counts: Counts): number {
  const { served_hit: hit, served_miss: miss, served_collapsed: collapsed } = counts
  return hit + miss + collapsed + counts.served_revalidated + counts.served_stale
}

/** Money that the origins did not charge: what was served but not downloaded. @param price of 10^9 bytes */
export function saved(counts: Counts, price: number): number {
  return (Math.max(0, servedBytes(counts) - counts.downloaded) / 1e9) * price
}

export interface StatsView {
  readonly status: EngineStatus
  readonly hosts: readonly HostFigures[]
  readonly cacheDir: string
  readonly price: number | undefined
  readonly columns: number | undefined
}

export function statsLines({ status, hosts, cacheDir, price, columns }: StatsView): string[] {
  const { counts, usage, quota, entries, downloads } = status
  const served = servedBytes(counts)
  const ratio = counts.downloaded === 0 ? '' : `, ${times(served / counts.downloaded)} as much`
  const full =
    quota === undefined ? '' : ` of ${formatSize(quota)} (${Math.round((usage.blobs / Math.max(1, quota)) * 100)} %)`
  const kinds = [
    ['hit', counts.served_hit],
    ['collapsed', counts.served_collapsed],
    ['miss', counts.served_miss],
    ['revalidated', counts.served_revalidated],
    ['stale', counts.served_stale],
  ] as const
  const parts = kinds.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => `${name} ${formatSize(bytes)}`)
  return [
    `cache       ${cacheDir}`,
    `entries     ${entries}, ${formatSize(usage.blobs)}${full}`,
    `downloaded  ${formatSize(counts.downloaded)}, ${counts.successes} done, ${counts.failures} failed, ${downloads.length} in flight`,
    `served      ${formatSize(served)}${ratio}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`,
    `requests    ${counts.requests}, ${counts.requests_failed} failed`,
    ...(price === undefined ? [] : [`saved       ${saved(counts, price).toFixed(2)} at ${price} per GB`]),
    ...(hosts.length === 0 ? [] : ['', ...hostLines(hosts, columns)]),
  ]
}

function hostLines(hosts: readonly HostFigures[], columns: number | undefined): string[] {
  const layout: readonly Column<HostFigures>[] = [
    { title: 'SIZE', align: 'right', cell: ({ bytes }) => formatSize(bytes) },
    { title: 'ENTRIES', align: 'right', cell: ({ entries }) => String(entries) },
    { title: 'HITS', align: 'right', cell: ({ hits }) => String(hits) },
    { title: 'HOST', cell: ({ host }) => host },
  ]
  const rest = hosts.length - HOSTS_SHOWN
  return [...tableLines(layout, hosts.slice(0, HOSTS_SHOWN), columns), ...(rest > 0 ? [`and ${rest} more hosts`] : [])]
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)} times`
}

/** What `kiss stats` says. Pure. */

import type { EngineStatus } from '../../engine/types.js'
import type { HostFigures } from '../../server/hosts.js'
import { ratioOf, saved, servedBytes } from '../../server/totals.js'
import { formatSize } from '../../units.js'
import { tableLines, type Column } from '../table.js'

/** Hosts that are named one by one. */
const HOSTS_SHOWN = 10

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
  const timesAsMuch = ratioOf(counts)
  const ratio = timesAsMuch === undefined ? '' : `, ${times(timesAsMuch)} as much`
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

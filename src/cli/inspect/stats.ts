/** The text of `kiss stats`. Pure. */

import type { HostFigures } from '../../engine/catalogue.js'
import { moneySaved, sourceKinds } from '../../server/totals.js'
import { formatMoney, formatPrice, formatSize, type Price } from '../../units.js'
import { tableLines, type Column } from '../table.js'

/** Hosts that are named one by one. */
const HOSTS_SHOWN = 10

/** The document of `/api/v1/status/`; keys that an older server lacks count as 0. */
export type StatusDocument = Readonly<Record<string, unknown>>

/** Money that the origins did not charge, for bytes that were served but not downloaded. */
export function saved(status: StatusDocument, price: Price): number {
  const bytes = { served: numberOf(status, 'statistics_upload'), downloaded: numberOf(status, 'statistics_download') }
  return Math.round(moneySaved(bytes, price) * 100) / 100
}

export interface StatsView {
  readonly status: StatusDocument
  readonly hosts: readonly HostFigures[]
  /** The directory, or the server. */
  readonly name: string
  readonly price: Price | undefined
  readonly columns: number | undefined
}

export function statsLines({ status, hosts, name, price, columns }: StatsView): string[] {
  const count = (key: string): number => numberOf(status, key)
  const quota = count('disk_quota')
  const full = quota === 0 ? '' : ` of ${formatSize(quota)} (${count('disk_usage_percent')} %)`
  const downloaded = count('statistics_download')
  const served = count('statistics_upload')
  const ratio = downloaded === 0 ? '' : `, ${times(served / downloaded)} as much`
  const inFlight = count('resources_downloading') + count('resources_scheduled')
  return [
    `cache       ${name}`,
    `entries     ${count('resources_successes')}, ${formatSize(count('disk_usage'))}${full}`,
    ...sharedLine(count('disk_logical'), count('disk_usage')),
    ...pinnedLine(count('disk_pinned')),
    `downloaded  ${formatSize(downloaded)}${sourceParts(status)}, ${count('statistics_successes')} done, ${count('statistics_failures')} failed, ${inFlight} in flight${segmentsPart(count('segments_in_flight'))}`,
    `served      ${formatSize(served)}${ratio}${servedParts(status)}`,
    `requests    ${count('statistics_requests')}`,
    ...(price === undefined
      ? []
      : [`saved       ${formatMoney(saved(status, price), price.unit)} at ${formatPrice(price)} per GB`]),
    ...(hosts.length === 0 ? [] : ['', ...hostLines(hosts, columns)]),
  ]
}

/** The reason why the sizes of the entries add up to more than the cache takes. */
function sharedLine(logical: number, stored: number): string[] {
  return logical > stored && formatSize(logical) !== formatSize(stored)
    ? [`shared      ${formatSize(logical)} of entries, because those with the same content share it`]
    : []
}

function segmentsPart(segments: number): string {
  return segments === 0 ? '' : ` over ${segments} connections`
}

function pinnedLine(bytes: number): string[] {
  return bytes > 0 ? [`pinned      ${formatSize(bytes)}, which the quota does not evict`] : []
}

/** Where the bytes came from, where that is not the origin alone. */
function sourceParts({ downloaded_from: from }: StatusDocument): string {
  if (typeof from !== 'object' || from === null) return ''
  const parts = sourceKinds.flatMap((source) => {
    const bytes = numberOf(from as StatusDocument, source)
    return bytes === 0 ? [] : [`${source} ${formatSize(bytes)}`]
  })
  return parts.length === 0 || (parts.length === 1 && parts[0]?.startsWith('origin ') === true)
    ? ''
    : ` (${parts.join(', ')})`
}

function servedParts({ counters }: StatusDocument): string {
  if (typeof counters !== 'object' || counters === null) return ''
  const parts = ['hit', 'collapsed', 'miss', 'revalidated', 'stale'].flatMap((kind) => {
    const bytes = numberOf(counters as StatusDocument, `served_${kind}`)
    return bytes === 0 ? [] : [`${kind} ${formatSize(bytes)}`]
  })
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
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

function numberOf(document: StatusDocument, key: string): number {
  const value = document[key]
  return typeof value === 'number' ? value : 0
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)} times`
}

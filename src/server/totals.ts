/** Sums and ratios of the counters, as every page and command shows them. Pure. */

import type { Download } from '../engine/types.js'
import type { Price } from '../units.js'
import { type Counts, servedKinds } from '../store/types.js'

/** Body bytes sent to clients. */
export function servedBytes(counts: Counts): number {
  return servedKinds.reduce((sum, kind) => sum + counts[`served_${kind}`], 0)
}

export const sourceKinds = ['origin', 'mirror', 'parent'] as const
export type CountedSource = (typeof sourceKinds)[number]

/** Body bytes that arrived, by their source. Older versions of kiss counted no source: the remainder counts for the origin. */
export function downloadedFrom(counts: Counts): Readonly<Record<CountedSource, number>> {
  const { downloaded, downloaded_mirror: mirror, downloaded_parent: parent } = counts
  return { origin: Math.max(0, downloaded - mirror - parent), mirror, parent }
}

/** Connections that bring ranges of one download in parallel, over all downloads. */
export function segmentsInFlight(downloads: readonly Download[]): number {
  return downloads.reduce((sum, { connections = 0 }) => sum + connections, 0)
}

/** Requests that were answered with an artifact. */
export function answeredRequests(counts: Counts): number {
  return servedKinds.reduce((sum, kind) => sum + counts[`requests_${kind}`], 0)
}

/** Served per downloaded byte; undefined while nothing was downloaded. */
export function ratioOf(counts: Counts): number | undefined {
  return counts.downloaded === 0 ? undefined : servedBytes(counts) / counts.downloaded
}

/** The share of answers that needed no download of their own; undefined without answers. */
export function hitRatio(answered: number, hits: number): number | undefined {
  return answered === 0 ? undefined : hits / answered
}

interface Traffic {
  readonly served: number
  readonly downloaded: number
}

/** Bytes that were served but not downloaded. */
export function savedBytes({ served, downloaded }: Traffic): number {
  return Math.max(0, served - downloaded)
}

/** Money that the origins did not charge, in the unit of the price. */
export function moneySaved(bytes: Traffic, { amount }: Price): number {
  return (savedBytes(bytes) / 1e9) * amount
}

/** Sums and ratios of the counters, as every page and command shows them. Pure. */

import type { Counts, ServedAs } from '../store/types.js'

/** How answers of the fetch endpoint came to be. */
export const servedKinds = ['hit', 'collapsed', 'miss', 'revalidated', 'stale'] as const satisfies readonly ServedAs[]

/** Body bytes sent to clients. */
export function servedBytes(counts: Counts): number {
  return servedKinds.reduce((sum, kind) => sum + counts[`served_${kind}`], 0)
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

/** Money that the origins did not charge: what was served but not downloaded. @param price of 10^9 bytes */
export function moneySaved(bytes: { readonly served: number; readonly downloaded: number }, price: number): number {
  return (Math.max(0, bytes.served - bytes.downloaded) / 1e9) * price
}

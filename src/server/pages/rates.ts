/** The rates of downloads, from the received bytes at two points in time. Pure. */

import type { Download } from '../../engine/types.js'
import type { Flight } from './view.js'

export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly downloads: readonly Download[]
}

/** Milliseconds over which a rate is measured: long enough for a steady value, short enough to show a stall. */
export const RATE_WINDOW = 5_000

/** Identifies a download by URL and start, because two downloads of one URL start at different times. */
const keyOf = ({ url, startedAt }: Download): string => `${startedAt} ${url}`

/** @param before an earlier sample; the rate of a newer download is measured from its start */
export function flightsOf(now: Look, before: Look | undefined): Flight[] {
  const earlier = new Map(before?.downloads.map((download) => [keyOf(download), download.received]))
  return now.downloads.map((download) => {
    const known = earlier.get(keyOf(download))
    const since = known === undefined || before === undefined ? download.startedAt : before.at
    const seconds = (now.at - since) / 1000
    const bytes = download.received - (known ?? 0)
    return { ...download, rate: seconds > 0 ? Math.max(0, bytes / seconds) : 0 }
  })
}

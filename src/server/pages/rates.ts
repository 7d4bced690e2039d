/** How fast downloads are, from what had arrived at two moments. Pure. */

import type { Download } from '../../engine/types.js'
import type { Flight } from './view.js'

export interface Look {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly downloads: readonly Download[]
}

/** Milliseconds over which a rate is measured: long enough not to jump, short enough to show a stall. */
export const RATE_WINDOW = 5_000

/** Two downloads of one URL begin at different times. */
const keyOf = ({ url, startedAt }: Download): string => `${startedAt} ${url}`

/** @param before an earlier look; a download that was not there yet is measured since its start */
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

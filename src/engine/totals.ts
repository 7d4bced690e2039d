/** The sizes and counts of one node, or of all nodes of a cluster together. Pure. */

import type { Totals } from '../flight/cluster.js'
import { counterNames, type Counts } from '../store/types.js'
import type { EngineStatus } from './types.js'

export function totalsOf(status: EngineStatus): Totals {
  const { counts, usage, quota, counted, entries, pinned, downloads, failures } = status
  const inState = (state: string): number => downloads.filter((download) => download.state === state).length
  const scheduled = inState('scheduled')
  return {
    counts,
    usage,
    quota,
    counted,
    entries,
    pinned,
    scheduled,
    downloading: downloads.length - scheduled,
    failures: failures.length,
    segments: downloads.reduce((sum, { connections = 0 }) => sum + connections, 0),
  }
}

/** A node of an older version lacks some counters: they count as 0. */
export function sumOf(first: Totals, ...others: readonly Totals[]): Totals {
  return others.reduce(
    (sum, node) => ({
      counts: Object.fromEntries(
        counterNames.map((name) => [name, sum.counts[name] + ((node.counts as Partial<Counts>)[name] ?? 0)]),
      ) as Record<keyof Counts, number>,
      usage: {
        blobs: sum.usage.blobs + node.usage.blobs,
        reserved: sum.usage.reserved + node.usage.reserved,
        logical: sum.usage.logical + node.usage.logical,
      },
      quota: sum.quota === undefined || node.quota === undefined ? undefined : sum.quota + node.quota,
      counted: sum.counted + node.counted,
      entries: sum.entries + node.entries,
      pinned: {
        entries: sum.pinned.entries + node.pinned.entries,
        bytes: sum.pinned.bytes + node.pinned.bytes,
      },
      scheduled: sum.scheduled + node.scheduled,
      downloading: sum.downloading + node.downloading,
      failures: sum.failures + node.failures,
      segments: sum.segments + ((node as Partial<Totals>).segments ?? 0),
    }),
    first,
  )
}

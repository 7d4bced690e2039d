/** A purge in a cluster: it is applied to this node and sent to the others, until no node knows a further name. */

import type { OpenedCluster } from '../cluster/open.js'
import type { Selection } from '../store/select.js'
import type { KeyId } from '../store/types.js'
import type { PlannedPurge } from './purge.js'
import type { Purged, PurgeResult } from './status.js'

/** A purge for the other nodes. JSON; without URLs, which may contain secrets. */
export interface PurgeOrder {
  readonly filter: Omit<Selection, 'ids' | 'before'>
  /** Absent: the purge names no ids. */
  readonly ids?: readonly KeyId[] | undefined
  /** Milliseconds since the epoch. */
  readonly before: number
}

/** Ids in one order, which takes at most 16 KiB then, the limit of a form (server/incoming.ts). */
const IDS = 80

export interface PurgingOptions {
  readonly cluster: Pick<OpenedCluster, 'purge'>
  /** Applies the purge to this node. */
  readonly here: (planned: PlannedPurge, dryRun: boolean) => Promise<Purged>
  /** Milliseconds since the epoch. */
  readonly now: number
}

export async function purgeEverywhere(
  { ids, selection }: PlannedPurge,
  dryRun: boolean,
  { cluster, here, now }: PurgingOptions,
): Promise<PurgeResult> {
  const known = new Set(ids)
  const unreached = new Set<string>()
  let total = { removed: 0, bytes: 0 }
  for (let asked = ids; ;) {
    const own = await here({ ids: asked, selection }, dryRun)
    const told = asked && [...asked, ...own.named]
    const others = await cluster.purge(
      ordersOf(told, { filter: selection, before: now }).map((order) => ({ order, ids: order.ids ?? [] })),
      dryRun,
    )
    // A dry run removes nothing: its last round counts all of it.
    const before = dryRun ? { removed: 0, bytes: 0 } : total
    total = {
      removed: before.removed + own.removed + others.removed,
      bytes: before.bytes + own.bytes + others.bytes,
    }
    for (const url of others.unreached) unreached.add(url)
    for (const id of told ?? []) known.add(id)
    // A name that this node does not have may lead to an entry that it has.
    const named = [...new Set(others.named)].filter((id) => !known.has(id))
    if (named.length === 0) return { ...total, dryRun, ...(unreached.size > 0 && { unreached: [...unreached] }) }
    asked = dryRun ? [...known, ...named] : named
  }
}

function ordersOf(ids: readonly KeyId[] | undefined, order: Omit<PurgeOrder, 'ids'>): PurgeOrder[] {
  if (ids === undefined) return [order]
  return Array.from({ length: Math.ceil(ids.length / IDS) }, (_, i) => ({
    ...order,
    ids: ids.slice(i * IDS, (i + 1) * IDS),
  }))
}

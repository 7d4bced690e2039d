/** Purges in a cluster: those that this node sends to the others, and those that others send to it. */

import type { OpenedCluster } from '../cluster/open.js'
import { LruMap } from '../store/lru.js'
import type { Selection } from '../store/select.js'
import type { KeyId } from '../store/types.js'
import type { PlannedPurge } from './purge.js'
import type { Purged, PurgeResult } from './status.js'

/** A purge for the other nodes. JSON; without URLs, which may contain secrets. */
export interface PurgeOrder {
  readonly filter: Omit<Selection, 'ids' | 'before'>
  /** Absent: the purge names no ids. */
  readonly ids?: readonly KeyId[] | undefined
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly before: number
}

/** Ids in one order, which takes at most 16 KiB then, the limit of a form (server/incoming.ts). */
const IDS = 80

export interface PurgingOptions {
  readonly cluster: Pick<OpenedCluster, 'purge'>
  /** Applies the purge to this node. */
  readonly here: (planned: PlannedPurge, dryRun: boolean) => Promise<Purged>
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly now: number
}

/** Applies a purge to this node and sends it to the others, until no node knows a further name. */
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

/** Orders whose results are remembered. */
const REMEMBERED = 100

/** Purges that other nodes order: each comes by HTTP and by the log, in any order or at the same time. */
export class PurgeOrders {
  readonly #obey: (order: PurgeOrder) => Promise<Purged>
  readonly #runs = new LruMap<string, Promise<Purged>>(REMEMBERED)

  constructor(obey: (order: PurgeOrder) => Promise<Purged>) {
    this.#obey = obey
  }

  /** Runs the order after its other run; both remove entries. Resolves with the sum of the runs until now. */
  run(order: PurgeOrder): Promise<Purged> {
    const text = JSON.stringify(order)
    const sum = this.#after(this.#runs.get(text), order)
    this.#runs.set(text, sum)
    return sum
  }

  async #after(earlier: Promise<Purged> | undefined, order: PurgeOrder): Promise<Purged> {
    const before = await earlier?.catch(() => undefined)
    const own = await this.#obey(order)
    if (before === undefined) return own
    return {
      ...own,
      removed: before.removed + own.removed,
      bytes: before.bytes + own.bytes,
      named: [...new Set([...before.named, ...own.named])],
    }
  }
}

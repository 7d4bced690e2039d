/** This engine as a node of a cluster: it applies the news of the other nodes and serves their requests. */

import { createHmac } from 'node:crypto'
import { KissError } from '../errors.js'
import type { ClusterOptions, Cluster } from '../flight/cluster.js'
import type { Leases } from '../flight/lease.js'
import { parseOrUndefined } from '../store/files.js'
import type { Store } from '../store/open.js'
import type { Entry } from '../store/types.js'
import { copy, type CopyingOptions } from './copying.js'
import { LendingDesk, type Lent, type Refused } from './lending.js'
import { PurgeOrders, purgeEverywhere, type PurgeOrder } from './purge-everywhere.js'
import type { Probed } from './probe.js'
import { purge, type PlannedPurge } from './purge.js'
import type { Rights } from './rights.js'
import { totalsOf } from './totals.js'
import type { Purged } from './status.js'
import type { Clock } from '../clock.js'
import type { ClusterEngine, EngineStatus, PurgeResult } from './types.js'

export interface JoinedOptions extends CopyingOptions {
  readonly leases: Leases
  readonly rights: Rights
  readonly canonical: (url: URL) => URL
  readonly clock: Clock
  readonly warn: (message: string) => void
  readonly status: () => Promise<EngineStatus>
}

export interface JoinedCluster extends Cluster {
  readonly engine: ClusterEngine
  /** Undefined, or a promise for which an answer has to wait: this node was away and may have missed a purge. */
  caughtUp(): Promise<void> | undefined
  /** Purges this node and the others. */
  purge(planned: PlannedPurge, dryRun: boolean): Promise<PurgeResult>
  close(): Promise<void>
}

/** The key of the hashes of final URLs, so that validators are valid on all nodes. undefined without a cluster. */
export function resourceKeyOf(options: ClusterOptions | undefined): string | undefined {
  return (
    options &&
    createHmac('sha256', options.tokens[0] ?? '')
      .update('kiss resource')
      .digest('hex')
  )
}

export async function joinCluster(options: ClusterOptions, joined: JoinedOptions): Promise<JoinedCluster> {
  const { store, flights, leases, rights, canonical, clock, warn, status } = joined
  const { ClockDifference } = await import('../cluster/time.js')
  const time = new ClockDifference()
  const here = (planned: PlannedPurge, dryRun: boolean): Promise<Purged> =>
    purge(planned, dryRun, { store, transfers: flights, canonical })
  const obey = ({ filter, ids, before }: PurgeOrder, dryRun: boolean): Promise<Purged> =>
    here({ ids, selection: { ...filter, before: before + time.ahead } }, dryRun)
  const orders = new PurgeOrders((order) => obey(order, false))
  const { openCluster } = await import('../cluster/open.js')
  const cluster = await openCluster(options, {
    instance: store.layout.instance,
    notes: store.notes,
    warn,
    rights: {
      introduce: (order, signal) => rights.introduce(order, signal),
      mayTake: (order, content, signal, introduced) =>
        rights.mayTake(order, content, signal, introduced as Probed | undefined),
    },
    facts: async () => ({ totals: totalsOf(await status()) }),
    time,
    now: () => clock.now(),
    target: {
      purge: async (order) => {
        await orders.run(order as PurgeOrder)
      },
      replaced: (entry) => replaced(entry, store),
      superseded: async ({ id, sha256 }) => {
        await store.remove(id, sha256)
      },
      distrust: async (why) => {
        warn(`${why}: purges may have been missed, and every entry is validated before it is served`)
        await flights.purgeAll()
        await store.entries.expireAll(clock.now())
      },
    },
  })
  const desk = new LendingDesk({ store, flights, leases })
  const told = (lent: Lent | Refused): Lent | Refused =>
    typeof lent === 'object' && lent.about.entry
      ? { ...lent, about: { ...lent.about, entry: time.told(lent.about.entry) } }
      : lent
  return {
    begin: (order, lend) => cluster.begin(order, lend),
    caughtUp: () => cluster.caughtUp(),
    purge: (planned, dryRun) => purgeEverywhere(planned, dryRun, { cluster, here, now: clock.now() - time.ahead }),
    engine: {
      tokens: options.tokens,
      async lend(id, what, signal) {
        await cluster.caughtUp()
        if (what === 'stored') return told(await desk.stored(id))
        return what === 'part' ? desk.part(id) : desk.growing(id, what, signal)
      },
      copy: (request) => copy(request, joined),
      purge: (text, dryRun) => {
        const order = parseOrUndefined(text) as PurgeOrder | undefined
        if (typeof order?.before !== 'number') throw new KissError('usage', 'this is no purge')
        return dryRun ? obey(order, true) : orders.run(order)
      },
      nodes: () => cluster.nodes(),
      reachable: () => cluster.reachable(),
      drain: () => cluster.drain(),
    },
    close: () => cluster.close(),
  }
}

/** Another node stored another content: the local entry is older. */
async function replaced(entry: Entry, store: Store): Promise<void> {
  const own = await store.entries.reload(entry.id)
  if (!own || own.sha256 === entry.sha256 || own.validatedAt > entry.validatedAt) return
  await store.remove(own.id, own.sha256)
}

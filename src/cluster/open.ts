/**
 * Joins a cluster: opens the leases, the log and the table of nodes in Redis, and the client for other nodes. Loads the
 * Redis client.
 */

import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { rootCertificates } from 'node:tls'
import { KissError } from '../errors.js'
import type { Cluster, ClusterOptions } from '../flight/cluster.js'
import { LruMap } from '../store/lru.js'
import type { KeyId } from '../store/types.js'
import { spread } from './copies.js'
import { ClusterDownload } from './download.js'
import type { Holder } from './holder.js'
import { SharedLeases } from './leases.js'
import { Log, type LogTarget, type Notes, type SharedPurge } from './log.js'
import { Nodes, type Node, type NodeFacts } from './nodes.js'
import { Peers } from './peers.js'
import { Redis } from './redis.js'
import type { PeerRights } from './right.js'
import type { ClockDifference } from './time.js'

/** Version of the data in Redis. Nodes with different versions do not see each other. */
const PROTOCOL = 1
/** Milliseconds: a purge reaches every node within a second, also where the nodes do not reach each other. */
const PROMPT = 500
/** Number of holders that are remembered for the time in which Redis is unreachable. */
const SEEN = 10_000

export interface ClusterParts {
  /** The id of the cache directory. */
  readonly instance: string
  readonly rights: PeerRights
  readonly target: LogTarget
  readonly notes: Notes
  readonly facts: () => Promise<Pick<NodeFacts, 'totals'>>
  readonly time: ClockDifference
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly warn: (message: string) => void
}

/** The result of a purge on the other nodes. */
export interface Spread {
  readonly removed: number
  readonly bytes: number
  /** Ids to which names on the other nodes lead. */
  readonly named: readonly KeyId[]
  /** URLs of the nodes that did not answer and apply the purge later. */
  readonly unreached: readonly string[]
}

/** The answer of a node to a purge. An older node sends no names. */
type PurgeAnswer = Pick<Spread, 'removed' | 'bytes'> & Partial<Pick<Spread, 'named'>>

export interface OpenedCluster extends Cluster {
  nodes(): readonly Node[]
  reachable(): boolean
  /** Undefined, or a promise for which an answer has to wait: this node was away and may have missed a purge. */
  caughtUp(): Promise<void> | undefined
  /** Applies the purges to every other node and appends them to the log. */
  purge(purges: readonly SharedPurge[], dryRun: boolean): Promise<Spread>
  /** Reports to the other nodes that this one is about to leave. */
  drain(): void
  close(): Promise<void>
}

/** Resolves when the missed records have been applied, or when Redis does not answer. */
export async function openCluster(options: ClusterOptions, parts: ClusterParts): Promise<OpenedCluster> {
  const { name, nodeUrl, tokens, copies, version, lifetime } = options
  const { instance, rights, target, notes, time, now, warn } = parts
  const ca = await authorities(options.caFile)
  const prefix = `kiss:${PROTOCOL}:${name}:`
  const redis = await Redis.open({ url: options.redis, ca, prefix, warn })
  const leases = new SharedLeases({ redis, prefix, instance, url: nodeUrl, time, lifetime })
  const peers = new Peers({ token: tokens[0] ?? '', time, ca, warn })
  let draining = false
  const facts = async (): Promise<NodeFacts> => ({ url: nodeUrl, version, draining, ...(await parts.facts()) })
  const nodes = new Nodes({ redis, prefix, instance, facts, time, now, warn })
  const log = new Log({ redis, prefix, instance, target, notes, time, warn })
  const seen = new LruMap<KeyId, Holder>(SEEN)
  const unfinished = new Set<Promise<void>>()
  const behind = (work: Promise<void>): void => {
    unfinished.add(work)
    void work.then(() => unfinished.delete(work))
  }
  // The difference of the clocks is known before a missed purge is applied.
  await nodes.beat()
  await log.start()

  return {
    begin(order, lend) {
      if (order.alone || !order.keep) return undefined
      return new ClusterDownload({
        order,
        instance,
        leases,
        peers,
        nodes,
        rights,
        seen,
        lend,
        onAnswered: (answer) => behind(spread(order, answer, { count: copies, nodes, peers })),
        behind,
        superseded: (entry) => target.superseded(entry),
      })
    },
    nodes: () => nodes.list(),
    reachable: () => redis.reachable,
    caughtUp: () => (log.behind ? log.caughtUp() : undefined),
    async purge(purges, dryRun) {
      // A node may have joined since the table was read.
      await nodes.beat()
      if (!dryRun) for (const { ids } of purges) await log.fence(ids)
      const unreached: string[] = []
      const asked = Promise.all(
        nodes.addresses().map(async (url) => {
          const answered: PurgeAnswer[] = []
          try {
            for (const { order } of purges) {
              const fields = { purge: JSON.stringify(order), 'dry-run': String(dryRun) }
              answered.push((await peers.post(url, 'api/v1/peer/purge', fields)) as PurgeAnswer)
            }
          } catch {
            unreached.push(url)
          }
          return answered
        }),
      )
      // A removal by a record of the log is not counted, so the nodes are asked first. Nodes that read the log wait no longer.
      await Promise.race([asked, delay(PROMPT, undefined, { ref: false })])
      if (!dryRun) for (const purge of purges) await log.purged(purge)
      const all = (await asked).flat()
      return {
        removed: all.reduce((sum, { removed }) => sum + removed, 0),
        bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
        named: all.flatMap(({ named = [] }) => named),
        unreached,
      }
    },
    drain() {
      draining = true
      void nodes.beat()
    },
    async close() {
      await Promise.all(unfinished)
      await nodes.close(draining)
      await log.close()
      leases.close()
      peers.close()
      redis.close()
    },
  }
}

/** A list of authorities replaces the default list, so the default ones are included. */
async function authorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === 'system') return undefined
  try {
    return [await readFile(file, 'utf8'), ...rootCertificates].join('\n')
  } catch (error) {
    throw new KissError('configuration', `--ca-file: cannot read ${file}`, { cause: error })
  }
}

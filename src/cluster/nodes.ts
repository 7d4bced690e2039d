/** The table of the nodes: each node writes its state to Redis every two seconds. */

import type { Totals } from '../flight/cluster.js'
import type { Redis } from './redis.js'
import type { ClockDifference } from './time.js'
import { BEAT, LEAVE } from './scripts.js'
import { parseOrUndefined } from '../store/files.js'

/** Milliseconds after its last report for which a node counts as present. */
const LIFETIME = 6_000
const BEATS = 3
/** Milliseconds for which this node remembers a node that is missing in Redis: Redis may have been emptied. */
const REMEMBERED = 600_000

/** The report of a node about itself. */
export interface NodeFacts {
  readonly url: string
  readonly version: string
  readonly draining: boolean
  readonly totals: Totals
}

export interface Node extends Partial<NodeFacts> {
  readonly instance: string
  readonly present: boolean
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly seenAt: number
}

type LocatedNode = Node & { readonly url: string }

export interface NodesOptions {
  readonly redis: Redis
  readonly prefix: string
  readonly instance: string
  readonly facts: () => Promise<NodeFacts>
  readonly time: ClockDifference
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly warn: (message: string) => void
}

export class Nodes {
  readonly #o: NodesOptions
  #nodes: readonly Node[] = []
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> = Promise.resolve()
  #isClosed = false
  #hasReported = false
  #isCopyTold = false

  constructor(options: NodesOptions) {
    this.#o = options
  }

  /** Every node that reported within a week, as of the last answer of Redis. */
  list(): readonly Node[] {
    return this.#nodes
  }

  /** The other nodes that are present. */
  others(): readonly LocatedNode[] {
    return this.all().filter(({ present }) => present)
  }

  /** The other nodes, also those that have not reported for a while: they may be suspended and resume later. */
  all(): readonly LocatedNode[] {
    return this.#nodes.filter(
      (node): node is LocatedNode => node.instance !== this.#o.instance && node.url !== undefined,
    )
  }

  /** Where a purge is sent: a node whose cache directory was replaced has two instances at one address. */
  addresses(): readonly string[] {
    return [...new Set(this.all().map(({ url }) => url))]
  }

  /** The present nodes among these instances, in random order. Reads the table again if an instance is unknown. */
  async urlsOf(instances: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const known = (name: string): boolean => this.#nodes.some(({ instance }) => instance === name)
    if (!instances.every(known)) await this.beat()
    const there = this.others().filter(({ instance }) => instances.includes(instance))
    return new Map(shuffled(there).map(({ instance, url }) => [instance, url]))
  }

  /** Writes the report now and every two seconds. Never rejects. */
  beat(): Promise<void> {
    clearTimeout(this.#timer)
    this.#beating = this.#beat().catch(() => undefined)
    return this.#beating.then(() => {
      if (!this.#isClosed) this.#timer = setTimeout(() => void this.beat(), LIFETIME / BEATS).unref()
    })
  }

  /** @param draining this node said so before: the other nodes do not wait for its answers any more */
  async close(draining: boolean): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#beating
    const { redis, prefix, instance } = this.#o
    // Another worker of this node may still run: it reports again within two seconds.
    const keys = [`${prefix}nodes`, `${prefix}left`, `${prefix}node:${instance}`]
    await redis.run(LEAVE, keys, [instance, draining ? REMEMBERED : 0]).catch(() => undefined)
  }

  async #beat(): Promise<void> {
    const { redis, prefix, instance, facts, time, now: clock } = this.#o
    const own = await facts()
    const args = [`${prefix}node:`, instance, JSON.stringify(own), LIFETIME, REMEMBERED]
    const sentAt = clock()
    const reply = await redis.run(BEAT, [`${prefix}nodes`, `${prefix}left`], args)
    const [now, gone = '', before = '', ...rest] = reply as string[]
    time.learn(Number(now), sentAt, clock())
    this.#compare(own.url, (parseOrUndefined(before) as NodeFacts | undefined)?.url ?? own.url)
    const left = gone.split(' ')
    const listed = Array.from({ length: rest.length / 3 }, (_, i) => {
      const [name = '', seenAt = '', json = ''] = rest.slice(3 * i, 3 * i + 3)
      const said = json === '' ? undefined : (parseOrUndefined(json) as NodeFacts | undefined)
      // The address of a node that has left is still needed.
      const known = this.#nodes.find((node) => node.instance === name)
      return { ...known, ...said, instance: name, present: said !== undefined, seenAt: Number(seenAt) }
    })
    const forgotten = this.#nodes
      .filter(
        ({ instance: name, seenAt }) =>
          !listed.some((node) => node.instance === name) && Number(now) - seenAt < REMEMBERED,
      )
      // A node may leave between two reports of this one, which then never reads that it drains.
      .filter(({ instance: name, draining }) => draining !== true && !left.includes(name))
    this.#nodes = [...listed, ...forgotten.map((node) => ({ ...node, present: false }))]
  }

  /** @param found the URL in the report that a process of this node has written last: after a restart it may be another one */
  #compare(own: string, found: string): void {
    if (this.#hasReported && found !== own && !this.#isCopyTold) {
      this.#isCopyTold = true
      this.#o.warn(copied(found))
    }
    this.#hasReported = true
  }
}

/** One line of the log for each process. */
function copied(url: string): string {
  const what = `the node ${url} has the same id: its cache directory or that of this node is a copy of the other one`
  return `${what}, and both download for themselves; empty one of the two directories`
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}

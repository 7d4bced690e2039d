/**
 * One download in a cluster. Before each request it looks up the key, in this order:
 *   1. A public request failed a moment ago on another node: this request fails with the same error.
 *   2. Another node has a body that is fresh enough: its bytes are the answer.
 *   3. Another node downloads the key: its growing body is the answer, from this node's position.
 *   4. No node downloads the key: this node takes the lease. It takes the bytes that other nodes have of an interrupted
 *      download from them, and requests the rest from the origin.
 *
 * A node that cannot reach the holder takes a second lease beside it, and downloads the body for all nodes that cannot.
 *
 * A private body is taken only after the origin has accepted the credential of this order for its content. While Redis is
 * unreachable, the node that last had the lease of the key is asked before the origin.
 */

import type { SharedDownload } from '../flight/cluster.js'
import type { Loan } from '../flight/directory.js'
import { errorFrom, type Ending } from '../flight/ending.js'
import type { Order } from '../flight/subject.js'
import type { LruMap } from '../store/lru.js'
import type { Entry, KeyId } from '../store/types.js'
import type { OriginAnswer, OriginRequest, Origins } from '../upstream/types.js'
import { answerOf } from './answers.js'
import { abandoned, Moved, type Holder } from './holder.js'
import { HolderAttempts, Silence, watched } from './waiting.js'
import type { SharedLease, SharedLeases, Standing } from './leases.js'
import type { Nodes } from './nodes.js'
import { dismiss, OtherNodes, questionOf } from './other-nodes.js'
import type { PeerBody, Peers } from './peers.js'
import { Unreachable } from './redis.js'
import { Right, type PeerRights } from './right.js'

export interface ClusterDownloadOptions {
  readonly order: Order
  readonly instance: string
  readonly leases: SharedLeases
  readonly peers: Peers
  readonly nodes: Nodes
  readonly rights: PeerRights
  /** The last known holder of each key. */
  readonly seen: LruMap<KeyId, Holder>
  readonly lend: (loan: Loan) => Promise<void>
  /** Called once when the origin has answered this node. */
  readonly onAnswered: (answer: OriginAnswer) => void
  /** Called with an entry that was stored under a lost lease: a purge or other content may have come in between. */
  readonly superseded: (entry: Entry) => Promise<void>
  /** Registers work that continues after the answer; the process waits for it before it ends. */
  readonly behind: (work: Promise<void>) => void
}

/** `origin`: the request goes to the network without a lease. */
type Step = OriginAnswer | 'again' | 'origin'

export class ClusterDownload implements SharedDownload {
  readonly #o: ClusterDownloadOptions
  readonly #right: Right
  #lease: SharedLease | undefined
  /** The lease under which the origin sends its answer; undefined without one. */
  #under: SharedLease | undefined
  /** The last bytes came from another node. */
  #isFilled = false
  readonly #others: OtherNodes
  /** Generations of holders, and instances of nodes, that sent this download no byte. */
  readonly #useless = new Set<number | string>()
  /** Generations of holders that did not answer this node. */
  readonly #unreachable = new Set<number>()
  readonly #attempts = new HolderAttempts()
  /** Instances of the nodes that have a part of the body, as of the last lookup. */
  #parts: readonly string[] = []
  #isAnswered = false

  constructor(options: ClusterDownloadOptions) {
    this.#o = options
    this.#right = new Right(options.order, options.rights)
    this.#others = new OtherNodes({ ...options, right: this.#right, useless: this.#useless })
  }

  over(origins: Origins): Origins {
    return {
      request: (asked) => this.#request(asked, origins),
      update: (lists) => origins.update(lists),
      close: () => origins.close(),
    }
  }

  async claim(): Promise<boolean> {
    try {
      const standing = await this.#o.leases.look(this.#o.order.id)
      if (!this.#holderOf(standing)) await this.#acquire(standing)
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      return true
    }
    return this.#held !== undefined
  }

  end(ending: Ending, entry: Entry | undefined): void {
    // A hint that could not be written is only a missing hint.
    this.#o.behind(this.#tell(ending, entry).catch(() => undefined))
  }

  get #held(): SharedLease | undefined {
    return this.#lease?.lost.aborted === false ? this.#lease : undefined
  }

  /** The lease, unless another node may have taken it while this process was suspended. */
  get #current(): SharedLease | undefined {
    const held = this.#held
    return held && !this.#o.leases.mayBeTaken(held) ? held : undefined
  }

  async #request(asked: OriginRequest, origins: Origins): Promise<OriginAnswer> {
    if (asked.spare !== undefined) return this.#range(asked, origins)
    for (;;) {
      asked.signal.throwIfAborted()
      const held = this.#current
      if (held) return this.#asHolder(held, asked, origins)
      const step = await this.#next(asked)
      if (step === 'again') continue
      if (step === 'origin' && this.#o.order.follows === true) throw abandoned(this.#o.order.shown)
      this.#isFilled = step !== 'origin'
      this.#under = undefined
      return step === 'origin' ? origins.request(asked) : step
    }
  }

  /** A range of the body that the origin sends to this node. */
  #range(asked: OriginRequest, origins: Origins): Promise<OriginAnswer> {
    const under = this.#under
    if (!under) return origins.request(asked)
    if (under.lost.aborted || this.#o.leases.mayBeTaken(under)) throw new Moved('this node may have lost the lease')
    return origins.request({ ...asked, signal: AbortSignal.any([asked.signal, under.lost]) })
  }

  async #asHolder(held: SharedLease, asked: OriginRequest, origins: Origins): Promise<OriginAnswer> {
    const part = await this.#others.part(this.#parts, asked)
    this.#isFilled = part !== undefined
    if (part) return part
    this.#under = held
    const answer = await origins.request({ ...asked, signal: AbortSignal.any([asked.signal, held.lost]) })
    if (!this.#isAnswered) this.#o.onAnswered(answer)
    this.#isAnswered = true
    return answer
  }

  async #next(asked: OriginRequest): Promise<Step> {
    const { leases, order } = this.#o
    try {
      const standing = await leases.look(order.id)
      const { failure } = standing
      this.#parts = standing.parts
      if (failure && order.access === 'public' && order.insists !== true) throw errorFrom(failure)
      const stored = await this.#others.stored(standing, asked)
      if (stored) return stored
      const holder = this.#holderOf(standing)
      return holder ? await this.#fromHolder(holder, asked) : await this.#acquire(standing)
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      return await this.#withoutRedis(asked)
    }
  }

  /** Another node that downloads the key, unless this node cannot reach it. */
  #holderOf({ holders }: Standing): Holder | undefined {
    return holders.find(
      ({ instance, generation }) => instance !== this.#o.instance && !this.#unreachable.has(generation),
    )
  }

  async #acquire({ generation, holders, free }: Standing): Promise<'again' | 'origin'> {
    const { leases, order, lend, instance } = this.#o
    if (order.follows === true) throw abandoned(order.shown)
    const slot = holders.find((holder) => holder.instance === instance)?.slot ?? free[0]
    // Two other nodes download the key, and this node reaches neither.
    if (slot === undefined) return 'origin'
    const isPrivate = order.access === 'client'
    this.#lease = (await leases.acquire(order.id, { slot, isPrivate, known: generation })) ?? this.#lease
    // If the disk is full, other processes of this node do not lend.
    if (this.#held) await lend({ generation: this.#held.generation, lifetime: order.lifetime }).catch(() => undefined)
    return 'again'
  }

  /** Takes the body from the node that downloads it. */
  async #fromHolder(holder: Holder, asked: OriginRequest): Promise<Step> {
    const { order, peers, seen, leases } = this.#o
    if (this.#useless.has(holder.generation)) return 'origin'
    seen.set(order.id, holder)
    if (!(await this.#attempts.next(holder, asked))) return this.#leave(holder)
    const introduced = await this.#right.introduced(holder, asked.signal)
    asked.onStart?.()
    const reply = await watched({ ...asked, isOver: this.#watch(holder) }, (signal) =>
      peers.get(holder.url, questionOf(order.id, holder.generation, { ...asked, signal })),
    )
    switch (reply?.kind) {
      case 'body':
        if (await this.#right.mayTake(reply.about, asked.signal, introduced)) {
          this.#o.behind(leases.takesPart(order.id).catch(() => undefined))
          return this.#answer(reply, holder, asked)
        }
        dismiss(reply)
        this.#useless.add(holder.generation)
        return 'again'
      case 'refused':
        this.#useless.add(holder.generation)
        return 'again'
      case 'dead':
      case 'unreachable':
        return this.#leave(holder)
      // The download on the other node has just ended or just begun, or the node was silent.
      case 'not here':
      case undefined:
        return 'again'
    }
  }

  #leave({ generation }: Holder): 'again' {
    this.#unreachable.add(generation)
    return 'again'
  }

  async #withoutRedis(asked: OriginRequest): Promise<Step> {
    const { order, seen, peers, instance } = this.#o
    const holder = seen.get(order.id)
    if (!holder || holder.instance === instance || this.#useless.has(holder.instance)) return 'origin'
    this.#useless.add(holder.instance)
    const introduced = await this.#right.introduced(holder, asked.signal)
    const isOver = this.#watch(holder)
    for (const what of [holder.generation, 'stored'] as const) {
      const reply = await watched({ ...asked, isOver }, (signal) =>
        peers.get(holder.url, questionOf(order.id, what, { ...asked, signal })),
      )
      if (reply?.kind !== 'body') continue
      const { entry } = reply.about
      const isYoung = entry === undefined || order.accepts?.(entry) === true
      if (isYoung && (await this.#right.mayTake(reply.about, asked.signal, introduced)))
        return this.#answer(reply, undefined, asked)
      dismiss(reply)
    }
    return 'origin'
  }

  /** Tells whether the wait for a holder that sends nothing is over. */
  #watch(holder: Holder): () => Promise<boolean> {
    const { leases, peers, order } = this.#o
    const silence = new Silence({ id: order.id, holder, leases, peers })
    return async () => {
      const state = await silence.look()
      if (state === 'unreachable') this.#leave(holder)
      return state !== 'wait'
    }
  }

  #answer(body: PeerBody, holder: Holder | undefined, { signal }: OriginRequest): OriginAnswer {
    const isOver = holder && this.#watch(holder)
    return answerOf(body, this.#o.order, { signal, isOver })
  }

  async #tell(ending: Ending, entry: Entry | undefined): Promise<void> {
    const { leases, order } = this.#o
    if ((ending.kind === 'stored' || ending.kind === 'renewed') && entry?.id === order.id) {
      await (this.#isFilled && !this.#held ? leases.have(order.id, entry.sha256) : this.#publish(ending.kind, entry))
      return
    }
    const held = this.#held
    // A node beside the holder knows only that it cannot reach the holder; others may.
    const isTold = held?.slot === 'lease' && ending.kind === 'failed' && ending.remembered && order.access === 'public'
    if (held) await leases.release(held, isTold ? ending.failure : undefined)
  }

  /**
   * Publishes an entry in Redis. An entry that was stored under a lost lease may be out of date: a purge or other content
   * may have come in between.
   */
  async #publish(kind: 'stored' | 'renewed', entry: Entry): Promise<void> {
    const { leases, order, superseded } = this.#o
    // The body came while Redis was unreachable, or a previous leader on this node had received every byte.
    if (!this.#lease && kind === 'stored') {
      const standing = await leases.look(order.id)
      const isLater = !standing.entry || standing.entry.validatedAt < entry.validatedAt
      if (isLater && !this.#holderOf(standing)) await this.#acquire(standing)
    }
    const { stale, replaces } = order
    const known = stale ?? replaces
    const isOther = known !== undefined && known.sha256 !== entry.sha256
    if (!this.#lease || (this.#held && (await leases.publish(this.#held, entry, isOther)))) return
    const standing = await leases.look(order.id)
    if (standing.entry?.sha256 !== entry.sha256) await superseded(entry)
  }
}

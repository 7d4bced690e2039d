/**
 * One download in a cluster. Before each request it looks up the key, in this order:
 *   1. A public request failed a moment ago on another node: this request fails with the same error.
 *   2. Another node has a body that is fresh enough: its bytes are the answer.
 *   3. Another node downloads the key: its growing body is the answer, from this node's position.
 *   4. No node downloads the key: this node takes the lease. It takes the bytes that other nodes have of an interrupted
 *      download from them, and requests the rest from the origin.
 *
 * A private body is taken only after the origin has accepted the credential of this order for its content. While Redis is
 * unreachable, the node that last had the lease of the key is asked before the origin.
 */

import type { SharedDownload } from '../flight/cluster.js'
import type { Lending } from '../flight/directory.js'
import { errorFrom, type Ending } from '../flight/ending.js'
import type { Order } from '../flight/order.js'
import type { LruMap } from '../store/lru.js'
import type { Entry, KeyId } from '../store/types.js'
import type { OriginAnswer, OriginRequest, Origins } from '../upstream/types.js'
import { aboutOf, answerOf, renewedAnswer } from './answers.js'
import { HolderAttempts } from './holder-attempts.js'
import { abandoned, type Holder } from './holder.js'
import type { SharedLease, SharedLeases, Standing } from './leases.js'
import type { Nodes } from './nodes.js'
import type { PeerBody, PeerQuestion, PeerReply, Peers } from './peers.js'
import { Unreachable } from './redis.js'
import { Right, type PeerRights } from './right.js'
import { watched } from './watch.js'

export interface ClusterDownloadOptions {
  readonly order: Order
  readonly instance: string
  readonly leases: SharedLeases
  readonly peers: Peers
  readonly nodes: Nodes
  readonly rights: PeerRights
  /** The last known holder of each key. */
  readonly seen: LruMap<KeyId, Holder>
  readonly lend: (lending: Lending) => Promise<void>
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
  /** The last bytes came from another node. */
  #isFilled = false
  /** Generations of holders and instances of nodes that gave this download no byte. */
  readonly #useless = new Set<number | string>()
  readonly #attempts = new HolderAttempts()
  /** Instances of the nodes that have a part of the body, as of the last lookup. */
  #parts: readonly string[] = []
  #isAnswered = false

  constructor(options: ClusterDownloadOptions) {
    this.#o = options
    this.#right = new Right(options.order, options.rights)
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
      await this.#acquire(await this.#o.leases.look(this.#o.order.id))
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

  async #request(asked: OriginRequest, origins: Origins): Promise<OriginAnswer> {
    for (;;) {
      asked.signal.throwIfAborted()
      const held = this.#held
      if (held) return this.#asHolder(held, asked, origins)
      const step = await this.#next(asked)
      if (step === 'again') continue
      if (step === 'origin' && this.#o.order.follows === true) throw abandoned(this.#o.order.shown)
      this.#isFilled = step !== 'origin'
      return step === 'origin' ? origins.request(asked) : step
    }
  }

  async #asHolder({ lost }: SharedLease, asked: OriginRequest, origins: Origins): Promise<OriginAnswer> {
    const part = await this.#fromPart(asked)
    this.#isFilled = part !== undefined
    if (part) return part
    const answer = await origins.request({ ...asked, signal: AbortSignal.any([asked.signal, lost]) })
    if (!this.#isAnswered) this.#o.onAnswered(answer)
    this.#isAnswered = true
    return answer
  }

  async #next(asked: OriginRequest): Promise<Step> {
    const { leases, order, instance } = this.#o
    try {
      const standing = await leases.look(order.id)
      const { holder, failure } = standing
      this.#parts = standing.parts
      if (failure && order.access === 'public' && order.insists !== true) throw errorFrom(failure)
      const stored = await this.#fromStore(standing, asked)
      if (stored) return stored
      if (holder && holder.instance !== instance) return await this.#fromHolder(holder, standing, asked)
      return await this.#acquire(standing)
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      return await this.#withoutRedis(asked)
    }
  }

  async #acquire({ generation }: Standing, instead?: Holder): Promise<'again'> {
    const { leases, order, lend } = this.#o
    if (order.follows === true) throw abandoned(order.shown)
    const asked = { isPrivate: order.access === 'client', known: generation, ...(instead && { instead }) }
    const got = await leases.acquire(order.id, asked)
    if (got.kind !== 'mine') return 'again'
    this.#lease = got.lease
    // If the disk is full, other processes of this node do not lend.
    await lend({ generation: got.lease.generation, lifetime: order.lifetime }).catch(() => undefined)
    return 'again'
  }

  /** Takes the body from a node that has all of it, if this order may use the entry. */
  async #fromStore({ entry, at }: Standing, asked: OriginRequest): Promise<OriginAnswer | undefined> {
    const { order, nodes, peers, leases, instance } = this.#o
    const known = order.stale ?? order.replaces
    if (!entry || order.accepts?.(entry) !== true) return undefined
    if (known && entry.validatedAt <= known.validatedAt) return undefined
    if (order.replaces && entry.sha256 === order.replaces.sha256) return undefined
    if (order.stale?.sha256 === entry.sha256 && isConditional(asked)) return renewedAnswer(order, order.stale, entry)
    const elsewhere = await nodes.urlsOf(at.filter((name) => name !== instance && !this.#useless.has(name)))
    if (elsewhere.size === 0 || !(await this.#right.mayTake(aboutOf(entry), asked.signal))) return undefined
    for (const [name, url] of elsewhere) {
      asked.onStart?.()
      const reply = await peers.get(url, this.#question('stored', asked, asked.signal))
      if (reply.kind === 'body' && reply.about.entry?.sha256 === entry.sha256)
        return this.#answer(reply, undefined, asked)
      this.#dismiss(reply)
      this.#useless.add(name)
      if (reply.kind === 'not here' || reply.kind === 'body') await leases.gone(order.id, name)
    }
    return undefined
  }

  /** Takes the body from the node that downloads it. */
  async #fromHolder(holder: Holder, standing: Standing, asked: OriginRequest): Promise<Step> {
    const { order, peers, seen, leases } = this.#o
    if (this.#useless.has(holder.generation) || this.#attempts.exhausted) return 'origin'
    seen.set(order.id, holder)
    await this.#attempts.next(asked)
    const introduced = await this.#right.introduced(holder, asked.signal)
    asked.onStart?.()
    const isOver = (): Promise<boolean> => this.#isOver(holder)
    const reply = await watched({ ...asked, isOver }, (signal) =>
      peers.get(holder.url, this.#question(holder.generation, asked, signal)),
    )
    switch (reply?.kind) {
      case 'body':
        if (await this.#right.mayTake(reply.about, asked.signal, introduced)) {
          this.#o.behind(leases.takesPart(order.id).catch(() => undefined))
          return this.#answer(reply, holder, asked)
        }
        this.#dismiss(reply)
        this.#useless.add(holder.generation)
        return 'again'
      case 'dead':
        return this.#acquire(standing, holder)
      case 'not here':
      // The download on the other node has just ended or just begun.
      case undefined:
        return 'again'
      default:
        this.#useless.add(holder.generation)
        return 'again'
    }
  }

  /**
   * Takes bytes from nodes that followed an interrupted download. They send the bytes that they have and do not wait for
   * more, so that nodes never wait for each other in a circle.
   */
  async #fromPart(asked: OriginRequest): Promise<OriginAnswer | undefined> {
    const { order, nodes, peers, leases, instance } = this.#o
    const names = this.#parts.filter((name) => !this.#useless.has(name))
    // The part that this node has followed itself is as long.
    if (names.length === 0 || this.#parts.includes(instance)) return undefined
    for (const [name, url] of await nodes.urlsOf(names)) {
      this.#useless.add(name)
      const reply = await peers.get(url, this.#question('part', asked, asked.signal))
      if (reply.kind === 'body' && (await this.#right.mayTake(reply.about, asked.signal)))
        return this.#answer(reply, undefined, asked)
      this.#dismiss(reply)
      if (reply.kind === 'not here') this.#o.behind(leases.gonePart(order.id, name).catch(() => undefined))
    }
    return undefined
  }

  async #withoutRedis(asked: OriginRequest): Promise<Step> {
    const { order, seen, peers, instance } = this.#o
    const holder = seen.get(order.id)
    if (!holder || holder.instance === instance || this.#useless.has(holder.instance)) return 'origin'
    this.#useless.add(holder.instance)
    const introduced = await this.#right.introduced(holder, asked.signal)
    for (const what of [holder.generation, 'stored'] as const) {
      const reply = await peers.get(holder.url, this.#question(what, asked, asked.signal))
      if (reply.kind !== 'body') continue
      const { entry } = reply.about
      const isYoung = entry === undefined || order.accepts?.(entry) === true
      if (isYoung && (await this.#right.mayTake(reply.about, asked.signal, introduced)))
        return this.#answer(reply, undefined, asked)
      this.#dismiss(reply)
    }
    return 'origin'
  }

  #question(generation: PeerQuestion['generation'], { headers }: OriginRequest, signal: AbortSignal) {
    const { range, 'if-range': ifRange } = headers
    const wanted = range !== undefined && ifRange !== undefined ? { range, 'if-range': ifRange } : {}
    return { id: this.#o.order.id, generation, headers: wanted, signal }
  }

  #dismiss(reply: PeerReply): void {
    if (reply.kind === 'body') reply.stream.destroy()
  }

  /** A node that sends nothing may still be alive. Only an answer of Redis changes the holder. */
  async #isOver(holder: Holder): Promise<boolean> {
    try {
      return (await this.#o.leases.look(this.#o.order.id)).holder?.generation !== holder.generation
    } catch {
      return false
    }
  }

  #answer(body: PeerBody, holder: Holder | undefined, { signal }: OriginRequest): OriginAnswer {
    const isOver = holder && (() => this.#isOver(holder))
    return answerOf(body, this.#o.order, { signal, isOver })
  }

  async #tell(ending: Ending, entry: Entry | undefined): Promise<void> {
    const { leases, order } = this.#o
    if ((ending.kind === 'stored' || ending.kind === 'renewed') && entry?.id === order.id) {
      await (this.#isFilled && !this.#held ? leases.have(order.id, entry.sha256) : this.#publish(ending.kind, entry))
      return
    }
    const held = this.#held
    const isTold = ending.kind === 'failed' && ending.remembered && order.access === 'public'
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
      if (!standing.entry || standing.entry.validatedAt < entry.validatedAt) await this.#acquire(standing)
    }
    const { stale, replaces } = order
    const known = stale ?? replaces
    const isOther = known !== undefined && known.sha256 !== entry.sha256
    if (!this.#lease || (this.#held && (await leases.publish(this.#held, entry, isOther)))) return
    const standing = await leases.look(order.id)
    if (standing.entry?.sha256 !== entry.sha256) await superseded(entry)
  }
}

function isConditional({ headers }: OriginRequest): boolean {
  return 'if-none-match' in headers || 'if-modified-since' in headers
}

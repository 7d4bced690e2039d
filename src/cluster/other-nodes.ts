/** Takes bytes from nodes that have all of a body, or a part of it. */

import type { Order } from '../flight/subject.js'
import type { KeyId } from '../store/types.js'
import type { OriginAnswer, OriginRequest } from '../upstream/types.js'
import { aboutOf, answerOf, renewedAnswer } from './answers.js'
import type { SharedLeases, Standing } from './leases.js'
import type { Nodes } from './nodes.js'
import type { PeerQuestion, PeerReply, Peers } from './peers.js'
import type { Right } from './right.js'

export interface OtherNodesOptions {
  readonly order: Order
  readonly instance: string
  readonly leases: SharedLeases
  readonly peers: Peers
  readonly nodes: Nodes
  readonly right: Right
  /** Instances of nodes that sent this download no byte; grows. */
  readonly useless: Set<number | string>
  /** Registers work that continues after the answer. */
  readonly behind: (work: Promise<void>) => void
}

export class OtherNodes {
  readonly #o: OtherNodesOptions

  constructor(options: OtherNodesOptions) {
    this.#o = options
  }

  /** Takes the body from a node that has all of it, if this order may use the entry. */
  async stored({ entry, at }: Standing, asked: OriginRequest): Promise<OriginAnswer | undefined> {
    const { order, nodes, peers, leases, instance, right, useless } = this.#o
    const known = order.stale ?? order.replaces
    if (!entry || order.accepts?.(entry) !== true) return undefined
    if (known && entry.validatedAt <= known.validatedAt) return undefined
    if (order.replaces && entry.sha256 === order.replaces.sha256) return undefined
    if (order.stale?.sha256 === entry.sha256 && isConditional(asked)) return renewedAnswer(order, order.stale, entry)
    const elsewhere = await nodes.urlsOf(at.filter((name) => name !== instance && !useless.has(name)))
    if (elsewhere.size === 0 || !(await right.mayTake(aboutOf(entry), asked.signal))) return undefined
    for (const [name, url] of elsewhere) {
      asked.onStart?.()
      const reply = await peers.get(url, questionOf(order.id, 'stored', asked))
      if (reply.kind === 'body' && reply.about.entry?.sha256 === entry.sha256) return answerOf(reply, order, asked)
      dismiss(reply)
      useless.add(name)
      if (reply.kind === 'not here' || reply.kind === 'body') await leases.gone(order.id, name)
    }
    return undefined
  }

  /**
   * Takes bytes from nodes that followed an interrupted download. They send the bytes that they have and do not wait for
   * more, so that nodes never wait for each other in a circle.
   */
  async part(parts: readonly string[], asked: OriginRequest): Promise<OriginAnswer | undefined> {
    const { order, nodes, peers, leases, instance, right, useless, behind } = this.#o
    const names = parts.filter((name) => name !== instance && !useless.has(name))
    if (names.length === 0) return undefined
    for (const [name, url] of await nodes.urlsOf(names)) {
      useless.add(name)
      const reply = await peers.get(url, questionOf(order.id, 'part', asked))
      // A 200 to a range is a part of other content.
      const isRest = reply.kind === 'body' && (asked.headers['range'] === undefined || reply.status === 206)
      if (isRest && (await right.mayTake(reply.about, asked.signal))) return answerOf(reply, order, asked)
      dismiss(reply)
      if (reply.kind === 'not here') behind(leases.gonePart(order.id, name).catch(() => undefined))
    }
    return undefined
  }
}

export function questionOf(
  id: KeyId,
  generation: PeerQuestion['generation'],
  { headers, signal }: Pick<OriginRequest, 'headers' | 'signal'>,
): PeerQuestion {
  const { range, 'if-range': ifRange } = headers
  const wanted = range !== undefined && ifRange !== undefined ? { range, 'if-range': ifRange } : {}
  return { id, generation, headers: wanted, signal }
}

export function dismiss(reply: PeerReply): void {
  if (reply.kind === 'body') reply.stream.destroy()
}

function isConditional({ headers }: OriginRequest): boolean {
  return 'if-none-match' in headers || 'if-modified-since' in headers
}

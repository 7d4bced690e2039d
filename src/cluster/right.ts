/**
 * Decides whether an order may have the bytes of another node. The node that the client asked applies cache rule 9
 * (engine/rights.ts).
 */

import type { About } from '../flight/cluster.js'
import type { Order } from '../flight/subject.js'
import type { Holder } from './holder.js'

/** The questions of cache rule 9 to the origin. */
export interface PeerRights {
  /** Shows the origin the credential of the order and throws its refusal. The result is for `mayTake`. */
  introduce(order: Order, signal: AbortSignal): Promise<unknown>
  /** Decides whether the client of this order may have these bytes. Throws the refusal of the origin. */
  mayTake(order: Order, content: About, signal: AbortSignal, introduced?: unknown): Promise<boolean>
}

export class Right {
  readonly #order: Order
  readonly #rights: PeerRights

  constructor(order: Order, rights: PeerRights) {
    this.#order = order
    this.#rights = rights
  }

  /** Called before the holder of a private body is asked for it. */
  async introduced({ private: isPrivate }: Holder, signal: AbortSignal): Promise<unknown> {
    const order = this.#order
    return isPrivate && order.follows !== true ? this.#rights.introduce(order, signal) : undefined
  }

  async mayTake(about: About, signal: AbortSignal, introduced?: unknown): Promise<boolean> {
    const order = this.#order
    // Each reader of a copy proves its own right; the copy must be as private as the original.
    if (order.follows === true) return about.access !== 'client' || order.access === 'client'
    return this.#rights.mayTake(order, about, signal, introduced)
  }
}

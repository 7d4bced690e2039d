/** Decides for how long a download waits for a holder that sends nothing. */

import type { KeyId } from '../store/types.js'
import type { Holder } from './holder.js'
import type { SharedLeases } from './leases.js'
import type { Peers } from './peers.js'

/**
 * Milliseconds without any answer after which a holder counts as unreachable. They are more than the lifetime of a lease,
 * because a holder that is suspended has lost its lease by then.
 */
const UNANSWERED = 8_000
/** Milliseconds. After a longer time between two looks, bytes have arrived or this process was suspended. */
const APART = 4_000

export interface SilenceOptions {
  readonly id: KeyId
  readonly holder: Holder
  readonly leases: Pick<SharedLeases, 'look'>
  readonly peers: Pick<Peers, 'answers'>
}

/**
 * `over`: the holder has lost its lease or ended its download. `unreachable`: the holder does not answer this node; it may
 * continue its download.
 */
export type Silent = 'wait' | 'over' | 'unreachable'

export class Silence {
  readonly #o: SilenceOptions
  #looking: Promise<Silent> | undefined
  #lookedAt = -Infinity
  #heardAt = 0

  constructor(options: SilenceOptions) {
    this.#o = options
  }

  /** Called about once a second while the holder sends nothing. */
  look(): Promise<Silent> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)))
  }

  async #look(): Promise<Silent> {
    const { id, holder, leases, peers } = this.#o
    const now = performance.now()
    if (now - this.#lookedAt > APART) this.#heardAt = now
    // While Redis is unreachable, the lease of the holder counts as valid.
    const standing = await leases.look(id).catch(() => undefined)
    if (standing?.holders.every(({ generation }) => generation !== holder.generation) === true) return 'over'
    if (await peers.answers(holder.url)) this.#heardAt = performance.now()
    this.#lookedAt = performance.now()
    return this.#lookedAt - this.#heardAt > UNANSWERED ? 'unreachable' : 'wait'
  }
}

/** Waits for the node that downloads a key: the delay of its requests, the watch on its lease, and the limit of its silence. */

import { setTimeout as delay } from 'node:timers/promises'
import type { OriginRequest } from '../upstream/types.js'
import type { KeyId } from '../store/types.js'
import { type Holder, Moved } from './holder.js'
import { LONGEST_TIMER } from '../waits.js'
import type { SharedLeases } from './leases.js'
import type { Peers } from './peers.js'

/** Milliseconds between two requests for the same byte. */
const PAUSE = 50
/** Number of requests for the same byte after which the holder counts as unreachable. */
const MOST = 40

/** The requests of one download to the holders of its lease: delayed, and limited in number while they bring no byte. */
export class HolderAttempts {
  #fruitless = 0
  /** The holder and the range of the last request. */
  #last = ''

  /** Waits before a request that repeats the last one; false if there were too many. Rejects when the request is aborted. */
  async next(
    { generation }: Pick<Holder, 'generation'>,
    { headers: { range = '' }, signal }: Pick<OriginRequest, 'headers' | 'signal'>,
  ): Promise<boolean> {
    const asked = `${generation} ${range}`
    const isSame = this.#last === asked
    this.#last = asked
    this.#fruitless = isSame ? this.#fruitless + 1 : 0
    if (isSame) await delay(PAUSE, undefined, { signal })
    return this.#fruitless <= MOST
  }
}

/** Milliseconds between two checks of the lease. */
const WATCH = 1_000

export interface Watching {
  readonly signal: AbortSignal
  /** Milliseconds that the request may wait. */
  readonly headersTimeout: number
  /** Tells whether another node holds the lease now. */
  readonly isOver: () => Promise<boolean>
}

/** Waits for the answer of the holder, while Redis confirms that it holds the lease. undefined: another node holds the lease now. Throws if the request has waited for its limit. */
export async function watched<T>(
  { signal, headersTimeout, isOver }: Watching,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const ended = new AbortController()
  const late = Object.assign(new Error('the node that downloads did not answer in time'), { code: 'ETIMEDOUT' })
  const timer = setTimeout(() => ended.abort(late), Math.min(headersTimeout, LONGEST_TIMER))
  const watch = setInterval(() => {
    void isOver().then((over) => over && ended.abort(new Moved('another node downloads by now')))
  }, WATCH)
  try {
    return await ask(AbortSignal.any([signal, ended.signal]))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Moved) return undefined
    throw error
  } finally {
    clearTimeout(timer)
    clearInterval(watch)
  }
}

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

/** Decides for how long a download waits for a holder that sends nothing. */
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

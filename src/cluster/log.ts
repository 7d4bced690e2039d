/**
 * The log of what was purged and replaced: every node applies it to its own store. A node keeps the place up to which it has
 * read, and goes on there when it comes back; what it missed is applied before it answers its first request.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { parseOrUndefined } from '../store/files.js'
import type { Entry, KeyId } from '../store/types.js'
import { keysOf } from './leases.js'
import type { Record, Redis } from './redis.js'
import { FENCE, HAS_RECORD, LOG_ENDS, RECORD } from './scripts.js'

/** A purge for the other nodes. */
export interface SharedPurge {
  /** JSON of the engine. */
  readonly order: object
  /** Keys whose shared entries go. */
  readonly ids: readonly KeyId[]
}

/** What a node does with the records. */
export interface LogTarget {
  purge(order: object): Promise<void>
  /** Another node has stored another content. */
  replaced(entry: Entry): Promise<void>
  /** This node has stored a body that no lease covered any more. */
  superseded(entry: Entry): Promise<void>
  /** Purges may have been missed: what is here has to be validated before it is served. */
  distrust(why: string): Promise<void>
}

/** Where the place in the log is kept. */
export interface Notes {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
}

interface Told {
  readonly purge: SharedPurge
  /** Of its record. */
  readonly id: string
  /** Milliseconds, monotonic. */
  readonly at: number
}

export interface LogOptions {
  readonly redis: Redis
  readonly prefix: string
  readonly instance: string
  readonly target: LogTarget
  readonly notes: Notes
  readonly warn: (message: string) => void
}

const PLACE = 'cluster-log'
/** Milliseconds before a failed read is repeated. */
const LATER = 300
/** Milliseconds, and number, of the purges of this process that a Redis which was emptied is told again. */
const REMEMBERED = 3_600_000
const MOST_REMEMBERED = 1_000

export class Log {
  readonly #o: LogOptions
  readonly #key: string
  #place: string | undefined
  readonly #stop = new AbortController()
  #following: Promise<void> = Promise.resolve()
  /** Purges that Redis has not heard of. */
  #pending: SharedPurge[] = []
  /** Purges that it has heard of, under their ids. */
  #told: readonly Told[] = []

  constructor(options: LogOptions) {
    this.#o = options
    this.#key = `${options.prefix}log`
    options.redis.onReturned(() => void this.#replay())
  }

  /** Applies what was missed, where Redis answers, and follows from there. */
  async start(): Promise<void> {
    await this.#catchUp().catch(() => this.#o.target.distrust('Redis does not answer'))
    this.#following = this.#follow()
  }

  /** No shared entry of these keys is used any more. Never rejects: {@link purged} does it again. */
  async fence(ids: readonly KeyId[]): Promise<void> {
    const { redis, prefix } = this.#o
    if (ids.length === 0) return
    await redis
      .run(
        FENCE,
        ids.flatMap((id) => keysOf(prefix, id, ['entry', 'at'])),
        [],
      )
      .catch(() => undefined)
  }

  /** Tells the other nodes now or, where Redis is out of reach, when it is back. */
  async purged(purge: SharedPurge): Promise<void> {
    try {
      await this.#append(purge)
    } catch {
      this.#pending.push(purge)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#following, delay(1_000)])
  }

  async #append(purge: SharedPurge): Promise<void> {
    await this.fence(purge.ids)
    const record = [JSON.stringify(purge.order), this.#o.instance]
    const id = String(await this.#o.redis.run(RECORD, [this.#key], record))
    this.#told = [...this.#told, { purge, id, at: performance.now() }].slice(-MOST_REMEMBERED)
  }

  /** A node that stood still when Redis was emptied has not read what it knew. A purge that is applied twice does no harm. */
  async #remind(): Promise<void> {
    const since = performance.now() - REMEMBERED
    this.#told = this.#told.filter(({ at }) => at > since)
    const last = this.#told.at(-1)
    if (!last || (await this.#o.redis.run(HAS_RECORD, [this.#key], [last.id])) === 1) return
    const lost = this.#told
    this.#told = []
    for (const { purge } of lost) await this.purged(purge)
  }

  async #replay(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    for (const purge of pending) await this.purged(purge)
  }

  async #catchUp(): Promise<void> {
    const { redis, notes, target } = this.#o
    const [last = '', first = ''] = (await redis.run(LOG_ENDS, [this.#key], [])) as string[]
    const place = await notes.get(PLACE)
    // A node that is new here has nothing that an old record could concern.
    if (place === undefined) return this.#reach(last === '' ? '0-0' : last)
    const isLost = isAfter(place, last === '' ? '0-0' : last) || (first !== '' && isTrimmed(place, first))
    if (isLost) {
      await target.distrust('records of purges are lost')
      return this.#reach(last === '' ? '0-0' : last)
    }
    this.#place = place
    while (isAfter(last, this.#place)) {
      const records = await redis.readLog(this.#key, this.#place)
      if (records.length === 0) return
      await this.#apply(records)
    }
  }

  async #follow(): Promise<void> {
    const { redis } = this.#o
    while (!this.#stop.signal.aborted) {
      try {
        // Redis was away when this process began.
        if (this.#place === undefined) await this.#catchUp()
        const records = await redis.readLog(this.#key, this.#place ?? '0-0')
        // What Redis knew was lost with it; this process has seen all of it.
        if (records.length === 0) await this.#followLost()
        await this.#apply(records)
        await this.#remind()
      } catch {
        await delay(LATER, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
  }

  /** A log that begins anew has ids of the present time, which are higher, unless Redis' clock was set back. */
  async #followLost(): Promise<void> {
    const [last = ''] = (await this.#o.redis.run(LOG_ENDS, [this.#key], [])) as string[]
    if (last !== '' && isAfter(this.#place ?? '0-0', last)) await this.#reach('0-0')
  }

  async #apply(records: readonly Record[]): Promise<void> {
    const { target, warn } = this.#o
    for (const { id, fields } of records) {
      const order = parseOrUndefined(fields.get('purged') ?? '') as object | undefined
      const entry = parseOrUndefined(fields.get('replaced') ?? '') as Entry | undefined
      try {
        if (order) await target.purge(order)
        if (entry) await target.replaced(entry)
      } catch (error) {
        warn(`cannot apply a purge of another node: ${String(error)}`)
      }
      await this.#reach(id)
    }
  }

  async #reach(place: string): Promise<void> {
    this.#place = place
    await this.#o.notes.set(PLACE, place)
  }
}

/** Ids of a stream are two numbers. */
function isAfter(a: string, b: string): boolean {
  const [aTime = 0, aNumber = 0] = a.split('-').map(Number)
  const [bTime = 0, bNumber = 0] = b.split('-').map(Number)
  return aTime > bTime || (aTime === bTime && aNumber > bNumber)
}

/** Records between the place and the first that is left may be missing: a log of a few records was never trimmed. */
function isTrimmed(place: string, first: string): boolean {
  return isAfter(first, place) && place !== '0-0'
}

/**
 * The log of purges and replacements. Every node applies it to its own store. A node saves its position in the log and
 * continues there after a restart. A node that was away (restarted, suspended, or without Redis) applies the records that it
 * missed before it answers a request.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { parseOrUndefined } from '../store/files.js'
import type { Entry, KeyId } from '../store/types.js'
import { alarm } from './alarm.js'
import { keysOf } from './leases.js'
import type { Record, Redis } from './redis.js'
import type { ClockDifference } from './time.js'
import { FENCE, HAS_RECORD, LOG_ENDS, RECORD } from './scripts.js'

/** A purge that the other nodes apply. */
export interface SharedPurge {
  /** Written and read by the engine, as JSON. */
  readonly order: object
  /** Keys whose shared entries are removed. */
  readonly ids: readonly KeyId[]
}

/** The actions of a node for the records. */
export interface LogTarget {
  purge(order: object): Promise<void>
  /** Another node has stored other content. */
  replaced(entry: Entry): Promise<void>
  /** This node has stored a body after its lease was lost. */
  superseded(entry: Entry): Promise<void>
  /** Purges may have been missed: every stored entry has to be validated before it is served. */
  distrust(why: string): Promise<void>
}

/** Stores the position in the log. */
export interface Notes {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
}

interface Told {
  readonly purge: SharedPurge
  /** The id of its record in the log. */
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
  readonly time: ClockDifference
  readonly warn: (message: string) => void
}

const PLACE = 'cluster-log'
const LOST = 'records of purges are lost'
/** Milliseconds before a failed read is repeated. */
const LATER = 300
/**
 * Milliseconds without a tick after which this process counts as suspended. They are fewer than the deadline of a purge by
 * HTTP: the answer to a purge waits for a node that is suspended for less.
 */
const SUSPENDED = 3_000
const TICK = 500
/** Milliseconds that a request waits for missed records: fewer than another node waits for the answer (peers.ts). */
const PATIENCE = 1_500
/** Purges of this process that are repeated after Redis was emptied: for how many milliseconds, and how many. */
const REMEMBERED = 3_600_000
const MOST_REMEMBERED = 1_000

export class Log {
  readonly #o: LogOptions
  readonly #key: string
  #place: string | undefined
  readonly #stop = new AbortController()
  #following: Promise<void> = Promise.resolve()
  /** The log may have records that this process has not applied. */
  #isBehind = false
  #wasSuspended = false
  #catching: Promise<void> | undefined
  /** Goes on when a request has waited for too long. */
  #reaching: Promise<true> | undefined
  #onReached: () => void = () => undefined
  #tickedAt = performance.now()
  #ticking: NodeJS.Timeout | undefined
  /** Purges that are not yet in Redis. */
  #pending: SharedPurge[] = []
  /** Purges that are in Redis, by the id of their record. */
  #told: readonly Told[] = []

  constructor(options: LogOptions) {
    this.#o = options
    this.#key = `${options.prefix}log`
    options.redis.onReturned(() => void this.#replay())
  }

  /** Applies the missed records if Redis answers, and then follows the log. */
  async start(): Promise<void> {
    await this.#catchUp().catch(() => this.#o.target.distrust('Redis does not answer'))
    this.#following = this.#follow()
    this.#ticking = setInterval(() => this.#tick(), TICK).unref()
  }

  /** True if a request has to wait for {@link caughtUp}. While Redis is unreachable, no request waits. */
  get behind(): boolean {
    this.#tick()
    return this.#isBehind && this.#o.redis.reachable
  }

  /** Resolves when the records that are in the log now have been applied, or when Redis does not answer. Never rejects. */
  caughtUp(): Promise<void> {
    return (this.#catching ??= this.#catchUpInTime().finally(() => (this.#catching = undefined)))
  }

  /** Called by a timer and by each request: the first of them after a suspension detects it. */
  #tick(): void {
    const now = performance.now()
    if (now - this.#tickedAt > SUSPENDED) this.#isBehind = this.#wasSuspended = true
    this.#tickedAt = now
  }

  async #catchUpInTime(): Promise<void> {
    let stop = (): void => undefined
    const late = new Promise<false>((resolve) => (stop = alarm(PATIENCE, () => resolve(false))))
    try {
      this.#reaching ??= this.#reachEnd().finally(() => (this.#reaching = undefined))
      if (await Promise.race([this.#reaching, late])) this.#isBehind = this.#wasSuspended = false
    } catch {
      // Redis is unreachable again.
    } finally {
      stop()
    }
  }

  /** Resolves when the records that are in the log now have been applied. */
  async #reachEnd(): Promise<true> {
    const last = await this.#last()
    // Redis was emptied meanwhile.
    if (this.#wasSuspended && isAfter(this.#place ?? '0-0', last)) {
      await this.#o.target.distrust(LOST)
      await this.#reach(last)
    }
    while (isAfter(last, this.#place ?? '0-0')) await new Promise<void>((resolve) => (this.#onReached = resolve))
    return true
  }

  /** The id of the last record; '0-0' if there is none. */
  async #last(): Promise<string> {
    const [last = ''] = (await this.#o.redis.run(LOG_ENDS, [this.#key], [])) as string[]
    return last === '' ? '0-0' : last
  }

  /** Removes the shared entries of these keys. Never rejects: {@link purged} repeats it. */
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

  /** Appends the purge to the log, now or when Redis is reachable again. */
  async purged(purge: SharedPurge): Promise<void> {
    try {
      await this.#append(purge)
    } catch {
      this.#pending.push(purge)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#ticking)
    await Promise.race([this.#following, delay(1_000)])
  }

  async #append(purge: SharedPurge): Promise<void> {
    await this.fence(purge.ids)
    const record = [JSON.stringify(purge.order), this.#o.instance]
    const id = String(await this.#o.redis.run(RECORD, [this.#key], record))
    this.#told = [...this.#told, { purge, id, at: performance.now() }].slice(-MOST_REMEMBERED)
  }

  /** A node that was suspended while Redis was emptied has not read the lost records. Applying a purge twice does no harm. */
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
    // A node that is new to the cluster has no entry that an old record could concern.
    if (place === undefined) return this.#reach(last === '' ? '0-0' : last)
    const isLost = isAfter(place, last === '' ? '0-0' : last) || (first !== '' && isTrimmed(place, first))
    if (isLost) {
      await target.distrust(LOST)
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
        // Redis was unreachable when this process started.
        if (this.#place === undefined) await this.#catchUp()
        const records = await redis.readLog(this.#key, this.#place ?? '0-0')
        // Redis has lost its records; this process has read all of them.
        if (records.length === 0) await this.#followLost()
        await this.#apply(records)
        await this.#remind()
      } catch {
        this.#isBehind = true
        await delay(LATER, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
  }

  /**
   * The ids of a new log start at the current time. They are higher than the old ones, unless the clock of Redis was set
   * back.
   */
  async #followLost(): Promise<void> {
    const last = await this.#last()
    if (last !== '0-0' && isAfter(this.#place ?? '0-0', last)) await this.#reach('0-0')
  }

  async #apply(records: readonly Record[]): Promise<void> {
    const { target, time, warn } = this.#o
    for (const { id, fields } of records) {
      const order = parseOrUndefined(fields.get('purged') ?? '') as object | undefined
      const entry = parseOrUndefined(fields.get('replaced') ?? '') as Entry | undefined
      try {
        if (order) await target.purge(order)
        if (entry) await target.replaced(time.heard(entry))
      } catch (error) {
        warn(`cannot apply a purge of another node: ${String(error)}`)
      }
      await this.#reach(id)
    }
  }

  async #reach(place: string): Promise<void> {
    this.#place = place
    this.#onReached()
    await this.#o.notes.set(PLACE, place)
  }
}

/** The id of a stream record is two numbers. */
function isAfter(a: string, b: string): boolean {
  const [aTime = 0, aNumber = 0] = a.split('-').map(Number)
  const [bTime = 0, bNumber = 0] = b.split('-').map(Number)
  return aTime > bTime || (aTime === bTime && aNumber > bNumber)
}

/** Records between the position and the first one that is left may be missing. A log of a few records was never trimmed. */
function isTrimmed(place: string, first: string): boolean {
  return isAfter(first, place) && place !== '0-0'
}

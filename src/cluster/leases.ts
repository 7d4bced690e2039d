/**
 * The leases and hints of a cluster, in Redis. A process uses Redis for a key only while it holds the lease of its own
 * directory (flight/lease.ts), so nodes compete here and the processes of one node do not.
 *
 *   1. The generation of a lease is the time of Redis in microseconds, and above that of the shared entry: a later lease has a
 *      higher generation.
 *   2. A lease lives for six seconds. One script renews all leases of this process every two seconds. If a lease is missing
 *      because Redis was emptied, it is written again while the last renewal is younger than the lifetime. A process that
 *      was suspended for longer has lost the lease, even if its successor's lease has ended.
 *   3. A node takes over its own lease at once, and the lease of another node never. A node that cannot reach the holder
 *      takes a second lease beside it, and the other nodes that cannot reach the holder read from this node.
 *   4. The lease only saves downloads. Correctness does not depend on it: the generation guards the shared entry; validators
 *      and sums guard the bytes.
 */

import { parseOrUndefined } from '../store/files.js'
import type { Entry, KeyId, Sha256 } from '../store/types.js'
import type { Failure } from '../flight/ending.js'
import { Moved, type Holder, type Slot } from './holder.js'
import type { Redis, Script } from './redis.js'
import type { ClockDifference } from './time.js'
import { ACQUIRE, GONE, HAVE, LOOK, PART, PUBLISH, RELEASE, RENEW } from './scripts.js'

/** Lifetime in milliseconds of a lease without a renewal. */
const LIFETIME = 6_000
/** Number of renewals in one lifetime. */
const RENEWALS = 3
/** Lifetime in milliseconds of hints. */
const HINTS = 30 * 86_400_000
/** Milliseconds for which a node counts as having a part of an interrupted download. */
const PARTS = 3_600_000
/** Milliseconds for which other nodes reuse a failure (rule 8 of the cache). */
const FAILURES = 10_000

const SLOTS = ['lease', 'beside'] as const

/** The state of one key in the cluster. */
export interface Standing {
  /** Of `lease`, then of `beside`. */
  readonly holders: readonly Holder[]
  /** The leases that no node holds. */
  readonly free: readonly Slot[]
  readonly entry: Entry | undefined
  /** The generation of the entry, or of the purge that removed it; '' if there is neither. */
  readonly generation: string
  /** Instances of the nodes that have the body. */
  readonly at: readonly string[]
  /** Instances of the nodes that have followed a download of the key and may have only a part. */
  readonly parts: readonly string[]
  readonly failure: Failure | undefined
}

export interface SharedLease {
  readonly id: KeyId
  readonly slot: Slot
  readonly generation: number
  /** Aborted when another node may have taken the lease. */
  readonly lost: AbortSignal
}

export interface SharedLeasesOptions {
  readonly redis: Redis
  /** The prefix of every key. */
  readonly prefix: string
  readonly instance: string
  /** The URL at which other nodes reach this one. */
  readonly url: string
  readonly time: ClockDifference
  /** Milliseconds. Tests set a shorter one. */
  readonly lifetime?: number | undefined
}

interface Held extends SharedLease {
  readonly value: string
  readonly loss: AbortController
  /** Milliseconds, monotonic. */
  renewedAt: number
}

export class SharedLeases {
  readonly #o: SharedLeasesOptions
  readonly #lifetime: number
  readonly #held = new Set<Held>()
  readonly #timer: NodeJS.Timeout

  constructor(options: SharedLeasesOptions) {
    this.#o = options
    this.#lifetime = options.lifetime ?? LIFETIME
    this.#timer = setInterval(() => void this.#renew(), this.#lifetime / RENEWALS).unref()
  }

  /** @throws Unreachable, as all methods below do */
  async look(id: KeyId): Promise<Standing> {
    const reply = await this.#run(LOOK, id, [...SLOTS, 'entry', 'at', 'fail', 'part'], [])
    const [lease, beside, entry, at, failure, parts] = reply as [
      string | null,
      string | null,
      string | null,
      string[],
      string | null,
      string[],
    ]
    const [generation = '', json] = split(entry ?? '')
    const shared = json === undefined ? undefined : (parseOrUndefined(json) as Entry | undefined)
    const holders = [holderOf(lease, 'lease'), holderOf(beside, 'beside')].filter((holder) => holder !== undefined)
    return {
      holders,
      free: SLOTS.filter((slot) => holders.every((holder) => holder.slot !== slot)),
      entry: shared && this.#o.time.heard(shared),
      generation,
      at,
      parts,
      failure: failure === null ? undefined : (parseOrUndefined(failure) as Failure | undefined),
    }
  }

  /**
   * undefined: another node holds this lease, or the generation of the entry has changed.
   * @param known the generation of the entry that the caller has seen
   */
  async acquire(
    id: KeyId,
    { slot, isPrivate, known }: { readonly slot: Slot; readonly isPrivate: boolean; readonly known: string },
  ): Promise<SharedLease | undefined> {
    const { instance, url } = this.#o
    const asked = performance.now()
    const args = [instance, url, isPrivate ? 1 : 0, this.#lifetime, known]
    const [kind, what = ''] = (await this.#run(ACQUIRE, id, [slot, 'entry'], args)) as [string, string?]
    if (kind !== 'mine') return undefined
    const loss = new AbortController()
    const value = `${what} ${isPrivate ? 1 : 0} ${instance} ${url}`
    const lease: Held = { id, slot, generation: Number(what), value, loss, lost: loss.signal, renewedAt: asked }
    this.#held.add(lease)
    return lease
  }

  /** True after a suspension of this process. While Redis is unreachable, no node can take a lease. */
  mayBeTaken(lease: SharedLease): boolean {
    const held = [...this.#held].find((each) => each === lease)
    return held !== undefined && this.#o.redis.reachable && performance.now() - held.renewedAt > this.#lifetime
  }

  /** Publishes the result of a download and ends its lease. False if the lease was lost or Redis has a later entry. */
  async publish(lease: SharedLease, entry: Entry, replaces: boolean): Promise<boolean> {
    const isRecent = this.#forget(lease)
    const flags = [replaces ? 1 : 0, isRecent ? 1 : 0]
    const told = JSON.stringify(this.#o.time.told(entry))
    const args = [lease.generation, told, entry.sha256, this.#o.instance, HINTS, ...flags]
    const [held = '', stored = '', at = '', failed = ''] = keysOf(this.#o.prefix, lease.id, [
      lease.slot,
      'entry',
      'at',
      'fail',
    ])
    const keys = [held, stored, at, `${this.#o.prefix}log`, failed]
    return (await this.#o.redis.run(PUBLISH, keys, args)) === 1
  }

  /** Ends a lease. Other nodes reuse `failure` for a while, unless one of them downloads the key or has stored it. */
  async release(lease: SharedLease, failure?: Failure): Promise<void> {
    this.#forget(lease)
    const told = failure ? JSON.stringify(failureIn(failure)) : ''
    const other: Slot = lease.slot === 'lease' ? 'beside' : 'lease'
    await this.#run(RELEASE, lease.id, [lease.slot, 'fail', 'entry', other], [lease.generation, told, FAILURES])
  }

  /** Records that this node also has the body of the shared entry. */
  async have(id: KeyId, sha256: Sha256): Promise<void> {
    await this.#run(HAVE, id, ['entry', 'at', 'part'], [this.#o.instance, sha256, HINTS])
  }

  async gone(id: KeyId, instance: string): Promise<void> {
    await this.#run(GONE, id, ['at'], [instance])
  }

  /** Records that this node follows the download of another one. */
  async takesPart(id: KeyId): Promise<void> {
    await this.#run(PART, id, ['part'], [this.#o.instance, PARTS])
  }

  async gonePart(id: KeyId, instance: string): Promise<void> {
    await this.#run(GONE, id, ['part'], [instance])
  }

  close(): void {
    clearInterval(this.#timer)
    this.#held.clear()
  }

  #run(script: Script, id: KeyId, names: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#o.redis.run(script, keysOf(this.#o.prefix, id, names), args)
  }

  /** True if no other node can have taken the lease since its last renewal. */
  #forget(lease: SharedLease): boolean {
    const held = [...this.#held].find((each) => each === lease)
    return held !== undefined && this.#held.delete(held) && performance.now() - held.renewedAt < this.#lifetime
  }

  /** Renews the leases of this process. */
  async #renew(): Promise<void> {
    // After a suspension the connections end before Redis has answered: an origin can send much in that time.
    for (const lease of this.#held) if (this.mayBeTaken(lease)) this.#lose(lease)
    const held = [...this.#held]
    if (held.length === 0) return
    const asked = performance.now()
    const args = held.flatMap(({ value, renewedAt }) => [value, asked - renewedAt < this.#lifetime ? 1 : 0])
    const keys = held.flatMap(({ id, slot }) => keysOf(this.#o.prefix, id, [slot]))
    // While Redis is unreachable, no node can take a lease either.
    const kept = (await this.#o.redis.run(RENEW, keys, [this.#lifetime, ...args]).catch(() => [])) as number[]
    held.forEach((lease, i) => {
      if (kept[i] === 1) lease.renewedAt = asked
      else if (kept[i] === 0) this.#lose(lease)
    })
  }

  #lose(lease: Held): void {
    if (this.#held.delete(lease)) lease.loss.abort(new Moved('another node may download by now'))
  }
}

/** JSON.stringify leaves out the message of an error, because it is not enumerable. */
function failureIn({ code, message, status, retryAfter, hint }: Failure): Failure {
  return { code, message, status, retryAfter, hint }
}

export function keysOf(prefix: string, id: KeyId, names: readonly string[]): string[] {
  return names.map((name) => `${prefix}${name}:{${id}}`)
}

function holderOf(text: string | null, slot: Slot): Holder | undefined {
  const [generation, isPrivate, instance, url] = (text ?? '').split(' ')
  if (generation === undefined || instance === undefined || url === undefined) return undefined
  return { slot, generation: Number(generation), private: isPrivate === '1', instance, url }
}

function split(text: string): string[] {
  const end = text.indexOf(' ')
  return end === -1 ? [text] : [text.slice(0, end), text.slice(end + 1)]
}

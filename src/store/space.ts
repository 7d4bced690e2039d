/** The byte budget of one cache directory, kept by all its processes through the ledger in the index. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Batch } from './index/batch.js'
import type { Query } from './index/connection.js'
import type { Database } from './index/database.js'
import { planRoom, type Room, type RoomPlan } from './eviction.js'
import type { Layout } from './layout.js'
import type { Evictions } from './evictions.js'
import type { Flusher } from './index/flusher.js'
import {
  type Claim,
  type Commit,
  PROMISE_PATIENCE,
  type Request,
  type Reservation,
  countClaimed,
  dropReservation,
  dropReservations,
  readCounted,
  readQuota,
  readReservations,
  readRoom,
  readUsage,
  tryClaim,
  tryReserve,
  writeQuota,
} from './ledger.js'
import { costOfBytes } from './index/schema.js'
import type { Removal } from './removal.js'
import { freeBytes } from './slack.js'
import type { LedgerCheck } from './ledgercheck.js'
import { besidePinned, noRoom, tooLarge, tooLargeForDisk } from './no-room.js'
import type { KeyId, ReserveOptions, Sha256, Space } from './types.js'

/** Milliseconds between checks for room that other processes are making, and the number of checks. */
const WAIT = 10
const WAITS = 200
/** Milliseconds between checks for promises that may lapse, and the number of checks: a little longer than promises last. */
const PROMISE_WAIT = 50
const PROMISE_WAITS = PROMISE_PATIENCE / PROMISE_WAIT + 10
/** Bytes that stay free on the file system for the index and small files, as long as blobs can be evicted. */
const MARGIN = 256 * 1024
/** The number of checks for a blob that is being removed, which takes a few milliseconds. */
const REMOVAL_WAITS = 50
/** Rounds in which other processes may take the room that this process made. */
const ROUNDS = 1_000

export interface SpaceOptions {
  readonly layout: Layout
  readonly clock: { now(): number }
  /** A limit in bytes for the directory while this process adds bodies; the quota of the directory stays. */
  readonly limit: number | undefined
  readonly database: Database
  readonly removal: Removal
  readonly evictions: Evictions
  readonly flusher: Flusher
  /** Names this process in its reservations, so that others can tell when it is dead. */
  readonly owner: string
  /** False for a reservation whose owner is dead and whose unfinished file, if any, was dropped. */
  readonly isLive?: ((reservation: Reservation) => Promise<boolean>) | undefined
  readonly ledgerCheck: LedgerCheck
}

export class SharedSpace implements Space {
  readonly #options: SpaceOptions
  /** Bytes evicted for each reservation because of the limit of this process. */
  readonly #evictedFor = new Map<string, number>()
  /** Released reservations that are still in the index. */
  readonly #unreleased = new Set<KeyId>()
  readonly #requests: Batch<Request, { readonly quota: number | null } | undefined>
  readonly #claims: Batch<Claim, true>
  readonly #commits: Batch<Commit, boolean>

  constructor(options: SpaceOptions) {
    this.#options = options
    options.flusher.add(() => this.#writeReleases())
    const { database } = options
    this.#requests = new Batch(database, ({ query }, requests) => allOrEach(query, requests, tryReserve))
    this.#commits = new Batch(database, ({ query }, commits) => allOrEach(query, commits, countClaimed))
    this.#claims = new Batch(
      database,
      async ({ query }, claims) => new Map((await tryClaim(query, [...claims.values()])).map((id) => [id, true])),
    )
  }

  async quota(): Promise<number | undefined> {
    return this.#options.database.run(({ query }) => readQuota(query))
  }

  async setQuota(bytes: number | undefined): Promise<void> {
    const { database, ledgerCheck, evictions } = this.#options
    await ledgerCheck.ensure()
    await database.run(({ query }) => writeQuota(query, bytes))
    if (bytes !== undefined) await evictions.evict(async () => (await this.counted()) - bytes)
  }

  async usage(): Promise<{ blobs: number; reserved: number }> {
    await this.#options.ledgerCheck.ensure()
    return this.#options.database.run(({ query }) => readUsage(query))
  }

  async counted(): Promise<number> {
    await this.#options.ledgerCheck.ensure()
    return this.#options.database.run(({ query }) => readCounted(query))
  }

  async reserve(
    id: string,
    bytes: number,
    { ahead = bytes, held = 0 }: ReserveOptions = {},
  ): Promise<number | undefined> {
    const { owner, removal, ledgerCheck, clock } = this.#options
    this.#unreleased.delete(id)
    await ledgerCheck.ensure()
    await this.#lookAtDisk(bytes, ahead, held)
    await this.#obeyLimit(id, bytes, ahead)
    let waits = 0
    let promiseWaits = 0
    for (let round = 0; round < ROUNDS; round++) {
      const now = clock.now()
      const made = await this.#requests.add(id, { id, bytes, ahead, owner, now })
      if (made !== undefined) return made.quota ?? undefined
      const { room, plan } = await this.#planFor(id, bytes, ahead)
      if (room === undefined || plan === undefined) continue
      if (plan.do === 'refuse-size') throw tooLarge(bytes, room.quota)
      if (plan.do === 'refuse-pinned') throw besidePinned(bytes, room)
      if (plan.do === 'refuse-busy' || (plan.do === 'wait-for-promises' && promiseWaits++ === PROMISE_WAITS)) {
        if (await this.#reclaimForRoom()) continue
        throw noRoom(bytes, room.quota)
      }
      if (plan.do === 'wait-for-promises') {
        await sleep(PROMISE_WAIT)
        continue
      }
      if (plan.do === 'evict' && (await this.#evictFor(id, bytes, ahead))) continue
      // The blobs that could go are being removed, or are claimed by transfers that are just ending.
      if (waits++ < WAITS) {
        await sleep(WAIT)
        await removal.finishAbandoned()
      } else if (await this.#reclaimForRoom()) {
        waits = 0
      } else {
        break
      }
    }
    throw noRoom(bytes, (await this.quota()) ?? bytes)
  }

  async #planFor(id: string, bytes: number, ahead: number): Promise<{ room?: Room; plan?: RoomPlan }> {
    const { database, clock } = this.#options
    const room = await database.run(({ query }) => readRoom(query, id, clock.now()))
    return room ? { room, plan: planRoom(costOfBytes(bytes), ahead === 0 ? 0 : costOfBytes(ahead), room) } : {}
  }

  /** Another reservation may have evicted enough for this one. False if nothing could be evicted. */
  async #evictFor(id: string, bytes: number, ahead: number): Promise<boolean> {
    let missing = 0
    const freed = await this.#options.evictions.evict(async () => {
      const { plan } = await this.#planFor(id, bytes, ahead)
      return (missing = plan?.do === 'evict' ? plan.bytes : 0)
    })
    return missing === 0 || freed > 0
  }

  /**
   * Refuses a body that the file system could not hold even without all blobs, before anything is evicted. Evicts for the
   * bytes that will be granted, so that their writes do not fail.
   */
  async #lookAtDisk(bytes: number, ahead: number, held: number): Promise<void> {
    const free = freeBytes(this.#options.layout.root)
    if (free === undefined) return
    if (bytes - held > free) {
      const { blobs } = await this.#options.database.run(({ query }) => readUsage(query))
      if (bytes - held > free + blobs) throw tooLargeForDisk(bytes, this.#options.layout.root, free + blobs + held)
    }
    if (ahead <= held || ahead - held + MARGIN <= free) return
    await this.#options.evictions.evict(
      () => ahead - held + MARGIN - (freeBytes(this.#options.layout.root) ?? Infinity),
    )
  }

  /** Evicts for the limit of this process, and never more than the body takes. */
  async #obeyLimit(id: string, bytes: number, ahead: number): Promise<void> {
    const { limit, database, evictions } = this.#options
    if (limit === undefined) return
    if (costOfBytes(bytes) > limit) throw tooLarge(bytes, limit)
    if (ahead === 0) return
    const evicted = this.#evictedFor.get(id) ?? 0
    const freed = await evictions.evict(async () => {
      const counted = await database.run(({ query }) => readCounted(query, id))
      return Math.min(counted + costOfBytes(ahead) - limit, costOfBytes(bytes) - evicted)
    })
    if (freed > 0) this.#evictedFor.set(id, evicted + freed)
  }

  async commit(id: KeyId, sha256: Sha256, size: number, reservation: string = id): Promise<void> {
    const { owner } = this.#options
    const commit = { id, reservation, sha256, size, owner }
    for (let round = 0; round < ROUNDS; round++) {
      await this.#claim(commit)
      if (await this.#commits.add(reservation, commit)) {
        this.#evictedFor.delete(reservation)
        return
      }
      // The reservation was smaller than the body, or another transfer of this key used it up. A grant of no byte makes no room,
      // and the entry of an empty body needs some.
      await this.reserve(reservation, Math.max(size, 1))
    }
    throw noRoom(size, (await this.quota()) ?? size)
  }

  /**
   * Waits for a process that is removing this blob. A process that has stopped loses the blob; if it wakes and unlinks the new
   * file, the entry is dangling, which is a miss.
   */
  async #claim(commit: Commit): Promise<void> {
    for (let waits = 0; ; waits++) {
      const anyway = waits === REMOVAL_WAITS
      if (await this.#claims.add(commit.id, { ...commit, anyway })) return
      await sleep(WAIT)
    }
  }

  /** Never throws: a release that the index does not take now is written later. */
  async release(id: KeyId): Promise<void> {
    this.#evictedFor.delete(id)
    this.#unreleased.add(id)
    try {
      await this.#writeReleases()
    } catch {
      this.#options.flusher.arm()
    }
  }

  evict(bytes: number): Promise<number> {
    return this.#options.evictions.evict(() => bytes)
  }

  relieve(bytes: number): Promise<boolean> {
    return this.#options.evictions.relieve(bytes)
  }

  /** Releases the reservations of dead owners. Resolves with their number. */
  async reclaim(isLive: (reservation: Reservation) => Promise<boolean>): Promise<number> {
    let dropped = 0
    for (const reservation of await this.#options.database.run(({ query }) => readReservations(query))) {
      if (await isLive(reservation)) continue
      if (await this.#options.database.run(({ query }) => dropReservation(query, reservation))) dropped++
    }
    return dropped
  }

  async #writeReleases(): Promise<void> {
    if (this.#unreleased.size === 0) return
    await this.#options.database.run(async ({ query }) => {
      const ids = [...this.#unreleased]
      await dropReservations(query, ids)
      for (const id of ids) this.#unreleased.delete(id)
    })
  }

  async #reclaimForRoom(): Promise<boolean> {
    const { isLive } = this.#options
    return isLive !== undefined && (await this.reclaim(isLive)) > 0
  }
}

/** One statement for all values; one for each if they do not fit together. `attempt` resolves with the result of each of them. */
async function allOrEach<V, R>(
  query: Query,
  values: ReadonlyMap<string, V>,
  attempt: (query: Query, values: readonly V[]) => Promise<R>,
): Promise<ReadonlyMap<string, R>> {
  const results = new Map<string, R>()
  const all = await attempt(query, [...values.values()])
  const isMade = Boolean(all) || values.size === 1
  for (const [key, value] of values) results.set(key, isMade ? all : await attempt(query, [value]))
  return results
}

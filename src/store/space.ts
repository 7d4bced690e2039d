/** The byte budget of one cache directory, kept by all its processes through the ledger in the index. */

import { setTimeout as sleep } from 'node:timers/promises'
import { KissError } from '../errors.js'
import { Batch } from './index/batch.js'
import type { Query } from './index/connection.js'
import type { Database } from './index/database.js'
import { planRoom } from './eviction.js'
import type { Layout } from './layout.js'
import type { Evictor } from './evictor.js'
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
  readonly evictor: Evictor
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
    const { database, ledgerCheck } = this.#options
    await ledgerCheck.ensure()
    await database.run(({ query }) => writeQuota(query, bytes))
    const counted = await this.counted()
    if (bytes !== undefined && counted > bytes) await this.evict(counted - bytes)
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
    const { database, owner, removal, ledgerCheck, clock } = this.#options
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
      const room = await database.run(({ query }) => readRoom(query, id, now))
      if (room === undefined) continue
      const plan = planRoom(costOfBytes(bytes), ahead === 0 ? 0 : costOfBytes(ahead), room)
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
      if (plan.do === 'evict' && (await this.evict(plan.bytes)) > 0) continue
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
    const missing = ahead > held ? ahead - held + MARGIN - free : 0
    if (missing > 0) await this.evict(missing)
  }

  /** Evicts for the limit of this process, and never more than the body takes. */
  async #obeyLimit(id: string, bytes: number, ahead: number): Promise<void> {
    const { limit, database } = this.#options
    if (limit === undefined) return
    if (costOfBytes(bytes) > limit) throw tooLarge(bytes, limit)
    if (ahead === 0) return
    const counted = await database.run(({ query }) => readCounted(query, id))
    const evicted = this.#evictedFor.get(id) ?? 0
    const missing = Math.min(counted + costOfBytes(ahead) - limit, costOfBytes(bytes) - evicted)
    if (missing > 0) this.#evictedFor.set(id, evicted + (await this.evict(missing)))
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
    return this.#options.evictor.evict(bytes)
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

function tooLarge(bytes: number, quota: number): KissError {
  return new KissError('quota', `it takes ${bytes} bytes, and the quota of the cache is ${quota} bytes in all`)
}

function besidePinned(
  bytes: number,
  { quota, pinned }: { readonly quota: number; readonly pinned: number },
): KissError {
  return new KissError(
    'quota',
    `it takes ${bytes} bytes, and pinned entries take ${pinned} of the ${quota} bytes of the quota`,
    { hint: 'raise the quota, or let some go with kiss unpin' },
  )
}

function tooLargeForDisk(bytes: number, directory: string, room: number): KissError {
  return new KissError('disk', `it takes ${bytes} bytes, and the disk of ${directory} has room for ${room} bytes`, {
    hint: 'free some space, or choose a --cache-dir on a larger disk',
  })
}

function noRoom(bytes: number, quota: number): KissError {
  return new KissError(
    'quota',
    `there is no room for ${bytes} bytes: downloads under way have reserved what the quota of ${quota} bytes leaves`,
    { hint: 'try again when they have ended, or raise --quota' },
  )
}

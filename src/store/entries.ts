/** Entries in the index, a bounded memory in front of it, and uses written behind the answers. */

import { Batch } from './index/batch.js'
import type { Query } from './index/connection.js'
import { entryOf, readEntries, type Row, writeClaimed } from './index/entry-rows.js'
import type { Database } from './index/database.js'
import type { Flusher, WriteBehind } from './index/flusher.js'
import type { Invalidation } from './invalidation.js'
import { LruMap } from './lru.js'
import { ENTRIES, ENTRY_SHA256, IS_NAME } from './index/schema.js'
import type { Entry, EntryStore, KeyId, Sha256 } from './types.js'
import { type Use, used, usesOf } from './uses.js'

/** Entries kept in memory; one takes about 1 KiB. */
const MEMORY_LIMIT = 50_000
/** Rows per query of a listing. */
const PAGE = 500

/** An entry in memory: uses are added in place, because a copy for each use took 2 % of the time of small hits. */
type Remembered = Entry & { hits: number; lastUsedAt: number }

export interface Published {
  readonly stored: boolean
  /** The entry that was replaced. */
  readonly previous: Entry | undefined
}

export interface EntriesOptions {
  readonly database: Database
  readonly invalidation: Invalidation
  readonly flusher: Flusher
  readonly memoryLimit?: number
}

export class Entries implements EntryStore {
  readonly #database: Database
  readonly #invalidation: Invalidation
  readonly #memory: LruMap<KeyId, Remembered>
  readonly #uses: WriteBehind<KeyId, Use>
  readonly #reads: Batch<KeyId, Entry>
  readonly #publications: Batch<Entry, Published>
  /** Grows with every change that may outdate an entry that is being read. */
  #epoch = 0

  constructor({ database, invalidation, flusher, memoryLimit = MEMORY_LIMIT }: EntriesOptions) {
    this.#database = database
    this.#invalidation = invalidation
    this.#memory = new LruMap(memoryLimit)
    this.#uses = usesOf(database, flusher)
    this.#reads = new Batch(database, ({ query }, ids) => this.#readAll(query, [...ids.keys()]))
    this.#publications = new Batch(database, ({ query }, entries) => this.#publishAll(query, [...entries.values()]))
  }

  /** The entry in memory, unless a process has removed or replaced an entry since. */
  known(id: KeyId): Entry | undefined {
    this.#invalidation.hear()
    return this.#memory.get(id)
  }

  async get(id: KeyId): Promise<Entry | undefined> {
    return this.known(id) ?? this.#read(id)
  }

  /**
   * A read that has not begun serves every request for its entry: it sees the changes that were made before any of them. Fifty
   * clients of a new artifact made 50 reads in turn, and the download waited behind them.
   */
  #read(id: KeyId): Promise<Entry | undefined> {
    return this.#reads.add(id, id)
  }

  async #readAll(query: Query, ids: readonly KeyId[]): Promise<ReadonlyMap<KeyId, Entry>> {
    const epoch = this.#epoch
    const found = await readEntries(query, ids)
    // 1. this read begins; 2. the entry is removed, and memory dropped; 3. this read ends with the old entry: it may be
    // returned, since it was asked for before the removal, but not remembered.
    const entries = new Map([...found].map(([id, entry]) => [id, this.withUses(entry)]))
    if (epoch === this.#epoch) for (const [id, entry] of entries) this.#memory.set(id, entry)
    return entries
  }

  async reload(id: KeyId): Promise<Entry | undefined> {
    this.#memory.delete(id)
    return this.#read(id)
  }

  async set(entry: Entry): Promise<void> {
    const replaced = await this.#database.run(async ({ keyv }) => {
      const before = await keyv.get<Entry>(entry.id)
      await keyv.set(entry.id, entry)
      this.#remember(entry, before)
      return before !== undefined
    })
    if (replaced) await this.#invalidation.announce()
  }

  /**
   * As {@link set}, for the transfer that claims the blob of the entry (ledger.ts), and only while it does: a purge takes the
   * claim away. Resolves with the entry that was replaced.
   */
  async publish(entry: Entry): Promise<Published> {
    const result = (await this.#publications.add(entry.id, entry)) ?? { stored: false, previous: undefined }
    if (result.previous !== undefined) await this.#invalidation.announce()
    return result
  }

  async #publishAll(query: Query, entries: readonly Entry[]): Promise<ReadonlyMap<KeyId, Published>> {
    const previous = await readEntries(
      query,
      entries.map(({ id }) => id),
    )
    const written = await writeClaimed(query, entries)
    const published = entries.filter(({ id }) => written.has(id))
    for (const entry of published) this.#remember(entry, previous.get(entry.id))
    return new Map(published.map(({ id }) => [id, { stored: true, previous: previous.get(id) }]))
  }

  async renew(entry: Entry): Promise<boolean> {
    const renewed = await this.#database.run(async ({ query }) => {
      // Uses that are written later. The trigger entry_keeps_use keeps the number from falling.
      const hits = Math.max(0, entry.hits - (this.#uses.pending.get(entry.id)?.hits ?? 0))
      const rows = await query<Row>(
        `UPDATE ${ENTRIES} SET value = ?1 WHERE key = ?2 AND ${ENTRY_SHA256} = ?3 RETURNING key`,
        JSON.stringify({ value: { ...entry, hits } }),
        entry.id,
        entry.sha256,
      )
      this.#epoch++
      this.#memory.delete(entry.id)
      return rows.length > 0
    })
    if (renewed) await this.#invalidation.announce()
    return renewed
  }

  /** Every entry is stale from now on: the next request for it validates. @param now milliseconds since the epoch */
  async expireAll(now: number): Promise<void> {
    await this.#database.run(async ({ query }) => {
      await query(
        `UPDATE ${ENTRIES} SET value = json_set(value, '$.value.staleAt', ?1) WHERE json_extract(value, '$.value.staleAt') > ?1`,
        now,
      )
      this.dropMemory()
    })
    await this.#invalidation.announce()
  }

  async delete(id: KeyId, sha256?: Sha256): Promise<boolean> {
    return (await this.take(id, sha256)) !== undefined
  }

  /** As {@link delete}; resolves with the removed entry. */
  async take(id: KeyId, sha256?: Sha256): Promise<Entry | undefined> {
    const removed = await this.#database.run(async (connection) => {
      const [row] = await connection.query<Row>(
        `DELETE FROM ${ENTRIES} WHERE key = ?1 AND (?2 IS NULL OR ${ENTRY_SHA256} = ?2) RETURNING key, value`,
        id,
        sha256 ?? null,
      )
      this.#forget([id])
      return row === undefined ? undefined : entryOf(row)
    })
    if (removed !== undefined) await this.#invalidation.announce()
    return removed
  }

  /** Removes the entries that name the blob; with `ids`, only those among them. The caller announces it. */
  async takeAllOf(sha256: Sha256, ids?: readonly KeyId[]): Promise<KeyId[]> {
    return this.#database.run(async (connection) => {
      const rows = await connection.query<{ key: KeyId }>(
        `DELETE FROM ${ENTRIES} WHERE ${ENTRY_SHA256} = ?1 AND (?2 IS NULL OR key IN (SELECT value FROM json_each(?2)))
          RETURNING key`,
        sha256,
        ids === undefined ? null : JSON.stringify(ids),
      )
      const taken = rows.map((row) => row.key)
      this.#forget(taken)
      return taken
    })
  }

  touch(id: KeyId, now: number): void {
    this.#uses.add(id, { hits: 1, lastUsedAt: now })
    const known = this.#memory.get(id)
    if (known === undefined) return
    known.hits++
    known.lastUsedAt = Math.max(known.lastUsedAt, now)
  }

  async *list(after: KeyId = ''): AsyncIterable<Entry> {
    for (let page = this.#page(after); ;) {
      const entries = await page
      const end = entries.at(-1)
      if (end === undefined) return
      // SQLite reads the next page while the caller uses this one: a list of 100,000 entries takes a third less time.
      page = this.#page(end.id)
      // A caller that stops early does not wait for it.
      page.catch(() => undefined)
      yield* entries
    }
  }

  /** The entries of these ids, of these keys (each of their contents), or with these beginnings of ids. */
  async *some(ids: Iterable<KeyId>): AsyncIterable<Entry> {
    for (const id of ids) {
      const found = await this.find(id)
      if (found !== undefined) yield found
      yield* await this.below(id)
    }
  }

  /** The names (names.ts) among the entries of these ids and of these keys. */
  async names(ids: readonly KeyId[]): Promise<Entry[]> {
    // The outer loop runs over the ids: each of them is looked up in the index of names.
    const rows = await this.#database.query<Row>(
      `WITH asked (id) AS (SELECT value FROM json_each(?))
        SELECT key, value FROM asked CROSS JOIN ${ENTRIES} ON key >= id AND key < id || '.' WHERE ${IS_NAME}`,
      JSON.stringify(ids),
    )
    return rows.map(entryOf)
  }

  /** The entries of the contents of a key, without the entry of the key itself. */
  async below(key: KeyId): Promise<Entry[]> {
    const rows = await this.#database.query<Row>(
      `SELECT key, value FROM ${ENTRIES} WHERE key > ?1 || '-' AND key < ?1 || '.'`,
      key,
    )
    return rows.map((row) => this.withUses(entryOf(row)))
  }

  /** Other entries that name the same blob, by their ids, at most `limit` of them. */
  async sharing({ id, sha256 }: Pick<Entry, 'id' | 'sha256'>, limit: number): Promise<Entry[]> {
    const rows = await this.#database.query<Row>(
      `SELECT key, value FROM ${ENTRIES} WHERE ${ENTRY_SHA256} = ? AND key <> ? ORDER BY key LIMIT ?`,
      sha256,
      id,
      limit,
    )
    return rows.map(entryOf)
  }

  async isNamed(sha256: Sha256): Promise<boolean> {
    return (await this.#database.query(`SELECT 1 FROM ${ENTRIES} WHERE ${ENTRY_SHA256} = ? LIMIT 1`, sha256)).length > 0
  }

  /** The entry with this id, or the only entry whose id begins like this. */
  async find(beginning: string): Promise<Entry | undefined> {
    if (!/^[0-9a-f]{8,64}(-[0-9a-f]{0,32})*$/.test(beginning)) return undefined
    const rows = await this.#database.query<Row>(
      `SELECT key, value FROM ${ENTRIES} WHERE key >= ?1 AND key < ?1 || 'g' ORDER BY key LIMIT 2`,
      beginning,
    )
    const [row] = rows
    if (row === undefined || (rows.length > 1 && row.key !== beginning)) return undefined
    return this.withUses(entryOf(row))
  }

  /** Drops the entries in memory: another process changed an entry, or the index was replaced. */
  dropMemory(): void {
    this.#epoch++
    this.#memory.clear()
  }

  /** Begins after a key and not at an offset, which removals meanwhile would shift. */
  async #page(last: KeyId): Promise<Entry[]> {
    const rows = await this.#database.query<Row>(
      `SELECT key, value FROM ${ENTRIES} WHERE key > ? ORDER BY key LIMIT ${PAGE}`,
      last,
    )
    return rows.map((row) => this.withUses(entryOf(row)))
  }

  /** `before`: the entry that is replaced; its uses are kept. */
  #remember(entry: Entry, before: Entry | undefined): void {
    this.#epoch++
    const kept = before === undefined ? entry : used(entry, { hits: 0, lastUsedAt: before.lastUsedAt })
    this.#memory.set(entry.id, this.withUses({ ...kept, hits: Math.max(kept.hits, before?.hits ?? 0) }))
  }

  /** The entry with its uses that are not written yet. */
  withUses(entry: Entry): Entry {
    return used(entry, this.#uses.pending.get(entry.id))
  }

  #forget(ids: readonly KeyId[]): void {
    this.#epoch++
    for (const id of ids) {
      this.#memory.delete(id)
      this.#uses.forget(id)
    }
  }
}

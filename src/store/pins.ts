/** Pinned entries: the quota does not evict them, and a purge by filters skips them. */

import type { Query } from './index/connection.js'
import type { Database } from './index/database.js'
import { ENTRIES, ENTRY_SHA256, IS_NAME } from './index/schema.js'
import type { KeyId } from './types.js'

/** Ids of the pins in force at the time `now`. */
const inForce = (now: string) => `SELECT id FROM pins WHERE until IS NULL OR until > ${now}`

/** Blobs that no eviction may choose. @param now a parameter of the statement: milliseconds since the epoch */
export const pinnedBlobs = (now: string): string =>
  `SELECT ${ENTRY_SHA256} FROM ${ENTRIES} WHERE key IN (${inForce(now)})`

/** Entries that no eviction may choose. */
export const pinnedEntries = inForce

export class Pins {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * Pins the existing entries among these ids, in place of earlier pins; resolves with the ids of the pinned entries.
   * @param until milliseconds since the epoch; undefined: for ever
   */
  async add(ids: readonly KeyId[], until: number | undefined): Promise<KeyId[]> {
    const rows = await this.#database.query<{ id: KeyId }>(
      `INSERT INTO pins (id, until) SELECT key, ?2 FROM ${ENTRIES} WHERE key IN (SELECT value FROM json_each(?1))
        ON CONFLICT (id) DO UPDATE SET until = excluded.until RETURNING id`,
      JSON.stringify(ids),
      until ?? null,
    )
    return rows.map(({ id }) => id)
  }

  async remove(ids: readonly KeyId[]): Promise<void> {
    await this.#database.query('DELETE FROM pins WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids))
  }

  /** The end of each pin by the id of its entry: milliseconds since the epoch, or Infinity. */
  async read(now: number): Promise<ReadonlyMap<KeyId, number>> {
    return this.#database.run(({ query }) => readPins(query, now))
  }

  /** The end of the pin of one entry: milliseconds since the epoch, or Infinity; undefined without a pin. */
  async end(id: KeyId, now: number): Promise<number | undefined> {
    const [row] = await this.#database.query<{ until: number | null }>(
      'SELECT until FROM pins WHERE id = ? AND (until IS NULL OR until > ?)',
      id,
      now,
    )
    return row && (row.until ?? Infinity)
  }

  /** Bytes of all pinned entries but names; a body counts once for each of them. */
  async usage(now: number): Promise<{ readonly entries: number; readonly bytes: number }> {
    const [row] = await this.#database.query<{ entries: number; bytes: number }>(
      `SELECT count(*) AS entries, coalesce(sum(json_extract(value, '$.value.size')), 0) AS bytes
        FROM ${ENTRIES} WHERE key IN (${inForce('?1')}) AND (${IS_NAME}) IS NOT TRUE`,
      now,
    )
    return row ?? { entries: 0, bytes: 0 }
  }
}

async function readPins(query: Query, now: number): Promise<ReadonlyMap<KeyId, number>> {
  const rows = await query<{ id: KeyId; until: number | null }>(
    'SELECT id, until FROM pins WHERE until IS NULL OR until > ?',
    now,
  )
  return new Map(rows.map(({ id, until }) => [id, until ?? Infinity]))
}

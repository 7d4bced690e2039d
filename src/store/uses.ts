/** Uses of entries that are not in the index yet. */

import type { Database } from './index/database.js'
import { ENTRIES } from './index/schema.js'
import type { Entry, KeyId } from './types.js'

const USES_FROM_JSON = `
  SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS hits, json_extract(value, '$[2]') AS last_used
  FROM json_each(?)`

/** Touches only rows that are there, so that a late write never brings back an entry that was removed meanwhile. */
const WRITE_USES = `
  UPDATE ${ENTRIES} SET value = json_set(value,
    '$.value.hits', json_extract(value, '$.value.hits') + used.hits,
    '$.value.lastUsedAt', max(json_extract(value, '$.value.lastUsedAt'), used.last_used))
  FROM (${USES_FROM_JSON}) AS used WHERE ${ENTRIES}.key = used.id`

/** Uses counted by day, in days since the epoch (UTC). */
const WRITE_DAYS = `
  INSERT INTO hits (id, day, n) SELECT used.id, used.last_used / 86400000, used.hits
  FROM (${USES_FROM_JSON}) AS used WHERE EXISTS (SELECT 1 FROM ${ENTRIES} WHERE key = used.id)
  ON CONFLICT (id, day) DO UPDATE SET n = n + excluded.n`

/** The number of uses, and the time of the last one (milliseconds since the epoch). */
export interface Use {
  readonly hits: number
  readonly lastUsedAt: number
}

export class PendingUses {
  #uses = new Map<KeyId, { -readonly [K in keyof Use]: Use[K] }>()

  get size(): number {
    return this.#uses.size
  }

  note(id: KeyId, use: Use): void {
    const known = this.#uses.get(id)
    if (known === undefined) {
      this.#uses.set(id, { ...use })
      return
    }
    known.hits += use.hits
    known.lastUsedAt = Math.max(known.lastUsedAt, use.lastUsedAt)
  }

  /** The entry with the uses that are not written yet. */
  over(entry: Entry): Entry {
    const use = this.#uses.get(entry.id)
    return use === undefined ? entry : used(entry, use)
  }

  forget(id: KeyId): void {
    this.#uses.delete(id)
  }

  /** Writes them to the index, and forgets them. */
  async write(database: Database): Promise<void> {
    if (this.#uses.size === 0) return
    await database.run(async (connection) => {
      // Taken within the operation: no read can come between and see them neither here nor in the index.
      const uses = this.#uses
      this.#uses = new Map()
      const rows = JSON.stringify([...uses].map(([id, use]) => [id, use.hits, use.lastUsedAt]))
      try {
        await connection.query(WRITE_USES, rows)
      } catch (error) {
        for (const [id, use] of uses) this.note(id, use)
        throw error
      }
      // A failure here leaves a gap in a chart; the uses above are not counted again.
      await connection.query(WRITE_DAYS, rows)
    })
  }
}

export function used(entry: Entry, use: Use): Entry {
  return { ...entry, hits: entry.hits + use.hits, lastUsedAt: Math.max(entry.lastUsedAt, use.lastUsedAt) }
}

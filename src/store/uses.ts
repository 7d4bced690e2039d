/** Uses of entries: counted in memory, and written to the index behind the answers. */

import type { Database } from './index/database.js'
import { type Flusher, WriteBehind } from './index/flusher.js'
import { ENTRIES } from './index/schema.js'
import type { Entry, KeyId } from './types.js'

const USES_FROM_JSON = `
  SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS hits, json_extract(value, '$[2]') AS last_used
  FROM json_each(?)`

/** Touches only existing rows, so that a late write never brings back an entry that was removed meanwhile. */
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

export function usesOf(database: Database, flusher: Flusher): WriteBehind<KeyId, Use> {
  return new WriteBehind<KeyId, Use>({
    database,
    flusher,
    merge: plus,
    write: ({ query }, uses) => query(WRITE_USES, rows(uses)),
    // A failure here leaves a gap in a chart; the uses above are not counted again.
    written: (uses) => database.query(WRITE_DAYS, rows(uses)),
  })
}

/** The entry with one more use; without a use, the same entry. */
export function used(entry: Entry, use: Use | undefined): Entry {
  return use === undefined ? entry : { ...entry, ...plus(entry, use) }
}

function plus(a: Use, b: Use): Use {
  return { hits: a.hits + b.hits, lastUsedAt: Math.max(a.lastUsedAt, b.lastUsedAt) }
}

function rows(uses: ReadonlyMap<KeyId, Use>): string {
  return JSON.stringify([...uses].map(([id, use]) => [id, use.hits, use.lastUsedAt]))
}
